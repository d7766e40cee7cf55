// An upstream connection while no agent has it: watched for the server's words, reset, and asked a question or two. Anything it
// says out of turn makes it unusable; guessing what state it is in is how one agent would get another's leavings.
import type { Socket } from 'node:net';
import { encodeClientMessage } from '../wire/client-messages.ts';
import { violation } from '../wire/cursor.ts';
import { FrameReader, headerBytes } from '../wire/frame.ts';
import { decodeServerMessage, fieldOf, type ServerMessage, type TransactionStatus } from '../wire/server-messages.ts';

/** What one simple query gave. */
export interface Reply {
  /** First column of the last row, as Latin-1; undefined without rows or for NULL. */
  readonly value: string | undefined;
  /** SQLSTATE of its error. */
  readonly error: string | undefined;
  readonly status: TransactionStatus;
}

interface Ask {
  readonly replies: Reply[];
  readonly wanted: number;
  value: string | undefined;
  error: string | undefined;
  readonly settle: (replies: readonly Reply[] | Error) => void;
}

const frameBytesMax = 1024 * 1024;
const syncFrame = encodeClientMessage({ kind: 'sync' });
const terminateFrame = encodeClientMessage({ kind: 'terminate' });
const events = ['data', 'end', 'error', 'close', 'drain', 'readable', 'timeout'] as const;

/** `rawListeners` gives functions of any form, and that is what has to be taken off again. */
interface AnyEmitter {
  removeListener(event: string, listener: ReturnType<Socket['rawListeners']>[number]): unknown;
}

/** What listened to the socket before somebody borrowed it, so that whatever the borrower left can be taken off. */
export class Listeners {
  readonly #socket: Socket;
  readonly #before: ReadonlyMap<string, ReadonlySet<unknown>>;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#before = new Map(events.map((event) => [event, new Set<unknown>(socket.rawListeners(event))]));
  }

  restore(): void {
    const emitter: AnyEmitter = this.#socket;
    for (const event of events) {
      for (const listener of this.#socket.rawListeners(event)) {
        if (this.#before.get(event)?.has(listener) !== true) emitter.removeListener(event, listener);
      }
    }
  }
}

export class IdleLink {
  readonly #socket: Socket;
  readonly #reader = new FrameReader({ streams: () => false, lengthMax: () => frameBytesMax });
  /** Called once when the connection is of no more use. */
  onBroken: () => void = () => undefined;
  /** Reported while idle, on top of what was known before. */
  readonly #parameters = new Map<string, string>();
  #ask: Ask | undefined;
  #state: 'watching' | 'released' | 'broken' = 'watching';

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData).on('close', this.#onClose).on('end', this.#onClose);
    socket.resume();
    if (socket.destroyed || socket.readableEnded) queueMicrotask(this.#onClose);
  }

  get usable(): boolean {
    return (
      this.#state === 'watching' && this.#ask === undefined && this.#reader.buffered === 0 && this.#socket.writable
    );
  }

  get parameters(): ReadonlyMap<string, string> {
    return this.#parameters;
  }

  /**
   * Sends simple queries in one piece. A Sync goes first: after an error in an extended batch the server skips everything up to
   * one, simple queries too. Its status says in what transaction state the borrower left.
   */
  ask(queries: readonly string[], withinMs: number): Promise<readonly Reply[]> {
    const frames = queries.map((sql) => encodeClientMessage({ kind: 'query', sql: Buffer.from(sql) }));
    return new Promise((resolve, reject) => {
      if (this.#state !== 'watching' || this.#ask !== undefined) {
        reject(new Error('the connection cannot be asked now'));
        return;
      }
      const timer = setTimeout(() => this.#break(new Error(`no answer within ${withinMs} ms`)), withinMs);
      const settle = (result: readonly Reply[] | Error): void => {
        clearTimeout(timer);
        this.#ask = undefined;
        if (result instanceof Error) reject(result);
        else resolve(result);
      };
      this.#ask = { replies: [], wanted: queries.length + 1, value: undefined, error: undefined, settle };
      this.#socket.write(Buffer.concat([syncFrame, ...frames]));
    });
  }

  /** Stops watching and leaves the socket paused. */
  release(): void {
    this.#state = 'released';
    this.#socket.off('data', this.#onData).off('close', this.#onClose).off('end', this.#onClose);
    this.#socket.pause();
  }

  /** Says goodbye to the server and closes. */
  close(): void {
    this.#state = 'released';
    this.#ask?.settle(new Error('the connection was closed'));
    this.#socket.off('data', this.#onData).off('close', this.#onClose).off('end', this.#onClose);
    this.#socket.end(terminateFrame);
    this.#socket.destroySoon();
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      this.#reader.push(chunk, {
        frame: (type, bytes, start, end) => {
          if (this.#state === 'watching')
            this.#take(decodeServerMessage(type, bytes.subarray(start + headerBytes, end)));
        },
        part: () => undefined,
      });
    } catch (thrown) {
      this.#break(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  };

  readonly #onClose = (): void => this.#break(new Error('the server closed the connection'));

  #take(read: ServerMessage): void {
    if (read.kind === 'parameterStatus') {
      this.#parameters.set(read.name, read.value);
      return;
    }
    if (read.kind === 'notice') return;
    const ask = this.#ask;
    if (ask === undefined) throw violation(`the server sent ${read.kind} to an idle connection`);
    switch (read.kind) {
      case 'rowDescription':
      case 'commandComplete':
        return;
      // For a channel that the borrower listened to; UNLISTEN is under way.
      case 'notification':
        return;
      case 'dataRow':
        ask.value = read.values[0]?.toString('latin1');
        return;
      case 'error':
        ask.error = fieldOf(read.fields, 'C') ?? '';
        return;
      case 'readyForQuery':
        ask.replies.push({ value: ask.value, error: ask.error, status: read.status });
        [ask.value, ask.error] = [undefined, undefined];
        if (ask.replies.length === ask.wanted) ask.settle(ask.replies.slice(1));
        return;
      default:
        throw violation(`the server sent ${read.kind} to a reset`);
    }
  }

  #break(why: Error): void {
    if (this.#state !== 'watching') return;
    this.#state = 'broken';
    this.#ask?.settle(why);
    this.#socket.destroy();
    this.onBroken();
  }
}
