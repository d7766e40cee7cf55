// Starts and stops one embedded Postgres: its folders, its password, its port, and knowing when it is ready.
// What must happen when we die is not here but in the supervisor script, because we would not be there to do it.
import { codeOf } from '../../core/file-words.ts';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { randomText } from '../../core/ids.ts';
import { findPostgres, giveTo, runAs, usableBin, type PostgresBinaries, type RunAs } from './postgres-binaries.ts';
import { fillOnce, type Filling } from './postgres-fill.ts';
import { sweepStale, temporaryPrefix } from './postgres-sweep.ts';
import { supervisorScript } from './postgres-supervisor.ts';
import { freePort } from './free-port.ts';

export interface PostgresOptions {
  /** Default: what `findPostgres` finds. */
  readonly binaries?: PostgresBinaries;
  /** Keeps the cluster here, with its password; default: a temporary folder that goes with the server. */
  readonly keep?: string;
  /** A folder that an earlier `keep` left: a new cluster begins as a copy of it, with its password, where making one would take longer. */
  readonly from?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Further `-c name=value` settings, written `name=value`. */
  readonly settings?: readonly string[];
  /** Files to lay into the data folder before the start, by name: `pg_hba.conf`, `server.key`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Run in order when the cluster is new, each in its own session as the superuser. */
  readonly fill?: readonly Filling[];
  /** How old a folder without a supervisor must be before it is swept up. */
  readonly sweepAfterMs?: number;
}

