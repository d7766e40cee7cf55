// Goal: every statement gets the verdict that the catalog and the rules give it, with the reason, the line and the people to ask.
// Method: analyses by hand against the sample folder, one table of cases; policies as YAML beside the case.
import { describe, expect, test } from 'vitest';
import { known } from '../../src/core/known.ts';
import { judge } from '../../src/policy/judge.ts';
import type { Asker } from '../../src/policy/asker.ts';
import type { Analysis } from '../../src/sql/analysis.ts';
import { sample } from '../catalog/sample.ts';
import { anAnalysis, anAsker, read } from './statements.ts';

const noon = Date.UTC(2026, 0, 15, 12, 0);
const night = Date.UTC(2026, 0, 15, 22, 30);

interface Case {
  readonly of: string;
  readonly analysis: Partial<Analysis>;
  readonly policy?: string;
  readonly asker?: Partial<Asker>;
  readonly now?: number;
  readonly estimate?: number;
  readonly expect: string;
}

const email = read('public.customers.email');
const order = { schema: 'public', name: 'orders' };
const customers = { schema: 'public', name: 'customers' };
const rules = (...list: readonly string[]): string =>
  `version: 1\nrules:\n${list.map((rule) => `  - ${rule}\n`).join('')}`;
const support =
  '{ name: support, when: { agent: support-bot, columns: [shop.public.customers.email], rows_max: 5 }, then: allow }';
const exports =
  '{ name: night-exports, when: { action: export, level: confidential+, hours: "20:00-07:00 Europe/Berlin" }, then: deny }';

