// Goal: the planner is asked only where the answer can matter and asking cannot do anything.
// Method: statements as data over a schema with a big and a small table; plans as EXPLAIN prints them.
import { describe, expect, test } from 'vitest';
import { explained, isWorthEstimating, rowsOfPlan } from '../../src/sql/estimate.ts';
import type { Analysis } from '../../src/sql/analysis.ts';
import type { SchemaIndex } from '../../src/sql/schema-index.ts';
import { anAnalysis, read } from '../policy/statements.ts';

const rows: Readonly<Record<string, number>> = { big: 2_000_000, small: 12 };
const index = {
  relationsNamed: (name: string) => [{ schema: 'public', name, rowsEstimate: rows[name] ?? -1 }],
} as unknown as SchemaIndex;

const big = { reads: [read('public.big.id')] };

const cases: readonly (readonly [of: string, change: Partial<Analysis>, expected: boolean])[] = [
  ['a big table', big, true],
  ['a big table by its rows alone', { relations: [{ schema: 'public', name: 'big' }] }, true],
  ['a small table', { reads: [read('public.small.id')] }, false],
  ['a table that was never analysed', { reads: [read('public.new.id')] }, false],
  ['a few rows of a big table', { ...big, rowsMax: 100 }, false],
  ['many rows of a big table', { ...big, rowsMax: 50_000 }, true],
  ['what is not understood', { ...big, unknowns: [{ why: 'odd', at: undefined }] }, false],
  ['a write', { ...big, kinds: ['read', 'write'] }, false],
  ['COPY', { ...big, kinds: ['read', 'export'], command: 'COPY TO STDOUT' }, false],
  [
    'a user’s function, which planning might run',
    { ...big, functions: [{ schema: 'public', name: 'f', signature: '', nature: 'pure' }] },
    false,
  ],
  [
    'the server’s own functions',
    { ...big, functions: [{ schema: 'pg_catalog', name: 'lower', signature: 'text', nature: 'pure' }] },
    true,
  ],
];

describe('asking the planner', () => {
  test.each(cases)('%s', (_, change, expected) => expect(isWorthEstimating(anAnalysis(change), index)).toBe(expected));

  test('puts EXPLAIN in front, and leaves parameters alone', () => {
    expect(explained(Buffer.from('select 1'))?.toString()).toBe('EXPLAIN (FORMAT JSON) select 1');
    expect(explained(Buffer.from('select $1'))).toBeUndefined();
  });

  test('reads the first plan’s rows and nothing else', () => {
    expect(rowsOfPlan('[{"Plan":{"Node Type":"Limit","Plan Rows":12345}}]')).toEqual({ known: true, value: 12345 });
    for (const odd of [
      null,
      '',
      '[]',
      '{}',
      '[{"Plan":{}}]',
      '[{"Plan":{"Plan Rows":"9"}}]',
      '[{"Plan":{"Plan Rows":-1}}]',
    ]) {
      expect(rowsOfPlan(odd).known, String(odd)).toBe(false);
    }
  });
});
