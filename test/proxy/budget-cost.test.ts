// Goal: a budget adds no round trip to statements whose level has none, and few to those whose level has one.
// Method: real Postgres behind a proxy with budgets, an ear between the two, and a store that counts every call; the same statements as
// through a proxy without budgets.
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { openJournal } from '../../src/store/journal.ts';
import type { Store } from '../../src/store/store.ts';
import { aFolder } from '../support/folders.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';
import { listenBefore, type UpstreamEar } from '../support/upstream-ear.ts';

const files = (budgets: string): Readonly<Record<string, string>> => ({
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: internal, read: allow, rows: 5000, approvers: [security] }
  - { name: counted, read: allow, approvers: [security] }
defaults: { unclassified: public }
`,
  'db.yaml': `version: 1
database: db
owner: security
tables: { public.people: internal, public.spent: counted }
`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [security] } }\n',
  'policy.yaml': `version: 1\n${budgets}`,
});

const budgetRows = 5_000;
const withBudgets = files(`budgets: [{ level: counted+, rows: ${budgetRows}, per: 1d }]\n`);
const withoutBudgets = files('');

/** Spending is what a budget does with the state. */
function countingStore(store: Store): { readonly store: Store; readonly spends: () => number } {
  let spends = 0;
  const counting = new Proxy(store, {
    get: (of, name) => {
      const value: unknown = Reflect.get(of, name, of);
      if (typeof value !== 'function') return value;
      return (...values: unknown[]): unknown => {
        if (name === 'spend') spends += 1;
        return Reflect.apply(value, of, values) as unknown;
      };
    },
  });
  return { store: counting, spends: () => spends };
}

interface Side {
  readonly ear: UpstreamEar;
  readonly proxy: RowsProxy;
  readonly spends: () => number;
}

let postgres: TestPostgres;
const stores: Store[] = [];
let [budgeted, plain]: [Side | undefined, Side | undefined] = [undefined, undefined];

async function side(of: Readonly<Record<string, string>>): Promise<Side> {
  const journal = await openJournal({ dir: aFolder(), clock: systemClock, log: silentLog });
  stores.push(journal);
  const { store, spends } = countingStore(journal);
  const ear = await listenBefore(postgres.url('postgres'));
  return { ear, spends, proxy: await startRowsProxy({ url: ear.url, files: of, store }) };
}

beforeAll(async () => {
  postgres = await startPostgres();
  const client = new pg.Client(postgres.url('postgres'));
  await client.connect();
  await client.query(`create table people as select g as id from generate_series(1, 900) g;
    create table spent as select g as id from generate_series(1, 900) g; analyze`);
  await client.end();
  budgeted = await side(withBudgets);
  plain = await side(withoutBudgets);
}, 120_000);

afterAll(async () => {
  for (const one of [budgeted, plain]) {
    await one?.proxy.stop();
    await one?.ear.stop();
  }
  await Promise.all(stores.map((store) => store.close()));
  await postgres.stop();
});

/** Messages to the server and calls of the counter, for two runs of each statement. */
async function costs(
  of: Side | undefined,
  statements: readonly pg.QueryConfig[],
): Promise<{ readonly messages: readonly string[]; readonly spends: number }> {
  if (of === undefined) throw new Error('no proxy');
  const client = new pg.Client({ connectionString: of.proxy.url('db') });
  await client.connect();
  await client.query("select 'mark'");
  of.ear.heard("select 'mark'");
  const before = of.spends();
  for (const statement of [...statements, ...statements]) await client.query(statement);
  const messages = of.ear.heard("select 'mark'").messages.map(({ kind }) => kind);
  await client.end();
  return { messages, spends: of.spends() - before };
}

test('no message to the server and no call of the state is added where the level has none', async () => {
  const statements: readonly pg.QueryConfig[] = [
    { text: 'select 1 as one' },
    { text: 'select id from people' },
    { text: 'select id from people where id < $1', values: [300] },
    { name: 'again', text: 'select id from people where id = $1', values: [3] },
    { text: 'begin' },
    { text: 'select count(*) from people' },
    { text: 'commit' },
  ];
  const [ours, without] = [await costs(budgeted, statements), await costs(plain, statements)];
  expect(ours.messages).toEqual(without.messages);
  expect(ours.spends).toBe(0);
});

test('where the level has one the server hears nothing more, and the state is asked once for many statements', async () => {
  const few: readonly pg.QueryConfig[] = Array.from({ length: 20 }, () => ({ text: 'select id from spent limit 2' }));
  const [ours, without] = [await costs(budgeted, few), await costs(plain, few)];
  expect(ours.messages).toEqual(without.messages);
  // A fiftieth of the budget at a time: 80 rows are in one slice.
  expect(ours.spends).toBe(1);
  const many = await costs(budgeted, [{ text: 'select id from spent' }]);
  expect(many.spends).toBeLessThanOrEqual(2 * Math.ceil((900 * 50) / budgetRows));
});