const cases: readonly Case[] = [
  { of: 'a public column', analysis: { reads: [read('public.customers.id')] }, expect: 'allow' },
  {
    of: 'a restricted column',
    analysis: { reads: [email] },
    expect: 'hold: level restricted @shop.yaml:9 → security×2',
  },
  {
    of: 'a restricted column in a filter',
    analysis: { reads: [read('public.customers.email', 'filter')] },
    expect: 'hold: level restricted @shop.yaml:9 → security×2',
  },
  {
    of: 'a column with an owner',
    analysis: { reads: [read('public.customers.notes')] },
    expect: 'hold: level restricted @shop.yaml:10 → crm×2',
  },
  {
    of: 'two levels',
    analysis: { reads: [read('public.customers.phone'), email] },
    expect: 'hold: level confidential @shop.yaml:11, level restricted @shop.yaml:9 → data-owners×1, security×2',
  },
  {
    of: 'a secret',
    analysis: { reads: [read('legacy.Customer Data.Card No')] },
    expect: 'deny: level secret @shop.yaml:15',
  },
  {
    of: 'a column that nobody named',
    analysis: { reads: [read('public.unheard.of')] },
    expect: 'hold: level restricted @taxonomy.yaml:6 → security×2',
  },
  {
    of: 'the rows of a table that nobody named',
    analysis: { relations: [{ schema: 'public', name: 'unheard' }] },
    expect: 'hold: level restricted @taxonomy.yaml:6 → security×2',
  },
  { of: 'the number of rows of a named table', analysis: { relations: [customers] }, expect: 'allow' },
  {
    of: 'a restricted column that flows into a new table',
    analysis: {
      kinds: ['export'],
      command: 'CREATE TABLE AS',
      reads: [email],
      flows: [{ from: email.column, to: { relation: { schema: 'public', name: 'tmp_x' }, column: 'contact' } }],
    },
    expect: 'hold: level restricted @shop.yaml:9, no policy: export → security×2',
  },
  {
    of: 'a column that is free to read and flows into one of a lower level',
    analysis: {
      kinds: ['read', 'export', 'write'],
      command: 'INSERT',
      reads: [read('public.orders.id')],
      flows: [{ from: { relation: order, column: 'id' }, to: { relation: customers, column: 'id' } }],
    },
    expect: 'hold: no policy: export → data-owners×1',
  },
  {
    of: 'a column that flows into one of its own level',
    analysis: {
      kinds: ['read', 'export', 'write'],
      command: 'INSERT',
      reads: [read('public.orders.id')],
      flows: [{ from: { relation: order, column: 'id' }, to: { relation: order, column: 'total' } }],
    },
    expect: 'allow',
  },
  {
    of: 'a delete without where',
    analysis: { kinds: ['destructive'], command: 'DELETE', wholeTables: [order] },
    expect: 'hold: no policy: destructive → data-owners×1',
  },
  {
    of: 'ddl',
    analysis: { kinds: ['schema'], command: 'ALTER TABLE', wholeTables: [order] },
    expect: 'hold: no policy: schema → data-owners×1',
  },
  {
    of: 'a grant',
    analysis: { kinds: ['privilege'], command: 'GRANT' },
    expect: 'hold: no policy: privilege → data-owners×1',
  },
  {
    of: 'copy to a program',
    analysis: { kinds: ['export', 'escape'], command: 'COPY TO PROGRAM' },
    expect: 'deny: no policy: escape',
  },
  {
    of: 'what is not known',
    analysis: { unknowns: [{ why: 'dynamic SQL', at: undefined }] },
    expect: 'hold: no policy: not_known → security×2',
  },
  {
    of: 'a kind that is not known',
    analysis: { kinds: ['notKnown'], command: 'DO' },
    expect: 'hold: no policy: not_known → security×2',
  },
  { of: 'no kind at all', analysis: { kinds: [] }, expect: 'hold: no policy: not_known → security×2' },
  {
    of: 'a function without a word',
    analysis: { functions: [{ schema: 'public', name: 'f', signature: '', nature: 'listed' }] },
    expect: 'hold: no policy: not_known → security×2',
  },
  {
    of: 'a function with a word',
    analysis: { functions: [{ schema: 'public', name: 'order_total', signature: 'integer', nature: 'listed' }] },
    expect: 'allow',
  },
  {
    of: 'a restricted function',
    analysis: { functions: [{ schema: 'public', name: 'dump', signature: 'text', nature: 'listed' }] },
    expect: 'hold: level restricted @shop.yaml:20 → security×2',
  },
  {
    of: 'more rows than the level lets through',
    analysis: { reads: [read('public.orders.total')] },
    estimate: 10_001,
    expect: 'hold: no policy: large → data-owners×1',
  },
  {
    of: 'as many rows as the level lets through',
    analysis: { reads: [read('public.orders.total')] },
    estimate: 10_000,
    expect: 'allow',
  },
  {
    of: 'many rows, but a limit',
    analysis: { reads: [read('public.orders.total')], rowsMax: 10 },
    estimate: 1_000_000,
    expect: 'allow',
  },
  {
    of: 'the rule’s own agent with few rows',
    policy: rules(support),
    asker: { agent: 'support-bot' },
    analysis: { reads: [email], rowsMax: 5 },
    expect: 'allow: support @policy.yaml:3',
  },
  {
    of: 'another agent',
    policy: rules(support),
    analysis: { reads: [email], rowsMax: 5 },
    expect: 'hold: level restricted @shop.yaml:9 → security×2',
  },
  {
    of: 'too many rows for the rule',
    policy: rules(support),
    asker: { agent: 'support-bot' },
    analysis: { reads: [email], rowsMax: 6 },
    expect: 'hold: level restricted @shop.yaml:9 → security×2',
  },
  {
    of: 'rows that nobody knows',
    policy: rules(support),
    asker: { agent: 'support-bot' },
    analysis: { reads: [email] },
    expect: 'hold: level restricted @shop.yaml:9 → security×2',
  },
  {
    of: 'one column more than the rule names',
    policy: rules(support),
    asker: { agent: 'support-bot' },
    analysis: { reads: [email, read('public.customers.phone')], rowsMax: 5 },
    expect: 'hold: level confidential @shop.yaml:11, support @policy.yaml:3 → data-owners×1',
  },
  {
    of: 'a rule that allows what a level denies',
    policy: rules('{ name: a, when: { tables: [legacy.*] }, then: allow }'),
    analysis: { reads: [read('legacy.Customer Data.Card No')] },
    expect: 'deny: level secret @shop.yaml:15',
  },
  {
    of: 'an allowed use of a column',
    policy: rules('{ name: j, when: { columns: [public.customers.email], use: join }, then: allow }'),
    analysis: { reads: [read('public.customers.email', 'join')] },
    expect: 'allow: j @policy.yaml:3',
  },
  {
    of: 'an allowed use and another',
    policy: rules('{ name: j, when: { columns: [public.customers.email], use: join }, then: allow }'),
    analysis: { reads: [read('public.customers.email', 'join', 'output')] },
    expect: 'hold: level restricted @shop.yaml:9 → security×2',
  },
  {
    of: 'an export in the night',
    policy: rules(exports),
    now: night,
    analysis: { kinds: ['export'], reads: [email] },
    expect: 'deny: night-exports @policy.yaml:3, level restricted @shop.yaml:9',
  },
  {
    of: 'an export by day',
    policy: rules(exports),
    analysis: { kinds: ['export'], reads: [email] },
    expect: 'hold: level restricted @shop.yaml:9 → security×2',
  },
  {
    of: 'a read in the night',
    policy: rules(exports),
    now: night,
    analysis: { reads: [email] },
    expect: 'hold: level restricted @shop.yaml:9 → security×2',
  },
  {
    of: 'something unknown in the night',
    policy: rules(exports),
    now: night,
    analysis: { unknowns: [{ why: 'x', at: undefined }] },
    expect: 'deny: night-exports @policy.yaml:3, no policy: not_known',
  },
  {
    of: 'a rule that asks others',
    policy: rules('{ name: ask, when: { tables: [public.orders] }, then: hold, approvers: [crm], quorum: 2 }'),
    analysis: { reads: [read('public.orders.total')] },
    expect: 'hold: ask @policy.yaml:3 → crm×2',
  },
  {
    of: 'writing into a table that a rule guards',
    policy: rules('{ name: ro, when: { action: write, tables: [public.orders] }, then: deny }'),
    analysis: { kinds: ['write'], writes: [{ column: read('public.orders.total').column, how: 'update' }] },
    expect: 'deny: ro @policy.yaml:3',
  },
  {
    of: 'a truncate that a rule lifts',
    policy: rules('{ name: t, when: { action: destructive, tables: [public.orders] }, then: allow }'),
    analysis: { kinds: ['destructive'], command: 'TRUNCATE', wholeTables: [order] },
    expect: 'allow: t @policy.yaml:3',
  },
  {
    of: 'a truncate of one table more',
    policy: rules('{ name: t, when: { action: destructive, tables: [public.orders] }, then: allow }'),
    analysis: { kinds: ['destructive'], command: 'TRUNCATE', wholeTables: [order, customers] },
    expect: 'hold: no policy: destructive → data-owners×1',
  },
  {
    of: 'a drop that is destructive and ddl',
    policy: rules('{ name: t, when: { action: destructive, tables: [public.orders] }, then: allow }'),
    analysis: { kinds: ['destructive', 'schema'], command: 'DROP', wholeTables: [order] },
    expect: 'hold: no policy: destructive, no policy: schema → data-owners×1',
  },
  {
    of: 'a changed default',
    policy: 'version: 1\ndefaults: { destructive: deny }\n',
    analysis: { kinds: ['destructive'], wholeTables: [order] },
    expect: 'deny: default: destructive @policy.yaml:2',
  },
  {
    of: 'a missing reason',
    policy: rules('{ name: why, when: { level: internal, reason: missing }, then: hold }'),
    analysis: { reads: [read('public.orders.total')] },
    expect: 'hold: why @policy.yaml:3 → data-owners×1',
  },
  {
    of: 'a given reason',
    policy: rules('{ name: why, when: { level: internal, reason: missing }, then: hold }'),
    asker: { reason: 'ticket 7' },
    analysis: { reads: [read('public.orders.total')] },
    expect: 'allow',
  },
  {
    of: 'an address outside the network',
    policy: rules('{ name: net, when: { client_address: 192.168.0.0/16 }, then: deny }'),
    analysis: {},
    expect: 'allow',
  },
  {
    of: 'an address that is none',
    policy: rules('{ name: net, when: { client_address: 192.168.0.0/16 }, then: deny }'),
    asker: { clientAddress: '' },
    analysis: {},
    expect: 'deny: net @policy.yaml:3',
  },
  {
    of: 'a category and what is under it',
    policy: rules('{ name: c, when: { category: personal }, then: deny }'),
    analysis: { reads: [email] },
    expect: 'deny: c @policy.yaml:3, level restricted @shop.yaml:9',
  },
];

