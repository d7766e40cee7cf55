// Goal: records and folders for the audit's tests.
// Method: factories with overrides; a fresh folder for each caller, removed when the test file ends.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditBody, LoggedRecord } from '../../src/audit/record.ts';
import { parseRecord } from '../../src/audit/reader.ts';
import { segmentName, segmentNumbers } from '../../src/audit/segment-file.ts';

export type JudgedBody = Extract<AuditBody, { readonly kind: 'judged' }>;

export function aJudged(overrides: Partial<JudgedBody> = {}): JudgedBody {
  return {
    kind: 'judged',
    session: 's_abcdefghijkl',
    agent: 'report-bot',
    owner: 'ana',
    database: 'shop',
    statement: 'a'.repeat(64),
    text: 'select id, total from orders where id = $1',
    verdict: 'allow',
    actions: ['read'],
    columns: [{ column: 'public.orders.id', level: 'public' }],
    rules: ['level public'],
    catalog: 'c1',
    schema: 'v1',
    ...overrides,
  };
}

/** `from`: the `seq` of the first one wanted. */
export function recordsIn(dir: string, from = 0): readonly LoggedRecord[] {
  const lines = linesIn(dir);
  return (from === 0 ? lines : lines.slice(from)).map((line) => {
    const record = parseRecord(line);
    if (typeof record === 'string') throw new Error(`${record}: ${line}`);
    return record;
  });
}

export function linesIn(dir: string): readonly string[] {
  return segmentNumbers(dir).flatMap((number) =>
    readFileSync(join(dir, segmentName(number)), 'utf8')
      .split('\n')
      .slice(0, -1),
  );
}

/** Waits for a condition, with a deadline. */
export async function until(what: string, condition: () => boolean, msMax = 10_000): Promise<void> {
  const deadline = performance.now() + msMax;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${msMax} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
