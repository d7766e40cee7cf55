// A small query driver over an upstream connection, for our own sessions: reading the schema, asking how it changed, EXPLAIN aside.
// Agents' bytes never pass here. The only door to pg-protocol, which knows the messages; frames are cut by ours first, because it
// has no bound on lengths and walks a length of 0 byte by byte.
import { serialize } from 'pg-protocol';
import type { BackendMessage } from 'pg-protocol/dist/messages.js';
import { Parser } from 'pg-protocol/dist/parser.js';
import { ProxyError } from '../core/errors.ts';
import { visible } from '../core/visible.ts';
import { FrameReader } from '../wire/frame.ts';
import { connectUpstream, type Upstream, type UpstreamTarget } from './upstream.ts';

/** Texts as Postgres prints them. */
export type DriverRow = readonly (string | null)[];

export interface DriverResult {
  readonly columns: readonly string[];
  readonly rows: readonly DriverRow[];
  /** Of several statements the last one's: `SELECT 3`. */
  readonly command: string;
  /** Messages of the server that came with it, in order. */
  readonly notices: readonly string[];
}

/** The server refused a statement of ours. The connection goes on. */
export class QueryFailed extends Error {
  readonly sqlState: string;

  constructor(sqlState: string, words: string) {
    super(visible(words, 1000));
    this.name = 'QueryFailed';
    this.sqlState = sqlState;
  }
}

interface Pending {
  readonly frames: Uint8Array;
  readonly settle: (result: DriverResult | Error) => void;
  columns: string[];
  rows: DriverRow[];
  command: string;
  notices: string[];
  error: Error | undefined;
}

/** A schema of 10,000 tables comes as one row of a few megabytes. */
const frameBytesMax = 256 * 1024 * 1024;

export class Driver {
  readonly serverMajor: number;
  readonly #upstream: Upstream;
  readonly #reader = new FrameReader({ streams: () => false, lengthMax: () => frameBytesMax });
  readonly #parser = new Parser();
  /** The first is the one that runs. */
  readonly #queue: Pending[] = [];
  #ended: Error | undefined;

  /** Always in UTF-8: pg-protocol reads nothing else. */
  static async open(
    options: { readonly target: UpstreamTarget; readonly parameters?: ReadonlyMap<string, string> },
    signal: AbortSignal,
  ): Promise<Driver> {
    const parameters = new Map([...(options.parameters ?? []), ['client_encoding', 'UTF8'] as const]);
    return new Driver(await connectUpstream({ target: options.target, parameters }, signal));
  }

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
    this.serverMajor = upstream.serverMajor;
    const { socket } = upstream;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (cause) => this.#end(lost(cause)));
    socket.on('close', () => this.#end(lost()));
    socket.resume();
  }

  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  /** The rows of one statement; with parameters by the extended protocol, without by the simple one. */
  async query(sql: string, parameters?: readonly (string | null)[]): Promise<readonly DriverRow[]> {
    return (await this.run(sql, parameters)).rows;
  }

  /** Statements wait for those before them. */
  run(sql: string, parameters?: readonly (string | null)[]): Promise<DriverResult> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const frames = parameters === undefined ? serialize.query(sql) : extended(sql, parameters);
    return new Promise((resolve, reject) => {
      const settle = (result: DriverResult | Error): void => {
        if (result instanceof Error) reject(result);
        else resolve(result);
      };
      this.#queue.push({ frames, settle, columns: [], rows: [], command: '', notices: [], error: undefined });
      if (this.#queue.length === 1) this.#upstream.socket.write(frames);
    });
  }

  /** Says goodbye; what still waits fails. */
  close(): void {
    if (this.#ended !== undefined) return;
    this.#upstream.socket.end(serialize.end());
    this.#upstream.socket.destroySoon();
    this.#end(lost());
  }

  #onData(chunk: Buffer): void {
    try {
      this.#reader.push(chunk, {
        frame: (_, bytes, start, end) =>
          this.#parser.parse(bytes.subarray(start, end), (read: BackendMessage) => this.#take(read)),
        part: () => undefined,
      });
    } catch (thrown) {
      this.#end(thrown instanceof Error ? thrown : lost());
    }
  }

  #take(read: BackendMessage): void {
    const [current] = this.#queue;
    if (current === undefined) return;
    if ('fields' in read && read.name === 'rowDescription') {
      const fields: unknown = read.fields;
      current.columns = Array.isArray(fields) ? fields.map(nameOf) : [];
      current.rows = [];
    } else if ('fields' in read && read.name === 'dataRow') {
      const fields: unknown = read.fields;
      current.rows.push(
        Array.isArray(fields) ? fields.map((field: unknown) => (typeof field === 'string' ? field : null)) : [],
      );
    } else if (read.name === 'commandComplete' && 'text' in read) current.command = String(read.text);
    else if (read.name === 'notice' && 'message' in read) current.notices.push(String(read.message));
    else if (read.name === 'error' && 'message' in read) {
      const code = 'code' in read && typeof read.code === 'string' ? read.code : '';
      current.error ??= new QueryFailed(code, String(read.message));
    } else if (read.name === 'copyInResponse' || read.name === 'copyOutResponse') {
      this.#end(new Error('our own sessions do not COPY'));
    } else if (read.name === 'readyForQuery') this.#ready(current);
  }

  #ready(done: Pending): void {
    this.#queue.shift();
    const [next] = this.#queue;
    if (next !== undefined) this.#upstream.socket.write(next.frames);
    const { columns, rows, command, notices } = done;
    done.settle(done.error ?? { columns, rows, command, notices });
  }

  #end(why: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    this.#upstream.socket.destroySoon();
    for (const pending of this.#queue.splice(0)) pending.settle(pending.error ?? why);
  }
}

function nameOf(field: unknown): string {
  return typeof field === 'object' && field !== null && 'name' in field ? String(field.name) : '';
}

function extended(sql: string, values: readonly (string | null)[]): Buffer {
  return Buffer.concat([
    serialize.parse({ text: sql }),
    serialize.bind({ values: [...values] }),
    serialize.describe({ type: 'P' }),
    serialize.execute(),
    serialize.sync(),
  ]);
}

function lost(cause?: Error): ProxyError {
  return new ProxyError('UPSTREAM_LOST', 'the database closed a connection of the proxy’s own', { cause });
}
