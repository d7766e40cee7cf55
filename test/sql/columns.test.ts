// Goal: the static witness says for every statement what it touches, and never less than the server itself says.
// Method: cases as data in test/sql/cases/columns-*.yaml on a real schema; each is compared with its row and with the server's own tree.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse as parseYaml, stringify } from 'yaml';
import { tagOf, type Node } from '../../src/sql/ast.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { Lab } from '../corpus/lab.ts';
import { rendered, type Rendered } from './rendered.ts';

interface Case extends Rendered {
  readonly sql: string;
  /** The first major whose grammar has it. */
  readonly since?: number;
}

interface File {
  readonly name: string;
  readonly head: string;
  readonly cases: Case[];
}

const folder = new URL('cases', import.meta.url).pathname;
const fixture = readFileSync(new URL('fixture/columns.sql', import.meta.url).pathname, 'utf8');
const files: readonly File[] = readdirSync(folder)
  .filter((name) => /^columns-.*\.yaml$/.test(name))
  .map((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    return { name, head: text.split('\n')[0] ?? '', cases: parseYaml(text).cases };
  });
const queries = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

/** The oldest and the newest: `npm run test:corpus` takes all four. */
describe.each([15, 18] as const)('on Postgres %i', (major) => {
  let postgres: TestPostgres;
  let lab: Lab;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off'] });
    await query(postgres.url(), fixture);
    lab = await Lab.open(postgres.url(), major);
    await lab.client.query('SET search_path = shop');
    lab.as('an_agent');
  });
  afterAll(async () => {
    await lab.client.end();
    await postgres.stop();
  });

  const one = (sql: string): Node => {
    const nodes = lab.parse(sql);
    if (nodes?.length !== 1 || nodes[0] === undefined) throw new Error(`not one statement: ${sql}`);
    return nodes[0];
  };

  describe.each(files)('$name', ({ cases }) => {
    test.each(cases.filter((each) => (each.since ?? 0) <= major))('$sql', async (each) => {
      const node = one(each.sql);
      const { findings } = await lab.analyse(node);
      const { sql, since, ...wanted } = each;
      const found = rendered(findings);
      if (process.env['UPDATE_CASES'] !== undefined) record(each, found);
      else expect(found).toEqual(wanted);
      if (!queries.has(tagOf(node))) return;
      const compared = await lab.compare(sql, node);
      expect(compared?.outcome === 'missed' ? compared.words : []).toEqual([]);
    });
  });
});

/** Writes what was found into the case's row; the difference is reviewed like code. */
function record(each: Case, found: Rendered): void {
  const file = files.find(({ cases }) => cases.includes(each));
  if (file === undefined) return;
  const { sql, since } = each;
  file.cases[file.cases.indexOf(each)] = { sql, ...(since === undefined ? {} : { since }), ...found };
  const rows = file.cases.map((row) => ({ ...row }));
  writeFileSync(join(folder, file.name), `${file.head}\n${stringify({ cases: rows }, { lineWidth: 0 })}`);
}