export interface RunningPostgres {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly superuser: 'postgres';
  readonly password: string;
  readonly dataFolder: string;
  /** Default: the superuser in database `postgres`. */
  url(database?: string, user?: string, password?: string): string;
  /** The last words of the server's log. */
  log(): string;
  /** Settles when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

const readyWithinMs = 60_000;
const stopWithinMs = 30_000;
const logBytesMax = 64 * 1024;
const portTriesMax = 5;
const clusterFolder = 'postgres';

export async function startPostgres(options: PostgresOptions = {}): Promise<RunningPostgres> {
  for (let tries = 1; ; tries++) {
    const started = await startOnce(options, options.port ?? (await freePort()));
    if (started.kind === 'running') return started.postgres;
    // Between choosing a free port and listening on it somebody else may take it; a port that was asked for is not changed.
    const taken = /could not bind|Address already in use/.test(started.log);
    if (taken && options.port === undefined && tries < portTriesMax) continue;
    const why = started.kind === 'late' ? `it was not ready within ${readyWithinMs / 1000} s; its last words: ` : '';
    throw new Error(`Postgres did not start: ${why}${lastLine(started.log)}`);
  }
}

type Started =
  | { readonly kind: 'running'; readonly postgres: RunningPostgres }
  | { readonly kind: 'ended' | 'late'; readonly log: string };

async function startOnce(options: PostgresOptions, port: number): Promise<Started> {
  const as = runAs();
  const home = temporaryHome(as);
  sweepStale(home, as, options.sweepAfterMs ?? 60_000);
  const base = mkdtempSync(join(home, temporaryPrefix));
  try {
    const place = layOut(options, { base, as });
    const server = new Server(launch(options, { ...place, as, port }), place.data);
    const state = await server.ready();
    if (state !== 'ready') {
      const log = server.log();
      await server.stop();
      return { kind: state, log };
    }
    await fillOnce(options.fill ?? [], { ...place, port }).catch(async (thrown: unknown) => {
      await server.stop();
      throw thrown;
    });
    return { kind: 'running', postgres: server.running(port, place.password) };
  } catch (thrown) {
    rmSync(base, { recursive: true, force: true });
    throw thrown;
  }
}

interface Layout {
  readonly base: string;
  readonly data: string;
  readonly bin: string;
  readonly password: string;
}

/** Everything the supervisor needs, in a folder that belongs to the user it runs as. */
function layOut(options: PostgresOptions, where: { readonly base: string; readonly as: RunAs }): Layout {
  const { base, as } = where;
  const bin = usableBin(options.binaries ?? findPostgres(), as, base);
  const data = options.keep === undefined ? join(base, 'data') : join(options.keep, clusterFolder);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  if (options.keep !== undefined) mustReach(data, as);
  // A thousand files: what the system brings copies them ten times as fast as cpSync.
  if (options.from !== undefined) execFileSync('cp', ['-R', `${join(options.from, clusterFolder)}/.`, data]);
  const password = keptPassword(options.keep ?? options.from) ?? randomText(24);
  writeFileSync(join(base, 'password'), password, { mode: 0o600 });
  writeFileSync(join(base, 'supervisor.sh'), supervisorScript, { mode: 0o600 });
  mkdirSync(join(base, 'files'));
  for (const [name, text] of Object.entries(options.files ?? {})) {
    writeFileSync(join(base, 'files', name), text, { mode: 0o600 });
  }
  giveTo(data, as);
  giveTo(base, as);
  return { base, data, bin, password };
}

/** A kept cluster needs the password it was made with; it lies beside it, for our eyes only. */
function keptPassword(keep: string | undefined): string | undefined {
  if (keep === undefined) return undefined;
  const file = join(keep, 'postgres.password');
  if (!existsSync(file)) writeFileSync(file, randomText(24), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

function mustReach(data: string, as: RunAs): void {
  if (as.kind === 'self' || enterable(dirname(data))) return;
  throw new Error(
    `Postgres runs as nobody, who cannot enter ${dirname(data)} (choose a folder whose parents everybody may enter)`,
  );
}

/** Every folder on the way may be entered by everybody. */
function enterable(folder: string): boolean {
  if ((statSync(folder).mode & 0o001) === 0) return false;
  return dirname(folder) === folder || enterable(dirname(folder));
}

function temporaryHome(as: RunAs): string {
  const own = tmpdir();
  if (as.kind === 'self' || enterable(own)) return own;
  return '/tmp';
}

function launch(options: PostgresOptions, place: Layout & { readonly as: RunAs; readonly port: number }): ChildProcess {
  const settings = [
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${options.fill === undefined ? '' : place.base}`,
    ...(options.keep === undefined ? ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'] : []),
    ...(options.settings ?? []),
  ];
  return spawn(
    '/bin/sh',
    [
      join(place.base, 'supervisor.sh'),
      place.base,
      place.data,
      place.bin,
      '-p',
      String(place.port),
      ...settings.flatMap((setting) => ['-c', setting]),
    ],
    {
      ...(place.as.kind === 'other' ? { uid: place.as.uid, gid: place.as.gid } : {}),
      cwd: '/',
      // A session of its own: Ctrl-C in the terminal is for us, and the server goes after the proxy has said goodbye.
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    },
  );
}

class Server {
  readonly #child: ChildProcess;
  readonly #data: string;
  readonly #ended: Promise<void>;
  readonly #launchedAt = Date.now();
  #log = '';
  #over: 'no' | 'yes' = 'no';

  constructor(child: ChildProcess, data: string) {
    this.#child = child;
    this.#data = data;
    this.#ended = new Promise((settle) => {
      const end = (): void => {
        this.#over = 'yes';
        settle();
      };
      child.once('exit', end);
      child.once('error', (thrown) => {
        this.#log += `${thrown.message}\n`;
        end();
      });
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log = (this.#log + text).slice(-logBytesMax);
    });
    // The supervisor may be gone when we close the pipe; that is what we wanted.
    child.stdin?.on('error', (thrown) => (this.#log += `${thrown.message}\n`));
  }

  log(): string {
    return this.#log;
  }

  /** Waits until it takes connections, has ended, or takes too long. */
  async ready(): Promise<'ready' | 'ended' | 'late'> {
    const deadline = performance.now() + readyWithinMs;
    while (this.#over === 'no' && performance.now() < deadline) {
      if (isReady(this.#data, this.#launchedAt)) return 'ready';
      await pause(10);
    }
    return this.#over === 'yes' ? 'ended' : 'late';
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    const late = setTimeout(() => this.#killGroup(), stopWithinMs);
    await this.#ended;
    clearTimeout(late);
  }

  running(port: number, superuserPassword: string): RunningPostgres {
    return {
      host: '127.0.0.1',
      port,
      superuser: 'postgres',
      password: superuserPassword,
      dataFolder: this.#data,
      url: (database = 'postgres', user = 'postgres', password = superuserPassword) =>
        `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
      log: () => this.#log,
      ended: this.#ended,
      stop: () => this.stop(),
    };
  }

  /** Only if the supervisor itself hangs. */
  #killGroup(): void {
    if (this.#over === 'no' && this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
  }
}

/**
 * The eighth line of postmaster.pid is what pg_ctl waits for; the third says since when. A kept cluster may hold the file of a
 * server that was killed long ago, and that one is not ready.
 */
function isReady(data: string, launchedAt: number): boolean {
  const file = join(data, 'postmaster.pid');
  // It may be gone between two looks: Postgres writes it anew while it starts.
  const lines = textOf(file).split('\n');
  return lines[7]?.trim() === 'ready' && Number(lines[2]) >= Math.floor(launchedAt / 1000);
}

function lastLine(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  return (lines.findLast((line) => /FATAL|error|could not/.test(line)) ?? lines.at(-1) ?? 'it said nothing').trim();
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return '';
    throw thrown;
  }
}
