// Goal: what an agent waits for on the wire is what approvers decide over HTTP and in the terminal, and the record says the same.
// Method: `serve` in this process before a real Postgres; the pg driver as the agent; fetch and the real command as the approver.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { serve, type RunningProxy } from '../../src/cli/serve.ts';
import { configFromText } from '../../src/core/config.ts';
import { silentLog } from '../../src/core/log.ts';
import { mistakeText } from '../../src/core/place.ts';
import { makeVerifier } from '../../src/wire/scram.ts';
import { recordsIn } from '../audit/fixtures.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { waitFor } from '../support/wait.ts';

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
const files: Readonly<Record<string, string>> = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: restricted, read: hold, approvers: [security] }
  - { name: secret, read: deny }
defaults: { unclassified: restricted }
`,
  'shop.yaml': `version: 1
database: shop
tables:
  public.customers:
    columns: { id: public, email: restricted, pin: secret }
`,
  'approvers.yaml': `version: 1
approvers:
  ana: { groups: [security], token_sha256: ${hashOf('token-of-ana')} }
  ben: { groups: [security], token_sha256: ${hashOf('token-of-ben')} }
`,
};

let postgres: TestPostgres;
let proxy: RunningProxy;
let folder: string;
const clients = new Set<pg.Client>();

beforeAll(async () => {
  postgres = await startPostgres({
    fill: [
      { database: 'postgres', sql: "create role gate login password 'gate-password'" },
      { database: 'postgres', sql: 'create database shop owner gate' },
      {
        database: 'shop',
        sql: `create table public.customers (id int primary key, email text, pin text);
insert into public.customers select n, 'c' || n || '@example.com', n::text from generate_series(1, 20) n;
grant all on public.customers to gate`,
      },
    ],
  });
  folder = mkdtempSync(join(tmpdir(), 'countersign-wire-'));
  mkdirSync(join(folder, 'classification'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'classification', name), text);
  const file = join(folder, 'countersign.yaml');
  const text = `listen: 127.0.0.1:0
http: { listen: "127.0.0.1:0" }
databases: { shop: { url: "postgres://gate:gate-password@127.0.0.1:${postgres.port}/shop?sslmode=disable" } }
agents:
  bot: { password: bot-password, owner: ana, databases: [shop] }
  hasty: { password: bot-password, owner: ana, databases: [shop], wait: 300ms }
`;
  const loaded = await configFromText(file, text, { env: {}, makeVerifier });
  if (loaded.kind === 'bad') throw new Error(loaded.mistakes.map(mistakeText).join('\n'));
  proxy = await serve(loaded.value, { log: silentLog });
  // A parser that is still being loaded takes longer than a statement may: what it is asked meanwhile is not known.
  const sql = 'select email from customers';
  const isUnderstood = async (): Promise<boolean> => {
    const { body } = await api('POST', '/api/explain', { agent: 'bot', database: 'shop', sql });
    return body.statements[0].unknowns.length === 0;
  };
  await waitFor('the proxy to understand statements', isUnderstood, { withinMs: 30_000 });
}, 90_000);
afterAll(async () => {
  await proxy.stop('now');
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  for (const client of clients) await client.end().catch(() => undefined);
  clients.clear();
});

interface Agent {
  readonly client: pg.Client;
  readonly notices: string[];
}

async function agent(name = 'bot'): Promise<Agent> {
  const { address, port } = proxy.address;
  const client = new pg.Client({ connectionString: `postgres://${name}:bot-password@${address}:${port}/shop` });
  const notices: string[] = [];
  client.on('notice', ({ message }) => void notices.push(message ?? ''));
  client.on('error', () => undefined);
  clients.add(client);
  await client.connect();
  return { client, notices };
}

const httpUrl = (): string => `http://${proxy.httpAddress.address}:${proxy.httpAddress.port}`;

