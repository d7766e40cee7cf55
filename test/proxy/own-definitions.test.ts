// Goal: what a session defined in its open transaction is judged by what it means there: ordinary migrations run, and nothing that is
// classified comes out under another name, through another view or function, or by a definition that was taken back.
// Method: real Postgres 15 and 18 and people who let definitions through and nothing else. Migrations as data must give what Postgres gives, with nobody asked; attacks as
// data must bring out the watched value directly, and never through the proxy.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBothWays, type BothWays } from '../support/both-ways.ts';
import { withClient } from '../support/client.ts';
import { definitions, watchedFiles } from '../support/watched-files.ts';

const files = watchedFiles({
  tables: '{ public.people: { default: public, columns: { ssn: watched } } }',
  allows: definitions,
});

const setUp = `
create table people (id int primary key, name text, ssn text);
insert into people values (1, 'ann', 'canary');
create table notes (id int, word text);
insert into notes values (1, 'harmless');
create view shown as select id, word from notes;
create function f() returns text language sql stable as 'select word from public.notes limit 1';
create function g(int) returns text language sql stable as 'select word from public.notes where id = $1';
create table parent (id int, ssn text);
create schema other;
`;

/** Each text is a Query of its own; the transaction is taken back at the end. */
const migrations: Readonly<Record<string, readonly string[]>> = {
  'a new table is filled and read': [
    'create table t (id int primary key, word text)',
    "insert into t values (1, 'a'), (2, 'b')",
    'select word from t order by id',
    "update t set word = 'c' where id = 2",
    'select count(*) from t',
    'delete from t where id = 1',
    'select * from t',
  ],
  'a column is added, filled, renamed and read': [
    'alter table notes add column more text',
    "update notes set more = 'x' where id = 1",
    'select more from notes',
    'alter table notes rename column more to less',
    'select less, word from notes',
    'alter table notes rename to remarks',
    'select less from remarks',
  ],
  'a column is dropped and comes back': [
    'drop view shown',
    'alter table notes drop column word',
    'select * from notes',
    'alter table notes add column word int default 5',
    'select word + 1 as next from notes',
  ],
  'a view, a function, a type, an index and a trigger are made and used': [
    "create type mood as enum ('good', 'bad')",
    'create table days (day int primary key, felt mood)',
    'create index on days (felt)',
    "insert into days values (1, 'good')",
    "create view good_days as select day from days where felt = 'good'",
    'select day from good_days',
    "create function day_of(int) returns mood language sql stable as 'select felt from public.days where day = $1'",
    'select day_of(1)',
    "create function stamp() returns trigger language plpgsql as $$ begin new.felt := 'bad'; return new; end $$",
    'create trigger stamped before insert on days for each row execute function stamp()',
    "insert into days values (2, 'good')",
    'select day, felt from days order by day',
  ],
  'savepoints take definitions back and keep others': [
    'savepoint a',
    'create table t (a int)',
    'insert into t values (1)',
    'rollback to a',
    'create table t (b text)',
    "insert into t values ('x')",
    'savepoint b',
    'alter table t rename column b to c',
    'select c from t',
    'release b',
    'select c from t',
    'select id, name from people',
  ],
  'a schema of its own': [
    'create schema fresh',
    'set local search_path = fresh, public',
    'create table notes (word text)',
    "insert into notes values ('fresh')",
    'select word from notes',
    'alter schema fresh rename to stale',
    'select word from stale.notes',
  ],
};

