// The DBA's own cases: an asker and a statement, and what must become of it. Only their form; `countersign test` runs them.
import * as z from 'zod';
import { isNonEmpty } from '../core/brand.ts';
import { parseDotted, dotted } from '../core/names.ts';
import type { Mistake, Place } from '../core/place.ts';
import { loadYaml, placeOf, type Checked } from '../core/yaml.ts';
import { checkWith } from '../core/yaml-check.ts';
import type { ClassificationFile } from '../catalog/load.ts';
import type { VerdictKind } from './verdict.ts';

const testCase = z.strictObject({
  agent: z.string().min(1),
  database: z.string().min(1),
  sql: z.string().min(1).describe('One message: several statements are judged one by one, the strictest counts.'),
  expect: z.enum(['allow', 'hold', 'deny']),
  columns: z.array(z.string()).min(1).optional().describe('Columns that must be among what the statement uses.'),
  rule: z.string().optional().describe('A rule that must be among the reasons; `level restricted` for a level.'),
  asks: z.array(z.string()).min(1).optional().describe('Groups that must be among those asked.'),
  owner: z.string().optional().describe('The person behind the agent.'),
  at: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('The moment: 2026-01-15T22:00:00+01:00. Noon UTC of a Thursday otherwise.'),
  rows: z.int().min(0).optional().describe('Rows that the planner expects.'),
  reason: z.string().optional().describe('What the agent says why.'),
  application_name: z.string().optional(),
  client_address: z.string().optional(),
  transaction: z.enum(['none', 'open']).optional(),
  search_path: z.array(z.string()).optional(),
  because: z.string().optional().describe('Whom this was promised, for people.'),
});

export const casesSchema = z
  .strictObject({
    version: z.literal(1, 'this program reads version 1'),
    cases: z.array(testCase),
  })
  .describe('Statements and what must become of them.');

export interface TestCase {
  readonly place: Place;
  readonly agent: string;
  readonly owner: string;
  readonly database: string;
  readonly sql: string;
  readonly expect: VerdictKind;
  readonly columns: readonly string[];
  readonly rule: string | undefined;
  readonly asks: readonly string[];
  readonly at: number;
  readonly rows: number | undefined;
  readonly reason: string | undefined;
  readonly applicationName: string;
  readonly clientAddress: string;
  readonly transaction: 'none' | 'open';
  readonly searchPath: readonly string[];
}

/** A Thursday, 12:00 UTC: cases must not depend on when they are run. */
const usualMoment = Date.UTC(2026, 0, 15, 12);

export function loadCases(files: readonly ClassificationFile[]): Checked<readonly TestCase[]> {
  const cases: TestCase[] = [];
  const mistakes: Mistake[] = [];
  for (const file of files.filter((one) => one.name.startsWith('cases/'))) {
    const loaded = loadOne(file);
    if (loaded.kind === 'bad') mistakes.push(...loaded.mistakes);
    else cases.push(...loaded.value);
  }
  return isNonEmpty(mistakes) ? { kind: 'bad', mistakes } : { kind: 'good', value: cases };
}

function loadOne(file: ClassificationFile): Checked<readonly TestCase[]> {
  const document = loadYaml(file.path, file.text);
  if (document.kind === 'bad') return document;
  const checked = checkWith(casesSchema, document.value);
  if (checked.kind === 'bad') return checked;
  const mistakes: Mistake[] = [];
  const cases = checked.value.cases.map((shape, index): TestCase => {
    const columns = (shape.columns ?? []).map((text, at) => {
      const parts = parseDotted(text);
      if (parts?.length === 3) return dotted(...parts);
      const place = placeOf(document.value, ['cases', index, 'columns', at]);
      mistakes.push({ place, words: 'not a column', mend: 'write schema.table.column' });
      return text;
    });
    return {
      place: placeOf(document.value, ['cases', index]),
      agent: shape.agent,
      owner: shape.owner ?? '',
      database: shape.database,
      sql: shape.sql,
      expect: shape.expect,
      columns,
      rule: shape.rule,
      asks: shape.asks ?? [],
      at: shape.at === undefined ? usualMoment : Date.parse(shape.at),
      rows: shape.rows,
      reason: shape.reason,
      applicationName: shape.application_name ?? '',
      clientAddress: shape.client_address ?? '127.0.0.1',
      transaction: shape.transaction ?? 'none',
      searchPath: shape.search_path ?? ['$user', 'public'],
    };
  });
  return isNonEmpty(mistakes) ? { kind: 'bad', mistakes } : { kind: 'good', value: cases };
}
