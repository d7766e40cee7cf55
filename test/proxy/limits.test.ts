// Goal: every limit of the table is looked at by the program, and whoever goes over one is told which it is, or made to wait.
// Method: the sources as text; then a proxy with small limits, before a real Postgres, and somebody who goes over each of them.
import { readdirSync, readFileSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limitNames, limitTable } from '../../src/core/limits.ts';
import { encodeStartup } from '../../src/wire/startup.ts';
import type { Desk } from '../../src/approval/desk.ts';
import type { Recorder } from '../../src/audit/recorder.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { connectRaw } from '../support/raw.ts';
import { waitFor, within } from '../support/wait.ts';
import { yesDesk } from '../support/yes-desk.ts';

const root = new URL('../../src', import.meta.url).pathname;
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && name !== 'core/limits.ts')
  .map((name) => readFileSync(join(root, name), 'utf8'));

test.each(limitNames)('%s is read by the program', (name) => {
  // From an object of limits, not a neighbour of the same name.
  const isRead = new RegExp(
    `limits\\w*(?:\\(\\))?\\.${name}\\b|\\b${name}\\b[^;]*\\} = [^;]*limits|limits\\.${name}\\b`,
  );
  expect(sources.some((text) => isRead.test(text) || new RegExp(`Pick<Limits,[^>]*'${name}'`).test(text))).toBe(true);
});

let postgres: TestPostgres;
const proxies = new Set<TestProxy>();
const sockets = new Set<Socket>();

beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  for (const proxy of proxies) await proxy.stop();
  await postgres.stop();
});

async function proxyWith(limits: string, more = ''): Promise<TestProxy> {
  const databases = { postgres: postgres.url('postgres') };
  const proxy = await startProxy({ databases, config: `limits: { ${limits} }\n${more}` });
  proxies.add(proxy);
  return proxy;
}

function dial(port: number): { readonly socket: Socket; readonly heard: () => string; readonly closed: Promise<void> } {
  const socket = connectPlain(port, '127.0.0.1');
  sockets.add(socket);
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1'))).on('error', () => undefined);
  const closed = new Promise<void>((settle) => socket.once('close', () => settle()));
  return { socket, heard: () => heard, closed };
}

const startup = (extra: string): Buffer =>
  encodeStartup({
    kind: 'startup',
    major: 3,
    minor: 0,
    protocolOptions: [],
    parameters: new Map([
      ['user', 'tester'],
      ['database', 'postgres'],
      ['application_name', extra],
    ]),
  });

async function client(proxy: TestProxy): Promise<pg.Client> {
  const made = new pg.Client({ connectionString: proxy.url('postgres') });
  made.on('error', () => undefined);
  await made.connect();
  return made;
}

