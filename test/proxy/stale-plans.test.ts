// Goal: what a statement is judged by is what the server runs, also where the server keeps a plan: nothing new that stands in the way of a name
// makes a prepared text, or the body of a function, be judged as harmless and run as what it was before. Who prepares honestly notices nothing.
// Method: raw conversations at real Postgres 15 and 18; attacks bring out the watched value directly, and never through the proxy, whose people
// let definitions through. Honest ones must give the same messages, and what is asked of the server is counted.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServerMessage } from '../../src/wire/server-messages.ts';
import { bind, close, describeOf, execute, parse, sync } from '../support/agent-messages.ts';
import { query } from '../support/client.ts';
import { converse, valuesIn, type Step } from '../support/converse.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';
import { listenBefore, type UpstreamEar } from '../support/upstream-ear.ts';
import { definitions, watchedFiles } from '../support/watched-files.ts';

const files = watchedFiles({
  tables: '{ public.people: { default: public, columns: { ssn: watched } } }',
  allows: definitions,
});

const setUp = [
  'create table people (id int, ssn text)',
  "insert into people values (1, 'canary')",
  'create table notes (id int, word text)',
  "insert into notes values (1, 'one'), (2, 'two')",
  'create schema fresh',
  'create schema tenant',
  'create table tenant.notes (id int, word text)',
  "insert into tenant.notes values (3, 'three')",
  "create function f() returns text language sql as 'select ssn from public.people'",
  "create function which(bigint) returns text language sql as 'select ssn from public.people'",
  `create function pick(b bool) returns text language plpgsql as
    $$ begin if b then return (select ssn from people limit 1); end if; return ''; end $$`,
];

/** Said by somebody else, straight to the server; the proxy has seen it before the next step. */
const other = (elsewhere: string): Step => ({ elsewhere });
const run = (statement: string): Step => [bind('', statement), describeOf('portal'), execute(''), sync];
const prepared = (sql: string): Step => [parse(sql, 's'), sync];

/** Each ends by taking back what would be in the way of the next. */
const attacks: Readonly<Record<string, readonly Step[]>> = {
  'a temporary table': [
    'create temp table other_one (n int)',
    prepared("select ssn || '' from people"),
    'create temp table people (ssn text)',
    run('s'),
    run('s'),
  ],
  'a temporary table, by the unnamed statement': [
    'create temp table other_one (n int)',
    [
      ...[parse('create temp table people (ssn text)', 'd'), parse("select ssn || '' from people")],
      ...[bind('d', 'd'), execute('d'), sync],
    ],
    [bind(''), execute(''), sync],
  ],
  'a temporary table, in one go': [
    'create temp table other_one (n int)',
    [
      ...[parse('create temp table people (ssn text)', 'd'), parse("select ssn || '' from people", 's')],
      ...[bind('d', 'd'), execute('d'), bind('', 's'), execute(''), sync],
    ],
  ],
  'a temporary view': [
    'create temp table other_one (n int)',
    prepared("select ssn || '' from people"),
    "create temp view people as select 'x'::text as ssn",
    run('s'),
  ],
  'a table in a schema before it': [
    'set search_path = fresh, public',
    prepared("select ssn || '' from people"),
    'create table fresh.people (ssn text)',
    run('s'),
    'drop table fresh.people',
  ],
  'the same in a transaction': [
    ...['begin', 'set local search_path = fresh, public'],
    prepared("select ssn || '' from people"),
    'create table fresh.people (ssn text)',
    run('s'),
    'rollback',
  ],
  'the same in a transaction that sees one moment': [
    ...['begin isolation level repeatable read', 'set local search_path = fresh, public'],
    prepared("select ssn || '' from people"),
    'create table fresh.people (ssn text)',
    run('s'),
    'rollback',
  ],
  'a table that is moved there': [
    'create table people_of (ssn text)',
    'set search_path = fresh, public',
    'alter table public.people_of rename to people_again',
    prepared("select ssn || '' from people"),
    'create table fresh.people_2 (ssn text)',
    'alter table fresh.people_2 rename to people',
    run('s'),
    'drop table fresh.people, public.people_again',
  ],
  'a function in a schema before it': [
    'set search_path = fresh, public',
    prepared("select f() || ''"),
    "create function fresh.f() returns text language sql as 'select null::text'",
    run('s'),
    'drop function fresh.f()',
  ],
  'by somebody else': [
    'set search_path = fresh, public',
    prepared("select ssn || '' from people"),
    other('create table fresh.people (ssn text)'),
    run('s'),
    other('drop table fresh.people'),
  ],
  'by somebody else, before anything has run here': [
    prepared("select which(1) || ''"),
    other("create function which(int) returns text language sql as 'select null::text'"),
    run('s'),
    other('drop function which(int)'),
  ],
  'the body of a function that people have let run once': [
    'create temp table other_one (n int)',
    'select pick(true) is null as let_through',
    'create temp table people (ssn text)',
    'select pick(true)',
  ],
  'SQL’s own PREPARE': [
    'create temp table other_one (n int)',
    "prepare s as select ssn || '' from people",
    'create temp table people (ssn text)',
    'execute s',
  ],
};

