// Goal: a column is masked only where it is shown and nothing else, and everything that is computed from it with it.
// Method: analyses by hand against a folder with a masked level, styles of categories, and rules; one table of cases.
import { describe, expect, test } from 'vitest';
import { known, notKnown } from '../../src/core/known.ts';
import { judge } from '../../src/policy/judge.ts';
import { maskPlan } from '../../src/policy/masking.ts';
import { loadClassification } from '../../src/policy/classification.ts';
import type { Analysis, ColumnUse, OutputColumn } from '../../src/sql/analysis.ts';
import { anAnalysis, anAsker, column, read } from './statements.ts';

const taxonomy = `version: 1
levels:
  - { name: public, read: allow }
  - { name: shielded, read: mask, approvers: [owners], mask: fixed }
  - { name: restricted, read: hold, approvers: [owners] }
  - { name: secret, read: deny }
categories:
  personal: { level: shielded }
  personal.contact: { mask: last4 }
  personal.contact.email: { mask: email }
  personal.contact.phone: { level: shielded }
`;
const approvers = 'version: 1\napprovers:\n  ana: { email: ana@example.com, groups: [owners] }\n';
const shop = `version: 1
database: shop
tables:
  public.people:
    columns:
      id: public
      name: personal
      email: personal.contact.email
      phone: personal.contact.phone
      ssn: restricted
      pan: secret
`;

function classified(rules = '') {
  const file = (name: string, text: string) => ({ name, path: name, text });
  const policy = rules === '' ? [] : [file('policy.yaml', `version: 1\nrules:\n${rules}`)];
  const files = [
    file('taxonomy.yaml', taxonomy),
    file('approvers.yaml', approvers),
    file('shop.yaml', shop),
    ...policy,
  ];
  return loadClassification(files);
}

const of = (name: string) => column(`public.people.${name}`);
const output = (name: string, ...sources: readonly string[]): OutputColumn => ({
  name,
  sources: sources.map(of),
  plain: sources.length === 1,
});
const computed = (name: string, ...sources: readonly string[]): OutputColumn => ({
  ...output(name, ...sources),
  plain: false,
});
const reads = (...names: readonly string[]) => names.map((name) => read(`public.people.${name}`));
const used = (name: string, ...uses: readonly ColumnUse[]) => read(`public.people.${name}`, ...uses);

function shownOf(change: Partial<Analysis>, rules?: string): string {
  const loaded = classified(rules);
  if (loaded.kind === 'bad') return loaded.mistakes.map(({ words }) => words).join();
  const analysis = anAnalysis(change);
  const verdict = judge(analysis, { classification: loaded.value, asker: anAsker(), now: 0 });
  const plan = maskPlan(analysis.outputs, verdict.masks ?? []).map((style) => style ?? '-');
  const offered =
    verdict.masksOffered === undefined
      ? ''
      : `, or ${maskPlan(analysis.outputs, verdict.masksOffered)
          .map((style) => style ?? '-')
          .join(' ')}`;
  return `${verdict.kind} ${plan.join(' ')}${verdict.kind === 'hold' ? offered : ''}`;
}

const emailRead = { reads: reads('id', 'email'), outputs: [output('id', 'id'), output('email', 'email')] };
const ssnRead = { reads: reads('id', 'ssn'), outputs: [output('id', 'id'), output('ssn', 'ssn')] };
const maskSsn = '  - { name: shape, when: { columns: [public.people.ssn] }, then: mask, mask: last4 }\n';
const maskId = '  - { name: ids, when: { columns: [public.people.id] }, then: mask, mask: hash }\n';
const allowEmail = '  - { name: may, when: { columns: [public.people.email] }, then: allow }\n';

