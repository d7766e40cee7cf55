// Goal: nothing that an agent does to its own session makes a text be judged as another one than the server runs.
// Method: attacks as data. Each brings out a watched value when it is sent to Postgres directly, or it proves nothing; sent through the
// proxy, with people who say no, the value never comes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeClientMessage, type ClientMessage } from '../../src/wire/client-messages.ts';
import { query as queryAt } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { connectRaw } from '../support/raw.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';

const files = {
  'taxonomy.yaml': `version: 1
levels: [{ name: public, read: allow }, { name: watched, read: hold, approvers: [people] }]
defaults: { unclassified: public }
`,
  'policy.yaml': 'version: 1\ndefaults: { schema: allow, destructive: allow, privilege: allow }\n',
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [people] } }\n',
  'db.yaml': 'version: 1\ndatabase: db\nowner: people\ntables: { other.notes: watched }\n',
};

let postgres: TestPostgres;
let proxy: RowsProxy;

beforeAll(async () => {
  postgres = await startPostgres();
  for (const sql of [
    'create schema other',
    'create table notes (word text)',
    'create table other.notes (word text)',
    'create table taken (word text)',
    "insert into notes values ('harmless')",
    "insert into other.notes values ('canary')",
    'create view v as select word from notes',
    "create function f() returns text language sql stable as 'select word from public.notes limit 1'",
  ]) {
    await queryAt(postgres.url(), sql);
  }
  proxy = await startRowsProxy({ url: postgres.url(), files });
  proxy.say(() => ({ vote: 'deny' }));
});

afterAll(async () => {
  await proxy.stop();
  await postgres.stop();
});

const query = (sql: string): ClientMessage => ({ kind: 'query', sql: Buffer.from(sql) });
const parse = (sql: string, statement: string): ClientMessage => ({
  kind: 'parse',
  statement,
  sql: Buffer.from(sql),
  types: [],
});
const bind = (statement: string): ClientMessage => ({
  kind: 'bind',
  portal: '',
  statement,
  formats: [],
  parameters: [],
  resultFormats: [],
});
const execute = (portal = ''): ClientMessage => ({ kind: 'execute', portal, maxRows: 0 });
const sync: ClientMessage = { kind: 'sync' };
const notes = 'select word from notes';

/** Sent in one write, so that nothing is waited for; each gives that many ReadyForQuery. */
const attacks: Readonly<Record<string, readonly [number, ...(readonly ClientMessage[])]>> = {
  'SET search_path right before': [3, query(notes), query('set search_path = other'), query(notes)],
  'SET LOCAL search_path': [4, query(notes), query('begin'), query('set local search_path = other'), query(notes)],
  set_config: [3, query(notes), query("select set_config('search_path', 'other', false)"), query(notes)],
  'SET in the same query': [2, query(notes), query(`set search_path = other; ${notes}`)],
  'SET in the same query, for a filter': [
    1,
    query("set search_path = other; select max('canary'::text) from notes where word like 'c%'"),
  ],
  'a savepoint that takes SET back': [
    3,
    query(notes),
    query('begin; set search_path = other; savepoint a; set search_path = public; rollback to a'),
    query(notes),
  ],
  'SET search_path by a prepared statement': [
    3,
    query(notes),
    parse('set search_path = other', 's'),
    bind('s'),
    execute(),
    sync,
    query(notes),
  ],
  'SET search_path between two runs of one prepared statement': [
    5,
    ...[parse(notes, 's'), sync],
    ...[bind('s'), execute(), sync],
    ...[bind('s'), execute(), sync],
    query('set search_path = other'),
    ...[bind('s'), execute(), sync],
  ],
  'a view that is replaced between two runs of one prepared statement': [
    5,
    ...[parse('select word from v', 's'), sync],
    ...[bind('s'), execute(), sync],
    ...[bind('s'), execute(), sync],
    query('begin; create or replace view v as select word from other.notes'),
    ...[bind('s'), execute(), sync],
  ],
  'SET and SELECT in one batch': [
    2,
    query(notes),
    parse('set search_path = other', 's'),
    parse(notes, 't'),
    bind('s'),
    execute(),
    bind('t'),
    execute(),
    sync,
  ],
  'PREPARE under a name that was closed in SQL': [
    4,
    parse(notes, 's'),
    sync,
    query('deallocate s'),
    query('prepare s as select word from other.notes'),
    bind('s'),
    execute(),
    sync,
  ],
  'a Parse under a name that SQL had prepared': [
    3,
    query(`prepare s as ${notes}`),
    { kind: 'close', target: 'statement', name: 's' },
    parse('select word from other.notes', 's'),
    sync,
    query('execute s'),
  ],
  'a temporary view in front of a table': [
    3,
    query(notes),
    query('create temp view notes as select word from other.notes'),
    query(notes),
  ],
  'a view that is replaced in the open transaction': [
    3,
    query('select word from v'),
    query('begin; create or replace view v as select word from other.notes'),
    query('select word from v'),
  ],
  'a function that is replaced in the open transaction': [
    3,
    query('select f()'),
    query(
      "begin; create or replace function f() returns text language sql stable as 'select word from other.notes limit 1'",
    ),
    query('select f()'),
  ],
  'a cursor of SQL read by Execute': [
    3,
    query('begin'),
    query('declare c cursor for select word from other.notes'),
    execute('c'),
    sync,
  ],
  'COPY of a query': [1, query('copy (select word from other.notes) to stdout')],
  // The server reads a prepared text anew where names may mean other things than when it was prepared. An expression has no column for the
  // last look before rows pass to see.
  'EXECUTE under another search_path': [
    4,
    query("prepare p as select word || '' from notes"),
    query('execute p'),
    query('set search_path = other'),
    query('execute p'),
  ],
  'SET and EXECUTE in the same query': [
    2,
    query("prepare p as select word || '' from notes"),
    query('set search_path = other; execute p'),
  ],
  'SET LOCAL around PREPARE': [
    2,
    query("begin; set local search_path = other; prepare p as select word || '' from notes; commit"),
    query('set search_path = other; execute p'),
  ],
  'EXECUTE after the temporary table is gone': [
    5,
    query('set search_path = other'),
    query('create temp table notes (word text)'),
    query("prepare p as select word || '' from notes"),
    query('discard temp'),
    query('execute p'),
  ],
  'EXECUTE after its view was replaced': [
    4,
    query('create or replace view shown as select word from public.notes'),
    query("prepare p as select word || '' from shown"),
    query('create or replace view shown as select word from other.notes'),
    query('execute p'),
  ],
  'EXECUTE of what PREPARE holds': [2, query('prepare p as select word from other.notes'), query('execute p')],
};

