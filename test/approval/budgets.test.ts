// Goal: budgets grow only by people who may decide about their levels, on the record first, once, and on every store alike.
// Method: real purses and the real audit log on the journal and a real Redis; what the desk says is held to what a purse then gives.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HoldId } from '../../src/core/brand.ts';
import { systemClock } from '../../src/core/clock.ts';
import { AuditLog } from '../../src/audit/log.ts';
import { BudgetDesk, budgetLine, topUpText, type TopUp } from '../../src/approval/budgets.ts';
import { factsFrom } from '../../src/approval/asking.ts';
import { allClaims } from '../../src/policy/budget.ts';
import { Purses } from '../../src/policy/budget-purse.ts';
import type { Store } from '../../src/store/store.ts';
import { recordsIn } from '../audit/fixtures.ts';
import { sample } from '../catalog/sample.ts';
import { aJournal, aRedisStore } from '../store/fixtures.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { aRequest } from './fixtures.ts';
import { aFolder } from '../support/folders.ts';

const files = {
  'approvers.yaml': `version: 1
approvers:
  ana: { email: ana@example.com, groups: [data-owners, security, crm] }
  ben: { email: ben@example.com, groups: [data-owners, security, crm] }
  cleo: { email: cleo@example.com, groups: [security] }
  dan: { email: dan@example.com, groups: [data-owners] }
`,
  'policy.yaml': `version: 1
budgets:
  - { level: confidential, rows: 100, per: 1d }
  - { level: restricted, rows: 20, per: 1h }
`,
};
const classification = sample(files);

let redis: TestRedis;
beforeAll(async () => (redis = await startRedis()));
afterAll(async () => await redis.stop());

const stores: readonly (readonly [string, () => Promise<Store>])[] = [
  ['the journal', () => aJournal()],
  ['Redis', () => aRedisStore(redis.url)],
];

async function aDesk(open: () => Promise<Store>) {
  const dir = aFolder();
  const store = await open();
  const purses = new Purses(store, systemClock);
  const request = aRequest({ needs: [{ groups: ['security'], quorum: 1 }] });
  const hold = 'h_00000000000000000000' as HoldId;
  const facts = factsFrom(request, {
    ...{ id: hold, binding: 'b', shape: undefined, sibling: undefined },
    now: systemClock.now(),
  });
  const desk = new BudgetDesk({
    ...{ store, purses, clock: systemClock, classification: () => classification },
    recorder: new AuditLog({ dir, clock: systemClock, passed: undefined }),
    ownerOf: (agent) => (agent === 'report-bot' ? 'ana' : undefined),
    holdFacts: (id) => Promise.resolve(id === hold ? facts : undefined),
  });
  const records = () => recordsIn(dir).filter((each) => each.kind === 'budget');
  /** As another proxy, that has nothing in its purse yet. */
  const drawn = async (level: string): Promise<number> => {
    const claim = allClaims(classification, 'report-bot').find((each) => each.level === level);
    if (claim === undefined) throw new Error('no such budget');
    const purse = new Purses(store, systemClock).of(claim);
    let sum = 0;
    while ((await purse.refill(1)).kind === 'room') sum += purse.draw(1, 1_000);
    return sum;
  };
  return { desk, hold, records, drawn };
}

const aTopUp = (more: Partial<TopUp> = {}): TopUp => ({
  ...{ agent: 'report-bot', level: 'confidential', per: '1d', rows: 50, person: 'dan', channel: 'test' },
  ...{ reason: undefined, hold: undefined, request: undefined },
  ...more,
});

