// Goal: `countersign serve` as an operator meets it: what is wrong is said in one line with its mend, to whoever can mend it; signals
// do what they should; nothing is left half alive.
// Method: the real command in a process of its own before a real Postgres; what agents are told is read by the pg driver and by psql.
import { type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasPsql, psql, query } from '../support/client.ts';
import { freePort } from '../support/ports.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { ServeProgram } from '../support/serve-program.ts';
import { gateUrl, layRules, shopFill } from '../support/small-shop.ts';
import { waitFor, within } from '../support/wait.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres({ fill: shopFill() });
});
afterAll(() => postgres.stop());

let folder: string;
const children = new Set<ChildProcess>();
const clients = new Set<pg.Client>();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-serve-'));
  layRules(folder, {
    'taxonomy.yaml':
      'version: 1\nlevels: [{ name: public, read: allow }, { name: watched, read: hold, approvers: [dbas] }]\ndefaults: { unclassified: public }\n',
    'policy.yaml': 'version: 1\ndefaults: { schema: allow, destructive: allow }\n',
    'approvers.yaml': 'version: 1\napprovers: { eva: { email: eva@example.com, slack: U0EVA, groups: [dbas] } }\n',
  });
});
afterEach(async () => {
  for (const client of clients) await client.end().catch(() => undefined);
  clients.clear();
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  rmSync(folder, { recursive: true, force: true });
});

interface Setting {
  readonly url?: string;
  readonly more?: string;
  readonly listen?: string;
  readonly http?: string;
}

function configText({ url, more = '', listen = '127.0.0.1:0', http = '127.0.0.1:0' }: Setting = {}): string {
  const database = url ?? gateUrl(postgres.port);
  return `listen: ${listen}
http: { listen: "${http}" }
databases:
  shop: { url: "${database}" }
  other: { url: "${database}" }
agents:
  bot: { password: bot-password, owner: ana, databases: [shop] }
${more}`;
}

class Proxy extends ServeProgram {
  constructor(args: readonly string[] = []) {
    super(join(folder, 'countersign.yaml'), folder, args);
    children.add(this.child);
  }

  static async started(setting: Setting = {}): Promise<Proxy> {
    writeFileSync(join(folder, 'countersign.yaml'), configText(setting));
    const proxy = new Proxy();
    await proxy.serving();
    return proxy;
  }

  #serving(): Record<string, unknown> {
    return this.lines().find((line) => line['words'] === 'serving') ?? {};
  }

  url(agent = 'bot', password = 'bot-password', database = 'shop'): string {
    return `postgres://${agent}:${password}@${String(this.#serving()['address'])}/${database}`;
  }

  http(path: string): string {
    return `http://${String(this.#serving()['http'])}${path}`;
  }

  async end(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return within('the end of the proxy', this.exited, 20_000);
  }
}

/** Runs it to its end: for starts that must fail. */
async function failing(text: string): Promise<{ readonly code: number | null; readonly lines: readonly string[] }> {
  writeFileSync(join(folder, 'countersign.yaml'), text);
  const proxy = new Proxy();
  const code = await within('the failed start', proxy.exited, 30_000);
  const lines = proxy.err.replaceAll(`${folder}/`, '').trim().split('\n');
  return { code, lines: lines.filter((line) => !line.startsWith('{')) };
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  clients.add(client);
  await client.connect();
  return client;
}

interface Told {
  readonly code: string;
  readonly message: string;
}

async function told(url: string): Promise<Told> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 20_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return { code: '', message: 'it came in' };
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
    return { code: 'code' in thrown ? String(thrown.code) : '', message: thrown.message };
  }
}

