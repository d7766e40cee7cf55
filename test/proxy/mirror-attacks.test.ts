// Goal: nothing that an agent does to its own session makes a text be judged as another one than the server runs.
// Method: attacks as data. Each brings out a watched value when it is sent to Postgres directly, or it proves nothing; sent through the
// proxy, with people who say no, the value never comes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import { bind as bindOf, close, execute, parse, simple as query, sync } from '../support/agent-messages.ts';
import { startBothWays, type BothWays } from '../support/both-ways.ts';
import { query as queryAt } from '../support/client.ts';
import { converse, valuesIn } from '../support/converse.ts';
import { definitions, watchedFiles } from '../support/watched-files.ts';

const files = watchedFiles({ tables: '{ other.notes: watched }', allows: definitions });

let ways: BothWays;

beforeAll(async () => {
  const sql = [
    'create schema other',
    'create table notes (word text)',
    'create table other.notes (word text)',
    'create table taken (word text)',
    "insert into notes values ('harmless')",
    "insert into other.notes values ('canary')",
    'create view v as select word from notes',
    "create function f() returns text language sql stable as 'select word from public.notes limit 1'",
  ];
  ways = await startBothWays({ sql, files });
});

afterAll(() => ways.stop());

const bind = (statement: string): ClientMessage => bindOf('', statement);
const notes = 'select word from notes';

/** Sent in one write, so that nothing is waited for. */
const attacks: Readonly<Record<string, readonly ClientMessage[]>> = {
  'SET search_path right before': [query(notes), query('set search_path = other'), query(notes)],
  'SET LOCAL search_path': [query(notes), query('begin'), query('set local search_path = other'), query(notes)],
  set_config: [query(notes), query("select set_config('search_path', 'other', false)"), query(notes)],
  'SET in the same query': [query(notes), query(`set search_path = other; ${notes}`)],
  'SET in the same query, for a filter': [
    query("set search_path = other; select max('canary'::text) from notes where word like 'c%'"),
  ],
  'a savepoint that takes SET back': [
    query(notes),
    query('begin; set search_path = other; savepoint a; set search_path = public; rollback to a'),
    query(notes),
  ],
  'SET search_path by a prepared statement': [
    query(notes),
    parse('set search_path = other', 's'),
    bind('s'),
    execute(),
    sync,
    query(notes),
  ],
  'SET search_path between two runs of one prepared statement': [
    ...[parse(notes, 's'), sync],
    ...[bind('s'), execute(), sync],
    ...[bind('s'), execute(), sync],
    query('set search_path = other'),
    ...[bind('s'), execute(), sync],
  ],
  'a view that is replaced between two runs of one prepared statement': [
    ...[parse('select word from v', 's'), sync],
    ...[bind('s'), execute(), sync],
    ...[bind('s'), execute(), sync],
    query('begin; create or replace view v as select word from other.notes'),
    ...[bind('s'), execute(), sync],
  ],
  'SET and SELECT in one batch': [
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
    parse(notes, 's'),
    sync,
    query('deallocate s'),
    query('prepare s as select word from other.notes'),
    bind('s'),
    execute(),
    sync,
  ],
  'a Parse under a name that SQL had prepared': [
    query(`prepare s as ${notes}`),
    close('statement', 's'),
    parse('select word from other.notes', 's'),
    sync,
    query('execute s'),
  ],
  'a temporary view in front of a table': [
    query(notes),
    query('create temp view notes as select word from other.notes'),
    query(notes),
  ],
  'a view that is replaced in the open transaction': [
    query('select word from v'),
    query('begin; create or replace view v as select word from other.notes'),
    query('select word from v'),
  ],
  'a function that is replaced in the open transaction': [
    query('select f()'),
    query(
      "begin; create or replace function f() returns text language sql stable as 'select word from other.notes limit 1'",
    ),
    query('select f()'),
  ],
  'a cursor of SQL read by Execute': [
    query('begin'),
    query('declare c cursor for select word from other.notes'),
    execute('c'),
    sync,
  ],
  'COPY of a query': [query('copy (select word from other.notes) to stdout')],
  // The server reads a prepared text anew where names may mean other things than when it was prepared. An expression has no column for the
  // last look before rows pass to see.
  'EXECUTE under another search_path': [
    query("prepare p as select word || '' from notes"),
    query('execute p'),
    query('set search_path = other'),
    query('execute p'),
  ],
  'SET and EXECUTE in the same query': [
    query("prepare p as select word || '' from notes"),
    query('set search_path = other; execute p'),
  ],
  'SET LOCAL around PREPARE': [
    query("begin; set local search_path = other; prepare p as select word || '' from notes; commit"),
    query('set search_path = other; execute p'),
  ],
  'EXECUTE after the temporary table is gone': [
    query('set search_path = other'),
    query('create temp table notes (word text)'),
    query("prepare p as select word || '' from notes"),
    query('discard temp'),
    query('execute p'),
  ],
  'EXECUTE after its view was replaced': [
    query('create or replace view shown as select word from public.notes'),
    query("prepare p as select word || '' from shown"),
    query('create or replace view shown as select word from other.notes'),
    query('execute p'),
  ],
  'EXECUTE of what PREPARE holds': [query('prepare p as select word from other.notes'), query('execute p')],
};

const said = async (url: string, messages: readonly ClientMessage[]): Promise<string> =>
  valuesIn(await converse(url, [messages]));

describe('an agent cannot have another text judged than the server runs', () => {
  for (const [name, messages] of Object.entries(attacks)) {
    test(name, async () => {
      expect(await said(ways.direct, messages)).toContain('canary');
      expect(await said(ways.through, messages)).not.toContain('canary');
    });
  }

  test('and SET of one schema in front of an honest statement holds nobody up', async () => {
    const before = ways.proxy.asked.length;
    const text = [query('set search_path = public; select word from notes')];
    expect(await said(ways.through, text)).toBe('harmless');
    expect(ways.proxy.asked.length).toBe(before);
  });

  test('and PREPARE and EXECUTE of an honest statement hold nobody up, in a transaction with settings of its own too', async () => {
    const before = ways.proxy.asked.length;
    const messages = [
      query(`prepare p as ${notes}`),
      query('execute p'),
      query("begin; set local statement_timeout = '1min'"),
      query('execute p'),
      query('commit'),
      query('execute p'),
    ];
    expect(await said(ways.through, messages)).toBe('harmless harmless harmless');
    expect(ways.proxy.asked.length).toBe(before);
  });

  test('and a column that an own temporary table got stops nobody', async () => {
    const messages = [
      query('create temp table mine (word text)'),
      query("insert into mine values ('own')"),
      query('select m.word from mine m'),
      query('alter table mine add column more text'),
      query('select m.more, m.word from mine m'),
    ];
    expect(await said(ways.through, messages)).toBe(await said(ways.direct, messages));
  });

  test('by a text too long to be read, which ends a failed transaction and goes on', async () => {
    const long = `rollback; insert into taken select word from other.notes /* ${'x'.repeat(300_000)} */`;
    const messages = [query('begin; select 1/0'), query(long)];
    const taken = async (): Promise<readonly unknown[]> => await queryAt(ways.direct, 'select word from taken');
    await said(ways.direct, messages);
    expect(await taken()).toEqual([{ word: 'canary' }]);
    await queryAt(ways.direct, 'truncate taken');
    await said(ways.through, messages);
    expect(await taken()).toEqual([]);
  });
});
