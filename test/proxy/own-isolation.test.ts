// Goal: what a session defined in a transaction that sees one moment (REPEATABLE READ, SERIALIZABLE) is judged as elsewhere, as long as
// nobody else has changed definitions since; where somebody has, what the session sees is not what names mean, and people are asked.
// Method: real Postgres 15 and 18; migrations that must give what Postgres gives, with nobody asked; attacks, by oneself and with a second
// session that changes definitions meanwhile, which must bring out the watched value directly, and never through the proxy.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBothWays, type BothWays } from '../support/both-ways.ts';
import { query, withClient } from '../support/client.ts';
import { definitions, watchedFiles } from '../support/watched-files.ts';

const files = watchedFiles({
  tables: '{ public.people: { default: public, columns: { ssn: watched } } }',
  allows: definitions,
});

const setUp = [
  'create table people (id int primary key, name text, ssn text)',
  "insert into people values (1, 'ann', 'canary')",
  'create table notes (id int, word text)',
  "insert into notes values (1, 'harmless')",
];

/** What a second session changes, and puts back. */
const harmless = 'create or replace view shown as select id, word from notes';
const leaking = 'create or replace view shown as select id, ssn as word from people';

const migrations: Readonly<Record<string, readonly string[]>> = {
  'a new table is filled and read': [
    'create table t (id int primary key, word text)',
    "insert into t values (1, 'a'), (2, 'b')",
    'select word from t order by id',
    'alter table t add column more int default 3',
    'update t set more = id where id = 2',
    'select * from t order by id',
    'drop table t',
  ],
  'a temporary table is filled and read': [
    'create temp table mine (id int, word text)',
    'insert into mine select id, word from notes',
    'select word from mine',
  ],
  'a view, a function and an index': [
    'create view v as select word from notes',
    'select word from v',
    "create function f() returns text language sql stable as 'select word from public.notes limit 1'",
    'select f()',
    'create index on notes (word)',
    "select id from notes where word = 'harmless'",
  ],
  'behind a query and a savepoint': [
    'select id from notes',
    'savepoint a',
    'alter table notes add column more text',
    'select more from notes',
    'rollback to a',
    'select * from notes',
    'alter table notes add column less text',
    'select less from notes',
  ],
};

const attacks: Readonly<Record<string, readonly string[]>> = {
  'a new view': ['create view v as select ssn as word from people', 'select word from v'],
  'a view that is replaced': ['select word from shown', leaking, 'select word from shown'],
  'a renamed column': ['alter table people rename column ssn to word', 'select word from people'],
  'a function': [
    "create function h() returns text language sql stable as 'select ssn from public.people limit 1'",
    'select h()',
  ],
};

/** `other`: said by a second session, straight to the server. */
type Step = string | { readonly other: string };
const other = (sql: string): Step => ({ other: sql });

/** The view gives harmless words when each begins. The last step brings out the watched value. */
const together: Readonly<Record<string, readonly Step[]>> = {
  'another replaces a view behind the first query': [
    'begin isolation level repeatable read',
    'select id from notes',
    other(leaking),
    'create table t (id int)',
    'select word from shown',
  ],
  'another replaces a view behind the first definition': [
    'begin isolation level serializable',
    'create table t (id int)',
    'select id from t',
    other(leaking),
    'create table u (id int)',
    'select word from shown',
  ],
  'another replaces it twice, and the transaction begins in between': [
    other(leaking),
    'begin isolation level repeatable read',
    other(harmless),
    'select id from notes',
    other(leaking),
    'create table t (id int)',
    'select word from shown',
  ],
  'the snapshot of another, older than the view': [
    other('begin isolation level repeatable read'),
    other('select pg_export_snapshot()'),
    { other: 'third' },
    'begin isolation level repeatable read',
    'SNAPSHOT',
    'create table t (id int)',
    'select word from shown',
  ],
  'the same in one Query': [
    other('begin isolation level repeatable read'),
    other('select pg_export_snapshot()'),
    { other: 'third' },
    'begin isolation level repeatable read; SNAPSHOT',
    'create table t (id int)',
    'select word from shown',
  ],
};

