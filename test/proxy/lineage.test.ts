// Goal: data that people let out of its column keeps its level where it goes: for every session and proxy, whatever the relation and the
// column are called by then, until the relation is gone.
// Method: real Postgres 15 and 18, where what nobody classified is public, behind two proxies on one state, a journal or a real Redis; people
// say yes to what carries data, and are then seen to be asked about what it was carried into.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { Lineage } from '../../src/policy/lineage.ts';
import type { Store } from '../../src/store/store.ts';
import { recordsIn } from '../audit/fixtures.ts';
import { withClient } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';
import { waitFor } from '../support/wait.ts';
import { aPrefix, aRedisStore } from '../store/fixtures.ts';

const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: internal, read: allow }
  - { name: confidential, read: hold, approvers: [owners] }
  - { name: restricted, read: hold, approvers: [security] }
defaults: { unclassified: public }
`,
  'db.yaml': `version: 1
database: db
owner: owners
tables:
  public.people:
    default: public
    columns: { ssn: restricted, email: confidential, note: internal }
`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [security, owners] } }\n',
  'policy.yaml': `version: 1
defaults: { schema: allow, destructive: allow }
rules:
  - { name: copies, when: { action: export, columns: [public.people.email] }, then: allow }
`,
};

const setUp = `
create table people (id int, ssn text, email text, note text);
insert into people values (1, 'secret-1', 'a@x', 'n'), (2, 'secret-2', 'b@x', 'n');
create table scratch (id int, a text, b text);
insert into scratch values (1, 'x', 'x');
create function secret(int) returns text stable language sql as 'select ssn from people where people.id = $1';
create table given (a text);
create table parts (id int, v text) partition by list (id);
create table parts_1 partition of parts for values in (1, 2);
analyze;
`;

describe.each([
  [15, 'one journal'],
  [18, 'Redis'],
] as const)('data that was let out, on Postgres %i with two proxies on %s', (major, state) => {
  let postgres: TestPostgres;
  let redis: TestRedis | undefined;
  let stores: readonly Store[] = [];
  let proxy: RowsProxy;
  let peer: RowsProxy;

  beforeAll(async () => {
    postgres = await startPostgres({ major, fill: [{ database: 'postgres', sql: setUp }] });
    if (state === 'Redis') {
      redis = await startRedis();
      const prefix = aPrefix();
      stores = [await aRedisStore(redis.url, { prefix }), await aRedisStore(redis.url, { prefix })];
    }
    const [own, other] = stores;
    proxy = await startRowsProxy({ url: postgres.url('postgres'), files, ...(own && { store: own }) });
    peer = await startRowsProxy({ url: postgres.url('postgres'), files, store: other ?? proxy.store });
  }, 120_000);

  afterAll(async () => {
    await peer.stop();
    await proxy.stop();
    await Promise.all(stores.map((store) => store.close()));
    await redis?.stop();
    await postgres.stop();
  });

  const yes = (): void => [proxy, peer].forEach((one) => one.say(() => ({ vote: 'approve' })));
  const no = (): void => [proxy, peer].forEach((one) => one.say(() => ({ vote: 'deny' })));

  const connected = <T>(by: RowsProxy, work: (client: pg.Client) => Promise<T>): Promise<T> =>
    withClient(by.url('db'), work);

  const run = (sql: string, by = proxy): Promise<unknown> => connected(by, (client) => client.query(sql));

  /** `passes`, or the words of why it does not. */
  const askedFor = (sql: string, by = proxy): Promise<string> =>
    connected(by, async (client) => {
      no();
      const asked = by.asked.length;
      try {
        await client.query(sql);
        return 'passes';
      } catch (thrown) {
        const hold = by.asked[asked];
        return hold?.reasons.map(({ words }) => words).join('; ') ?? String(thrown);
      }
    });

  const held = (target: string, from = 'public.people.ssn', level = 'restricted'): RegExp =>
    new RegExp(`^reads ${target} \\(data of ${from}, let through by h_\\w{20}\\) \\(${level}\\)`);

  /** Its sources are its kin, so it has their level anyway. */
  const heldAsCopy = (into: string): RegExp =>
    into === 'copy_d' ? /^reads copy_d\.ssn \(restricted\)$/ : held(`${into}\\.\\w+`);

  const ways: readonly (readonly [name: string, sql: string, into: string, read: string])[] = [
    ['CREATE TABLE AS', 'create table copy_a as select id, ssn from people', 'copy_a', 'select ssn from copy_a'],
    [
      'a computed column',
      "create table copy_b as select 'x' || ssn as s from people",
      'copy_b',
      'select s from copy_b',
    ],
    ['SELECT INTO', 'select ssn as taken into copy_c from people', 'copy_c', 'select taken from copy_c'],
    [
      'a materialized view',
      'create materialized view copy_d as select ssn from people',
      'copy_d',
      'select * from copy_d',
    ],
    ['INSERT … SELECT', 'insert into scratch (id, a) select id, ssn from people', 'scratch', 'select a from scratch'],
    [
      'UPDATE … FROM',
      'update scratch set b = p.ssn from people p where p.id = scratch.id',
      'scratch',
      'select b from scratch',
    ],
    ['a partitioned table', 'insert into parts select id, ssn from people', 'parts', 'select v from parts'],
    ['what a function gives', 'create table copy_e as select secret(1) as s', 'copy_e', 'select s from copy_e'],
    ['a value of a function', 'insert into given values (secret(2))', 'given', 'select a from given'],
    ['a lower column of the same table', 'update people set note = ssn', 'people', 'select note from people'],
  ];

  test.each(ways)(
    'by %s is asked about as what it is, in both proxies and after a restart',
    async (_, sql, into, read) => {
      yes();
      const asked = proxy.asked.length;
      await run(sql);
      expect(proxy.asked[asked]?.reasons.map(({ words }) => words)).toContainEqual(
        `data of level restricted into public.${into}: people.ssn`,
      );
      expect(await askedFor(read)).toMatch(heldAsCopy(into));
      expect(await askedFor(read, peer)).toMatch(heldAsCopy(into));
      const again = new Lineage({ store: proxy.store, clock: systemClock, rankOf: () => 0 });
      await again.start();
      expect(again.kept.flatMap(({ name }) => name)).toContain(into);
      again.close();
      // What nothing was carried into is as it was.
      expect(await askedFor('select id from scratch')).toBe('passes');
    },
  );

  test('is what it is at the other proxy at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      yes();
      await run(`create table there_${round} as select id, ssn from people`);
      expect(await askedFor(`select ssn from there_${round}`, peer)).toMatch(held(`there_${round}\\.ssn`));
      expect(await askedFor(`select id from there_${round}`, peer)).toBe('passes');
      yes();
      await run(`insert into scratch (id, b) select ${round}, ssn from there_${round}`, peer);
      expect(await askedFor('select b from scratch')).toMatch(held('scratch\\.b', `public\\.[a-z_0-9., ]+`));
    }
  });

  test('stays what it is in a partition that is read directly', async () => {
    expect(await askedFor('select v from parts_1')).toMatch(held('parts_1\\.v'));
  });

  test('is carried on from where it was carried to', async () => {
    yes();
    await run('create table second as select ssn as s from copy_a');
    expect(await askedFor('select s from second')).toMatch(held('second\\.s', 'public.copy_a.ssn'));
  });

  test('by a rule that allows the export is remembered too', async () => {
    no();
    const asked = proxy.asked.length;
    await run('create table by_rule as select email from people');
    expect(proxy.asked).toHaveLength(asked);
    expect(await askedFor('select email from by_rule')).toBe(
      'reads by_rule.email (data of public.people.email, let through by a rule) (confidential)',
    );
  });

  test('keeps its level when table and column are renamed, and a table of the old name is another one', async () => {
    yes();
    await run('create table moved as select ssn from people');
    expect(await askedFor('select ssn from moved')).toMatch(held('moved\\.ssn'));
    await run('alter table moved rename to elsewhere');
    await run('alter table elsewhere rename column ssn to harmless');
    await run('create table moved (ssn text)');
    expect(await askedFor('select harmless from elsewhere')).toMatch(held('elsewhere\\.harmless'));
    // What it looked at last may be from between the two renames: the server says which column it is, by its number.
    expect(await askedFor('select harmless from elsewhere', peer)).toMatch(held('elsewhere\\.(?:harmless|ssn)'));
    expect(await askedFor('select ssn from moved')).toBe('passes');
  });

  test('keeps its level where it was made and renamed in one transaction, and when it was renamed at once', async () => {
    yes();
    await connected(proxy, async (client) => {
      await client.query('begin');
      await client.query('create table made_here as select ssn from people');
      await client.query('alter table made_here rename to made_there');
      await client.query('alter table made_there rename column ssn to plain');
      await client.query('commit');
      await client.query('create table quick as select ssn from people');
      await client.query('alter table quick rename to slow');
      await client.query('create table "Odd ""name"" é" as select ssn from people');
      await client.query('alter table "Odd ""name"" é" rename to even');
      await client.query('create table made_here (ssn text)');
      await client.query('create table quick (ssn text)');
    });
    for (const by of [proxy, peer]) {
      expect(await askedFor('select plain from made_there', by)).toMatch(held('made_there\\.plain'));
      expect(await askedFor('select ssn from slow', by)).toMatch(held('slow\\.ssn'));
      expect(await askedFor('select ssn from even', by)).toMatch(held('even\\.ssn'));
    }
    expect(await askedFor('select ssn from made_here')).toBe('passes');
    expect(await askedFor('select ssn from quick')).toBe('passes');
  });

  const changes: readonly (readonly [of: string, change: readonly string[], read: string, column: string])[] = [
    [
      'another schema',
      ['create schema if not exists aside', 'alter table copied set schema aside'],
      'select ssn from aside.copied',
      'aside\\.copied\\.ssn',
    ],
    [
      'another type',
      ['alter table copied alter column ssn type varchar(90)'],
      'select ssn from copied',
      'copied\\.ssn',
    ],
    [
      'another column before it',
      ['alter table copied add column x int, drop column id'],
      'select ssn from copied',
      'copied\\.ssn',
    ],
    ['a view over it', ['create view over_it as select ssn as s from copied'], 'select s from over_it', 'copied\\.ssn'],
    [
      'a partition of another table',
      [
        'create table whole (id int, ssn text) partition by range (id)',
        'alter table whole attach partition copied for values from (0) to (9)',
      ],
      'select ssn from whole',
      'whole\\.ssn',
    ],
    [
      'a child of another table',
      ['create table parent (id int, ssn text)', 'alter table copied inherit parent'],
      'select ssn from parent',
      'parent\\.ssn',
    ],
    [
      'a generated column',
      ['alter table copied add column g text generated always as (upper(ssn)) stored'],
      'select g from copied',
      'copied\\.g',
    ],
  ];

  test.each(changes)('keeps its level behind %s', async (_, change, read, column) => {
    yes();
    await run('drop table if exists copied, aside.copied, whole, parent cascade');
    await run('create table copied as select id, ssn from people');
    for (const sql of change) await run(sql);
    expect(await askedFor(read)).toMatch(held(column));
    // What another process defines it sees at its next look, which may have come between two of these definitions.
    const isHeldThere = async (): Promise<boolean> => held(column).test(await askedFor(read, peer));
    await waitFor('the peer to have looked', isHeldThere);
  });

  test('is gone with its table: one of the same name that is made anew is another one', async () => {
    yes();
    await connected(proxy, async (client) => {
      await client.query('create table again as select ssn from people');
      await client.query('drop table again');
      await client.query('create table again (ssn text)');
    });
    expect(await askedFor('select ssn from again')).toBe('passes');
    yes();
    await run('insert into again select ssn from people');
    expect(await askedFor('select ssn from again')).toMatch(held('again\\.ssn'));
    yes();
    await run('truncate again');
    // Nobody says what is in it now: on the strict side.
    expect(await askedFor('select ssn from again')).toMatch(held('again\\.ssn'));
  });

  test('is carried into a table that the open transaction made in the place of another', async () => {
    yes();
    await run('create table anew as select ssn from people');
    await connected(proxy, async (client) => {
      for (const sql of ['begin', 'drop table anew', 'create table anew (ssn text)']) await client.query(sql);
      await client.query('insert into anew select ssn from people');
      await client.query('commit');
    });
    expect(await askedFor('select ssn from anew')).toMatch(held('anew\\.ssn'));
  });

  test('is not remembered of a statement that was denied or failed', async () => {
    no();
    await run('create table denied as select ssn from people').catch(() => undefined);
    yes();
    await run('create table there (ssn text)');
    await run('create table there as select ssn from people').catch(() => undefined);
    await run('insert into there select ssn::int::text from people').catch(() => undefined);
    await run('create table denied (ssn text)');
    for (const read of ['select ssn from there', 'select ssn from denied'])
      await waitFor(`${read} to pass`, async () => (await askedFor(read)) === 'passes');
  });

  test('in temporary tables keeps its level for their session, and in no other', async () => {
    await connected(proxy, async (client) => {
      yes();
      await client.query('create temp table own as select ssn from people');
      await client.query('alter table own rename column ssn to x');
      no();
      const asked = proxy.asked.length;
      await expect(client.query('select x from own')).rejects.toThrow(/denied/);
      expect(proxy.asked[asked]?.reasons[0].words).toMatch(
        /^reads pg_temp_\d+\.own\.\w+ \(data of public\.people\.ssn/,
      );
      await connected(proxy, async (other) => {
        await other.query("create temp table own as select 'free'::text as x");
        expect((await other.query('select x from own')).rows).toEqual([{ x: 'free' }]);
      });
      yes();
      await client.query('drop table own');
      await client.query("create temp table own as select 'free'::text as x");
      no();
      expect((await client.query('select x from own')).rows).toEqual([{ x: 'free' }]);
      yes();
      await client.query('create temp table later (x text)');
      await client.query('insert into later select ssn from people');
      no();
      await expect(client.query('select x from later')).rejects.toThrow(/denied/);
    });
  }, 60_000);

  test('stands on the record with what it was made of', () => {
    proxy.audit.log.flush();
    expect(recordsIn(proxy.auditDir).filter((one) => one.kind === 'carried')).toContainEqual(
      expect.objectContaining({
        columns: [{ column: 'public.copy_a.ssn', level: 'restricted' }],
        from: ['public.people.ssn'],
        hold: expect.stringMatching(/^h_/) as unknown,
      }),
    );
  });
});
