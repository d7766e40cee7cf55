// How one contender is measured: pgbench for statements and connections, a reader of our own for long results, /proc for memory.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { limitsWith } from '../src/core/limits.ts';
import { connectUpstream, type Upstream } from '../src/proxy/upstream.ts';
import { Secret } from '../src/core/secrets.ts';
import { encodeClientMessage } from '../src/wire/client-messages.ts';

export type Mode = 'simple' | 'extended' | 'prepared';

export interface Load {
  readonly mode: Mode;
  readonly clients: number;
  readonly seconds: number;
  /** A new connection for each statement. */
  readonly reconnect?: boolean;
}

export interface Measured {
  /** Statements a second, as pgbench counts them: without the time that connecting took. */
  readonly perSecond: number;
  readonly statements: number;
}

export async function pgbench(url: string, load: Load): Promise<Measured> {
  const { mode, clients, seconds } = load;
  const args = ['-S', '-n', '-M', mode, '-c', String(clients), '-j', '1', '-T', String(seconds)];
  const out = await run('pgbench', [...args, ...(load.reconnect === true ? ['-C'] : []), url]);
  const perSecond = /^tps = ([\d.]+)/m.exec(out)?.[1];
  const statements = /^number of transactions actually processed: (\d+)/m.exec(out)?.[1];
  if (perSecond === undefined || statements === undefined) throw new Error(`pgbench said no figure: ${out}`);
  return { perSecond: Number(perSecond), statements: Number(statements) };
}

/** What a process and those that it has begun have had of processors so far, all threads, in microseconds. */
export function processorMicros(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const own = threads.reduce((sum, thread) => sum + onProcessor(`/proc/${pid}/task/${thread}/schedstat`) / 1000, 0);
  const begun = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
    .split(' ')
    .filter((child) => child !== '');
  return begun.reduce((sum, child) => sum + processorMicros(Number(child)), own);
}

/** Of a thread, in nanoseconds: the first field. */
function onProcessor(file: string): number {
  try {
    return Number(readFileSync(file, 'latin1').split(' ', 1)[0]);
  } catch {
    return 0; // A thread that ended between the list and the look: its time is small, and gone from every sum alike.
  }
}

export function run(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(out) : reject(new Error(`${command} ended with ${code}: ${err}`)),
    );
  });
}

export async function connectTo(url: string): Promise<Upstream> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const target = {
    host: hostname,
    port: Number(port),
    database: pathname.slice(1),
    login: { user: username, password: new Secret(decodeURIComponent(password)), passwordCommand: undefined },
    tls: { mode: 'disable', rootCert: undefined, cert: undefined, key: undefined },
    requireAuth: undefined,
    connectMsMax: limitsWith().upstreamConnectMsMax,
  } as const;
  return await connectUpstream({ target, parameters: new Map() }, new AbortController().signal);
}

/** Milliseconds from sending a query to its ReadyForQuery, reading everything and keeping nothing. */
export async function readAll(url: string, sql: string): Promise<{ readonly ms: number; readonly bytes: number }> {
  const { socket } = await connectTo(url);
  const started = performance.now();
  let bytes = 0;
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection closed')));
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      // ReadyForQuery, the last six bytes of what a query gives.
      if (chunk.length >= 6 && chunk[chunk.length - 6] === 0x5a && chunk.readUInt32BE(chunk.length - 5) === 5)
        resolve();
    });
    socket.resume();
    socket.write(encodeClientMessage({ kind: 'query', sql: Buffer.from(sql) }));
  });
  const ms = performance.now() - started;
  socket.removeAllListeners('close');
  socket.destroy();
  return { ms, bytes };
}

export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return ((low ?? 0) + (high ?? 0)) / 2;
}
