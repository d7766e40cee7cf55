// Goal: whatever an agent says in protocol 3, in whatever pieces, it hears the same as from Postgres itself.
// Method: conversations as data, held directly and through the proxy, whole and cut at every byte; all messages compared.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeClientMessage, type ClientMessage } from '../../src/wire/client-messages.ts';
import type { ServerMessage } from '../../src/wire/server-messages.ts';
import {
  bind,
  bindWith,
  close,
  copyData,
  copyDone,
  describeOf,
  execute,
  flush,
  parse,
  simple as query,
  sync,
} from '../support/agent-messages.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { connectRaw, type Raw } from '../support/raw.ts';

let postgres: TestPostgres;
let proxy: TestProxy;

beforeAll(async () => {
  postgres = await startPostgres();
  proxy = await startProxy({ databases: { postgres: postgres.url('postgres') }, config: 'limits: { message: 128kB }' });
});

afterAll(async () => {
  await proxy.stop();
  await postgres.stop();
});

const fail: ClientMessage = { kind: 'copyFail', reason: 'no more' };

/** Each ends with a ReadyForQuery; the number says how many there are in all. */
const conversations: Readonly<Record<string, readonly [readies: number, ...messages: readonly ClientMessage[]]>> = {
  'an empty query': [1, query('')],
  'several statements in one query, one of them wrong': [
    1,
    query("select 1; select 'two'; select 1/0; select 'never'"),
  ],
  'an extended statement with everything': [
    1,
    parse('select $1::int + 1 as n', 's'),
    describeOf('statement', 's'),
    bindWith({ portal: 'p', statement: 's', values: ['41'] }),
    describeOf('portal', 'p'),
    execute('p'),
    close('portal', 'p'),
    close('statement', 's'),
    sync,
  ],
  'binary results': [1, parse('select 7::int8, now() is not null'), bindWith({ formats: [1] }), execute(), sync],
  'a null parameter, and an empty text': [
    1,
    parse('select $1::text is null, $2::text'),
    bindWith({ values: [null, ''] }),
    execute(),
    sync,
  ],
  'a portal that is read three rows at a time': [
    1,
    parse('select generate_series(1, 8)'),
    bind(),
    execute('', 3),
    execute('', 3),
    execute('', 3),
    execute('', 3),
    sync,
  ],
  'a pipeline that fails in the middle': [
    2,
    parse('select 1', 'a'),
    bind('', 'a'),
    execute(),
    parse('select nonsense'),
    bind(),
    execute(),
    query('select 2'),
    sync,
    parse('select 3'),
    bind(),
    execute(),
    sync,
  ],
  'an error that only Sync brings': [
    2,
    query('create temp table d (id int unique deferrable initially deferred)'),
    parse('insert into d values (1), (1)'),
    bind(),
    execute(),
    sync,
  ],
  'a statement parsed anew behind its Bind': [1, parse('select 1'), bind('p'), parse('select 2'), execute('p'), sync],
  'a name that is taken': [
    3,
    parse('select 1', 'taken'),
    sync,
    parse('select 2', 'taken'),
    sync,
    bind('', 'taken'),
    execute(),
    sync,
  ],
  'a name that nobody prepared': [2, bind('', 'nobody'), execute(), sync, bind(), execute(), sync],
  'a transaction over several batches': [
    5,
    query('begin'),
    parse('select 1'),
    bind(),
    execute(),
    sync,
    query('select 1/0'),
    parse('select 2'),
    bind(),
    execute(),
    sync,
    query('rollback'),
  ],
  'Flush without Sync, then more': [
    1,
    parse('select 1'),
    flush,
    bind(),
    flush,
    execute(),
    flush,
    parse('select 2'),
    bind(),
    execute(),
    sync,
  ],
  'COPY out': [1, query("copy (select g, null, E'tab\\there' from generate_series(1, 3) g) to stdout")],
  'COPY in': [
    3,
    query('create temp table c (id int, t text)'),
    query('copy c from stdin'),
    copyData('1\tone\n2\t'),
    copyData('two\n'),
    copyDone,
    query('select * from c'),
  ],
  'COPY in that the agent ends with an error': [
    3,
    query('create temp table c (id int)'),
    query('copy c from stdin'),
    copyData('1\n'),
    fail,
    query('select count(*) from c'),
  ],
  'COPY in that the server ends with an error': [
    3,
    query('create temp table c (id int)'),
    query('copy c from stdin'),
    copyData('x\n'),
    copyData('2\n'),
    copyDone,
    query('select count(*) from c'),
  ],
  'COPY in by the extended protocol, with Sync sent ahead as libpq does': [
    3,
    query('create temp table c (id int)'),
    parse('copy c from stdin'),
    bind(),
    execute(),
    sync,
    copyData('5\n6\n'),
    copyDone,
    sync,
    query('select sum(id) from c'),
  ],
  'two COPYs in one query': [
    2,
    query('create temp table c (id int)'),
    query('copy c from stdin; copy c from stdin; select count(*) from c'),
    copyData('1\n'),
    copyDone,
    copyData('2\n'),
    copyDone,
  ],
  'COPY data that nobody reads': [
    2,
    copyData('lost\n'),
    copyDone,
    query('select 1'),
    copyData('lost too\n'),
    query('select 2'),
  ],
  'notices, and parameters that change': [
    3,
    query("do $$ begin raise notice 'one'; raise warning 'two'; end $$"),
    query("set application_name = 'x'; set timezone = 'UTC'"),
    query('reset application_name'),
  ],
  'cursors of SQL read by Execute': [
    3,
    query('begin; declare c cursor for select generate_series(1, 5)'),
    execute('c', 2),
    execute('c'),
    sync,
    query('commit'),
  ],
  'statements of SQL': [
    4,
    query('prepare sql_made as select 1'),
    query('execute sql_made'),
    query('deallocate sql_made'),
    query('execute sql_made'),
  ],
  'describing what does not exist': [2, describeOf('statement', 'none'), sync, describeOf('portal', 'none'), sync],
  'closing what does not exist': [1, close('statement', 'none'), close('portal', 'none'), sync],
  'a savepoint and an error in it': [
    6,
    query('begin'),
    query('savepoint a'),
    query('select 1/0'),
    query('rollback to a'),
    query('select 3'),
    query('commit'),
  ],
  'text that is not UTF-8': [
    1,
    { kind: 'query', sql: Buffer.from([0x73, 0x65, 0x6c, 0x65, 0x63, 0x74, 0x20, 0x27, 0xff, 0x27]) },
  ],
  'nothing but Sync, twice': [2, sync, sync],
};