/** Each brings out the watched value when Postgres is asked directly. */
const attacks: Readonly<Record<string, readonly string[]>> = {
  'a new view': ['create view v as select ssn as word from people', 'select word from v'],
  'a view over a view': [
    'create view v as select ssn as word from people',
    'create view w as select word from v',
    'select word from w',
  ],
  'a view that is replaced': [
    'select word from shown',
    'create or replace view shown as select id, ssn as word from people',
    'select word from shown',
  ],
  'a function that is made': [
    "create function h() returns text language sql stable as 'select ssn from public.people limit 1'",
    'select h()',
  ],
  'a function that is replaced': [
    'select f()',
    "create or replace function f() returns text language sql stable as 'select ssn from public.people limit 1'",
    'select f()',
  ],
  'a function that is replaced twice': [
    "create or replace function f() returns text language sql stable as 'select word || 1 from public.notes limit 1'",
    'select f()',
    "create or replace function f() returns text language sql stable as 'select ssn from public.people limit 1'",
    'select f()',
  ],
  'a function of plpgsql': [
    'create function h() returns text language plpgsql as $$ begin return (select ssn from public.people limit 1); end $$',
    'select h()',
  ],
  'a better fitting function beside the old one': [
    'select g(1)',
    "create function g(bigint) returns text language sql stable as 'select ssn from public.people limit 1'",
    'select g(1::bigint)',
  ],
  'an operator': [
    "create function same(text, text) returns text language sql stable as 'select ssn from public.people limit 1'",
    'create operator public.=== (leftarg = text, rightarg = text, function = same)',
    "select 'a'::text === 'b'::text as word",
  ],
  'a cast': [
    'create type boxed as (word text)',
    "create function box(int) returns boxed language sql stable as 'select row(ssn)::public.boxed from public.people limit 1'",
    'create cast (int as boxed) with function box(int)',
    'select 1::boxed',
  ],
  'a renamed table': ['alter table people rename to folk', 'select ssn from folk'],
  'a renamed table, for a filter': [
    'alter table people rename to folk',
    "select 'canary' from folk where ssn like 'c%'",
  ],
  'a renamed table, whole': ['alter table people rename to folk', 'select * from folk'],
  'a renamed table, as rows': ['alter table people rename to folk', 'select f from folk f'],
  'a renamed table, copied': ['alter table people rename to folk', 'copy folk to stdout'],
  'a table renamed twice': [
    'alter table people rename to folk',
    'select id from folk',
    'alter table folk rename to crowd',
    'select ssn from crowd',
  ],
  'a table renamed into the place of another': [
    'alter table notes rename to remarks',
    'alter table people rename to notes',
    'select ssn from notes',
  ],
  'a renamed column': ['alter table people rename column ssn to word', 'select word from people'],
  'a column renamed twice': [
    'alter table people rename column ssn to word',
    'select id from people',
    'alter table people rename column word to more',
    'select more from people',
  ],
  'columns that change places': [
    'alter table people rename column name to aside',
    'alter table people rename column ssn to name',
    'alter table people rename column aside to ssn',
    'select name from people',
  ],
  'another schema': ['alter table people set schema other', 'select ssn from other.people'],
  'a renamed schema': ['alter schema public rename to hidden', 'select ssn from hidden.people'],
  'a child of the table': ['alter table people inherit parent', 'select ssn from parent'],
  'a partition': [
    'create table parts (id int not null, name text, ssn text) partition by range (id)',
    'alter table parts attach partition people for values from (0) to (10)',
    'select ssn from parts',
  ],
  'a generated column': [
    'alter table people add column word text generated always as (lower(ssn)) stored',
    'select word from people',
  ],
  'a rule': [
    'create table bare (word text)',
    'create rule r as on insert to bare do instead select ssn from public.people',
    "insert into bare values ('x')",
  ],
  'a policy that reads': [
    'alter table notes enable row level security',
    'alter table notes force row level security',
    "create policy p on notes using (exists (select from people where ssn = 'canary'))",
    'create role looker',
    'grant select on notes, people to looker',
    'set local role looker',
    "select 'canary' from notes",
  ],
  'a trigger that copies': [
    'create table seen (word text)',
    'create function copying() returns trigger language plpgsql as $$ begin insert into public.seen select ssn from public.people; return new; end $$',
    'create trigger t after insert on notes for each row execute function copying()',
    "insert into notes values (2, 'x')",
    'select word from seen',
  ],
  'a default': [
    "create function h() returns text language sql stable as 'select ssn from public.people limit 1'",
    'create table made (id int, word text default h())',
    'insert into made (id) values (1) returning word',
  ],
  'CREATE TABLE AS': ['create table copied as select ssn as word from people', 'select word from copied'],
  'INSERT … SELECT into a new table': [
    'create table copied (word text)',
    'insert into copied select ssn from people',
    'select word from copied',
  ],
  'a materialized view': ['create materialized view m as select ssn as word from people', 'select word from m'],
  'what a savepoint took back': [
    'savepoint a',
    'create or replace view shown as select id, word from notes where true',
    'select word from shown',
    'rollback to a',
    'create or replace view shown as select id, ssn as word from people',
    'select word from shown',
  ],
  'a name that a savepoint gave back': [
    'savepoint a',
    'alter table people rename to folk',
    'create table people (id int, ssn text)',
    'select id from people',
    'rollback to a',
    'select ssn from people',
  ],
  'a definition behind a released savepoint': [
    'savepoint a',
    'create or replace view shown as select id, ssn as word from people',
    'release a',
    'select word from shown',
  ],
  'AND CHAIN': [
    'create or replace view shown as select id, ssn as word from people',
    'select id from shown',
    'rollback and chain',
    'select word from shown',
    'create or replace view shown as select id, ssn as word from people',
    'select word from shown',
  ],
  'a block of code that defines': [
    "do $$ begin execute 'create or replace view shown as select id, ssn as word from people'; end $$",
    'select word from shown',
  ],
  'a temporary table named like a type, in the way of our own questions': [
    'create temp table text (a int)',
    'create or replace view shown as select id, ssn as word from people',
    'select word from shown',
  ],
  'definitions and their use in one Query': ['create view v as select ssn as word from people; select word from v'],
  'a cursor over a new view': [
    'create view v as select ssn as word from people',
    'declare c cursor for select word from v',
    'fetch all from c',
  ],
  'a prepared text over a view that is replaced': [
    'prepare p as select word from shown',
    'create or replace view shown as select id, ssn as word from people',
    'execute p',
  ],
};

