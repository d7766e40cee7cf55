// Goal: whatever is sent in the middle of COPY data, replies are never taken for those of another statement; clients that copy as drivers
// do notice nothing; and a server that closes on such a client takes nobody else along.
// Method: real Postgres 15 and 18. Conversations that a server reads in two ways are held through a proxy that masks and counts; every
// byte that comes back is searched. Honest ones are compared, message by message, with the server itself.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import type { ServerMessage } from '../../src/wire/server-messages.ts';
import { query as ask } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { connectRaw } from '../support/raw.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';
import { waitFor } from '../support/wait.ts';

const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: bounded, read: allow, rows: 2, approvers: [security] }
  - { name: shielded, read: mask, approvers: [security] }
defaults: { unclassified: public }
`,
  'db.yaml': `version: 1
database: db
owner: security
tables:
  public.people: { columns: { name: shielded } }
  public.many: { columns: { word: bounded } }
`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [security] } }\n',
};

const setUp = `
create table sink (a text, b text);
create table people (id int, name text);
insert into people select i, 'canary-' || i from generate_series(1, 5) i;
create table many (id int, word text);
insert into many select i, 'canary-' || i from generate_series(1, 50) i;
analyze;
`;

const text = (sql: string): Buffer => Buffer.from(sql);
const query = (sql: string): ClientMessage => ({ kind: 'query', sql: text(sql) });
const run = (sql: string, portal = ''): readonly ClientMessage[] => [
  { kind: 'parse', statement: '', sql: text(sql), types: [] },
  { kind: 'bind', portal, statement: '', formats: [], parameters: [], resultFormats: [] },
  { kind: 'execute', portal, maxRows: 0 },
];
const data = (rows: string): ClientMessage => ({ kind: 'copyData', data: text(rows) });
const [sync, done]: readonly [ClientMessage, ClientMessage] = [{ kind: 'sync' }, { kind: 'copyDone' }];
const fail: ClientMessage = { kind: 'copyFail', reason: 'no more' };

const copy = 'copy sink from stdin';
const masked = 'select name, id from people';
const again: ClientMessage = { kind: 'execute', portal: 'p', maxRows: 0 };

/** Each list is sent when the one before it has been read. */
const attacks: readonly (readonly [string, readonly (readonly ClientMessage[])[]])[] = [
  ['a wrong row and a Sync, at once', [[...run(copy), data('x\n'), sync, ...run(masked, 'p'), sync, again]]],
  ['a wrong row and a Sync, when it reads', [run(copy), [data('x\n'), sync, ...run(masked, 'p'), sync, again]]],
  [
    'the same over what is counted',
    [[...run(copy), data('x\n'), sync, ...run('select word from many', 'p'), sync, again]],
  ],
  ['the same over COPY', [run(copy), [data('x\n'), sync, ...run(`copy (${masked}) to stdout`, 'p'), sync, again]]],
  ['a right row and a Sync that is ignored', [run(copy), [data('x\ty\n'), sync, done, sync, query(masked)]]],
  ['a Sync in a Query', [[query(copy), sync, data('x\ty\n'), done, query(masked), sync]]],
  [
    'a Sync between two COPYs of a Query',
    [
      [query(`${copy}; ${copy}`), data('x\ty\n'), done, sync, data('x\ty\n'), done],
      [query(masked), sync],
    ],
  ],
  [
    'a Sync behind two ends for one COPY',
    [[query(`${copy}; select 1; ${copy}`), done, sync, done, query(masked), sync]],
  ],
];

/** What is waited for behind each list: the last message of this kind, of so many. A server says nothing of what it ignores. */
type Step = readonly [until: ServerMessage['kind'] | 'nothing', count: number, ...messages: readonly ClientMessage[]];

const honest: readonly (readonly [string, readonly Step[]])[] = [
  [
    'a Query, rows and the end',
    [
      ['copyIn', 1, query(copy)],
      ['readyForQuery', 1, data('a\tb\n'), data('c\td\n'), done],
      ['readyForQuery', 1, query(masked)],
    ],
  ],
  ['all of it at once', [['readyForQuery', 2, query(copy), data('a\tb\n'), done, query('select 1')]]],
  [
    'libpq’s way: a Sync behind Execute and behind the end',
    [
      ['copyIn', 1, ...run(copy), sync],
      ['nothing', 0, data('a\tb\n')],
      ['readyForQuery', 1, done, sync],
      ['readyForQuery', 1, query(masked)],
    ],
  ],
  ['the same at once', [['readyForQuery', 2, ...run(copy), sync, data('a\tb\n'), done, sync, query('select 1')]]],
  [
    'without the first Sync',
    [
      ['nothing', 0, ...run(copy)],
      ['readyForQuery', 1, data('a\tb\n'), done, sync],
      ['readyForQuery', 1, ...run('select 1'), sync],
    ],
  ],
  [
    'a wrong row, and a Sync when its error came',
    [
      ['copyIn', 1, ...run(copy), sync],
      ['error', 1, data('wrong\n')],
      ['readyForQuery', 2, sync, query('select 1')],
    ],
  ],
  [
    'a wrong row, the end and a Sync',
    [
      ['copyIn', 1, ...run(copy), sync],
      ['readyForQuery', 1, data('wrong\n'), done, sync],
      ['readyForQuery', 1, query('select 1')],
    ],
  ],
  [
    'a wrong row in a Query',
    [
      ['copyIn', 1, query(copy)],
      ['readyForQuery', 1, data('wrong\n')],
      ['readyForQuery', 1, done, ...run('select 1'), sync],
    ],
  ],
  [
    'a client that gives up',
    [
      ['copyIn', 1, ...run(copy), sync],
      ['readyForQuery', 1, data('a\tb\n'), fail, sync],
      ['readyForQuery', 1, query('select 1')],
    ],
  ],
  [
    'a COPY that fails at once',
    [
      ['readyForQuery', 1, query('begin read only')],
      ['readyForQuery', 1, ...run(copy), sync],
      ['readyForQuery', 1, query('rollback')],
    ],
  ],
  [
    'two in one Query',
    [
      ['copyIn', 1, query(`${copy}; ${copy}`)],
      ['copyIn', 1, data('a\tb\n'), done],
      ['readyForQuery', 1, data('c\td\n'), done],
      ['readyForQuery', 1, query('select 1')],
    ],
  ],
];

const kindsOf = (said: readonly ServerMessage[]): readonly string[] =>
  said.map(({ kind }) => kind).filter((kind) => kind !== 'parameterStatus' && kind !== 'notice');

const valuesOf = (said: readonly ServerMessage[]): string =>
  said
    .map((message) => {
      if (message.kind === 'dataRow') return message.values.map((value) => value?.toString('latin1') ?? '').join('|');
      return message.kind === 'copyData' ? message.data.toString('latin1') : '';
    })
    .join('\n');

describe.each([15, 18] as const)('what comes in the middle of COPY data, Postgres %i', (major) => {
  let postgres: TestPostgres;
  let proxy: RowsProxy;
  const uncaught: unknown[] = [];
  const keep = (thrown: unknown): void => void uncaught.push(thrown);

  beforeAll(async () => {
    process.on('uncaughtException', keep);
    postgres = await startPostgres({ major, fill: [{ database: 'postgres', sql: setUp }] });
    proxy = await startRowsProxy({ url: postgres.url('postgres'), files });
    proxy.say(() => ({ vote: 'deny' }));
    await ask(proxy.url('db'), masked);
  }, 120_000);

  afterEach(() => {
    expect(uncaught).toEqual([]);
  });

  afterAll(async () => {
    await proxy.stop();
    await postgres.stop();
    process.off('uncaughtException', keep);
  });

  async function converse(url: string, steps: readonly Step[]): Promise<readonly ServerMessage[]> {
    const raw = await connectRaw(url);
    const begin = raw.said.length;
    for (const [until, count, ...messages] of steps) {
      const from = raw.said.length;
      raw.send(...messages);
      const came = (): number => raw.said.slice(from).filter(({ kind }) => kind === until).length;
      if (until !== 'nothing')
        await waitFor(until, () => came() >= count || raw.socket.destroyed, { withinMs: 20_000 });
    }
    raw.close();
    return raw.said.slice(begin);
  }

  /** Each part is sent when the server reads COPY data; all of these end their session. */
  async function attack(parts: readonly (readonly ClientMessage[])[]): Promise<string> {
    const raw = await connectRaw(proxy.url('db'));
    let isClosed = false;
    raw.socket.once('close', () => (isClosed = true));
    for (const [index, part] of parts.entries()) {
      raw.send(...part);
      const reads = (): boolean => raw.said.some(({ kind }) => kind === 'copyIn');
      if (index < parts.length - 1) await waitFor('COPY to read', () => reads() || isClosed);
    }
    await waitFor('the end', () => isClosed || /canary/.test(valuesOf(raw.said)), { withinMs: 20_000 });
    raw.close();
    return valuesOf(raw.said);
  }

  test.each(attacks)('is never taken for something else: %s', async (_, parts) => {
    const said = await attack(parts);
    expect(said.match(/canary/g)?.length ?? 0).toBeLessThanOrEqual(parts.flat().some(isBounded) ? 2 : 0);
  });

  test.each(honest)('is what the server would say: %s', async (_, steps) => {
    const through = kindsOf(await converse(proxy.url('db'), steps));
    expect(through).toEqual(kindsOf(await converse(postgres.url('postgres'), steps)));
  });

  test('ends its own session and nothing else, when the server closes on it', async () => {
    const wrong: readonly Step[] = [
      ['copyIn', 1, ...run(copy), sync],
      ['error', 2, ...run('select 1')],
    ];
    for (let round = 0; round < 8; round += 1) {
      const said = await converse(proxy.url('db'), wrong);
      expect(kindsOf(said).at(-1)).toBe('error');
      expect(await ask(proxy.url('db'), 'select 1 as one')).toEqual([{ one: 1 }]);
    }
  });
});

const isBounded = (message: ClientMessage): boolean =>
  message.kind === 'parse' && message.sql.toString('latin1').includes('many');