async function answer(client: pg.Client, text: string): Promise<string> {
  try {
    const results = [await client.query({ text, rowMode: 'array' })].flat();
    return results.map(({ rows }) => JSON.stringify(rows)).join(' ');
  } catch (thrown) {
    return (thrown as { readonly code?: string }).code ?? String(thrown);
  }
}

describe.each([15, 18] as const)('on Postgres %i', (major) => {
  let ways: BothWays;

  beforeAll(async () => {
    ways = await startBothWays({ major, sql: [...setUp, harmless], files });
  }, 120_000);

  afterAll(() => ways.stop());

  const alone = (url: string, texts: readonly string[]): Promise<readonly string[]> =>
    withClient(url, async (client) => {
      const told: string[] = [];
      for (const text of [...texts, 'rollback']) told.push(await answer(client, text));
      return told;
    });

  describe.each(['repeatable read', 'serializable'])('%s', (isolation) => {
    const begin = `begin isolation level ${isolation}`;

    test.each(Object.entries(migrations))('%s, as without us and with nobody asked', async (_, texts) => {
      const before = ways.proxy.all.length;
      const direct = await alone(ways.direct, [begin, ...texts]);
      expect(await alone(ways.through, [begin, ...texts])).toEqual(direct);
      expect(ways.proxy.all.slice(before).map((hold) => [hold.sql.raw, hold.reasons])).toEqual([]);
    });

    test.each(Object.entries(attacks))('%s does not get past', async (_, texts) => {
      expect(String(await alone(ways.direct, [begin, ...texts]))).toContain('canary');
      expect(String(await alone(ways.through, [begin, ...texts]))).not.toContain('canary');
    });
  });

  test('also where every transaction of the session is so', async () => {
    const texts = [
      "set default_transaction_isolation = 'serializable'",
      'begin',
      ...(migrations['a view, a function and an index'] ?? []),
    ];
    const before = ways.proxy.all.length;
    expect(await alone(ways.through, texts)).toEqual(await alone(ways.direct, texts));
    expect(ways.proxy.all.slice(before)).toEqual([]);
  });

  /** The proxy looks at once behind definitions that it lets through. */
  async function asHarmless(): Promise<void> {
    await query(ways.direct, harmless);
    for (const sql of ['create table looked (n int)', 'drop table looked']) await query(ways.through, sql);
  }

  async function played(url: string, steps: readonly Step[]): Promise<readonly string[]> {
    await asHarmless();
    return await withClient(ways.direct, (second) =>
      withClient(url, async (client) => {
        const told: string[] = [];
        let snapshot = '';
        for (const step of steps) {
          if (typeof step === 'string')
            told.push(await answer(client, step.replace('SNAPSHOT', `set transaction snapshot '${snapshot}'`)));
          else if (step.other === 'third') await query(ways.direct, leaking);
          else {
            const { rows } = await second.query(step.other);
            snapshot = rows[0]?.pg_export_snapshot ?? snapshot;
          }
        }
        await answer(client, 'rollback');
        await second.query('rollback');
        return told;
      }),
    );
  }

  test.each(Object.entries(together))('%s: nothing gets past', async (_, steps) => {
    const direct = await played(ways.direct, steps);
    expect(direct.at(-1)).toContain('canary');
    const through = await played(ways.through, steps);
    expect(String(through)).not.toContain('canary');
    // Not for want of what comes before.
    expect(through.slice(0, -1)).toEqual(direct.slice(0, -1));
  });

  test('what others change later is noticed: until then nobody is asked', async () => {
    await asHarmless();
    await withClient(ways.through, async (client) => {
      await client.query('begin isolation level repeatable read');
      await client.query('create table t (id int)');
      expect(await answer(client, 'select word from shown')).toBe('[["harmless"]]');
      await query(ways.direct, 'create table of_another (n int)');
      expect(await answer(client, 'create table u (id int)')).toBe('[]');
      expect(await answer(client, 'select word from shown')).toBe('42501');
    });
    await query(ways.direct, 'drop table of_another');
  });
});