describe('a start that cannot succeed', () => {
  test('names every mistake of the file at once, with line and mend', async () => {
    const text = configText().replace('owner: ana', 'ownr: ana').replace('listen: 127.0.0.1:0\n', 'listen: nowhere\n');
    const { code, lines } = await failing(`${text}limts: {}\n`);
    expect(code).toBe(1);
    expect(lines).toEqual([
      'countersign: countersign.yaml:1:9: listen: not an address to listen on (write HOST:PORT, for example 127.0.0.1:6432, or [::1]:6432)',
      "countersign: countersign.yaml:7:3: agents.bot: 'owner' is missing (add 'owner', a text)",
      "countersign: countersign.yaml:7:34: agents.bot.ownr: no such key here (did you mean 'owner'?)",
      "countersign: countersign.yaml:8:1: limts: no such key here (did you mean 'limits'?)",
    ]);
  });

  test('says which port is taken, for agents and for http', async () => {
    const port = await freePort();
    const server = createServer();
    await new Promise<void>((settle) => server.listen(port, '127.0.0.1', settle));
    try {
      const taken = `127.0.0.1:${port} is taken by another program (stop that one, or choose another port)`;
      const agents = await failing(configText({ listen: `127.0.0.1:${port}` }));
      expect(agents).toEqual({ code: 1, lines: [`countersign: countersign.yaml:1:9: listen: ${taken}`] });
      const http = await failing(configText({ http: `127.0.0.1:${port}` }));
      expect(http).toEqual({ code: 1, lines: [`countersign: countersign.yaml:2:17: http.listen: ${taken}`] });
    } finally {
      server.close();
    }
  });

  test('says that an address is not of this machine', async () => {
    const { code, lines } = await failing(configText({ listen: '192.0.2.1:6432' }));
    expect([code, lines.length]).toEqual([1, 1]);
    expect(lines[0]).toContain('countersign.yaml:1:9: listen: 192.0.2.1:6432 is no address of this machine');
  });

  test('does not start without its record', async () => {
    writeFileSync(join(folder, 'audit'), 'a file where a folder should be');
    const { code, lines } = await failing(configText());
    expect([code, lines.length]).toEqual([1, 1]);
    expect(lines[0]).toMatch(/^countersign: the audit log in .*audit cannot be opened: /);
  });
});

describe('an agent is told', () => {
  const upstreams: readonly (readonly [
    name: string,
    url: () => string | Promise<string>,
    code: string,
    words: RegExp,
  ])[] = [
    [
      'that the database is down',
      async () => `postgres://gate:x@127.0.0.1:${await freePort()}/shop`,
      '08001',
      /cannot be reached|refused/,
    ],
    [
      'that the proxy’s password is wrong',
      () => `postgres://gate:wrong@127.0.0.1:${postgres.port}/shop`,
      '08004',
      /password/,
    ],
    [
      'that the database is not on its server',
      () => `postgres://gate:gate-password@127.0.0.1:${postgres.port}/nowhere`,
      '08004',
      /does not exist/,
    ],
    [
      'that the server has no TLS',
      () => `postgres://gate:gate-password@127.0.0.1:${postgres.port}/shop?sslmode=require`,
      '0800[14]',
      /TLS|SSL/,
    ],
  ];
  test.each(upstreams)(
    '%s, by an error response of one line, and the proxy goes on',
    async (_name, url, code, words) => {
      const proxy = await Proxy.started({ url: await url() });
      const first = await told(proxy.url());
      expect(first.code).toMatch(new RegExp(`^${code}$`));
      expect(first.message).toMatch(words);
      expect(first.message).not.toContain('\n');
      expect(first.message).not.toMatch(/gate-password|wrong/);
      expect(await told(proxy.url())).toEqual(first);
      expect((await fetch(proxy.http('/healthz'))).status).toBe(200);
      expect((await fetch(proxy.http('/readyz'))).status).toBe(503);
      expect(proxy.err).not.toMatch(/gate-password|bot-password/);
      expect(await proxy.end()).toBe(0);
    },
  );

  test('who it is not, what it may not see, and what is full; unknown names as wrong passwords', async () => {
    const proxy = await Proxy.started({ more: 'limits: { connections_per_agent: 1 }\n' });
    const wrong = await told(proxy.url('bot', 'wrong'));
    expect(wrong.code).toBe('28P01');
    expect(await told(proxy.url('nobody', 'wrong'))).toEqual({
      code: '28P01',
      message: wrong.message.replace('bot', 'nobody'),
    });
    expect((await told(proxy.url('bot', 'bot-password', 'other'))).code).toBe('3D000');
    expect((await told(proxy.url('bot', 'bot-password', 'nowhere'))).code).toBe('3D000');
    await connected(proxy.url());
    const full = await told(proxy.url());
    expect(full.code).toBe('53300');
    expect(full.message).toContain('bot');
    await proxy.end();
  });

  test.skipIf(!hasPsql())('in psql, as by Postgres itself', async () => {
    const proxy = await Proxy.started({ url: `postgres://gate:gate-password@127.0.0.1:${postgres.port}/nowhere` });
    const { code, err } = await psql(proxy.url(), { args: ['-c', 'select 1'] });
    expect(code).toBe(2);
    expect(err).toMatch(/FATAL: .*does not exist/);
    await proxy.end();
  });
});

