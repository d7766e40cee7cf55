// Goal: `workers: N` is one proxy to whoever meets it: one port, one set of limits, one desk, one page of figures, whichever worker serves.
// Method: the real program with three workers and a real Redis before a real Postgres; drivers, the API, kill -9 and signals.
import { spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { recordsIn } from '../audit/fixtures.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { bin, type Served, ServeProgram } from '../support/serve-program.ts';
import { gateUrl, layRules, shopFill, shopRules, tokenOf } from '../support/small-shop.ts';
import { waitFor, within } from '../support/wait.ts';

const rules = shopRules({
  more: 'functions:\n  pg_catalog.pg_sleep(double precision): { level: public, reason: "waits" }\n',
});

let folder: string;
let postgres: TestPostgres;
let redis: TestRedis;
const children = new Set<ChildProcess>();
const clients = new Set<pg.Client>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-workers-'));
  layRules(folder, rules);
  redis = await startRedis({ flags: [] });
  postgres = await startPostgres({ fill: shopFill() });
}, 90_000);

afterEach(async () => {
  for (const client of clients) await client.end().catch(() => undefined);
  clients.clear();
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all([postgres.stop(), redis.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const configText = (more: string): string => `listen: 127.0.0.1:0
http: { listen: "127.0.0.1:0" }
state: ${redis.url}/0?prefix=workers
audit: { dir: ${JSON.stringify(join(folder, 'audit'))} }
databases: { shop: { url: "${gateUrl(postgres.port)}" } }
agents: { bot: { password: bot-password, owner: ana, databases: [shop] } }
${more}
`;

interface Serving extends Served {
  readonly program: ServeProgram;
  readonly url: string;
}

function launch(file: string): ServeProgram {
  const program = new ServeProgram(file, folder);
  children.add(program.child);
  return program;
}

async function serve(more: string): Promise<Serving> {
  const file = join(folder, 'countersign.yaml');
  writeFileSync(file, configText(more));
  const program = launch(file);
  const served = await program.serving();
  return { ...served, program, url: `postgres://bot:bot-password@${served.address}/shop` };
}

async function connect(url: string): Promise<pg.Client & { readonly lost: Promise<Error> }> {
  const client = new pg.Client({ connectionString: url });
  clients.add(client);
  const lost = new Promise<Error>((settle) => client.on('error', settle));
  await client.connect();
  return Object.assign(client, { lost });
}

const kindsOf = (worker: number): readonly string[] =>
  recordsIn(join(folder, 'audit', `worker-${worker}`)).map(({ kind }) => kind);

const sinceStart = (kinds: readonly string[]): readonly string[] => kinds.slice(kinds.lastIndexOf('start'));

const metric = async (http: string, name: string): Promise<number> => {
  const text = await (await fetch(`${http}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1),
  );
};

const workersIn = (said: string): readonly number[] =>
  said
    .split('\n')
    .filter((line) => line.includes('"words":"worker serves"') && line.endsWith('}'))
    .map((line) => (JSON.parse(line) as { readonly pid: number }).pid);

async function approve(http: string, id: string): Promise<void> {
  const response = await fetch(`${http}/api/holds/${id}/votes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tokenOf('ben')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ vote: 'approve' }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

test('a journal cannot be shared, and the line says so with the mend', async () => {
  const file = join(folder, 'journal.yaml');
  writeFileSync(file, configText('workers: 3').replace(/^state: .*$/m, 'state: journal:./state'));
  const program = launch(file);
  expect(await within('its end', program.exited)).toBe(1);
  expect(program.err).toMatch(
    /journal\.yaml:\d+:\d+: workers: 3 processes need a state .* \(set `state: redis:\/\/HOST:6379`/,
  );
});

describe('three workers', { timeout: 60_000 }, () => {
  let proxy: Serving;
  beforeAll(async () => {
    proxy = await serve('workers: 3\nlimits: { connections_per_agent: 7, shutdown: 20s }');
  }, 90_000);

  test('sessions spread over all of them, and each keeps a chain of its own', async () => {
    const agents = await Promise.all(Array.from({ length: 6 }, () => connect(proxy.url)));
    for (const agent of agents) expect((await agent.query('select id from customers')).rows).toHaveLength(20);
    for (const worker of [1, 2, 3]) await waitFor(`a login at ${worker}`, () => kindsOf(worker).includes('login'));
  });

  test('the limits are those of all together', async () => {
    const agents = await Promise.all(Array.from({ length: 7 }, () => connect(proxy.url)));
    await expect(connect(proxy.url)).rejects.toThrow('too many connections for agent "bot"');
    await agents[0]?.end();
    await waitFor('a place again', () => connect(proxy.url), { everyMs: 50 });
  });

  test('a CancelRequest finds its session, whichever worker it meets', async () => {
    const { port } = new URL(proxy.url);
    for (let round = 0; round < 6; round++) {
      const agent = await connect(proxy.url);
      const working = agent.query('select pg_sleep(30)').then(
        () => 'slept',
        (error: unknown) => (error as pg.DatabaseError).code,
      );
      await waitFor('the statement at the server', async () => {
        const rows = await query(
          postgres.url('shop'),
          "select 1 from pg_stat_activity where query like '%pg_sleep(30)%' and state = 'active' and pid <> pg_backend_pid()",
        );
        return rows.length > 0;
      });
      const { processID, secretKey } = agent as unknown as { readonly processID: number; readonly secretKey: number };
      const canceller = new pg.Client({ connectionString: proxy.url });
      const connection = (
        canceller as unknown as {
          readonly connection: {
            cancel(pid: number, key: number): void;
            connect(port: number, host: string): void;
            on(event: string, each: () => void): void;
          };
        }
      ).connection;
      connection.on('connect', () => connection.cancel(processID, secretKey));
      connection.on('error', () => undefined);
      connection.connect(Number(port), '127.0.0.1');
      expect(await within('the cancel', working)).toBe('57014');
      await agent.end();
    }
  });

  test('what is held at a worker is decided over the http port', async () => {
    const agent = await connect(proxy.url);
    const id = new Promise<string>((settle) =>
      agent.on('notice', ({ message }) => {
        const found = /held for approval (h_\w{20})/.exec(message ?? '')?.[1];
        if (found !== undefined) settle(found);
      }),
    );
    const rows = agent.query('select email from customers where id = 1');
    await approve(proxy.http, await within('the notice', id));
    expect((await within('the rows', rows)).rows).toEqual([{ email: 'c1@example.com' }]);
    // Asked and released at a worker, voted and decided in the first process: one receipt, and a key of each chain checks it.
    const headers = { authorization: `Bearer ${tokenOf('ben')}` };
    const receipt = await waitFor('a receipt with its outcome', async () => {
      const answer = await fetch(`${proxy.http}/api/holds/${await id}/receipt`, { headers });
      const text = await answer.text();
      return text.includes('"outcome"') ? text : undefined;
    });
    expect(JSON.parse(receipt)).toMatchObject({ votes: [{ person: 'ben' }], decided: { by: ['ben'] } });
    const file = join(folder, 'receipt.json');
    writeFileSync(file, receipt);
    const verified = spawnSync(process.execPath, [bin, 'audit', 'verify', file, '--dir', join(folder, 'audit')], {
      encoding: 'utf8',
    });
    expect([verified.status, verified.stdout]).toEqual([
      0,
      expect.stringMatching(/approved by ben .* released 1 time; genuine by signature of 2 chains/),
    ]);
  });

  test('the record of all is searched as one, page by page', async () => {
    const seen: string[] = [];
    const search = `${proxy.http}/api/audit?agent=bot&limit=3`;
    for (let before = ''; ;) {
      const response = await fetch(`${search}${before}`, { headers: { authorization: `Bearer ${tokenOf('ben')}` } });
      const page = (await response.json()) as {
        readonly records: readonly { readonly at: string; readonly seq: number; readonly kind: string }[];
        readonly before?: number;
      };
      seen.push(...page.records.map(({ at, seq, kind }) => `${at} ${seq} ${kind}`));
      if (page.before === undefined) break;
      before = `&before=${page.before}`;
    }
    const kept = [1, 2, 3].flatMap((worker) =>
      recordsIn(join(folder, 'audit', `worker-${worker}`)).flatMap((record) =>
        'agent' in record && record.agent === 'bot' ? [`${record.at} ${record.seq} ${record.kind}`] : [],
      ),
    );
    expect(kept.length).toBeGreaterThan(10);
    expect(seen).toEqual(expect.arrayContaining(kept));
    expect(new Set(seen).size).toBe(seen.length);
  });

  test('/metrics is the sum, /readyz the worst', async () => {
    const agents = await Promise.all(Array.from({ length: 5 }, () => connect(proxy.url)));
    const sessions = (): Promise<number> => metric(proxy.http, 'countersign_connections{state="session"}');
    await expect.poll(sessions, { timeout: 10_000 }).toBe(5);
    for (const agent of agents) await agent.query('select 1');
    expect(await metric(proxy.http, 'countersign_statement_seconds_count')).toBeGreaterThan(5);
    const ready = await fetch(`${proxy.http}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.text()).toContain('up    workers: 3 of 3 serve');
  });

  test('one that is killed takes its sessions along and nobody else’s, and is replaced', async () => {
    const agents = await Promise.all(Array.from({ length: 6 }, () => connect(proxy.url)));
    const [victim] = workersIn(proxy.program.err);
    expect(victim).toBeGreaterThan(0);
    process.kill(victim ?? 0, 'SIGKILL');
    await within('an agent to lose its connection', Promise.race(agents.map((agent) => agent.lost)));
    await waitFor('the replacement', () => workersIn(proxy.program.err).length === 4, { withinMs: 30_000 });
    const alive = await Promise.all(
      agents.map((agent) =>
        agent.query('select 1').then(
          () => true,
          () => false,
        ),
      ),
    );
    const spared = alive.filter(Boolean).length;
    expect(spared).toBeGreaterThan(0);
    expect(spared).toBeLessThan(agents.length);
    await waitFor('its places to be free', () => connect(proxy.url), { everyMs: 50 });
    await waitFor('all to serve', async () => (await (await fetch(`${proxy.http}/readyz`)).text()).includes('3 of 3'));
    const left = "select count(*) as many from pg_stat_activity where usename = 'gate' and query = 'select 1'";
    const many = async (): Promise<number> => Number((await query(postgres.url('shop'), left))[0]?.['many']);
    await waitFor('Postgres to see who has gone', async () => (await many()) === spared);
  });

  test('SIGHUP reaches all of them', async () => {
    const file = join(folder, 'countersign.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text.replace(
        'databases: [shop] } }',
        'databases: [shop] }, late: { password: late-password, owner: ana, databases: [shop] } }',
      ),
    );
    proxy.program.child.kill('SIGHUP');
    const late = proxy.url.replace('bot:bot-password', 'late:late-password');
    // Each reads it at its own time, and which of them takes a connection is nobody's choice.
    const sixTimes = async (): Promise<boolean> => {
      for (let round = 0; round < 6; round++) await connect(late);
      return true;
    };
    await waitFor('the new agent, whoever takes the connection', sixTimes, { everyMs: 100 });
  });

  test('SIGTERM ends them all, each with its record closed', async () => {
    const idle = await connect(proxy.url);
    const ended = proxy.program.exited;
    proxy.program.child.kill('SIGTERM');
    expect(await within('the word to the agent', idle.lost)).toMatchObject({ code: '57P01' });
    expect(await within('its end', ended, 30_000)).toBe(0);
    for (const worker of [1, 2, 3]) expect(sinceStart(kindsOf(worker))).toContain('stop');
    const verified = spawnSync(process.execPath, [bin, 'audit', 'verify', '--dir', join(folder, 'audit')], {
      encoding: 'utf8',
    });
    expect([verified.status, verified.stderr]).toEqual([0, '']);
    expect(
      verified.stdout
        .trim()
        .split('\n')
        .map((line) => line.split(':')[0]),
    ).toEqual(['.', 'worker-1', 'worker-2', 'worker-3']);
    for (const pid of workersIn(proxy.program.err)) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});