/** Without what differs between two sessions, and without the lines of Postgres's source, which our own words do not have. */
const comparable = (said: readonly ServerMessage[]): readonly unknown[] =>
  said
    .filter(({ kind }) => kind !== 'notification' && kind !== 'backendKeyData')
    .map((message) => JSON.parse(JSON.stringify(message), revive) as unknown);

function revive(key: string, value: unknown): unknown {
  if (key === 'tableOid') return value === 0 ? 0 : 'some table';
  if (key === 'text' && typeof value === 'string') return value.replace(/pg_temp_\d+/g, 'pg_temp_n');
  return key === 'fields' && Array.isArray(value) ? value.filter(({ letter }) => !'FLR'.includes(letter)) : value;
}

async function hold(
  url: string,
  readies: number,
  write: (raw: Raw) => void | Promise<void>,
): Promise<readonly unknown[]> {
  const raw = await connectRaw(url);
  await write(raw);
  await raw.readies(readies);
  raw.close();
  return comparable(raw.said);
}

const names = Object.keys(conversations);
const of = (name: string) => {
  const [readies, ...messages] = conversations[name] ?? [0];
  return { readies, messages };
};

describe('a conversation', () => {
  test.each(names)('%s', async (name) => {
    const { readies, messages } = of(name);
    const directly = await hold(postgres.url('postgres'), readies, (raw) => raw.send(...messages));
    expect(directly.length).toBeGreaterThan(0);
    expect(await hold(proxy.url('postgres'), readies, (raw) => raw.send(...messages))).toEqual(directly);
    const oneByOne = await hold(proxy.url('postgres'), readies, async (raw) => {
      for (const message of messages) {
        raw.send(message);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    expect(oneByOne).toEqual(directly);
  });

  test('is the same wherever its bytes are cut', async () => {
    const { readies, messages } = of('an extended statement with everything');
    const directly = await hold(postgres.url('postgres'), readies, (raw) => raw.send(...messages));
    const bytes = Buffer.concat(messages.map(encodeClientMessage));
    const raw = await connectRaw(proxy.url('postgres'));
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const from = raw.said.length;
      raw.socket.write(bytes.subarray(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      raw.socket.write(bytes.subarray(cut));
      await raw.readies(cut);
      expect(comparable(raw.said.slice(from)), `cut at ${cut}`).toEqual(directly);
    }
    raw.close();
  });

  test('one byte at a time', async () => {
    const { readies, messages } = of('a pipeline that fails in the middle');
    const directly = await hold(postgres.url('postgres'), readies, (raw) => raw.send(...messages));
    const bytes = Buffer.concat(messages.map(encodeClientMessage));
    const through = await hold(proxy.url('postgres'), readies, async (raw) => {
      for (const byte of bytes) {
        raw.socket.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    expect(through).toEqual(directly);
  });
});

describe('what cannot be judged', () => {
  const errorOf = (said: readonly ServerMessage[]): string =>
    said
      .flatMap((message) =>
        message.kind === 'error' ? message.fields.map(({ letter, text }) => `${letter}${text}`) : [],
      )
      .join(' ');

  test('a function call message is refused, and the session lives', async () => {
    const raw = await connectRaw(proxy.url('postgres'));
    raw.send(
      { kind: 'functionCall', functionOid: 1598, formats: [], parameters: [], resultFormat: 0 },
      query('select 1'),
    );
    await raw.readies(2);
    expect(errorOf(raw.said)).toContain('C0A000');
    expect(raw.said.at(-2)).toMatchObject({ kind: 'commandComplete', tag: 'SELECT 1' });
    raw.close();
  });

  test('an unknown message ends the session with the word of the protocol', async () => {
    const raw = await connectRaw(proxy.url('postgres'));
    raw.socket.write(Buffer.from([0x21, 0, 0, 0, 4]));
    await raw.readies(1);
    expect(errorOf(raw.said)).toContain('C08P01 Minvalid frontend message type 33');
  });

  test('a message over the limit ends the session before it is read', async () => {
    const raw = await connectRaw(proxy.url('postgres'));
    const head = Buffer.from([0x51, 0, 0, 0, 0]);
    head.writeUInt32BE(0x7fff_0000, 1);
    raw.socket.write(head);
    await raw.readies(1);
    expect(errorOf(raw.said)).toContain('over the limit of 131072 bytes');
  });

  test('a text with a NUL inside is not read to its first half', async () => {
    const raw = await connectRaw(proxy.url('postgres'));
    // Our own encoder would refuse to write it.
    const bytes = Buffer.from('Q\0\0\0\x1aselect 1\0; drop table x\0', 'latin1');
    bytes.writeUInt32BE(bytes.length - 1, 1);
    raw.socket.write(bytes);
    raw.send(query('select 2'));
    await raw.readies(2);
    expect(errorOf(raw.said)).toContain('invalid message format');
    raw.close();
  });

  test('junk after login ends that session and no other', async () => {
    const bystander = await connectRaw(proxy.url('postgres'));
    for (let round = 0; round < 20; round += 1) {
      const raw = await connectRaw(proxy.url('postgres'));
      raw.socket.write(Buffer.from(Array.from({ length: 200 }, (_, at) => (at * 7919 + round * 104729) % 256)));
      raw.socket.end();
      await raw.readies(1_000_000);
    }
    bystander.send(query('select 1'));
    await bystander.readies(1);
    bystander.close();
  });
});