function verdictText(one: Case): string {
  const classification = sample(one.policy === undefined ? {} : { 'policy.yaml': one.policy });
  const estimate = one.estimate === undefined ? {} : { estimate: known(one.estimate) };
  const asker = anAsker(one.asker);
  const verdict = judge(anAnalysis(one.analysis), { classification, asker, now: one.now ?? noon, ...estimate });
  const reasons = verdict.reasons.map(({ rule, place }) =>
    place === undefined ? rule : `${rule} @${place.file.replace('classification/', '')}:${place.line}`,
  );
  const needs = verdict.kind === 'hold' ? verdict.needs.map((need) => `${need.groups.join('|')}×${need.quorum}`) : [];
  const after = reasons.length === 0 ? '' : `: ${reasons.join(', ')}`;
  return `${verdict.kind}${after}${needs.length === 0 ? '' : ` → ${needs.toSorted().join(', ')}`}`;
}

describe('judging', () => {
  test.each(cases)('$of', (one) => {
    expect(verdictText(one)).toBe(one.expect);
  });

  test('says until when the clock does not change the verdict', () => {
    const classification = sample({ 'policy.yaml': rules(exports) });
    const analysis = anAnalysis({ kinds: ['export'], reads: [email] });
    const at = Date.UTC(2026, 0, 15, 18, 55);
    const verdict = judge(analysis, { classification, asker: anAsker(), now: at });
    expect(verdict.kind).toBe('hold');
    expect(verdict.validUntil).toBe(Date.UTC(2026, 0, 15, 19, 0));
    expect(judge(analysis, { classification, asker: anAsker(), now: verdict.validUntil ?? 0 }).kind).toBe('deny');
  });

  test('stops the stream at the rows of the rule that allowed it', () => {
    const classification = sample({ 'policy.yaml': rules(support) });
    const asker = anAsker({ agent: 'support-bot' });
    const verdict = judge(anAnalysis({ reads: [email] }), { classification, asker, now: noon, estimate: known(2) });
    expect([verdict.kind, verdict.rowsMax]).toEqual(['allow', 5]);
  });

  test('names a column once that is read in two ways', () => {
    const reads = [email, read('public.customers.email', 'filter')];
    const { columns } = judge(anAnalysis({ reads }), { classification: sample(), asker: anAsker(), now: noon });
    expect(columns.map(({ column, uses }) => [column.column, uses])).toEqual([['email', ['output', 'filter']]]);
  });

  test('denies what should be held when there is nobody to ask', () => {
    const classification = sample({
      'taxonomy.yaml': 'version: 1\nlevels:\n  - { name: public, read: allow }\n',
      'shop.yaml': undefined,
      'approvers.yaml': undefined,
    });
    const verdict = judge(anAnalysis({ kinds: ['schema'] }), { classification, asker: anAsker(), now: noon });
    expect(verdict.kind).toBe('deny');
  });
});
