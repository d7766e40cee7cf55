// Goal: a held statement that people say yes to answers as Postgres does, byte for byte; one that they do not say yes to is an error in
// its place, in every form that a statement can have on the wire.
// Method: conversations as data, held directly and through a proxy with a real desk on a journal; votes given by rule.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import pg from 'pg';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import type { ServerMessage } from '../../src/wire/server-messages.ts';
import {
  bind,
  bindWith,
  copyData,
  copyDone,
  describeOf,
  execute,
  parse,
  simple as query,
  sync,
} from '../support/agent-messages.ts';
import { cancel, query as queryAt } from '../support/client.ts';
import { converse } from '../support/converse.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { connectRaw } from '../support/raw.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';
import { waitFor } from '../support/wait.ts';
import { watchedFiles } from '../support/watched-files.ts';
import { aVote } from '../approval/fixtures.ts';

const files = watchedFiles({ tables: '{ public.secrets: watched }', people: ['ben', 'ana'] });

let postgres: TestPostgres;
let proxy: RowsProxy;
let hasty: RowsProxy;

beforeAll(async () => {
  postgres = await startPostgres();
  await queryAt(postgres.url(), 'create table secrets (id int primary key, word text)');
  await queryAt(postgres.url(), "insert into secrets select g, 'word ' || g from generate_series(1, 9) g");
  await queryAt(postgres.url(), 'create table plain (id int)');
  const url = postgres.url();
  proxy = await startRowsProxy({ url, files, waitMs: 20_000, config: 'holds: { heartbeat: 1s }' });
  hasty = await startRowsProxy({ url, files, waitMs: 200 });
});

afterAll(async () => {
  await hasty.stop();
  await proxy.stop();
  await postgres.stop();
});

beforeEach(() => proxy.say(() => 'silence'));

const held = 'select word from secrets where id < 4 order by id';

/** The number says how many holds there are. */
const conversations: Readonly<Record<string, readonly [holds: number, ...(readonly ClientMessage[])]>> = {
  'a simple query': [1, query(held)],
  'two queries in one write': [1, query(held), query('select 2')],
  'several statements in one query': [1, query(`select 1; ${held}; select 3`)],
  'an extended statement': [1, parse(held), describeOf('statement'), bind(), describeOf('portal'), execute(), sync],
  'a prepared statement, twice': [
    2,
    parse('select word from secrets where id = $1', 's'),
    sync,
    bindWith({ statement: 's', values: ['1'] }),
    execute(),
    sync,
    bindWith({ statement: 's', values: ['2'] }),
    execute(),
    sync,
  ],
  'a portal read two rows at a time': [1, parse(held), bind('p'), execute('p', 2), execute('p', 2), sync],
  'a pipeline with more before and behind': [
    1,
    parse('select 1'),
    bind(),
    execute(),
    parse(held),
    bind(),
    execute(),
    parse('select 3'),
    bind(),
    execute(),
    sync,
    query('select 4'),
  ],
  'a transaction block': [1, query('begin'), query('insert into plain values (1)'), query(held), query('rollback')],
  'COPY out': [1, query('copy secrets to stdout')],
  'COPY in, its data sent ahead': [
    1,
    query('begin; truncate secrets; copy secrets from stdin'),
    copyData('1\ta\n'),
    copyData('2\tb\n'),
    copyDone,
    query('rollback'),
  ],
  'a cursor of SQL': [
    1,
    query('begin'),
    query('declare c cursor for select word from secrets order by id'),
    query('fetch 2 from c'),
    query('commit'),
  ],
  EXPLAIN: [1, query('explain (costs off) select word from secrets')],
};

const isTelling = (message: ServerMessage): boolean =>
  message.kind === 'notice' && message.fields.some(({ letter, text }) => letter === 'M' && text.startsWith('held for'));

const comparable = (said: readonly ServerMessage[]): readonly unknown[] =>
  said.filter((message) => !isTelling(message)).map((message) => JSON.parse(JSON.stringify(message)) as unknown);

const fieldsOf = (message: ServerMessage | undefined): Readonly<Record<string, string>> =>
  message?.kind === 'error' || message?.kind === 'notice'
    ? Object.fromEntries(message.fields.map(({ letter, text }) => [letter, text]))
    : {};

