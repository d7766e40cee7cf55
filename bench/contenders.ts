// Who is measured: Postgres itself, PgBouncer in session pooling, a bare relay in Node, and us; all before the same Postgres, in
// the same run, so that their ratios mean something on a machine that is shared and noisy.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type TestPostgres } from '../test/support/postgres.ts';
import { freePort } from '../test/support/ports.ts';
import { startRedis } from '../test/support/redis.ts';
import { waitFor, within } from '../test/support/wait.ts';

const root = new URL('..', import.meta.url).pathname;
const password = 'bench password';
const role = 'bench';

export interface Contender {
  readonly name: string;
  readonly port: number;
  /** The process whose memory and time, with those that it has begun, are its own; undefined for Postgres, which is many. */
  readonly pid: number | undefined;
}

export interface Field {
  readonly postgres: TestPostgres;
  readonly contenders: readonly Contender[];
  url(contender: Contender): string;
  readonly missing: readonly string[];
  stop(): Promise<void>;
}

export interface FieldOptions {
  readonly warm: number;
  /** For one question alone: the others are not started. */
  readonly only?: 'us, with the log and without';
}

export async function startField(options: FieldOptions): Promise<Field> {
  const postgres = await startPostgres({
    flags: ['max_connections=1600', 'shared_buffers=256MB', 'log_min_messages=fatal'],
  });
  spawnSql(postgres, `create role ${role} login password '${password}'; create database bench owner ${role}`);
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  chmodSync(folder, 0o755);
  const children: ChildProcess[] = [];
  const missing: string[] = [];
  const contenders: Contender[] = [{ name: 'direct', port: postgres.port, pid: undefined }];
  const redis = options.only === undefined ? await startRedis() : undefined;
  const { warm } = options;
  if (options.only === undefined) await startOthers();
  await start('Countersign', { warm });
  if (redis !== undefined) await start('Countersign, 2 workers', { warm, crew: { workers: 2, state: redis.url } });
  if (options.only !== undefined) {
    await start('without the log', { warm, node: ['--import', 'tsx', '--import', unlogged] });
  }

  async function start(name: string, how: OurOptions): Promise<void> {
    const beside = join(folder, name);
    mkdirSync(beside);
    const { child, port } = await startCountersign(postgres.port, beside, how);
    children.push(child);
    contenders.push({ name, port, pid: child.pid });
  }

  async function startOthers(): Promise<void> {
    const bouncer = await startBouncer(postgres.port, folder);
    if (bouncer === undefined) missing.push('PgBouncer (Debian package pgbouncer)');
    else {
      children.push(bouncer.child);
      contenders.push({ name: 'PgBouncer', port: bouncer.port, pid: bouncer.pid });
    }
    const relay = await startRelay(postgres.port);
    children.push(relay.child);
    contenders.push({ name: 'bare relay', port: relay.port, pid: relay.child.pid });
  }
  return {
    postgres,
    contenders,
    missing,
    url: ({ port }) => `postgres://${role}:${encodeURIComponent(password)}@127.0.0.1:${port}/bench?sslmode=disable`,
    stop: async () => {
      await Promise.all(children.map(ended));
      await postgres.stop();
      await redis?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What it writes at its end goes into the folder that is taken away behind it. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await within('a contender to end', exit);
}

function spawnSql(postgres: TestPostgres, sql: string): void {
  for (const statement of sql.split(';')) {
    const done = spawnSync('psql', ['-qX', '-v', 'ON_ERROR_STOP=1', '-d', postgres.url('postgres'), '-c', statement]);
    if (done.status !== 0) throw new Error(done.stderr.toString());
  }
}

async function listening(port: number): Promise<void> {
  await waitFor(
    `port ${port}`,
    () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
        socket.once('connect', () => socket.destroy());
      }),
  );
}

async function startBouncer(upstream: number, folder: string) {
  if (spawnSync('pgbouncer', ['--version']).status !== 0) return undefined;
  const port = await freePort();
  const ini = join(folder, 'pgbouncer.ini');
  writeFileSync(join(folder, 'users.txt'), `"${role}" "${password}"\n`, { mode: 0o644 });
  writeFileSync(
    ini,
    `[databases]
bench = host=127.0.0.1 port=${upstream} dbname=bench user=${role} password='${password}'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = scram-sha-256
auth_file = ${join(folder, 'users.txt')}
pool_mode = session
default_pool_size = 100
min_pool_size = 40
max_client_conn = 500
server_reset_query = DISCARD ALL
unix_socket_dir =
`,
    { mode: 0o644 },
  );
  // It refuses to run as root, as Postgres does.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn('pgbouncer', ['-q', ...user, ini], { stdio: 'ignore' });
  await listening(port);
  return { child, port, pid: child.pid };
}

async function startRelay(upstream: number) {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(root, 'bench/relay.ts'), String(port), String(upstream)],
    {
      cwd: root,
      stdio: 'ignore',
    },
  );
  await listening(port);
  return { child, port };
}

const unlogged = new URL('./without-log.ts', import.meta.url).href;

/** Everything is read, judged and recorded; nobody has to be asked. */
const everythingPublic = `version: 1
levels: [{ name: public, read: allow }, { name: held, read: hold, approvers: [owners] }]
defaults: { unclassified: public }
`;

interface OurOptions {
  readonly warm: number;
  readonly node?: readonly string[];
  /** Several processes on the agents' port; they need a state that they can share. */
  readonly crew?: { readonly workers: number; readonly state: string };
}

async function startCountersign(upstream: number, folder: string, { warm, node = [], crew }: OurOptions) {
  const [port, http] = [await freePort(), await freePort()];
  const classification = join(folder, 'classification');
  mkdirSync(classification, { recursive: true });
  writeFileSync(join(classification, 'taxonomy.yaml'), everythingPublic);
  writeFileSync(
    join(classification, 'approvers.yaml'),
    'version: 1\napprovers: { eva: { email: eva@example.com, groups: [owners] } }\n',
  );
  const url = `postgres://${role}:${encodeURIComponent(password)}@127.0.0.1:${upstream}/bench?sslmode=disable`;
  const config = {
    listen: `127.0.0.1:${port}`,
    http: { listen: `127.0.0.1:${http}` },
    classification,
    ...(crew ?? { state: `journal:${join(folder, 'state')}` }),
    audit: { dir: join(folder, 'audit') },
    databases: { bench: { url, pool: { warm } } },
    agents: { [role]: { password, owner: 'ana', databases: ['bench'], connections: 1200 } },
    log: { level: 'warn' },
    limits: { connections: 1200, connections_in_login: 1200, connections_per_agent: 1200 },
  };
  writeFileSync(join(folder, 'countersign.yaml'), JSON.stringify(config), { mode: 0o600 });
  const child = spawn(
    process.execPath,
    [...node, 'bin/countersign.js', 'serve', '--config', join(folder, 'countersign.yaml')],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  await waitFor('Countersign to be ready', async () => (await fetch(`http://127.0.0.1:${http}/readyz`)).ok, {
    withinMs: 30_000,
  });
  return { child, port };
}

/** What a proxy of Node costs that does nothing at all. */
export function relay(port: number, upstream: number): void {
  createServer({ noDelay: true }, (agent) => {
    const server = connect({ port: upstream, host: '127.0.0.1', noDelay: true });
    agent.pipe(server).pipe(agent);
    agent.on('error', () => server.destroy());
    server.on('error', () => agent.destroy());
  }).listen(port, '127.0.0.1');
}
