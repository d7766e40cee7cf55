// Goal: of a masked column nothing but its likeness reaches the client, however it is asked for; drivers read the likeness as they would
// read the value.
// Method: real Postgres 15 and 18 behind a proxy whose people say no. A long list of ways to get at the values, in simple and extended
// protocol, text and binary: every byte that comes back is searched for them. What passes is compared whole.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServerMessage } from '../../src/wire/server-messages.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { connectRaw } from '../support/raw.ts';
import { waitFor } from '../support/wait.ts';
import { recordsIn } from '../audit/fixtures.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';

const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: shielded, read: mask, mask: fixed, approvers: [security] }
  - { name: restricted, read: hold, approvers: [security] }
categories:
  email: { level: shielded, mask: email }
  born: { level: shielded, mask: year }
  iban: { level: shielded, mask: last4 }
  key: { level: shielded, mask: hash }
defaults: { unclassified: public }
`,
  'db.yaml': `version: 1
database: db
owner: security
tables:
  public.people:
    default: public
    columns: { name: shielded, email: email, born: born, iban: iban, code: key, ssn: restricted }
  public.parts: { default: public, columns: { email: email } }
`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [security] } }\n',
  'policy.yaml': 'version: 1\ndefaults: { schema: allow, destructive: allow, privilege: allow }\n',
};

const setUp = `
create domain mail as text;
create table people (id int, name text, email mail, born date, iban varchar(34), code int, ssn text, note text);
insert into people values
  (1, 'Zzqxsecret One', 'zzqxsecret1@leak.info', '1971-03-17', 'DE89zzqxsecret00001234', 987650001, 'zzqxsecret-ssn', 'plain'),
  (2, 'Zzqxsecret Two', 'zzqxsecret2@leak.info', '1982-11-23', 'FR76zzqxsecret00005678', 987650002, null, null);