/** What was said in a word each: `Z` with its status, errors with their SQLSTATE. */
const short = (said: readonly ServerMessage[]): string =>
  said
    .filter((message) => message.kind !== 'parameterStatus' && !isTelling(message))
    .map((message) => {
      if (message.kind === 'readyForQuery') return `Z${message.status === 'E' ? 'E' : ''}`;
      if (message.kind === 'error') return `error ${fieldsOf(message)['C']}`;
      return message.kind === 'commandComplete' ? message.tag : message.kind;
    })
    .join(' ');

describe('what people say yes to', () => {
  for (const [name, [holds, ...messages]] of Object.entries(conversations)) {
    test(`${name} answers as Postgres does`, async () => {
      const before = proxy.asked.length;
      proxy.say(() => ({ vote: 'approve' }));
      const direct = await converse(postgres.url(), [messages]);
      const through = await converse(proxy.url('db'), [messages]);
      expect(comparable(through)).toEqual(comparable(direct));
      expect(through.filter(isTelling).length).toBeGreaterThanOrEqual(1);
      expect(proxy.asked.length - before).toBe(holds);
    });
  }
});

describe('what people say no to', () => {
  const refusals: Readonly<Record<string, readonly [said: string, ...(readonly ClientMessage[])]>> = {
    'a simple query': ['error 42501 Z', query(held)],
    'several statements in one query, none of which runs': [
      'error 42501 Z rowDescription dataRow SELECT 1 Z',
      query(`insert into plain values (99); ${held}`),
      query('select count(*) from plain where id = 99'),
    ],
    'the middle of a pipeline: what came before is answered, what comes behind is skipped': [
      'parseComplete bindComplete dataRow SELECT 1 parseComplete error 42501 Z rowDescription dataRow SELECT 1 Z',
      parse('select 1'),
      bind(),
      execute(),
      parse(held),
      bind(),
      execute(),
      parse('select 3'),
      bind(),
      execute(),
      sync,
      query('select 4'),
    ],
    'a transaction block, whose COMMIT rolls back': [
      'BEGIN Z INSERT 0 1 Z error 42501 ZE ROLLBACK Z rowDescription dataRow SELECT 1 Z',
      query('begin'),
      query('insert into plain values (98)'),
      query(held),
      query('commit'),
      query('select count(*) from plain where id = 98'),
    ],
    'COPY in, whose data go nowhere': [
      'error 42501 Z rowDescription dataRow SELECT 1 Z',
      query('truncate secrets; copy secrets from stdin'),
      copyData('77\tx\n'),
      copyDone,
      query('select 1'),
    ],
    'COPY out': ['error 42501 Z', query('copy secrets to stdout')],
  };

  for (const [name, [expected, ...messages]] of Object.entries(refusals)) {
    test(`${name} is an error in its place, with the words of whoever said no`, async () => {
      proxy.say(() => ({ vote: 'deny' }));
      const said = await converse(proxy.url('db'), [messages]);
      expect(short(said)).toBe(expected);
      const error = fieldsOf(said.find(({ kind }) => kind === 'error'));
      expect(error['M']).toContain('that is too much');
      expect(JSON.parse(error['D'] ?? '')).toMatchObject({ code: 'DENIED', reason: 'that is too much' });
    });
  }

  test('nobody answers in time: HOLD_TIMEOUT, and the session lives on', async () => {
    const said = await converse(hasty.url('db'), [[query(held), query('select 1')]]);
    expect(short(said)).toBe('error 42501 Z rowDescription dataRow SELECT 1 Z');
    const error = fieldsOf(said.find(({ kind }) => kind === 'error'));
    expect(JSON.parse(error['D'] ?? '')).toMatchObject({ code: 'HOLD_TIMEOUT', rule: 'level watched' });
  });

  test('an approval that comes too late for the wire lets the same thing pass once, and only once', async () => {
    const sql = "select word, 'late' from secrets";
    const first = await converse(hasty.url('db'), [sql]);
    expect(short(first)).toBe('error 42501 Z');
    const { hold } = JSON.parse(fieldsOf(first.find(({ kind }) => kind === 'error'))['D'] ?? '') as { hold: string };
    const asked = hasty.asked.find(({ id }) => id === hold);
    if (asked === undefined) throw new Error('the hold is not there');
    const voted = await voteFor(asked.id);
    expect(voted).toBe('counted');
    expect(short(await converse(hasty.url('db'), [sql]))).toContain('SELECT 9 Z');
    expect(short(await converse(hasty.url('db'), [sql]))).toBe('error 42501 Z');
  });
});