async function said(url: string, readies: number, messages: readonly ClientMessage[]): Promise<string> {
  const raw = await connectRaw(url);
  try {
    raw.socket.write(Buffer.concat(messages.map(encodeClientMessage)));
    await raw.readies(readies);
    return raw.said
      .flatMap((message) => {
        if (message.kind === 'dataRow') return message.values.map((value) => value?.toString() ?? '');
        return message.kind === 'copyData' ? [message.data.toString()] : [];
      })
      .join(' ');
  } finally {
    raw.close();
  }
}

describe('an agent cannot have another text judged than the server runs', () => {
  for (const [name, [readies, ...messages]] of Object.entries(attacks)) {
    test(name, async () => {
      expect(await said(postgres.url(), readies, messages)).toContain('canary');
      expect(await said(proxy.url('db'), readies, messages)).not.toContain('canary');
    });
  }

  test('and SET of one schema in front of an honest statement holds nobody up', async () => {
    const before = proxy.asked.length;
    const text = [query('set search_path = public; select word from notes')];
    expect(await said(proxy.url('db'), 1, text)).toBe('harmless');
    expect(proxy.asked.length).toBe(before);
  });

  test('and PREPARE and EXECUTE of an honest statement hold nobody up, in a transaction with settings of its own too', async () => {
    const before = proxy.asked.length;
    const messages = [
      query(`prepare p as ${notes}`),
      query('execute p'),
      query("begin; set local statement_timeout = '1min'"),
      query('execute p'),
      query('commit'),
      query('execute p'),
    ];
    expect(await said(proxy.url('db'), 6, messages)).toBe('harmless harmless harmless');
    expect(proxy.asked.length).toBe(before);
  });

  test('and a column that an own temporary table got stops nobody', async () => {
    const messages = [
      query('create temp table mine (word text)'),
      query("insert into mine values ('own')"),
      query('select m.word from mine m'),
      query('alter table mine add column more text'),
      query('select m.more, m.word from mine m'),
    ];
    expect(await said(proxy.url('db'), 5, messages)).toBe(await said(postgres.url(), 5, messages));
  });

  test('by a text too long to be read, which ends a failed transaction and goes on', async () => {
    const long = `rollback; insert into taken select word from other.notes /* ${'x'.repeat(300_000)} */`;
    const messages = [query('begin; select 1/0'), query(long)];
    const taken = async (): Promise<readonly unknown[]> => await queryAt(postgres.url(), 'select word from taken');
    await said(postgres.url(), 2, messages);
    expect(await taken()).toEqual([{ word: 'canary' }]);
    await queryAt(postgres.url(), 'truncate taken');
    await said(proxy.url('db'), 2, messages);
    expect(await taken()).toEqual([]);
  });
});