create view people_view as select id, email as contact, upper(name) as loud from people;
create table other (id int, note text);
insert into other values (1, 'one');
create function leak(int) returns text language sql stable as 'select email::text from people where id = $1';
create table parts (id int, email text) partition by list (id);
create table parts_1 partition of parts for values in (1);
insert into parts select id, email from people where id = 1;
analyze;
`;

/** Parts of values that no likeness shows. */
const secrets = [/zzqxsecret/i, /987650/, /1971-03/, /1982-11/, /03-17/, /11-23/, /3a.{2}d?e91/];

const ways: readonly string[] = [
  'select * from people',
  'select email from people',
  'select p from people p',
  'select p.* from people p',
  'select (p).email from people p',
  'select row(email, id) from people',
  'select row_to_json(p) from people p',
  'select to_jsonb(p) from people p',
  'select json_agg(email) from people',
  'select array_agg(email) from people',
  "select string_agg(email, ',') from people",
  "select email || '' from people",
  'select email::text, name::bytea from people',
  "select convert_to(email, 'UTF8') from people",
  'select lower(email), upper(name), md5(iban), length(email), reverse(email) from people',
  'select substr(email, 1, 3) from people',
  'select coalesce(email, name) from people',
  "select format('%s', email) from people",
  'select max(email), min(name) from people',
  'select (select email from people limit 1)',
  'select array(select email from people)',
  'select id, (select p2.email from people p2 where p2.id = p.id) from people p',
  'select s.x from (select email as x from people) s',
  'with c as (select email as x from people) select x from c',
  'with c as materialized (select * from people) select c.email from c',
  'with recursive r(x, n) as (select email::text, 1 from people union all select x, n + 1 from r where n < 2) select x from r',
  'select email from people union all select note from other',
  'select note from other union all select email from people',
  'select email from people union select note from other',
  'select email from people intersect select email from people',
  'select x from people, lateral (select email as x) l',
  'select x from people cross join lateral unnest(array[email]) x',
  'select u from people, unnest(string_to_array(email, $$@$$)) u',
  'select j.value from people p, jsonb_each_text(to_jsonb(p)) j',
  'select contact, loud from people_view',
  'select * from people_view',
  'select v from people_view v',
  'select email from people order by email',
  'select id from people order by email',
  "select id from people where email like 'z%'",
  'select count(*), email from people group by email',
  'select distinct email from people',
  'select id, row_number() over (order by email) from people',
  'select first_value(email) over () from people',
  'select case when id = 1 then email else name end from people',
  "select case when email like 'z%' then 1 else 0 end from people",
  'select nullif(email, name) from people',
  'select greatest(email, name) from people',
  'select email::int from people',
  'select (name)::date from people',
  'select cast(iban as int) from people',
  "select to_number(email, '999') from people",
  'select leak(1)',
  'select email, leak(1) from people',
  'select * from leak(1)',
  "select query_to_xml('select email from people', true, true, '')",
  "select set_config('app.x', email, false) from people",
  'select born, born + 1, extract(year from born), age(born), born::text from people',
  'select code, code + 0, code::text from people',
  'select email from only people',
  'table people',
  'select people from people',
  'select p.email from people p join other o on o.id = p.id',
  'select email from people p join other o using (id)',
  'select email from people natural join other',
  'select x.email from (people join other using (id)) x',
  'select email from people tablesample bernoulli (100)',
  'select email from people for update',
  'select email from people limit 1 offset 1',
  'values ((select email from people limit 1))',
  'select * from parts',
  'select email from parts_1',
  'copy people to stdout',
  'copy people (email, id) to stdout with (format csv, header)',
  'copy (select name, id, born, email from people) to stdout',
  'copy (select lower(email) from people) to stdout with (format csv)',
  'copy people to stdout with (format binary)',
  'explain select email from people',
  'explain analyze select email from people',
  'explain (verbose) select upper(email) from people',
  'select ssn, email from people',
  "select 'x' from people where ssn is null and email is not null",
  'insert into other select id, email from people',
  'create table copy_of as select email from people',
  'select email into temp copied from people',
  'update other set note = email from people',
  'delete from people where id = 99 returning email',
  'insert into other select 9, 9 returning (select email from people limit 1)',
  'merge into other o using people p on o.id = p.id when matched then update set note = p.email',
  'select 1; select email from people; select id, name from people',
  'begin; declare c cursor for select email from people; fetch all from c; commit',
  'prepare q as select email from people; execute q; deallocate q',
  'select xmlelement(name x, email) from people',
  'select xmlforest(email) from people',
  "select ts_headline(email, 'secret'::tsquery) from people",
  'select email collate "C" from people',
  'select (array[email])[1], (row(email)).f1 from people',
  'select ctid, email, tableoid from people',
  'select percentile_disc(0.5) within group (order by email) from people',
  'select mode() within group (order by email) from people',
  'select string_agg(email, name) filter (where id = 1) from people',
  'select pg_typeof(email), email is null, email = email from people',
  'select regexp_matches(email, $$(.*)@$$) from people',
  'do $$ begin raise notice $n$%$n$, (select email from people limit 1); end $$',
];

function textOf(said: readonly ServerMessage[]): string {
  return said
    .map((message) => {
      switch (message.kind) {
        case 'dataRow':
          return message.values
            .map((value) => (value === null ? '' : `${value.toString('latin1')} ${value.toString('hex')}`))
            .join('|');
        case 'copyData':
          return message.data.toString('latin1');
        case 'error':
        case 'notice':
          return message.fields.map((field) => field.text).join(' ');
        default:
          return '';
      }
    })
    .join('\n');
}

describe.each([15, 18] as const)('masked columns of Postgres %i', (major) => {
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

  async function simple(sql: string): Promise<readonly ServerMessage[]> {
    const raw = await connectRaw(proxy.url('db'));
    raw.send({ kind: 'query', sql: Buffer.from(sql) });
    await raw.readies(1);
    raw.close();
    return raw.said;
  }

  async function extended(
    sql: string,
    format: 0 | 1,
    describe: 'described' | 'not described',
  ): Promise<readonly ServerMessage[]> {
    const raw = await connectRaw(proxy.url('db'));
    raw.send({ kind: 'parse', statement: 's', sql: Buffer.from(sql), types: [] });
    if (describe === 'described') raw.send({ kind: 'describe', target: 'statement', name: 's' });
    raw.send(
      { kind: 'bind', portal: '', statement: 's', formats: [], parameters: [], resultFormats: [format] },
      { kind: 'execute', portal: '', maxRows: 0 },
      { kind: 'sync' },
    );
    await raw.readies(1);
    raw.close();
    return raw.said;
  }

  test('give away nothing, in whatever way they are asked for', async () => {
    const leaks: string[] = [];
    let passed = 0;
    for (const sql of ways) {
      const answers = [await simple(sql), await extended(sql, 0, 'described'), await extended(sql, 1, 'not described')];
      for (const [index, said] of answers.entries()) {
        const text = textOf(said);
        if (said.some((message) => message.kind === 'dataRow' || message.kind === 'copyData')) passed += 1;
        for (const secret of secrets) if (secret.test(text)) leaks.push(`${index}: ${sql} → ${text.slice(0, 200)}`);
      }
    }
    expect(leaks).toEqual([]);
    // Most of these are shown masked, not held.
    expect(passed).toBeGreaterThan(100);
  }, 240_000);

  test('that people let pass masked give away nothing either, nor what was only held', async () => {
    const leaks: string[] = [];
    let masked = 0;
    proxy.say(({ offers }) =>
      offers.includes('masked') ? { vote: 'approve', terms: { kind: 'masked', rowsMax: undefined } } : { vote: 'deny' },
    );
    // Every column is held now, and what the ways ask for is the same.
    const held = ways.map((sql) => sql.replace(/\bemail\b/g, 'ssn'));
    for (const sql of held) {
      const before = proxy.asked.length;
      for (const said of [
        await simple(sql),
        await extended(sql, 0, 'described'),
        await extended(sql, 1, 'described'),
      ]) {
        const text = textOf(said);
        for (const secret of secrets) if (secret.test(text)) leaks.push(`${sql} → ${text.slice(0, 200)}`);
      }
      if (proxy.asked.slice(before).some(({ offers }) => offers.includes('masked'))) masked += 1;
    }
    proxy.say(() => ({ vote: 'deny' }));
    expect(leaks).toEqual([]);
    expect(masked).toBeGreaterThan(30);
  }, 240_000);

  test('that people let pass masked are shown so once, and the record says it', async () => {
    proxy.say(({ offers }) =>
      offers.includes('masked') ? { vote: 'approve', terms: { kind: 'masked', rowsMax: undefined } } : 'silence',
    );
    const before = proxy.asked.length;
    const client = new pg.Client({ connectionString: proxy.url('db') });
    await client.connect();
    const { rows } = await client.query('select id, ssn, email, note from people order by id');
    expect(rows).toEqual([
      { id: 1, ssn: null, email: 'z***@l***.info', note: 'plain' },
      { id: 2, ssn: null, email: 'z***@l***.info', note: null },
    ]);
    // Of what is used for more than being shown, nothing can be masked: it is no choice, and no answer.
    const filtered = client.query("select id, ssn from people where ssn like 'z%'").catch((thrown: unknown) => thrown);
    const asked = await waitFor('the second hold', () => proxy.asked[before + 1]);
    expect([asked.offers, asked.masks]).toEqual([['once', 'rows', 'shape'], []]);
    const wrong = await proxy.desk.vote(asked.id, {
      ...{ person: 'ben', vote: 'approve', channel: 'test', reason: undefined, link: undefined },
      terms: { kind: 'masked', rowsMax: undefined },
    });
    expect(wrong).toMatchObject({ kind: 'invalid' });
    await proxy.desk.vote(asked.id, {
      ...{ person: 'ben', vote: 'deny', channel: 'test', reason: 'no', link: undefined, terms: undefined },
    });
    await filtered;
    await client.end();
    proxy.say(() => ({ vote: 'deny' }));
    const first = proxy.asked[before];
    expect(first?.masks).toEqual([
      { column: 'public.people.email', style: 'email' },
      { column: 'public.people.ssn', style: 'null' },
    ]);
    proxy.audit.log.flush();
    const records = recordsIn(proxy.auditDir);
    expect(records.find((each) => each.kind === 'decided' && each.hold === first?.id)).toMatchObject({
      terms: 'once, masked',
    });
    expect(records.find((each) => each.kind === 'released' && each.hold === first?.id)).toMatchObject({
      masked: ['public.people.email', 'public.people.ssn'],
    });
  }, 60_000);

  test('are shown as their likeness, in text and in binary', async () => {
    const client = new pg.Client({ connectionString: proxy.url('db') });
    await client.connect();
    const sql = `select id, name, email, born::date as born, iban, code, note from people where id > $1 order by id`;
    for (const binary of [false, true]) {
      const { rows } = await client.query({ text: sql, values: [0], binary } as pg.QueryConfig);
      expect(rows).toMatchObject([
        { id: 1, name: '***', email: 'z***@l***.info', iban: '****1234', note: 'plain' },
        { id: 2, name: '***', email: 'z***@l***.info', iban: '****5678', note: null },
      ]);
      const codes = (rows as { code: number }[]).map((row) => row.code);
      expect(new Set(codes).size).toBe(2);
      for (const code of codes) expect(Number.isInteger(code)).toBe(true);
    }
    await client.end();
  });

  test('are shown by COPY too, each in its type', async () => {
    const said = await simple('copy people (id, name, email, born, iban, note) to stdout with (format csv, header)');
    expect(textOf(said).trim()).toBe(
      [
        'id,name,email,born,iban,note',
        '',
        '1,"***","z***@l***.info","1971-01-01","****1234",plain',
        '',
        '2,"***","z***@l***.info","1982-01-01","****5678",',
      ].join('\n'),
    );
  });
});
