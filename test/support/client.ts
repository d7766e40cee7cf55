// Clients for tests: one query with the pg driver, and psql as a person would use it.
import { spawn, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import pg from 'pg';

/** One connection, one query (simple without values, extended with), and gone. */
export async function query(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const result = await client.query(sql, values.length === 0 ? undefined : [...values]);
    return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows;
  } finally {
    await client.end();
  }
}

/** A connection for as long as the work takes. That the server ends it is told by its statements, not by an event of its own. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** A CancelRequest, on a connection of its own; resolves when the other side has closed it: it has done then what it does. */
export async function cancel(client: pg.Client): Promise<void> {
  const { processID, secretKey } = client as unknown as { readonly processID: number; readonly secretKey: number };
  const request = Buffer.alloc(16);
  [16, 80877102, processID, secretKey].forEach((value, index) => request.writeInt32BE(value, 4 * index));
  await new Promise<void>((resolve) => {
    const socket = connect(client.port, client.host, () => socket.write(request));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
  });
}

export interface PsqlResult {
  readonly out: string;
  readonly err: string;
  readonly code: number | null;
}

export function hasPsql(): boolean {
  return spawnSync('psql', ['--version']).status === 0;
}

/** Runs psql without anybody's settings; `input` goes to its standard input. */
export function psql(
  url: string,
  options: { readonly input?: string; readonly args?: readonly string[] },
): Promise<PsqlResult> {
  const child = spawn('psql', ['-X', '-d', url, ...(options.args ?? [])], {
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', PGCONNECT_TIMEOUT: '10' },
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.stdin.end(options.input ?? '');
  return new Promise((settle, fail) => {
    child.once('error', fail);
    child.once('close', (code) => settle({ out, err, code }));
  });
}