async function api(method: string, path: string, body?: unknown, token = 'token-of-ben') {
  const response = await fetch(`${httpUrl()}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

/** The hold of this agent's statement, once it is open. */
async function held({ notices }: Agent): Promise<string> {
  await waitFor('the notice of a hold', () => notices.some((text) => text.startsWith('held for approval')));
  return /held for approval (h_\w{20}):/.exec(notices.join('\n'))?.[1] ?? '';
}

async function errorOf(
  work: Promise<unknown>,
): Promise<{ readonly code: string; readonly message: string; readonly detail: string }> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof pg.DatabaseError)) throw new Error(`no error of the database, but ${String(thrown)}`);
  return { code: thrown.code ?? '', message: thrown.message, detail: JSON.parse(thrown.detail ?? '{}').code };
}

const kindsOf = (hold: string): readonly string[] =>
  recordsIn(join(folder, 'audit')).flatMap((record) => ('hold' in record && record.hold === hold ? [record.kind] : []));

describe('an agent whose statement is held', () => {
  test('gets its rows when an approver says yes over HTTP, simple and extended', async () => {
    const bot = await agent();
    for (const values of [[], ['c3@example.com']]) {
      bot.notices.length = 0;
      const sql =
        values.length === 0
          ? "select id from customers where email = 'c3@example.com'"
          : 'select id from customers where email = $1';
      const rows = bot.client.query(sql, values.length === 0 ? undefined : values);
      const id = await held(bot);
      expect((await api('GET', '/api/holds?state=open')).body.holds).toMatchObject([
        { id, agent: 'bot', owner: 'ana', database: 'shop' },
      ]);
      expect(await api('POST', `/api/holds/${id}/votes`, { vote: 'approve' }, 'token-of-ana')).toMatchObject({
        status: 403,
      });
      expect(await api('POST', `/api/holds/${id}/votes`, { vote: 'approve' })).toMatchObject({ status: 200 });
      expect((await rows).rows).toEqual([{ id: 3 }]);
      expect(await api('POST', `/api/holds/${id}/votes`, { vote: 'approve' })).toMatchObject({ status: 409 });
      expect(kindsOf(id)).toEqual(['held', 'voted', 'decided', 'released']);
    }
  });

  test('gets the reason of a no from the terminal, and its session lives on', async () => {
    const bot = await agent();
    const refused = errorOf(bot.client.query('select email from customers'));
    const id = await held(bot);
    const [out, err]: [string[], string[]] = [[], []];
    const world = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line) };
    const env = { COUNTERSIGN_URL: httpUrl(), COUNTERSIGN_TOKEN: 'token-of-ben' };
    expect(await run(['holds', 'show', id], { ...world, env })).toBe(0);
    expect(out.join('\n')).toContain('  | select email\n  | from customers');
    expect(await run(['holds', 'deny', id, '--reason', 'count them instead'], { ...world, env })).toBe(0);
    expect(await refused).toMatchObject({
      code: '42501',
      message: 'denied by ben: count them instead',
      detail: 'DENIED',
    });
    expect((await bot.client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect(kindsOf(id).slice(0, 3)).toEqual(['held', 'voted', 'decided']);
    expect(kindsOf(id)).not.toContain('released');
  });

  test('is told that nobody decided in time; approved later, the same again runs once', async () => {
    const bot = await agent('hasty');
    const sql = 'select count(email)::int from customers';
    expect(await errorOf(bot.client.query(sql))).toMatchObject({ code: '42501', detail: 'HOLD_TIMEOUT' });
    const id = await held(bot);
    await api('POST', `/api/holds/${id}/votes`, { vote: 'approve' });
    expect((await bot.client.query(sql)).rows).toEqual([{ count: 20 }]);
    expect(await errorOf(bot.client.query(sql))).toMatchObject({ detail: 'HOLD_TIMEOUT' });
  });

  test('withdraws it by leaving', async () => {
    const bot = await agent();
    const gone = bot.client.query('select email from customers where id = 5').catch(() => undefined);
    const id = await held(bot);
    await bot.client.end();
    await gone;
    await waitFor('the hold to be withdrawn', () => kindsOf(id).includes('decided'));
    expect((await api('GET', `/api/holds/${id}`)).body).toMatchObject({ state: 'withdrawn', votes: [] });
    expect((await api('POST', `/api/holds/${id}/votes`, { vote: 'approve' })).status).toBe(409);
  });

  test('shares one hold with nine others that send the same', async () => {
    const bots = await Promise.all(Array.from({ length: 10 }, () => agent()));
    const all = bots.map(({ client }) => client.query('select id from customers where email is null'));
    const ids = await Promise.all(bots.map(held));
    expect(new Set(ids).size).toBe(1);
    const [id = ''] = ids;
    expect((await api('GET', `/api/holds/${id}`)).body.waiting).toBe(10);
    await api('POST', `/api/holds/${id}/votes`, { vote: 'approve' });
    expect((await Promise.all(all)).map(({ rows }) => rows)).toEqual(Array(10).fill([]));
    expect(kindsOf(id).filter((kind) => kind === 'released')).toHaveLength(10);
    expect(kindsOf(id).filter((kind) => kind === 'held')).toHaveLength(1);
  });
});

describe('POST /api/explain', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['select id from customers', 'allow'],
    ['select email from customers', 'hold'],
    ['select pin from customers', 'deny'],
    ['select id from customers; select email from customers', 'hold'],
    ['selec nonsense', 'hold'],
    ['select * from nowhere', 'hold'],
  ];
  test.each(cases)('%s: %s', async (sql, verdict) => {
    const { status, body } = await api('POST', '/api/explain', { agent: 'bot', database: 'shop', sql });
    expect([status, body.verdict]).toEqual([200, verdict]);
  });

  test('offers what would pass, and knows only agents and databases of the config', async () => {
    const ask = (agentName: string, database: string) =>
      api('POST', '/api/explain', { agent: agentName, database, sql: 'select id, email from customers' });
    expect((await ask('bot', 'shop')).body).toMatchObject({
      offer: expect.stringMatching(/^select id from customers/i),
    });
    expect((await ask('nobody', 'shop')).status).toBe(404);
    expect((await ask('bot', 'postgres')).status).toBe(404);
  });
});