type Case = readonly [of: string, change: Partial<Analysis>, expected: string, rules?: string];
const cases: readonly Case[] = [
  ['a shown column', emailRead, 'allow - email'],
  [
    'styles of level, parent and category',
    {
      reads: reads('name', 'phone', 'email'),
      outputs: [output('a', 'name'), output('b', 'phone'), output('c', 'email')],
    },
    'allow fixed last4 email',
  ],
  ['an output computed from it', { reads: reads('email'), outputs: [computed('lower', 'email')] }, 'allow null'],
  [
    'an output of two masked columns',
    { reads: reads('email', 'name'), outputs: [{ ...computed('x', 'email', 'name'), plain: true }] },
    'allow null',
  ],
  ['a filter by it', { ...emailRead, reads: [...reads('id'), used('email', 'output', 'filter')] }, 'hold - -'],
  [
    'a filter by it beside it',
    { ...emailRead, reads: [...reads('id', 'email'), used('email', 'filter')] },
    'hold - email',
  ],
  ['an order by it', { ...emailRead, reads: [...reads('id'), used('email', 'output', 'order')] }, 'hold - -'],
  ['a read that no output shows', { reads: reads('id', 'email'), outputs: [output('id', 'id')] }, 'hold -'],
  ['outputs of unknown names', { ...emailRead, outputs: [computed('*', 'id', 'email')] }, 'hold -'],
  ['a statement that is not understood', { ...emailRead, unknowns: [{ why: 'odd', at: undefined }] }, 'hold - -'],
  [
    'values that are written elsewhere',
    { ...emailRead, kinds: ['read', 'export'], flows: [{ from: of('email'), to: column('public.t.a') }] },
    'hold - -',
  ],
  ['rows given back by a write', { ...emailRead, kinds: ['write'], command: 'DELETE' }, 'hold - -'],
  [
    'a function that reads by itself',
    { ...emailRead, functions: [{ schema: 'public', name: 'f', signature: '', nature: 'reads' }] },
    'hold - -',
  ],
  ['EXPLAIN', { ...emailRead, command: 'EXPLAIN SELECT' }, 'hold - -'],
  [
    'COPY in a known layout',
    { ...emailRead, kinds: ['read', 'export'], command: 'COPY TO STDOUT', copy: known({ kind: 'binary' }) },
    'allow - email',
  ],
  [
    'COPY in a layout that is not known',
    { ...emailRead, kinds: ['read', 'export'], command: 'COPY TO STDOUT', copy: notKnown('odd') },
    'hold - -',
  ],
  ['a held column', ssnRead, 'hold - -, or - null'],
  [
    'a held column with a masked one',
    { reads: reads('email', 'ssn'), outputs: [output('a', 'email'), output('b', 'ssn')] },
    'hold email -, or email null',
  ],
  ['a held column in a filter', { ...ssnRead, reads: [...reads('id'), used('ssn', 'output', 'filter')] }, 'hold - -'],
  ['a held column that a rule masks', ssnRead, 'allow - last4', maskSsn],
  [
    'a held column that a rule masks, in a filter',
    { ...ssnRead, reads: [...reads('id'), used('ssn', 'filter')] },
    'hold - -',
    maskSsn,
  ],
  [
    'a held column that a rule masks for others',
    ssnRead,
    'hold - -, or - null',
    maskSsn.replace('when: {', 'when: { agent: x,'),
  ],
  ['an allowed column that a rule masks', ssnRead, 'hold hash -, or hash null', maskId],
  [
    'an allowed column that a rule masks, in a filter',
    { reads: [used('id', 'output', 'filter')], outputs: [output('id', 'id')] },
    'hold -',
    maskId,
  ],
  ['a masked column that a rule allows', emailRead, 'allow - -', allowEmail],
  [
    'a column that one rule allows and another masks',
    emailRead,
    'allow - hash',
    allowEmail + maskId.replace('people.id', 'people.email'),
  ],
  [
    'a secret that a rule masks',
    { reads: reads('pan'), outputs: [output('pan', 'pan')] },
    'deny -',
    maskSsn.replace('ssn', 'pan'),
  ],
  [
    'a rule that masks everything',
    emailRead,
    'a rule that masks must name columns',
    '  - { name: all, when: { agent: x }, then: mask }\n',
  ],
  [
    'a rule that holds with a style',
    emailRead,
    'only a rule with then: mask masks',
    maskSsn.replace('then: mask', 'then: hold'),
  ],
];

describe('masking', () => {
  const rows = cases.map(([of, change, expected, rules]) => ({ of, change, expected, rules }));
  test.each(rows)('$of', ({ change, expected, rules }) => expect(shownOf(change, rules)).toBe(expected));
});
