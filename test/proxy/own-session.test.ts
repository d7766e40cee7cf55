// Goal: what an agent does to its own session (settings, transactions, cursors, encodings) goes on as at the server itself, however the
// proxy asks its questions in between, and nobody is asked about it who need not be.
// Method: conversations as data, step by step, at Postgres 15 and 18 directly and through the proxy; all messages compared, and what
// was held is in the row.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServerMessage } from '../../src/wire/server-messages.ts';
import { extended, simple } from '../support/agent-messages.ts';
import { query as queryAt } from '../support/client.ts';
import { converse, type Step } from '../support/converse.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { waitFor } from '../support/wait.ts';
import { watchedFiles } from '../support/watched-files.ts';
import { yesDesk } from '../support/yes-desk.ts';

const files = watchedFiles({ tables: '{ other.notes: watched }' });

const notes = 'select word from notes';

interface Conversation {
  readonly steps: readonly Step[];
  /** Commands that people were asked about. */
  readonly held?: readonly string[];
  readonly parameters?: Readonly<Record<string, string>>;
  readonly role?: string;
  /** It makes tables, whose numbers are others each time. */
  readonly makes?: 'tables';
  /** People say yes only when the proxy has looked at the schema once more. */
  readonly answered?: 'behind the next look';
}

const conversations: Readonly<Record<string, Conversation>> = {
  'DISCARD ALL takes search_path, names and settings back': {
    steps: [
      'set search_path = other',
      'prepare p as select 1',
      'set countersign.reason = $$tidying$$',
      'discard all',
      notes,
      'execute p',
      'show search_path',
      'show countersign.reason',
    ],
  },
  'what people would be asked about, in a failed transaction': {
    steps: [
      'select word from other.notes',
      'begin',
      'select 1/0',
      'select word from other.notes',
      extended('select word from other.notes'),
      'rollback',
    ],
    held: ['read'],
  },
  'DISCARD ALL takes the names of Parse too': {
    steps: [extended(notes, 's'), 'discard all', extended(notes, 's')],
  },
  'ROLLBACK and SELECT in one Query': {
    steps: ['begin', 'set local search_path = other', 'rollback; select word from public.notes', notes],
    held: ['notKnown'],
  },
  'ROLLBACK and SELECT in one Query, of a failed transaction': {
    steps: ['begin', 'select 1/0', 'rollback; select word from public.notes', notes],
    held: ['notKnown'],
  },
  'SET search_path and SELECT in one Query': {
    steps: ['set search_path = public; select word from notes', 'show search_path'],
  },
  'SET search_path to what is watched, and SELECT in one Query': {
    steps: ['set search_path = other; select word from notes', notes],
    held: ['read', 'read'],
  },
  'another encoding and back': {
    steps: [
      'set client_encoding = latin1',
      [simple(Buffer.from("select 'caf\u00e9', length('caf\u00e9')", 'latin1'))],
      extended(Buffer.from("select word from notes where word <> 'caf\u00e9'", 'latin1')),
      'set client_encoding = utf8',
      "select 'caf\u00e9', length('caf\u00e9')",
    ],
  },
  'standard_conforming_strings off by the role': {
    role: 'old_strings',
    steps: ['show standard_conforming_strings', 'select 1'],
    held: ['notKnown', 'notKnown'],
  },
  'LISTEN, and a notification to oneself': {
    steps: ['listen here', 'notify here, $$one$$', "select 'after'", 'unlisten here', 'notify here', notes],
  },
  'SET TRANSACTION behind BEGIN': {
    steps: [
      'begin',
      'set transaction isolation level serializable, read only',
      'show transaction_isolation',
      notes,
      'commit',
    ],
  },
  'SET TRANSACTION behind a statement that was held': {
    steps: [
      'begin',
      'set role helper',
      'set transaction isolation level serializable',
      'show transaction_isolation',
      'commit',
      'reset role',
    ],
    held: ['privilege'],
  },
  'SET TRANSACTION behind LOCK and a statement that was held': {
    steps: [
      'begin',
      'lock table public.notes in share mode',
      'set role helper',
      'set transaction isolation level repeatable read',
      'show transaction_isolation',
      'rollback',
    ],
    held: ['privilege'],
  },
  'a cursor WITH HOLD over its transaction': {
    steps: [
      'begin',
      'declare c cursor with hold for select word from notes',
      'commit',
      'fetch 1 from c',
      'fetch all from c',
      'close c',
      'fetch 1 from c',
    ],
  },
  'a cursor WITH HOLD of a transaction that is rolled back': {
    steps: ['begin', 'declare c cursor with hold for select word from notes', 'rollback', 'fetch 1 from c'],
  },
  'a cursor WITH HOLD over a table that its transaction made, and that is gone when it is read': {
    makes: 'tables',
    steps: [
      'begin',
      'create table short_lived (word text)',
      "insert into short_lived values ('one'), ('two')",
      'declare c cursor with hold for select word from short_lived',
      'commit',
      'fetch 1 from c',
      'drop table short_lived',
      'fetch all from c',
      'close c',
    ],
    held: ['schema', 'destructive'],
  },
  'a cursor WITH HOLD over columns that are called otherwise, or gone, when it is read': {
    makes: 'tables',
    steps: [
      'create table changing (word text, more int)',
      "insert into changing values ('one', 1)",
      'begin',
      'declare c cursor with hold for select more, word from changing',
      'commit',
      'alter table changing rename word to wording',
      'alter table changing drop column more',
      'fetch all from c',
      'drop table changing',
    ],
    held: ['schema', 'schema', 'destructive', 'destructive'],
  },
  'a view over a table whose policies lead back to themselves': {
    role: 'ruled',
    steps: ['create view led as select * from circles', 'select * from led', 'drop view led'],
    held: ['schema', 'destructive'],
  },
  'a role, a right and a setting, and behind each what people take their time about': {
    answered: 'behind the next look',
    steps: [
      'create role passer_by',
      'set role passer_by',
      'reset role',
      'revoke execute on function public.one() from public',
      'set role passer_by',
      'reset role',
      'drop role passer_by',
    ],
    held: Array.from({ length: 5 }, (_, at) => (at === 4 ? 'destructive' : 'privilege')),
  },
  'a function that nobody knows and that makes a table, and behind it what people take their time about': {
    answered: 'behind the next look',
    steps: [
      "select does('create table done_by_it ()')",
      "select does('drop table done_by_it')",
      'select does($$select 1$$)',
    ],
    held: ['notKnown', 'notKnown', 'notKnown'],
  },
  'definitions of one’s own, beside others’ that the session sees and the proxy not yet': {
    answered: 'behind the next look',
    steps: [
      'begin',
      'create table mine (word text)',
      { elsewhere: 'create table theirs (word text)' },
      'create table mine_too (word text)',
      'rollback',
      { elsewhere: 'drop table theirs' },
    ],
    held: ['schema', 'schema'],
  },
  'VACUUM in Parse and Bind': { steps: [extended('vacuum public.notes'), extended(notes)] },
  'VACUUM behind another statement of its batch': {
    steps: [[...extended(notes).slice(0, 4), ...extended('vacuum public.notes')], notes],
  },
  'CREATE DATABASE and DROP DATABASE in Parse and Bind': {
    steps: [extended('create database short_lived'), extended('drop database short_lived')],
    held: ['schema', 'destructive'],
  },
  'a time-out of statements that is shorter than a question': {
    steps: ['set statement_timeout = 1', 'reset statement_timeout', notes],
  },
};

