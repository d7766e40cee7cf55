// Goal: of a budget never more rows pass than were allowed and added, over any number of processes and windows.
// Method: purses of several "processes" over one counting store with the store's promises; random draws against a plain sum.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { UnixMillis } from '../../src/core/brand.ts';
import type { Clock } from '../../src/core/clock.ts';
import { allClaims, budgetClaims, budgetName, type BudgetClaim } from '../../src/policy/budget.ts';
import { Purse, Purses, type BudgetStore } from '../../src/policy/budget-purse.ts';
import { loadClassification } from '../../src/policy/classification.ts';

const day = 86_400_000;

class TestClock implements Clock {
  ms = Date.UTC(2026, 0, 15);

  now(): UnixMillis {
    return this.ms as UnixMillis;
  }

  ticks(): number {
    return this.ms;
  }
}

/** Exact sliding windows, which is the most that a store promises to forget. */
class CountingStore implements BudgetStore {
  readonly spent: { key: string; amount: number; at: number; ms: number }[] = [];
  calls = 0;

  async spend(key: string, amount: number, window: { ms: number; at: number }, max: number | undefined) {
    await Promise.resolve();
    this.calls += 1;
    const inWindow = this.spent.filter(
      (one) => one.key === key && one.ms === window.ms && one.at > window.at - window.ms,
    );
    const sum = inWindow.reduce((total, one) => total + one.amount, 0);
    if (max !== undefined && sum + amount > max) return { spent: false, used: sum };
    if (amount > 0) this.spent.push({ key, amount, at: window.at, ms: window.ms });
    return { spent: true, used: sum + amount };
  }
}

const taxonomy = `version: 1
levels:
  - { name: public, read: allow }
  - { name: internal, read: allow, rows: 10000 }
  - { name: confidential, read: hold, approvers: [owners] }
  - { name: restricted, read: hold, approvers: [owners] }
`;
const approvers = 'version: 1\napprovers:\n  ana: { email: ana@example.com, groups: [owners] }\n';

function classified(budgets: string) {
  const file = (name: string, text: string) => ({ name, path: name, text });
  const loaded = loadClassification([
    file('taxonomy.yaml', taxonomy),
    file('approvers.yaml', approvers),
    file('policy.yaml', `version: 1\nbudgets:\n${budgets}`),
  ]);
  if (loaded.kind === 'bad') throw new Error(JSON.stringify(loaded.mistakes));
  return loaded.value;
}

function aClaim(change: Partial<BudgetClaim> = {}): BudgetClaim {
  const usual = { key: 'budget/bot/confidential+/1', level: 'confidential+', per: '1d', agent: 'bot' };
  const place = { file: 'policy.yaml', line: 3, column: 5 };
  return { ...usual, rowsMax: 500, windowMs: day, place, ...change };
}

describe('the budgets of a statement', () => {
  const files = classified(`  - { level: confidential+, rows: 500, per: 1d }
  - { level: internal, rows: 9000, per: 1h, agent: 'report-*' }
  - { level: confidential+, rows: 300, per: 24h, agent: slow-bot }
`);

  test.each([
    ['report-bot', ['public'], []],
    ['report-bot', ['internal'], ['internal 9000 1h']],
    ['other-bot', ['internal'], []],
    ['other-bot', ['restricted', 'public'], ['confidential+ 500 1d']],
    ['slow-bot', ['confidential'], ['confidential+ 300 1d']],
    ['report-bot', ['internal', 'restricted'], ['confidential+ 500 1d', 'internal 9000 1h']],
    ['report-bot', ['no such level'], []],
  ])('%s reading %j draws on %j', (agent, levels, expected) => {
    const claims = budgetClaims({ policy: files.policy, catalog: files.catalog }, agent, levels);
    expect(claims.map(({ level, rowsMax, per }) => `${level} ${rowsMax} ${per}`)).toEqual(expected);
  });

  test('have a key that another number in the file does not change', () => {
    const other = classified('  - { level: confidential+, rows: 7, per: 1d }\n');
    const key = ({ policy, catalog }: typeof files) => allClaims({ policy, catalog }, 'bot')[0]?.key;
    expect(key(other)).toBe(key(files));
    expect(key(files)).toMatch(/^[!-~]{1,512}$/);
  });

  test('have words', () => expect(budgetName(aClaim())).toBe('budget confidential+: 500 rows per 1d'));
});

