// Goal: with definitions allowed, a definition that goes over rows, or takes a column out of its class, is judged as what it does.
// Method: attacks as data, each of which tells two states of the data apart (or shows a value) when it is sent to Postgres 15 and 18
// directly; then definitions that look at nothing watched, which pass; then a rename that people let through, after which the level stays.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBothWays, type BothWays } from '../support/both-ways.ts';
import { query } from '../support/client.ts';
import { waitFor } from '../support/wait.ts';
import { definitions, watchedFiles } from '../support/watched-files.ts';

const files = watchedFiles({
  tables: `  public.people: { columns: { id: public, name: public, ssn: watched, pay: watched, age: watched } }
  public.parts: { columns: { k: public, v: watched } }
  public.loose: { columns: { v: watched } }
  public.parent: { columns: { v: watched, seen: watched } }`,
  allows: definitions,
});

/** Harmless when it was put behind an index, a key, a default and the rest; then it was replaced. */
const stored = `
  create function tells(int) returns int language plpgsql immutable as 'begin return $1; end';
  create table kept (a int, b int, check (tells(b) > 0)); insert into kept select i, i from generate_series(1, 20) i; create index by_tells on kept (tells(a));
  create table counted (a int, b int); insert into counted select i, i from generate_series(1, 20) i; create statistics of_tells on (tells(a)), b from counted;
  create table keyed (a int) partition by range (tells(a)); create table keyed1 partition of keyed for values from (0) to (1000);
  create table emptied (id int primary key); create table along (id int references emptied);
  create function told() returns trigger language plpgsql as 'begin perform public.tells(1); return null; end';
  create trigger told before truncate on along execute function told();
  create function gap(float8, float8) returns float8 language plpgsql immutable as 'begin return $1 - $2 + public.tells(1); end';
  create type span as range (subtype = float8, subtype_diff = gap); create table spans (s span); insert into spans select span(i, i + 1) from generate_series(1, 600) i;
  create function words() returns text language sql stable as 'select min(ssn) from public.people';
  create materialized view copies as select words() as word;
  create or replace function tells(int) returns int language plpgsql immutable as
    'begin return $1 / ((select pay from public.people where id = 1) - 150); end';`;

const schema = (pay: number, word: string): string => `
  drop schema public cascade; create schema public; grant all on schema public to public;
  create domain age as int;
  create table people (id int primary key, name text, ssn text, pay int, age age, short text generated always as (left(ssn, 9)) stored);
  create table notes (id int primary key, word text);
  create table hundred (id int primary key);
  create table parts (k int, v text) partition by range (k);
  create table parts1 partition of parts for values from (0) to (100);
  create table parent (k int, v text, seen text);
  create table kid (extra int) inherits (parent);
  create table lists (k int, v text) partition by list (v);
  create table loose (k int, v text);
  insert into loose values (1, '${word}');
  create function asks(int, int) returns boolean language sql stable as 'select exists (select from people where pay > 100)';
  create operator === (function = asks, leftarg = int, rightarg = int);
  insert into people (id, name, ssn, pay, age) values (1, 'a', '${word}', ${pay}, ${pay}), (2, 'b', 'x', ${pay === 150 ? 151 : 50}, ${pay});
  insert into notes values (1, 'one');
  insert into hundred select generate_series(1, 100);
  insert into parts values (1, '${word}');
  insert into parent values (1, '${word}', nullif('${word}', 'other'));
  insert into kid values (2, '${word}', 'x', 3);
  create index by_pay on people (pay);
  alter table people add constraint later check (pay > 100) not valid;
  ${stored}`;