/** Refused so many texts before the last. */
const early: Readonly<Record<string, number>> = {
  'a trigger that copies': 1,
  'a cursor over a new view': 1,
};

test.each([15, 18] as const)(
  'an error on Postgres %i shows no row of a table that goes by the name of another',
  async (major) => {
    const ways = await startBothWays({ major, sql: setUp, files });
    // A table that goes by a name of a lower level is asked about.
    ways.proxy.say(() => ({ vote: 'approve' }));
    try {
      const texts = [
        'alter table notes rename to remarks',
        'alter table people rename to notes',
        'update notes set id = null',
      ];
      expect(String(await said(ways.direct, texts))).toContain('canary');
      expect((await said(ways.through, texts)).at(-1)).toBe('23502 ');
    } finally {
      await ways.stop();
    }
  },
);

/** What each text gives, or the SQLSTATE of its error, behind which the transaction is over. */
async function said(url: string, texts: readonly string[], from = 'begin'): Promise<readonly string[]> {
  return await withClient(url, async (client) => {
    const told: string[] = [];
    for (const text of [from, ...texts, 'rollback']) {
      try {
        if (text.startsWith('copy')) told.push(await copied(client, text));
        else {
          const results = [await client.query({ text, rowMode: 'array' })].flat();
          told.push(results.map(({ rows }) => JSON.stringify(rows)).join(' '));
        }
      } catch (thrown) {
        const { code, detail } = thrown as { code?: string; detail?: string };
        told.push(code === '42501' ? code : `${code ?? ''} ${detail ?? ''}`);
        break;
      }
    }
    return told;
  });
}

/** COPY of what it names, as rows: the driver at hand reads no COPY. */
async function copied(client: pg.Client, text: string): Promise<string> {
  const data: string[] = [];
  const { connection } = client as unknown as {
    connection: { on(name: string, take: (m: { chunk: Buffer }) => void): void };
  };
  connection.on('copyData', ({ chunk }) => data.push(chunk.toString()));
  await client.query(text);
  return data.join('');
}

describe.each([15, 18] as const)('definitions in an open transaction, on Postgres %i', (major) => {
  let ways: BothWays;

  beforeAll(async () => {
    ways = await startBothWays({ major, sql: setUp, files });
    // Definitions are let through, even those that name what is watched: what is then read by them is the matter here.
    ways.proxy.say(({ sql }) => ({
      vote: /^(?:create|alter|do|insert into copied)\b(?!.*; select)/i.test(sql.raw) ? 'approve' : 'deny',
    }));
  }, 120_000);

  afterAll(() => ways.stop());

  test.each(Object.entries(migrations))('%s, as without us and with nobody asked', async (_, texts) => {
    const before = ways.proxy.asked.length;
    const direct = await said(ways.direct, texts);
    expect(direct).toHaveLength(texts.length + 2);
    expect(await said(ways.through, texts)).toEqual(direct);
    expect(ways.proxy.asked.slice(before).map((hold) => [hold.sql.raw, hold.reasons])).toEqual([]);
  });

  test.each(Object.entries(attacks))('%s does not get past', async (name, texts) => {
    expect(String(await said(ways.direct, texts))).toContain('canary');
    const told = await said(ways.through, texts);
    expect(String(told)).not.toContain('canary');
    // Not for want of a definition: all of them were let through, and what uses them was refused.
    expect(told.slice(1)).toHaveLength(texts.length - (early[name] ?? 0));
    expect(told.at(-1)).toBe('42501');
  });
});