const voteFor = async (id: RowsProxy['asked'][number]['id']): Promise<string> =>
  (await hasty.desk.vote(id, aVote())).kind;

describe('while people are asked', () => {
  const oneHold = async (sql: string) =>
    await waitFor('the hold', () => proxy.asked.find((view) => view.sql.raw.includes(sql)));

  test('the agent hears of it at once and with each heartbeat, and a cancel ends the wait as in Postgres', async () => {
    const client = new pg.Client(proxy.url('db'));
    await client.connect();
    const notices: string[] = [];
    client.on('notice', ({ message }) => notices.push(message ?? ''));
    const running = client.query("select word, 'heartbeat' from secrets").then(
      () => 'answered',
      (error: pg.DatabaseError) => error.code,
    );
    const { id } = await oneHold('heartbeat');
    await waitFor('a second notice', () => notices.length >= 2);
    expect(notices[0]).toContain(`held for approval ${id}`);
    await cancel(client);
    expect(await running).toBe('57014');
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await waitFor('the hold to be withdrawn', async () => (await proxy.desk.find(id))?.state === 'withdrawn');
    await client.end();
  });

  test('an agent that leaves withdraws, and leaves no session at the server', async () => {
    const raw = await connectRaw(proxy.url('db'), { application_name: 'leaver' });
    raw.send(query("select word, 'leaves' from secrets"));
    const { id } = await oneHold('leaves');
    raw.close();
    await waitFor('the hold to be withdrawn', async () => (await proxy.desk.find(id))?.state === 'withdrawn');
    await waitFor(
      'the session to end',
      async () =>
        (await queryAt(postgres.url(), "select 1 from pg_stat_activity where application_name = 'leaver'")).length ===
        0,
    );
  });

  test('ten connections that ask the same wait for one decision, and each is answered', async () => {
    const before = proxy.asked.length;
    const answers = Array.from({ length: 10 }, () =>
      queryAt(proxy.url('db'), "select word, 'ten' as ten from secrets"),
    );
    const { id } = await oneHold("'ten'");
    await waitFor('all ten to wait', async () => (await proxy.desk.find(id))?.waiting === 10);
    const counted = await proxy.desk.vote(id, {
      person: 'ben',
      vote: 'approve',
      channel: 'test',
      reason: undefined,
      terms: undefined,
      link: undefined,
    });
    expect(counted.kind).toBe('counted');
    expect((await Promise.all(answers)).map((rows) => rows.length)).toEqual(Array.from({ length: 10 }, () => 9));
    expect(proxy.asked.length - before).toBe(1);
  });

  test('people see the very values, and not those of another statement of the same shape that was read before', async () => {
    proxy.say(() => ({ vote: 'approve' }));
    for (const id of [1, 2, 3]) await queryAt(proxy.url('db'), `select word from secrets where id = ${id} and true`);
    const seen = proxy.asked.map((view) => view.sql.raw).filter((raw) => raw.endsWith('and true'));
    expect(seen).toEqual([1, 2, 3].map((id) => `select word from secrets where id = ${id} and true`));
  });

  test('the reason reaches the people, by whichever of three ways it is said', async () => {
    proxy.say(() => ({ vote: 'approve' }));
    const client = new pg.Client(`${proxy.url('db')}?options=-c%20countersign.reason%3Dby%5C%20options`);
    await client.connect();
    await client.query("select word, 'first' from secrets");
    await client.query("set countersign.reason = 'by SET'");
    await client.query("select word, 'second' from secrets");
    await client.query("select word, 'third' from secrets /*reason='by%20a%20comment'*/");
    await client.end();
    const reasons = ['first', 'second', 'third'].map(
      (word) => proxy.asked.find((view) => view.sql.raw.includes(`'${word}'`))?.agentReason,
    );
    expect(reasons).toEqual(['by options', 'by SET', 'by a comment']);
  });
});