describe('over the limit', () => {
  test('connections: the next one is told', async () => {
    const proxy = await proxyWith('connections: 1');
    const first = await client(proxy);
    await expect(client(proxy)).rejects.toMatchObject({
      code: '53300',
      hint: expect.stringContaining('limits.connections'),
    });
    await first.end();
  });

  test('connections_per_agent: the next one is told', async () => {
    const proxy = await proxyWith('connections_per_agent: 1');
    const first = await client(proxy);
    await expect(client(proxy)).rejects.toMatchObject({
      code: '53300',
      hint: expect.stringContaining('limits.connections_per_agent'),
    });
    await first.end();
  });

  test('connections_in_login: one that says nothing does not keep the place of the next for longer than login_time', async () => {
    const proxy = await proxyWith('connections_in_login: 1, login_time: 1s');
    const silent = dial(proxy.port);
    await waitFor('the silent one to be there', () => proxy.listener.stats().greetings === 1);
    const next = dial(proxy.port);
    await within('the word to the next', next.closed);
    expect(next.heard()).toMatch(/C53300.*limits\.connections_in_login/s);
    await within('the end of the silent one', silent.closed);
    expect(silent.heard()).toMatch(/C08006.*limits\.login_time/s);
    await (await client(proxy)).end();
  });

  test('startup_packet', async () => {
    const proxy = await proxyWith('startup_packet: 1kB');
    const { socket, heard, closed } = dial(proxy.port);
    socket.write(startup('x'.repeat(2_000)));
    await within('the end', closed);
    expect(heard()).toMatch(/C08P01.*limits\.startup_packet/s);
  });

  test('login_message', async () => {
    const proxy = await proxyWith('login_message: 1kB');
    const { socket, heard, closed } = dial(proxy.port);
    socket.write(startup(''));
    await waitFor('the question for the password', () => heard().includes('SCRAM-SHA-256'));
    const head = Buffer.from('p\0\0\0\0', 'latin1');
    head.writeUInt32BE(5_000, 1);
    socket.write(head);
    await within('the end', closed);
    expect(heard()).toMatch(/C54000.*limits\.login_message/s);
  });

  test('message', async () => {
    const proxy = await proxyWith('message: 64kB');
    const agent = await client(proxy);
    await expect(agent.query('select $1::text', ['x'.repeat(100_000)])).rejects.toMatchObject({
      code: '54000',
      hint: expect.stringContaining('limits.message'),
    });
  });

  test('upstream_connect_time: a database that takes the connection and says nothing', async () => {
    const { createServer } = await import('node:net');
    const dumb = createServer((socket) => sockets.add(socket));
    await new Promise<void>((settle) => dumb.listen(0, '127.0.0.1', settle));
    const address = dumb.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const url = `postgres://postgres:x@127.0.0.1:${port}/postgres?sslmode=disable`;
    const proxy = await startProxy({
      databases: { postgres: url },
      config: 'limits: { upstream_connect_time: 200ms }',
    });
    proxies.add(proxy);
    await expect(client(proxy)).rejects.toMatchObject({
      code: '08001',
      hint: expect.stringContaining('limits.upstream_connect_time'),
    });
    dumb.close();
  });

  test.each([
    { key: 'statements_per_session', limits: 'statements_per_session: 2' },
    { key: 'portals_per_session', limits: 'portals_per_session: 2' },
  ])('$key', async ({ key, limits }) => {
    const proxy = await proxyWith(limits);
    const raw = await connectRaw(proxy.url('postgres'));
    for (const name of ['a', 'b', 'c']) {
      const isOfStatements = key === 'statements_per_session';
      raw.send({ kind: 'parse', statement: isOfStatements ? name : '', sql: Buffer.from('select 1'), types: [] });
      if (isOfStatements) continue;
      raw.send({ kind: 'bind', portal: name, statement: '', formats: [], parameters: [], resultFormats: [] });
    }
    raw.send({ kind: 'sync' });
    await raw.readies(1);
    const error = raw.said.find(({ kind }) => kind === 'error');
    expect(JSON.stringify(error)).toContain(`limits.${key}`);
    expect(JSON.stringify(error)).toContain('54000');
    raw.close();
  });

  const unread: readonly (readonly [key: string, limit: string, sql: string, words: string])[] = [
    ['statement', 'statement: 2kB', `select 1 /* ${'x'.repeat(4_000)} */`, 'limits.statement is 2048'],
    ['parse_time', 'parse_time: 50ms', `select 1 where 1 in (1${', 1'.repeat(80_000)})`, 'limits.parse_time, 50 ms'],
  ];
  test.each(unread)('%s: it is not known, and the limit is named to people', async (_key, limit, sql, words) => {
    const asked: string[] = [];
    const desk = (recorder: Recorder): Desk => {
      const usual = yesDesk(recorder);
      return {
        ...usual,
        ask: (request, withdrawn) => {
          asked.push(...request.verdict.reasons.map((reason) => reason.words));
          return usual.ask(request, withdrawn);
        },
      };
    };
    const databases = { postgres: postgres.url('postgres') };
    const proxy = await startProxy({ databases, desk, config: `limits: { ${limit} }` });
    proxies.add(proxy);
    const agent = await client(proxy);
    const before = await agent.query('select 1 as one');
    expect(before.rows).toEqual([{ one: 1 }]);
    asked.length = 0;
    expect((await agent.query(sql)).rowCount).toBe(1);
    expect(asked.join()).toContain(words);
    await agent.end();
  });

  test('parse_time: whether a text asks the proxy itself is not known either, and Postgres is not asked in its place', async () => {
    const proxy = await proxyWith('parse_time: 50ms');
    const agent = await client(proxy);
    const long = `select * from countersign.budgets where 1 in (1${', 1'.repeat(80_000)})`;
    await expect(agent.query(long)).rejects.toMatchObject({
      code: '42501',
      detail: expect.stringContaining('"UNAVAILABLE"'),
      hint: expect.stringContaining('limits.parse_time'),
    });
    expect((await agent.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await agent.end();
  });

  test('pending_replies, waiting_bytes, output_bytes: whoever is fast waits for whoever is slow, and loses nothing', async () => {
    const proxy = await proxyWith('pending_replies: 16, waiting_bytes: 64kB, output_bytes: 64kB');
    const raw = await connectRaw(proxy.url('postgres'));
    raw.socket.pause();
    for (let each = 0; each < 200; each++) raw.send({ kind: 'query', sql: Buffer.from("select repeat('x', 20000)") });
    const before = process.memoryUsage().rss;
    raw.socket.resume();
    await raw.readies(200);
    expect(raw.said.filter(({ kind }) => kind === 'dataRow')).toHaveLength(200);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
    raw.close();
  });
});

test('those of other rooms have tests of their own', () => {
  const elsewhere: Readonly<Record<string, string>> = {
    holds_per_agent: 'test/approval/desk-terms.test.ts',
    holds: 'test/approval/desk-terms.test.ts',
    http_body: 'test/channels/http-server.test.ts',
    http_requests_per_minute: 'test/channels/http-server.test.ts',
    http_connections: 'test/channels/http-server.test.ts',
    shutdown: 'test/cli/serve.test.ts',
  };
  for (const [key, file] of Object.entries(elsewhere)) {
    const name = limitNames.find((each) => limitTable[each].key === key) ?? expect.fail(key);
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    expect(text.includes(name) || text.includes(`${key}:`), `${key} in ${file}`).toBe(true);
  }
});