describe.each([15, 18] as const)('with Postgres %i', (major) => {
  let postgres: TestPostgres;
  let proxy: TestProxy;
  const held: string[] = [];
  let answered: Conversation['answered'];

  /** Between its first question and what it asks about a schema that has moved the reader looks idle: the second look shows the first to be over. */
  async function wholeLook(): Promise<void> {
    await nextLook();
    await nextLook();
  }

  /** The proxy's own reader of the schema asks again whether it has moved. */
  async function nextLook(): Promise<void> {
    const looks = `select count(*) from pg_stat_activity where application_name = 'countersign schema' and state = 'idle'
      and datname = current_database() and usename = current_user and query_start > to_timestamp($1)`;
    const since = await queryAt(postgres.url(), 'select extract(epoch from clock_timestamp())::text as at');
    const client = new pg.Client(postgres.url());
    await client.connect();
    await waitFor('a look at the schema', async () => {
      const { rows } = await client.query<{ count: string }>(looks, [since[0]?.['at']]);
      return rows[0]?.count === '1';
    });
    await client.end();
  }

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off'] });
    for (const sql of [
      'create schema other',
      'create table notes (word text)',
      "insert into notes values ('one'), ('two')",
      'create table other.notes (word text)',
      "insert into other.notes values ('canary')",
      'create role helper',
      "create role old_strings login superuser password 'old'",
      'alter role old_strings set standard_conforming_strings = off',
      'create function does(what text) returns void language plpgsql as $$begin execute what; end$$',
      'create function one() returns int language sql as $$select 1$$',
      "create role ruled login password 'old'",
      'grant create on schema public to ruled',
      'create table circles (x int)',
      'create policy around on circles using (x = (select min(x) from circles))',
      'alter table circles enable row level security',
      'grant select on circles to ruled',
    ])
      await queryAt(postgres.url(), sql);
    proxy = await startProxy({
      databases: {
        db: postgres.url(),
        ...Object.fromEntries(['old_strings', 'ruled'].map((role) => [role, postgres.url('postgres', role, 'old')])),
      },
      files,
      desk: (recorder) => {
        const desk = yesDesk(recorder);
        return {
          ...desk,
          ask: async (request, withdrawn) => {
            held.push(request.verdict.reasons[0].action);
            if (answered !== undefined) await wholeLook();
            return await desk.ask(request, withdrawn);
          },
        };
      },
    });
    for (const database of ['db', 'old_strings', 'ruled'])
      await waitFor(
        'the first statement',
        async () => (await queryAt(proxy.url(database), 'select 1 as one')).length === 1,
        {
          withinMs: 60_000,
        },
      );
  }, 120_000);

  afterAll(async () => {
    await proxy.stop();
    await postgres.stop();
  });

  const said = (url: string, { steps, parameters = {} }: Conversation): Promise<readonly ServerMessage[]> =>
    converse(url, steps, { parameters, elsewhere: (sql) => queryAt(postgres.url(), sql) });

  test.each(Object.entries(conversations))('%s', async (_name, conversation) => {
    const role = conversation.role;
    const direct = await said(postgres.url('postgres', role, role === undefined ? undefined : 'old'), conversation);
    held.length = 0;
    answered = conversation.answered;
    if (answered !== undefined) await wholeLook();
    const through = await said(proxy.url(role ?? 'db'), conversation);
    const comparable = conversation.makes === undefined ? withoutProcess : withoutNumbers;
    expect(through.map(comparable)).toEqual(direct.map(comparable));
    expect(held).toEqual(conversation.held ?? []);
  });
});

/** Process numbers differ between two sessions. */
function withoutProcess(message: ServerMessage): ServerMessage {
  return message.kind === 'notification' ? { ...message, processId: 0 } : message;
}

function withoutNumbers(message: ServerMessage): ServerMessage {
  if (message.kind !== 'rowDescription') return withoutProcess(message);
  return {
    ...message,
    columns: message.columns.map((column) => ({ ...column, tableOid: Math.min(column.tableOid, 1) })),
  };
}