const honest: Readonly<Record<string, readonly Step[]>> = {
  'a prepared text beside definitions of one’s own': [
    prepared('select word from notes order by id'),
    run('s'),
    'create temp table mine (n int)',
    run('s'),
    ...['begin', 'create table kept_not (n int)'],
    run('s'),
    'rollback',
    run('s'),
  ],
  'beside those of others': [
    prepared('select word from notes order by id'),
    run('s'),
    other('create table fresh.of_another (n int)'),
    run('s'),
    other('drop table fresh.of_another'),
    run('s'),
  ],
  'one text in several schemas': [
    prepared('select word from notes order by id'),
    ...[
      'set search_path = tenant',
      run('s'),
      'set search_path = public',
      run('s'),
      'set search_path = tenant',
      run('s'),
    ],
  ],
  'a result that would be of other columns has the server’s own error': [
    'create temp table mine (n int)',
    prepared('select * from mine'),
    run('s'),
    'alter table mine add column m int',
    run('s'),
    prepared('select 1'),
    [close('statement', 's'), parse('select * from mine', 's'), sync],
    run('s'),
  ],
  'SET TRANSACTION behind a definition of another': [
    'select 1',
    other('create table fresh.of_another (n int)'),
    ...['begin', 'set transaction isolation level serializable', 'select word from notes order by id', 'commit'],
    other('drop table fresh.of_another'),
  ],
};

describe.each([15, 18] as const)('plans that Postgres %i keeps', (major) => {
  let postgres: TestPostgres;
  let ear: UpstreamEar;
  let proxy: RowsProxy;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off'] });
    for (const sql of setUp) await query(postgres.url(), sql);
    ear = await listenBefore(postgres.url());
    proxy = await startRowsProxy({ url: ear.url, files });
    proxy.say(({ sql }) => ({ vote: sql.raw.includes('let_through') ? 'approve' : 'deny' }));
  }, 120_000);

  afterAll(async () => {
    await proxy.stop();
    await ear.stop();
    await postgres.stop();
  });

  /** The proxy looks at once behind definitions that it lets through. */
  async function elsewhere(sql: string): Promise<void> {
    await query(postgres.url(), sql);
    for (const text of ['create table looked (n int)', 'drop table looked']) await query(proxy.url('db'), text);
  }

  const play = (url: string, steps: readonly Step[]): Promise<readonly ServerMessage[]> =>
    converse(url, steps, { elsewhere });

  test.each(Object.entries(attacks))('%s: nothing comes out', async (_, steps) => {
    expect(valuesIn(await play(proxy.url('db'), steps))).not.toContain('canary');
  });

  test.each(Object.entries(attacks))('%s: it does without us', async (_, steps) => {
    expect(valuesIn(await play(postgres.url(), steps))).toContain('canary');
  });

  test.each(Object.entries(honest))('%s, as without us and with nobody asked', async (_, steps) => {
    const before = proxy.all.length;
    const direct = await play(postgres.url(), steps);
    expect((await play(proxy.url('db'), steps)).map(comparable)).toEqual(direct.map(comparable));
    expect(proxy.all.slice(before).map((hold) => [hold.sql.raw, hold.reasons])).toEqual([]);
  });

  test('where nothing has moved, nothing is made anew', async () => {
    const first = 'select 1 as first_of_all';
    await play(proxy.url('db'), [
      ...[
        first,
        prepared('select word from notes'),
        run('s'),
        'begin',
        'select word from notes where id = 1',
        run('s'),
      ],
      ...['commit', run('s'), 'set search_path = tenant', run('s')],
    ]);
    const { texts } = ear.heard(first);
    const since = texts.slice(texts.lastIndexOf(first));
    expect(since).toContain('set search_path = tenant');
    expect(since).not.toContain('DISCARD PLANS');
  });
});

/** Temporary tables have another number in each session. */
function comparable(message: ServerMessage): unknown {
  if (message.kind !== 'rowDescription') return message;
  return {
    ...message,
    columns: message.columns.map((column) => ({ ...column, tableOid: column.tableOid === 0 ? 0 : 1 })),
  };
}
