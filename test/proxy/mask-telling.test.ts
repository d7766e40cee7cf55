// Goal: a statement over masked columns says the same whatever stands in them: by failing, by how many rows come, by what is left behind.
// Method: real Postgres 15 and 18 behind a proxy whose people say no. The same session is held with two sets of values, directly, where
// its words differ, and through the proxy, where they must not. What cannot tell anything goes on being shown masked.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fieldOf, type ServerMessage } from '../../src/wire/server-messages.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { connectRaw } from '../support/raw.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';

const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: shielded, read: mask, mask: fixed, approvers: [security] }
defaults: { unclassified: public }
`,
  'db.yaml': `version: 1
database: db
owner: security
tables:
  public.people: { columns: { name: shielded, code: shielded, born: shielded, doc: shielded } }
`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [security] } }\n',
};

const setUp = `
create table people (id int, name text, code int, born date, doc jsonb, tags text[]);
create view divided as select id, 1 / (code - 4) as share, name from people;
create table other (id int, note text);
insert into other values (1, 'one'), (2, 'two');
`;

type Values = 'theirs' | 'others';
const fill = (values: Values): string => `
truncate people;
insert into people select i,
  ${values === 'theirs' ? "'abcd', 4, '1970-01-01', '[1]'" : "'zyxw98', 7, '4700-01-01 BC', '[1, 2]'"}
  from generate_series(1, 2) i;
`;

/** Texts of one session. Each, sent directly, says something else for other values. */
const telling: readonly (readonly string[])[] = [
  ['select 1 / (code - 4) from people where id = 1'],
  ['select id, 1 / (code - 4) from people'],
  ['select code + 2147483642 from people'],
  ['select (select 1 / (code - 4) from people where id = 1)'],
  ['select sum(1 / (code - 4)) from people'],
  ['select case when id > 0 then 1 / (code - 4) end from people'],
  ["select (name = 'abcd') and 1 / (id - id) = 0 from people"],
  ["select coalesce(nullif(name, 'abcd'), (1 / (id - id))::text) from people"],
  ["select coalesce(nullif(name, 'abcd'), (select note from other)) from people"],
  ['select generate_series(1, code) from people'],
  ["select regexp_split_to_table(name, '') from people"],
  ["select regexp_matches(name, '^a') from people"],
  ['select unnest(string_to_array(name, null)) from people'],
  ['select jsonb_array_elements(doc) from people'],
  ["select name like 'a\\' from people"],
  ['select ntile(code - 4) over () from people'],
  ['select (born - 10000)::text from people'],
  ["select make_interval(secs => code)::text::interval, lpad(name, (code - 4) * 500000000, 'x') from people"],
  ["select current_setting(case id when 1 then 'work_' || translate(name, 'abcd', 'mem') end) from people"],
  ['select share from divided'],
  ['select name from people union all select (1 / (code - 4))::text from people'],
  ['values ((select 1 / (code - 4) from people where id = 1))'],
  ['copy (select 1 / (code - 4) from people) to stdout'],
  ['copy (select generate_series(1, code) from people) to stdout (format csv)'],
  ['select setseed(code / 100.0) from people where id = 1', 'select random()'],
  ["copy (select name from people) to stdout (null 'abcd')"],
  ["copy (select code from people) to stdout (null '4')"],
  ["copy people (id, name) to stdout (null 'abcd', delimiter ',')"],
];

/** They go on being shown masked: neither value makes a difference, directly or not, to what is not shown. */
const quiet: readonly string[] = [
  'select name, code, born, doc from people',
  'select lower(name), upper(name), length(name), md5(name), left(name, 2), substr(name, 1, 3) from people',
  "select name || '', name::text, code::text, name::varchar(99), '<' || name || '>' from people",
  "select concat(name, ' ', code), coalesce(name, 'none'), greatest(name, 'a'), nullif(name, 'a') from people",
  "select name is null, code = 4, code > id, name in ('abcd', 'x'), doc -> 'a', extract(year from born) from people",
  'select row_to_json(p), p, row(name, id) from people p',
  'select min(name), max(code), count(born), count(distinct name) from people',
  'select first_value(name) over (), lag(code) over (), row_number() over () from people',
  'select id, (select p2.name from people p2 where p2.id = p.id), array(select name from people) from people p',
  'select case when id = 1 then name else upper(name) end, name collate "C" from people',
  'select 10 / id, name from people',
  "copy (select id, name from people) to stdout (null 'nobody')",
  "copy (select id, name from people) to stdout (format csv, null 'abcd')",
];

const shown = new Set(['dataRow', 'copyData', 'commandComplete', 'error', 'closed']);

const wordsOf = (said: readonly ServerMessage[]): string =>
  said
    .filter(({ kind }) => shown.has(kind))
    .map((message) =>
      message.kind === 'error' ? `error ${fieldOf(message.fields, 'C') ?? ''}` : JSON.stringify(message),
    )
    .join('\n');

describe.each([15, 18] as const)('of masked columns of Postgres %i', (major) => {
  let postgres: TestPostgres;
  let proxy: RowsProxy;

  beforeAll(async () => {
    postgres = await startPostgres({ major, fill: [{ database: 'postgres', sql: setUp }] });
    proxy = await startRowsProxy({ url: postgres.url('postgres'), files });
    proxy.say(() => ({ vote: 'deny' }));
  }, 120_000);

  afterAll(async () => {
    await proxy.stop();
    await postgres.stop();
  });

  async function session(url: string, texts: readonly string[], values: Values): Promise<string> {
    await query(postgres.url('postgres'), fill(values));
    const raw = await connectRaw(url);
    for (const [index, sql] of texts.entries()) {
      raw.send({ kind: 'query', sql: Buffer.from(sql) });
      await raw.readies(index + 1);
    }
    raw.close();
    return wordsOf(raw.said);
  }

  test('nothing is told by failing, by how many rows come, or by what is left behind', async () => {
    const [mute, leaks]: [string[], string[]] = [[], []];
    for (const texts of telling) {
      const direct = postgres.url('postgres');
      if ((await session(direct, texts, 'theirs')) === (await session(direct, texts, 'others')))
        mute.push(texts[0] ?? '');
      const first = texts.slice(0, 1);
      const [one, other] = [
        await session(proxy.url('db'), first, 'theirs'),
        await session(proxy.url('db'), first, 'others'),
      ];
      if (one !== other || (!one.includes('copyData') && !one.includes('42501')))
        leaks.push(`${texts[0] ?? ''}\n${one}\n${other}`);
    }
    expect(mute).toEqual([]);
    expect(leaks).toEqual([]);
  }, 120_000);

  test('what cannot tell anything is masked and not held', async () => {
    const before = proxy.asked.length;
    const differ: string[] = [];
    for (const sql of quiet) {
      const [one, other] = [
        await session(proxy.url('db'), [sql], 'theirs'),
        await session(proxy.url('db'), [sql], 'others'),
      ];
      if (one !== other || one.includes('error')) differ.push(`${sql}\n${one}\n${other}`);
    }
    expect(differ).toEqual([]);
    expect(proxy.asked.slice(before).map(({ reasons: [{ words }] }) => words)).toEqual([]);
  }, 120_000);
});
