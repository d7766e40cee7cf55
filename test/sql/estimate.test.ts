// Goal: the planner is asked only where the answer can matter and asking cannot do anything.
// Method: statements as data over a schema with a big and a small table; plans as EXPLAIN prints them.
import { describe, expect, test } from 'vitest';
import { isWorthEstimating, mayBind, rowsOfPlan } from '../../src/sql/estimate.ts';
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
  ['one row of a big table that may hold many', { ...big, rowsMax: 1, folds: true }, true],
  ['many rows of a table that was never analysed, in one value', { reads: [read('public.new.id')], folds: true }, true],
  ['many rows of a big table', { ...big, rowsMax: 50_000 }, true],
  ['what is not understood', { ...big, unknowns: [{ why: 'odd', at: undefined }] }, false],
  ['a write', { ...big, kinds: ['read', 'write'] }, false],
  ['COPY', { ...big, kinds: ['read', 'export'], command: 'COPY TO STDOUT' }, true],
  ['a cursor, which gives nothing before it is read', { ...big, command: 'DECLARE CURSOR' }, false],
  ['a copy that stays in the database', { ...big, kinds: ['read', 'export'], command: 'CREATE TABLE AS' }, false],
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

  test('binds values only of the server’s own types: the check of a domain is anybody’s function', () => {
    expect(mayBind([])).toBe(true);
    expect(mayBind([23, 25, 1009])).toBe(true);
    expect(mayBind([23, 16_384])).toBe(false);
    // Not told yet.
    expect(mayBind([0])).toBe(false);
  });

  test('reads the first plan’s rows and nothing else', () => {
    expect(rowsOfPlan('[{"Plan":{"Node Type":"Limit","Plan Rows":12345}}]', 'given')).toEqual({
      known: true,
      value: 12345,
    });
    for (const odd of [
      null,
      '',
      '[]',
      '{}',
      '[{"Plan":{}}]',
      '[{"Plan":{"Plan Rows":"9"}}]',
      '[{"Plan":{"Plan Rows":-1}}]',
    ]) {
      expect(rowsOfPlan(odd, 'given').known, String(odd)).toBe(false);
    }
  });

  test('counts what goes into one value, where a statement folds rows', () => {
    const scan = (rows: number, more: object = {}) => ({ 'Node Type': 'Seq Scan', 'Plan Rows': rows, ...more });
    const plans: readonly (readonly [of: string, plan: object, given: number, folded: number])[] = [
      ['an aggregate', { 'Node Type': 'Aggregate', 'Plan Rows': 1, Plans: [scan(50_000)] }, 1, 50_000],
      [
        'an aggregate of a few rows of many',
        {
          'Node Type': 'Aggregate',
          'Plan Rows': 1,
          Plans: [{ 'Node Type': 'Limit', 'Plan Rows': 100, Plans: [scan(50_000)] }],
        },
        1,
        100,
      ],
      [
        'ARRAY(SELECT …)',
        { 'Node Type': 'Result', 'Plan Rows': 1, Plans: [scan(50_000, { 'Parent Relationship': 'InitPlan' })] },
        1,
        50_000,
      ],
      [
        'shares of three processes',
        {
          'Node Type': 'Aggregate',
          'Plan Rows': 1,
          Plans: [
            {
              'Node Type': 'Gather',
              'Workers Planned': 2,
              'Plan Rows': 2,
              Plans: [{ 'Node Type': 'Aggregate', 'Plan Rows': 1, Plans: [scan(20_000)] }],
            },
          ],
        },
        1,
        60_000,
      ],
      ['no folding at all', scan(7), 7, 7],
    ];
    for (const [of, plan, given, folded] of plans) {
      const text = JSON.stringify([{ Plan: plan }]);
      expect(rowsOfPlan(text, 'given'), of).toEqual({ known: true, value: given });
      expect(rowsOfPlan(text, 'folded'), of).toEqual({ known: true, value: folded });
    }
  });
});