describe.each(stores)('on %s', (_, open) => {
  test('what one approver adds can be read, by whichever proxy, and stands on the record', async () => {
    const { desk, records, drawn } = await aDesk(open);
    const result = await desk.topUp(aTopUp({ reason: 'month end' }));
    expect(result).toMatchObject({ kind: 'added', rows: 50, by: ['dan'], budget: { rowsMax: 150, added: 50 } });
    expect(topUpText(result, 'report-bot')).toBe(
      'report-bot may read 50 rows more; by dan. Now confidential: 0 of 150 rows used in 1d, 150 left.',
    );
    expect(await drawn('confidential')).toBe(150);
    expect(records()).toMatchObject([
      { state: 'approved', agent: 'report-bot', owner: 'ana', level: 'confidential', per: '1d', rows: 50, by: ['dan'] },
    ]);
    const [view] = await desk.of('report-bot');
    expect(view).toMatchObject({ used: 150, left: 0, approvers: ['ben', 'dan'] });
    expect(view === undefined ? '' : budgetLine(view)).toBe('confidential: 150 of 150 rows used in 1d, 0 left');
  });

  test('a level of two people needs two, and the least of what they say counts', async () => {
    const { desk, drawn, records } = await aDesk(open);
    const asked = { level: 'restricted', per: '1h' };
    expect(await desk.topUp(aTopUp({ ...asked, person: 'ben', rows: 30 }))).toMatchObject({ kind: 'waiting' });
    expect(await desk.topUp(aTopUp({ ...asked, person: 'ben', rows: 40 }))).toMatchObject({ kind: 'waiting' });
    expect(await drawn('restricted')).toBe(20);
    const second = await desk.topUp(aTopUp({ ...asked, person: 'cleo', rows: 10 }));
    expect(second).toMatchObject({ kind: 'added', rows: 10, by: ['ben', 'cleo'] });
    expect(await drawn('restricted')).toBe(10);
    expect(records().map((each) => each.kind === 'budget' && each.state)).toEqual(['asked', 'asked', 'approved']);
  });

  test('on a card its people decide, and only on a card of that agent', async () => {
    const { desk, hold, records } = await aDesk(open);
    const asked = { level: 'restricted', per: '1h', hold };
    expect(await desk.topUp(aTopUp({ ...asked, person: 'dan' }))).toMatchObject({ kind: 'forbidden' });
    expect(await desk.topUp(aTopUp({ ...asked, person: 'cleo' }))).toMatchObject({ kind: 'added', by: ['cleo'] });
    expect(records()).toMatchObject([{ hold, by: ['cleo'] }]);
    const other = 'h_11111111111111111111' as HoldId;
    expect(await desk.topUp(aTopUp({ ...asked, hold: other, person: 'cleo' }))).toMatchObject({ kind: 'notFound' });
  });

  test('the people of a card decide about the budgets that its statement draws on, and about no other', async () => {
    // cleo is asked about restricted columns only, and alone: with a card of those she must not add to another level's budget.
    const { desk, hold, records, drawn } = await aDesk(open);
    const asked = { level: 'confidential', per: '1d', person: 'cleo' };
    expect(await desk.topUp(aTopUp(asked))).toMatchObject({ kind: 'forbidden' });
    expect(await desk.topUp(aTopUp({ ...asked, hold }))).toMatchObject({ kind: 'notFound' });
    expect(records()).toEqual([]);
    expect(await drawn('confidential')).toBe(100);
  });

  test('the same click twice counts once; twenty at once too', async () => {
    const { desk, drawn, records } = await aDesk(open);
    const clicks = Array.from({ length: 20 }, () => desk.topUp(aTopUp({ request: 'click 1' })));
    for (const { kind } of await Promise.all(clicks)) expect(kind).toBe('added');
    expect(records()).toHaveLength(1);
    expect(await drawn('confidential')).toBe(150);
  });

  test.each([
    ['the owner of the agent', { person: 'ana' }, 'forbidden', 'owner'],
    ['somebody of other groups', { person: 'cleo' }, 'forbidden', 'data-owners'],
    ['nobody of the files', { person: 'eve' }, 'forbidden', 'approvers.yaml'],
    ['a budget that is not there', { per: '2d' }, 'notFound', 'no budget'],
    ['an agent that is not there', { agent: 'other-bot' }, 'notFound', 'no budget'],
    ['half a row', { rows: 0.5 }, 'invalid', 'rows must be'],
    ['no rows', { rows: 0 }, 'invalid', 'rows must be'],
    ['more rows than there are', { rows: 1e15 }, 'invalid', 'rows must be'],
  ] as const)('%s adds nothing', async (__, more, kind, words) => {
    const { desk, drawn, records } = await aDesk(open);
    const result = await desk.topUp(aTopUp(more));
    expect(result).toMatchObject({ kind, words: expect.stringContaining(words) });
    expect(records()).toEqual([]);
    expect(await drawn('confidential')).toBe(100);
  });
});

test.each([
  ['console', 'console only', 'added'],
  ['passkey', 'passkey', 'forbidden'],
] as const)('a level with step_up: %s is not added to from a chat or by a token', async (stepUp, words, there) => {
  const strict = sample({
    ...files,
    'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: confidential, read: hold, approvers: [data-owners], step_up: ${stepUp} }
defaults: { unclassified: confidential }
`,
    'policy.yaml': 'version: 1\nbudgets:\n  - { level: confidential, rows: 100, per: 1d }\n',
    'shop.yaml': 'version: 1\ndatabase: shop\nowner: data-owners\ntables: {}\n',
  });
  const store = await aJournal();
  const dir = aFolder();
  const desk = new BudgetDesk({
    ...{ store, purses: new Purses(store, systemClock), clock: systemClock, classification: () => strict },
    recorder: new AuditLog({ dir, clock: systemClock, passed: undefined }),
    ...{ ownerOf: () => 'ana', holdFacts: () => Promise.resolve(undefined) },
  });
  expect(await desk.topUp(aTopUp())).toMatchObject({ kind: 'forbidden', words: expect.stringContaining(words) });
  expect(await desk.topUp(aTopUp({ castAt: 'console' }))).toMatchObject({ kind: there });
});
