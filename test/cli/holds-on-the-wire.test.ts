// Goal: what an agent waits for on the wire is what approvers decide over HTTP and in the terminal, and the record says the same.
// Method: `serve` in this process before a real Postgres; the pg driver as the agent; fetch and the real command as the approver.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
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
import { hasPsql, psql } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { gateUrl, layRules, shopFill, shopRules } from '../support/small-shop.ts';
import { waitFor } from '../support/wait.ts';

let postgres: TestPostgres;
let proxy: RunningProxy;
let folder: string;
const clients = new Set<pg.Client>();

beforeAll(async () => {
  postgres = await startPostgres({ fill: shopFill() });
  folder = mkdtempSync(join(tmpdir(), 'countersign-wire-'));
  layRules(folder, shopRules({ approvers: ['ana', 'ben'] }));
  const file = join(folder, 'countersign.yaml');
  const text = `listen: 127.0.0.1:0
http: { listen: "127.0.0.1:0" }
limits: { http_requests_per_minute: 1000000 }
databases: { shop: { url: "${gateUrl(postgres.port)}" } }
agents:
  bot: { password: bot-password, owner: ana, databases: [shop] }
  careful: { password: bot-password, owner: ana, databases: [shop], in_transaction: refuse }
  racer: { password: bot-password, owner: ana, databases: [shop], wait: 400ms, pending: 1s }
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
async function held({ notices }: Agent, withinMs?: number): Promise<string> {
  const isTold = (): boolean => notices.some((text) => text.startsWith('held for approval'));
  await waitFor('the notice of a hold', isTold, withinMs === undefined ? {} : { withinMs });
  return /held for approval (h_\w{20}):/.exec(notices.join('\n'))?.[1] ?? '';
}

/** As psql does at Control-C: a connection of its own, with the key of the session. */
function cancel({ client }: Agent): void {
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(80877102, 4);
  request.writeInt32BE(Number(Reflect.get(client, 'processID')), 8);
  request.writeInt32BE(Number(Reflect.get(client, 'secretKey')), 12);
  const { address, port } = proxy.address;
  const socket = connect(port, address, () => socket.end(request));
  socket.on('error', () => undefined);
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

/** Read once, and from then on only what has come since: thousands of races ask for it again and again. */
const seenKinds = new Map<string, string[]>();
let seenTo = 0;

function kindsOf(hold: string): readonly string[] {
  const records = recordsIn(join(folder, 'audit'), seenTo);
  for (const record of records) {
    seenTo = record.seq + 1;
    if ('hold' in record && record.hold !== undefined) {
      seenKinds.set(record.hold, [...(seenKinds.get(record.hold) ?? []), record.kind]);
    }
  }
  return seenKinds.get(hold) ?? [];
}

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

  test('withdraws it by cancelling, and its session lives on', async () => {
    const bot = await agent();
    const cancelled = errorOf(bot.client.query('select email from customers where id = 6'));
    const id = await held(bot);
    cancel(bot);
    expect((await cancelled).code).toBe('57014');
    expect((await api('GET', `/api/holds/${id}`)).body).toMatchObject({ state: 'withdrawn' });
    expect((await bot.client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  test('inside a transaction shows what it locks; refused where the config says so, and the transaction fails', async () => {
    const bot = await agent();
    await bot.client.query('begin');
    await bot.client.query('lock table customers in row exclusive mode');
    const rows = bot.client.query('select email from customers where id = 7');
    const id = await held(bot);
    const { transaction } = (await api('GET', `/api/holds/${id}`)).body;
    expect(transaction).toEqual({ open: true, locks: ['customers (RowExclusiveLock)'] });
    await api('POST', `/api/holds/${id}/votes`, { vote: 'approve' });
    expect((await rows).rows).toEqual([{ email: 'c7@example.com' }]);
    await bot.client.query('rollback');

    const careful = await agent('careful');
    await careful.client.query('begin');
    await careful.client.query('lock table customers in row exclusive mode');
    const sql = 'select email from customers where id = 8';
    expect(await errorOf(careful.client.query(sql))).toMatchObject({ code: '42501', detail: 'HOLD_REFUSED' });
    expect(await errorOf(careful.client.query('select 1'))).toMatchObject({ code: '25P02' });
    await careful.client.query('rollback');
  });

  test('gets the first rows only, and the rest is refused', async () => {
    const bot = await agent();
    const cut = errorOf(bot.client.query('select email from customers where id < 15'));
    const id = await held(bot);
    await api('POST', `/api/holds/${id}/votes`, { vote: 'approve', terms: { kind: 'rows', rows: 5 } });
    expect(await cut).toMatchObject({ code: '42501', detail: 'ROW_LIMIT' });
    expect((await bot.client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  test('may send other values under an approval of the shape, so often and no oftener', async () => {
    const bot = await agent();
    const sql = (n: number): string => `select id from customers where email = 'c${n}@example.com' and id > 0`;
    const first = bot.client.query(sql(1));
    const id = await held(bot);
    await api('POST', `/api/holds/${id}/votes`, { vote: 'approve', terms: { kind: 'shape', for: '1m', uses: 2 } });
    expect((await first).rows).toEqual([{ id: 1 }]);
    bot.notices.length = 0;
    expect((await bot.client.query(sql(2))).rows).toEqual([{ id: 2 }]);
    expect((await bot.client.query(sql(3))).rows).toEqual([{ id: 3 }]);
    expect(bot.notices).toEqual([]);
    const fourth = errorOf(bot.client.query(sql(4)));
    const next = await held(bot);
    await api('POST', `/api/holds/${next}/votes`, { vote: 'deny', reason: 'enough' });
    expect((await fourth).detail).toBe('DENIED');
  });

  test.runIf(hasPsql())('sees in psql why it waits, and then its rows', async () => {
    const { address, port } = proxy.address;
    const done = psql(`postgres://bot:bot-password@${address}:${port}/shop`, {
      args: ['-Atc', 'select email from customers where id = 9'],
    });
    const open = async (): Promise<string | undefined> =>
      (await api('GET', '/api/holds?state=open&agent=bot')).body.holds[0]?.id;
    const id = await waitFor('the hold of psql', open);
    await api('POST', `/api/holds/${id}/votes`, { vote: 'approve' });
    const { out, err, code } = await done;
    expect([code, out.trim()]).toEqual([0, 'c9@example.com']);
    expect(err).toContain(`held for approval ${id}: reads customers.email (restricted); asked: security`);
  });

  test('shares one hold with nine others that send the same', async () => {
    const bots = await Promise.all(Array.from({ length: 10 }, () => agent()));
    const all = bots.map(({ client }) => client.query('select id from customers where email is null'));
    const ids = await Promise.all(bots.map((bot) => held(bot)));
    expect(new Set(ids).size).toBe(1);
    const [id = ''] = ids;
    expect((await api('GET', `/api/holds/${id}`)).body.waiting).toBe(10);
    await api('POST', `/api/holds/${id}/votes`, { vote: 'approve' });
    expect((await Promise.all(all)).map(({ rows }) => rows)).toEqual(Array(10).fill([]));
    expect(kindsOf(id).filter((kind) => kind === 'released')).toHaveLength(10);
    expect(kindsOf(id).filter((kind) => kind === 'held')).toHaveLength(1);
  });
});

