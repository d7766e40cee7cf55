// Goal: nothing that somebody adds, and no order of rules or files, makes a verdict looser, but an allow rule for exactly the columns.
// Method: fast-check makes statements, askers, rules and files; every verdict is compared with the one without the addition.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { known, notKnown } from '../../src/core/known.ts';
import { judge } from '../../src/policy/judge.ts';
import { policyActions, type Verdict, type VerdictKind } from '../../src/policy/verdict.ts';
import type { Analysis, ColumnRead, StatementKind } from '../../src/sql/analysis.ts';
import { loadClassification } from '../../src/policy/classification.ts';
import { sample, sampleFiles } from '../catalog/sample.ts';
import { anAnalysis, anAsker, column } from './statements.ts';

const rank: Readonly<Record<VerdictKind, number>> = { allow: 0, hold: 1, deny: 2 };
const now = Date.UTC(2026, 2, 29, 1, 10);

const names = [
  'public.customers.id',
  'public.customers.email',
  'public.customers.phone',
  'public.customers.notes',
  'public.orders.total',
  'public.unheard.of',
  'legacy.Customer Data.Card No',
  'pg_catalog.pg_stats.most_common_vals',
];
const uses = ['output', 'filter', 'join', 'group', 'order', 'other'] as const;
const kinds: readonly StatementKind[] = [
  'read',
  'write',
  'export',
  'destructive',
  'schema',
  'privilege',
  'session',
  'escape',
  'notKnown',
];

const aColumn = fc.constantFrom(...names).map(column);
const aRead = fc.record({
  column: aColumn,
  uses: fc.subarray([...uses], { minLength: 1 }),
  via: fc.constant([]),
  kin: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.tuple(aColumn) }),
});
const anyAnalysis: fc.Arbitrary<Analysis> = fc
  .record({
    kinds: fc.subarray([...kinds], { minLength: 1, maxLength: 2 }),
    reads: fc.array(aRead, { maxLength: 4 }),
    writes: fc.array(fc.record({ column: aColumn, how: fc.constant('update' as const) }), { maxLength: 2 }),
    wholeTables: fc.array(
      aColumn.map((one) => one.relation),
      { maxLength: 2 },
    ),
    relations: fc.array(
      aColumn.map((one) => one.relation),
      { maxLength: 2 },
    ),
    rowsMax: fc.constantFrom(undefined, 1, 5, 100_000),
    unknowns: fc.constantFrom([], [], [], [{ why: 'dynamic SQL', at: undefined }]),
  })
  .map((change) => anAnalysis(change));

const conditions = fc.record(
  {
    agent: fc.constantFrom('report-bot', 'other', '*'),
    database: fc.constantFrom('shop', 'other'),
    action: fc.oneof(fc.constantFrom(...policyActions), fc.subarray([...policyActions], { minLength: 1 })),
    level: fc.constantFrom('public', 'internal', 'confidential', 'confidential+', 'restricted', 'secret', 'public+'),
    category: fc.constantFrom('personal', 'personal.contact.email', 'financial.card.pan'),
    columns: fc.constantFrom(
      ['shop.public.customers.email'],
      ['public.customers.*'],
      ['other.public.customers.email'],
      ['*.*.*'],
    ),
    tables: fc.constantFrom(['public.customers'], ['*.*'], ['public.orders']),
    use: fc.subarray([...uses], { minLength: 1 }),
    rows_max: fc.constantFrom(1, 5, 1000),
    rows_over: fc.constantFrom(0, 5, 1000),
    hours: fc.constantFrom('20:00-07:00 Europe/Berlin', '09:00-17:00 UTC', 'Mon-Fri 00:00-24:00 UTC'),
    client_address: fc.constantFrom('10.0.0.0/8', '192.168.0.0/16'),
    reason: fc.constantFrom('given', 'missing'),
    transaction: fc.constantFrom('open', 'none'),
  },
  { requiredKeys: [] },
);
const strictRule = fc.record({ when: conditions, then: fc.constantFrom('hold', 'deny') });
const allowRule = fc.record({
  when: fc
    .tuple(
      conditions,
      fc.constantFrom(
        { level: 'confidential+' },
        { columns: ['public.customers.email'] },
        { tables: ['public.customers'] },
        { action: 'destructive' },
      ),
    )
    .map(([some, named]) => ({ ...some, ...named })),
  then: fc.constant('allow'),
});
const estimate = fc.constantFrom(notKnown('not asked'), known(3), known(50_000));

type AnyRule = { readonly when: object; readonly then: string };

function verdictOf(
  rules: readonly AnyRule[],
  analysis: Analysis,
  rows: ReturnType<typeof notKnown> | { readonly known: true; readonly value: number },
): Verdict {
  const text = JSON.stringify({ version: 1, rules: rules.map((rule, index) => ({ name: `r${index}`, ...rule })) });
  const classification = sample({ 'policy.yaml': text });
  return judge(analysis, { classification, asker: anAsker(), now, estimate: rows });
}