/** One after the other; the last may be what shows what the others made. */
const attacks: Readonly<Record<string, readonly string[]>> = {
  'ADD CHECK': ['alter table people add check (pay > 100)'],
  'ADD COLUMN … CHECK': ['alter table people add column more int check (pay > 100)'],
  'ADD CHECK with an operator of somebody’s': ['alter table notes add check (id === 1)'],
  'VALIDATE CONSTRAINT': ['alter table people validate constraint later'],
  'SET NOT NULL': ['alter table parent alter seen set not null'],
  'an index over an expression': ['create index on people ((1 / (pay - 150)))'],
  'an index over some rows': ['create index on people (id) where 1 / (pay - 150) > 0'],
  'a unique index': ['create unique index on people (pay)'],
  'a unique constraint': ['alter table people add unique (pay)'],
  'an exclusion constraint': ['alter table people add exclude (pay with =)'],
  'a foreign key': ['alter table people add foreign key (pay) references hundred'],
  'TYPE … USING another column': ['alter table people alter name type text using ssn', 'select name from people'],
  'TYPE that cannot be': ['alter table people drop short', 'alter table people alter ssn type int using ssn::int'],
  'a generated column': ['alter table people add more int generated always as (1 / (pay - 150)) stored'],
  'a domain that is checked': ['alter domain age add check (value > 100)'],
  'ATTACH PARTITION': ["alter table lists attach partition loose for values in ('canary')"],
  'DETACH PARTITION': ['alter table parts detach partition parts1', 'select upper(v) from parts1'],
  'NO INHERIT': ['alter table kid no inherit parent', 'select upper(v) from kid'],
  'DROP EXPRESSION': ['alter table people alter short drop expression', 'select upper(short) from people'],
  'a column called otherwise': ['alter table people rename ssn to harmless', 'select upper(harmless) from people'],
  'two columns that change names': [
    'alter table people rename name to was',
    'alter table people rename ssn to name',
    'select upper(name) from people',
  ],
  'a table called otherwise': ['alter table people rename to folk', 'select upper(ssn) from folk'],
  'a table in another schema': [
    'create schema s',
    'alter table people set schema s',
    'select upper(ssn) from s.people',
  ],
  'a schema called otherwise': ['alter schema public rename to s', 'select upper(ssn) from s.people'],
  'row security in the words of the asker': [
    'alter table people enable row level security',
    'alter table people force row level security',
    'create policy p on people using (pay > 100)',
    'set role plain',
    'select id from people',
  ],
  'ANALYZE and what an index calls': ['analyze kept'],
  'ANALYZE and what statistics call': ['analyze counted'],
  'ANALYZE and what the difference of a range calls': ['analyze spans'],
  REINDEX: ['reindex table kept'],
  'REINDEX of an index': ['reindex index by_tells'],
  CLUSTER: ['cluster kept using by_tells'],
  'a table written anew': ['alter table kept set unlogged'],
  'an index over a range': ['create index on spans using gist (s)', 'insert into spans select s from spans'],
  'the key of a partition': ['insert into keyed values (5)'],
  'TRUNCATE of a table that goes along': ['truncate emptied cascade'],
  'what a function filled a copy with': ['select upper(word) from copies'],
};

const honest: readonly string[] = [
  'alter table notes add check (id > 0)',
  'alter table notes alter word set not null',
  'alter table notes alter word type varchar(20) using trim(word)',
  'create unique index on notes (word)',
  'alter table notes add column more int default 3 check (more > 0) references hundred',
  'create index on people (ssn)',
  'alter table people add column more int',
  'alter table people alter name set not null',
  'alter table notes rename word to text',
  'alter table notes rename to remarks',
  'alter table people drop constraint later',
  'create table parts2 partition of parts for values from (100) to (200)',
  'analyze notes',
  'truncate loose',
];

describe.each([15, 18] as const)('with Postgres %i', (major) => {
  let ways: BothWays;

  beforeAll(async () => {
    const sql = ['create role plain; grant pg_read_all_data to plain', schema(150, 'canary')];
    ways = await startBothWays({ major, sql, files, waitMs: 200 });
  }, 120_000);

  afterAll(() => ways.stop());

  /** What the server says to the last of them, in a transaction that is taken back. */
  async function said(url: string, texts: readonly string[]): Promise<string> {
    const all = ['begin', ...texts].map((sql) => `${sql};`);
    return await query(url, all.join('\n')).then(
      (rows) => JSON.stringify(rows),
      (error: unknown) => String(error),
    );
  }

  test.each(Object.entries(attacks))('%s tells nothing', async (_name, texts) => {
    const answers = { direct: new Set<string>(), through: new Set<string>() };
    for (const [pay, word] of [
      [150, 'canary'],
      [50, 'other'],
    ] as const) {
      await query(ways.direct, schema(pay, word));
      answers.direct.add(await said(ways.direct, texts));
      answers.through.add((await said(ways.through, texts)).replaceAll(/h_\w+/g, 'h_'));
    }
    expect([...answers.direct]).toHaveLength(2);
    expect([...answers.through]).toHaveLength(1);
    expect([...answers.through][0]).toMatch(/denied|held|nobody|approv/i);
  });

  test.each(honest)('%s passes', async (sql) => {
    await query(ways.direct, schema(150, 'canary'));
    await waitFor('the schema to be seen', async () => (await said(ways.through, [sql])) === '[]');
  });

  test('a name that people let it have leaves a column its level', async () => {
    await query(ways.direct, schema(150, 'canary'));
    ways.proxy.say(() => ({ vote: 'approve' }));
    const renamed =
      'alter table people rename name to was; alter table people rename ssn to name; alter table people rename to folk';
    try {
      for (const sql of renamed.split('; ')) await query(ways.through, sql);
    } finally {
      ways.proxy.say(() => ({ vote: 'deny' }));
    }
    expect(JSON.stringify(await query(ways.direct, 'select upper(name) from folk'))).toContain('CANARY');
    await expect(query(ways.through, 'select upper(name) from folk')).rejects.toThrow(/denied/);
    expect(await query(ways.through, 'select was from folk order by was')).toHaveLength(2);
  });
});