describe('SIGHUP', () => {
  test('takes a new agent in, and lets an old one out, without a restart', async () => {
    const proxy = await Proxy.started();
    const old = await connected(proxy.url());
    const lost = new Promise((settle) => old.on('error', settle));
    const file = join(folder, 'countersign.yaml');
    const line = '  new: { password: new-password, owner: ben, databases: [shop] }\n';
    writeFileSync(file, configText().replace(/ {2}bot:.*\n/, line));
    expect((await told(proxy.url('new', 'new-password'))).code).toBe('28P01');
    proxy.child.kill('SIGHUP');
    await waitFor('the reload', () => proxy.lines().some((entry) => entry['words'] === 'the config was read again'));
    expect(await query(proxy.url('new', 'new-password'), 'select 1 as one')).toEqual([{ one: 1 }]);
    expect((await told(proxy.url())).code).toBe('28P01');
    expect(await within('the end of the old one’s session', lost)).toMatchObject({
      severity: 'FATAL',
      code: '57P01',
      message: expect.stringContaining('agent "bot" is not in the configuration any more'),
    });
    expect(await proxy.end()).toBe(0);
  });

  test('keeps the last good config when the new one is broken, says so, and recovers', async () => {
    const proxy = await Proxy.started();
    const file = join(folder, 'countersign.yaml');
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, `${good}limts: {}\n`);
    proxy.child.kill('SIGHUP');
    const complaint = await waitFor('the complaint', () => proxy.lines().find((entry) => entry['level'] === 'error'));
    expect(complaint['words']).toMatch(
      /last good one stays in force: .*countersign\.yaml:8:1: limts: no such key here \(did you mean 'limits'\?\)/,
    );
    expect(await query(proxy.url(), 'select 1 as one')).toEqual([{ one: 1 }]);
    const ready = await fetch(proxy.http('/readyz'));
    expect([ready.status, await ready.text()]).toEqual([
      200,
      expect.stringMatching(/^down {2}config: the file has a mistake/m),
    ]);
    writeFileSync(file, good);
    proxy.child.kill('SIGHUP');
    await waitFor('the reload', () => proxy.lines().some((entry) => entry['words'] === 'the config was read again'));
    expect(await (await fetch(proxy.http('/readyz'))).text()).toMatch(/^up {4}config: /m);
    await proxy.end();
  });

  test('says what only a restart can change', async () => {
    const proxy = await Proxy.started();
    writeFileSync(join(folder, 'countersign.yaml'), configText({ more: 'audit: { dir: ./elsewhere }\n' }));
    proxy.child.kill('SIGHUP');
    const said = await waitFor('the warning', () => proxy.lines().find((entry) => entry['level'] === 'warn'));
    expect(said['words']).toBe('changed in the file, but only a restart can change it: audit.dir');
    await proxy.end();
  });
});