describe('a purse', () => {
  test('asks the store once for many draws', async () => {
    const store = new CountingStore();
    const purse = new Purse(aClaim({ rowsMax: 5000 }), store, new TestClock());
    expect(purse.draw(1, 10)).toBe(0);
    expect(await purse.refill(1)).toEqual({ kind: 'room' });
    for (let count = 0; count < 10; count += 1) expect(purse.draw(1, 10)).toBe(10);
    expect(purse.draw(1, 10)).toBe(0);
    expect(store.calls).toBe(1);
  });

  test('gives out the last row of the budget and then says that it is empty', async () => {
    const purse = new Purse(aClaim({ rowsMax: 7 }), new CountingStore(), new TestClock());
    let drawn = 0;
    while ((await purse.refill(1)).kind === 'room') drawn += purse.draw(1, 3);
    expect(drawn).toBe(7);
    expect(await purse.refill(1)).toEqual({ kind: 'empty', used: 7, rowsMax: 7 });
    expect(purse.share).toBe(1);
  });

  test('takes back what was not used', async () => {
    const clock = new TestClock();
    const purse = new Purse(aClaim({ rowsMax: 10 }), new CountingStore(), clock);
    await purse.refill(10);
    purse.putBack(purse.draw(1, 10) - 4, clock.now());
    expect(purse.draw(1, 100)).toBe(6);
  });

  test('loses what lay too long rather than let it pass in another window', async () => {
    const clock = new TestClock();
    const purse = new Purse(aClaim({ rowsMax: 10 }), new CountingStore(), clock);
    await purse.refill(10);
    clock.ms += day / 20;
    expect(purse.draw(1, 10)).toBe(0);
    expect((await purse.refill(1)).kind).toBe('empty');
    clock.ms += day;
    expect((await purse.refill(1)).kind).toBe('room');
  });

  test('has more when people add to it, for this window', async () => {
    const clock = new TestClock();
    const store = new CountingStore();
    const purse = new Purse(aClaim({ rowsMax: 5 }), store, clock);
    await purse.refill(5);
    purse.draw(5, 5);
    expect((await purse.refill(1)).kind).toBe('empty');
    await purse.topUp(3);
    await purse.refill(3);
    expect(purse.draw(1, 100)).toBe(3);
    const [standing] = await new Purses(store, clock).standings([aClaim({ rowsMax: 5 })]);
    expect(standing).toMatchObject({ rowsMax: 8, used: 8 });
    clock.ms += 2 * day;
    const [later] = await new Purses(store, clock).standings([aClaim({ rowsMax: 5 })]);
    expect(later).toMatchObject({ rowsMax: 5, used: 0 });
  });

  test('has it once for one decision, however many waited for it and at however many proxies', async () => {
    const [clock, store] = [new TestClock(), new CountingStore()];
    const purses = [1, 2].map(() => new Purse(aClaim({ rowsMax: 5 }), store, clock));
    await Promise.all([...purses, ...purses].map((purse) => purse.topUp(3, 'h_one')));
    await purses[0]?.topUp(4, 'h_two');
    const [standing] = await new Purses(store, clock).standings([aClaim({ rowsMax: 5 })]);
    expect(standing).toMatchObject({ rowsMax: 12, used: 0 });
  });

  test('says so when the store is away, and works again when it is back', async () => {
    const store = new CountingStore();
    let isAway = true;
    const purse = new Purse(
      aClaim(),
      { spend: (...asked) => (isAway ? Promise.reject(new Error('away')) : store.spend(...asked)) },
      new TestClock(),
    );
    await expect(purse.refill(1)).rejects.toThrow('away');
    expect(purse.draw(1, 1)).toBe(0);
    isAway = false;
    expect((await purse.refill(1)).kind).toBe('room');
  });

  test('over any processes, draws, returns and pauses, no window holds more rows than the budget', async () => {
    const step = fc.record({
      process: fc.nat(2),
      least: fc.integer({ min: 1, max: 9 }),
      wanted: fc.integer({ min: 1, max: 30 }),
      used: fc.nat(30),
      waitMs: fc.oneof(fc.constant(0), fc.nat(day / 30), fc.nat(day)),
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), fc.array(step, { maxLength: 60 }), async (rowsMax, steps) => {
        const clock = new TestClock();
        const store = new CountingStore();
        const purses = [0, 1, 2].map(() => new Purse(aClaim({ rowsMax }), store, clock));
        const read: { rows: number; at: number }[] = [];
        for (const { process, least, wanted, used, waitMs } of steps) {
          clock.ms += waitMs;
          const purse = purses[process];
          if (purse === undefined || (await purse.refill(least)).kind === 'empty') continue;
          const drawn = purse.draw(least, wanted);
          expect(drawn).toBeGreaterThanOrEqual(least);
          const rows = Math.min(drawn, used);
          read.push({ rows, at: clock.ms });
          purse.putBack(drawn - rows, clock.now());
        }
        for (const { at } of read) {
          const inWindow = read.filter((one) => one.at > at - day && one.at <= at);
          expect(inWindow.reduce((sum, one) => sum + one.rows, 0)).toBeLessThanOrEqual(rowsMax);
        }
      }),
      { numRuns: 300 },
    );
  });
});