describe('an approval that races the end of the wait', () => {
  type Ending = 'time-out' | 'cancel' | 'disconnect';
  /** `npm run test:chaos` runs more. */
  const racesMax = Number(process.env['RACES'] ?? 100);

  /** What the client saw, what the approver was told, what is on the record. */
  async function race(n: number, ending: Ending, voteAfterMs: number): Promise<string> {
    const bot = await agent(ending === 'time-out' ? 'racer' : 'bot');
    const sql = `select id from customers where id = ${(n % 20) + 1} and email <> '${ending} ${n}'`;
    const seen = bot.client.query(sql).then(
      ({ rows }) => `${rows.length} row`,
      (error: unknown) => (error instanceof pg.DatabaseError ? (error.code ?? '') : 'gone'),
    );
    const id = await Promise.race([held(bot, 30_000), seen.then((told) => ({ told }))]);
    // A machine that is out of breath may take longer to ask than the statement waits: then nobody can have said yes.
    if (typeof id !== 'string') return `${id.told}, nobody asked`;
    const end = (): void => {
      if (ending === 'cancel') cancel(bot);
      if (ending === 'disconnect') void bot.client.end();
    };
    // Both at about the same time, now the one first and now the other.
    setTimeout(end, n % 12);
    await new Promise((resolve) => setTimeout(resolve, voteAfterMs + (n % 9)));
    const { status } = await api('POST', `/api/holds/${id}/votes`, { vote: 'approve' });
    const client = await seen;
    await bot.client.end().catch(() => undefined);
    clients.delete(bot.client);
    await waitFor('the decision on the record', () => kindsOf(id).includes('decided'));
    return `${client}, ${status}, ${kindsOf(id)
      .filter((kind) => kind === 'decided' || kind === 'released')
      .join(' ')}`;
  }

  const stories: Readonly<Record<Ending, readonly string[]>> = {
    'time-out': ['1 row, 200, decided released', '42501, 200, decided', '42501, nobody asked'],
    // A cancel may meet the statement when it runs already: then it is the server that cancels it, or comes too late.
    cancel: [
      '1 row, 200, decided released',
      '57014, 200, decided',
      '57014, 200, decided released',
      '57014, 409, decided',
    ],
    // Who has left sees nothing, whatever became of it.
    disconnect: [
      'gone, 200, decided',
      'gone, 200, decided released',
      'gone, 409, decided',
      '1 row, 200, decided released',
    ],
  };

  function aimedAnew(ms: number, told: readonly string[]): number {
    const wins = told.filter((story) => story.startsWith('1 row')).length;
    return Math.max(0, ms + (wins - told.length / 2) * 8);
  }

  test.each(['time-out', 'cancel', 'disconnect'] as const)(
    'by %s has one outcome, and client, approver and record agree on it',
    async (ending) => {
      const counts = new Map<string, number>();
      let voteAfterMs = ending === 'time-out' ? 370 : 0;
      for (let n = 0; n < racesMax; n += 10) {
        const told = await Promise.all(Array.from({ length: 10 }, (_, i) => race(n + i, ending, voteAfterMs)));
        // How long a vote is on its way is up to the machine: aimed anew after each ten, so that it stays a race.
        if (ending === 'time-out') voteAfterMs = aimedAnew(voteAfterMs, told);
        for (const story of told) {
          expect(stories[ending]).toContain(story);
          counts.set(story, (counts.get(story) ?? 0) + 1);
        }
      }
      // Both sides have won some of them, or it was no race.
      expect([...counts.keys()].length, JSON.stringify([...counts])).toBeGreaterThan(1);
      if (process.env['RACES'] !== undefined) console.log(ending, Object.fromEntries(counts));
    },
    60_000 + 600 * racesMax,
  );
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
    // The nearest is looked for as long as a hint is worth; a busy machine gives a farther one, or none.
    await waitFor('the nearest offer', async () =>
      /^select id from customers/i.test((await ask('bot', 'shop')).body.offer ?? ''),
    );
    expect((await ask('nobody', 'shop')).status).toBe(404);
    expect((await ask('bot', 'postgres')).status).toBe(404);
  });
});