describe('SIGTERM', () => {
  test('lets a transaction end, tells others where to go, ends the session with 57P01, exits 0', async () => {
    const proxy = await Proxy.started({ more: 'limits: { shutdown: 30s }\n' });
    const client = await connected(proxy.url());
    const ends = new Promise<Error>((settle) => client.once('error', settle));
    await client.query('create table kept (id int)');
    await client.query('begin');
    await client.query('insert into kept values (1)');
    proxy.child.kill('SIGTERM');
    await waitFor('the stop', () => proxy.lines().some((entry) => entry['words'] === 'stopping'));
    const ready = await fetch(proxy.http('/readyz'));
    expect([ready.status, await ready.text()]).toEqual([
      503,
      expect.stringMatching(/^DOWN {2}listener: stopping; 1 session left/m),
    ]);
    expect((await told(proxy.url())).message).toMatch(/ECONNREFUSED|shutting down|57P01|administrator/);
    expect((await client.query('select count(*)::int as n from kept')).rows).toEqual([{ n: 1 }]);
    await client.query('commit');
    expect(await within('57P01', ends)).toMatchObject({ code: '57P01' });
    expect(await within('the end', proxy.exited, 15_000)).toBe(0);
    expect(await query(`postgres://gate:gate-password@127.0.0.1:${postgres.port}/shop`, 'select * from kept')).toEqual([
      { id: 1 },
    ]);
  });

  test('twice ends at once, and the open transaction is rolled back', async () => {
    const proxy = await Proxy.started({ more: 'limits: { shutdown: 1h }\n' });
    const client = await connected(proxy.url());
    const ends = new Promise<Error>((settle) => client.once('error', settle));
    await client.query('create table if not exists gone (id int)');
    await client.query('begin');
    await client.query('insert into gone values (1)');
    proxy.child.kill('SIGTERM');
    await waitFor('the stop', () => proxy.lines().some((entry) => entry['words'] === 'stopping'));
    proxy.child.kill('SIGINT');
    expect(await within('57P01', ends)).toMatchObject({ code: '57P01' });
    expect(await within('the end', proxy.exited, 15_000)).toBe(0);
    expect(await query(`postgres://gate:gate-password@127.0.0.1:${postgres.port}/shop`, 'select * from gone')).toEqual(
      [],
    );
  });

  test('without sessions ends at once and leaves no connection at the database', async () => {
    const proxy = await Proxy.started();
    expect(await query(proxy.url(), 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(await proxy.end()).toBe(0);
    const direct = `postgres://gate:gate-password@127.0.0.1:${postgres.port}/shop`;
    const others = "select count(*)::int as n from pg_stat_activity where usename = 'gate' and pid <> pg_backend_pid()";
    await waitFor('no connection left', async () => (await query(direct, others))[0]?.['n'] === 0);
  });
});

describe('what was served', () => {
  test('is counted, and is on the record with start and stop', async () => {
    const proxy = await Proxy.started();
    await query(proxy.url(), 'select 1 as one');
    await told(proxy.url('bot', 'wrong'));
    const figures = await (await fetch(proxy.http('/metrics'))).text();
    expect(figures).toMatch(/^countersign_connections_accepted_total 2$/m);
    expect(figures).toMatch(/^countersign_connections_refused_total\{code="INVALID_PASSWORD"\} 1$/m);
    expect(figures).toMatch(/^countersign_statements_total\{verdict="allow"\} 1$/m);
    expect(figures).toMatch(/^countersign_rows_total 1$/m);
    expect(figures).toMatch(/^countersign_statement_seconds_count 1$/m);
    expect(await proxy.end()).toBe(0);
    const kinds = readSegments(join(folder, 'audit'));
    expect(kinds.at(0)).toBe('start');
    expect(kinds.at(-1)).toBe('stop');
    expect(kinds).toEqual(expect.arrayContaining(['login', 'judged', 'logout']));
  });
});

/** Kinds of the records about the proxy's doings, in order; the log's own about itself left out. */
function readSegments(dir: string): readonly string[] {
  const doings = new Set(['start', 'stop', 'login', 'logout', 'judged', 'finished', 'refused', 'config']);
  const names = readdirSync(dir)
    .filter((name) => name.endsWith('.jsonl'))
    .sort();
  const text = names.map((name) => readFileSync(join(dir, name), 'utf8')).join('');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { readonly kind: string }).kind)
    .filter((kind) => doings.has(kind));
}