const runs = { numRuns: 400 };

const unheard = { schema: 'public', name: 'unheard' };
const unheardRows: Analysis = {
  kinds: ['session'],
  command: 'SELECT',
  reads: [],
  writes: [],
  flows: [],
  functions: [],
  wholeTables: [],
  relations: [unheard],
  outputs: [],
  rowsMax: undefined,
  unknowns: [],
};
const unheardColumn: ColumnRead = {
  column: { relation: unheard, column: 'of' },
  uses: ['other'],
  via: [],
  kin: [{ relation: { schema: 'public', name: 'customers' }, column: 'id' }],
};

describe('nothing loosens a verdict', () => {
  test('no rule that holds or denies', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(strictRule, allowRule), { maxLength: 3 }),
        strictRule,
        anyAnalysis,
        estimate,
        (rules, added, analysis, rows) => {
          const before = verdictOf(rules, analysis, rows).kind;
          expect(rank[verdictOf([...rules, added], analysis, rows).kind]).toBeGreaterThanOrEqual(rank[before]);
        },
      ),
      runs,
    );
  });

  test('no order of the rules', () => {
    const list = fc.array(fc.oneof(strictRule, allowRule), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(list, anyAnalysis, estimate, (rules, analysis, rows) => {
        expect(verdictOf(rules.toReversed(), analysis, rows).kind).toBe(verdictOf(rules, analysis, rows).kind);
      }),
      runs,
    );
  });

  test('no allow rule, but for what it names', () => {
    fc.assert(
      fc.property(
        fc.array(strictRule, { maxLength: 2 }),
        allowRule,
        anyAnalysis,
        estimate,
        (rules, added, analysis, rows) => {
          const before = verdictOf(rules, analysis, rows);
          const after = verdictOf([...rules, added], analysis, rows);
          if (rank[after.kind] >= rank[before.kind]) return;
          // Only a hold was lifted, only level or action holds, and every one of them was named by the rule.
          expect([before.kind, after.kind]).toEqual(['hold', 'allow']);
          expect(
            before.reasons.filter(
              (reason) =>
                reason.verdict === 'hold' && !/^(level |no policy: (destructive|schema|privilege))/.test(reason.rule),
            ),
          ).toEqual([]);
          const lifted = after.reasons
            .filter((reason) => reason.verdict === 'allow')
            .flatMap((reason) => reason.columns.map((one) => JSON.stringify(one.column)));
          const held = before.reasons
            .filter((reason) => reason.verdict === 'hold')
            .flatMap((reason) => reason.columns.map((one) => JSON.stringify(one.column)));
          expect(held.filter((one) => !lifted.includes(one))).toEqual([]);
        },
      ),
      runs,
    );
  });

  test('no order of the files', () => {
    const extra = {
      'team.yaml': 'version: 1\ndatabase: shop\nowner: security\ntables: { public.unheard: internal }\n',
      'policy.yaml': 'version: 1\n',
    };
    const files = Object.entries({ ...sampleFiles, ...extra }).map(([name, text]) => ({ name, path: name, text }));
    fc.assert(
      fc.property(fc.shuffledSubarray(files, { minLength: files.length }), anyAnalysis, (shuffled, analysis) => {
        const [a, b] = [files, shuffled].map((list) => {
          const loaded = loadClassification(list);
          if (loaded.kind === 'bad') throw new Error('the sample has a mistake');
          return judge(analysis, { classification: loaded.value, asker: anAsker(), now });
        });
        expect(b?.kind).toBe(a?.kind);
        expect(b?.catalogVersion).toBe(a?.catalogVersion);
      }),
      { numRuns: 100 },
    );
  });

  test('nothing more that a statement touches, and nothing less that is known of it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(strictRule, allowRule), { maxLength: 3 }),
        anyAnalysis,
        aRead,
        estimate,
        (rules, analysis, more, rows) => {
          const before = verdictOf(rules, analysis, rows);
          const unknown = { ...analysis, unknowns: [{ why: 'dynamic SQL', at: undefined }] };
          expect(
            rank[verdictOf(rules, { ...analysis, reads: [...analysis.reads, more] }, rows).kind],
          ).toBeGreaterThanOrEqual(rank[before.kind]);
          expect(rank[verdictOf(rules, unknown, rows).kind]).toBeGreaterThanOrEqual(rank[before.kind]);
        },
      ),
      runs,
    );
  });

  test('a column that shares the level of a relative does not speak for a table that nobody named', () => {
    const before = verdictOf([], unheardRows, notKnown('not asked'));
    const after = verdictOf([], { ...unheardRows, reads: [unheardColumn] }, notKnown('not asked'));
    expect([before.kind, after.kind]).toEqual(['hold', 'hold']);
  });
});
