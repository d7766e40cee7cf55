// The queue of replies that the server still owes: which message of the agent (or of ours) each one answers, and what becomes
// of it. A refusal or an answer of our own takes its place in this queue, so it can never overtake an earlier reply.
//
//   agent: P B E S          queue: parse bind execute sync
//   server: 1 2 C Z         each reply answers the head; an error answers everything up to the next sync
//
// Knows the order of the protocol; knows no sockets and no SQL.
import { fromServer as server } from '../wire/message-types.ts';
import type { Rewritten } from './mask-rows.ts';

/** What is awaited. Extended kinds come last, so that one comparison tells them apart. */
export const awaits = {
  /** A simple Query: anything, up to and with ReadyForQuery. */
  query: 1,
  /** ReadyForQuery after Sync. */
  sync: 2,
  /** Bytes of our own, to be sent when their turn comes; the server owes nothing. */
  ours: 3,
  /** CopyDone or CopyFail: no reply of its own; marks where the server stops ignoring Sync. */
  copyEnd: 4,
  parse: 5,
  bind: 6,
  describe: 7,
  execute: 8,
  close: 9,
  /** Questions of our own in the agent's session; its follower says when all has come. */
  aside: 10,
} as const;
export type Awaited = (typeof awaits)[keyof typeof awaits];

/** What becomes of a reply; bytes are sent in its stead. A row that has to wait for room stops all that is behind it. */
export type Fate = 'forward' | 'swallow' | 'stop' | Buffer | Rewritten;
type RowFate = 'forward' | 'swallow' | 'stop';

/** Follows one request's replies. All members are optional, since most requests are just forwarded. */
export interface Follower {
  /** What becomes of a reply; without it, replies are forwarded. */
  take?(type: number, bytes: Buffer, start: number, end: number): Fate;
  /** For asides: whether the reply that was taken last was the last one. */
  readonly finished?: boolean;
  /** A row, or a piece of COPY data, of `size` bytes comes; without it, it passes. */
  row?(type: number, size: number): RowFate;
  /** Rows pass whatever comes: `passed` counts many at once, in place of `row` for each. */
  readonly passesAll?: boolean;
  passed?(rows: number, bytes: number): void;
  /** Rows are looked into, so they have to come whole and are rewritten. */
  readonly whole?: boolean;
  rewrite?(type: number, bytes: Buffer, start: number, end: number): Rewritten | undefined;
  /** After `stop`: resolves when the same row may be taken again (`again`), or when nothing more passes (`stopped`). */
  room?(withdrawn: AbortSignal): Promise<'again' | 'stopped'>;
  /** All replies have come (`done`), the server said an error, or an earlier error made the server skip this request. */
  ended(how: 'done' | 'failed' | 'skipped'): void;
}

interface Owed {
  readonly kind: Awaited;
  readonly follower: Follower | undefined;
  /** For `ours`: what is sent. */
  readonly bytes: Buffer | undefined;
  failed: boolean;
}

/** Requests without a follower are all alike; one object stands for each kind. */
const plain: readonly Owed[] = Object.values(awaits).reduce<Owed[]>((all, kind) => {
  all[kind] = { kind, follower: undefined, bytes: undefined, failed: false };
  return all;
}, []);

const none: readonly Buffer[] = [];

export type TransactionStatus = 'none' | 'open' | 'failed';

export class Replies {
  #queue: Owed[] = [];
  #head = 0;
  #copyIn = false;
  /** An error came with no Sync behind it: the server throws away whatever comes until there is one. */
  #skipping = false;
  #status: TransactionStatus = 'none';
  #due: Buffer[] = [];

  get length(): number {
    return this.#queue.length - this.#head;
  }

  /** Whether the server runs something of the agent's, or will before all that is owed has come. */
  get runsForAgent(): boolean {
    return this.#queue.slice(this.#head).some(({ kind }) => kind === awaits.query || kind === awaits.execute);
  }

  /** How often something came. */
  arrivals = 0;

  /** The transaction status of the last ReadyForQuery. Exact only when nothing is owed. */
  get status(): TransactionStatus {
    return this.#status;
  }

  /** Whether the server throws away all that it is sent until the next Sync. Exact only when nothing is owed. */
  get skipping(): boolean {
    return this.#skipping;
  }

  /** Whether the server reads COPY data, or may do so when it comes to what it was sent. */
  get mayCopyIn(): boolean {
    return this.#copyIn || this.length > 0;
  }

  owe(kind: Awaited, follower?: Follower): void {
    if (kind === awaits.copyEnd && this.length === 0) return;
    // A server that reads COPY data ignores Sync until CopyDone or CopyFail (libpq sends Sync right behind Execute).
    if (kind === awaits.sync && this.#copyIn) return;
    if (kind === awaits.copyEnd) this.#copyIn = false;
    if (this.#skipping) {
      if (kind !== awaits.sync) {
        follower?.ended('skipped');
        return;
      }
      this.#skipping = false;
    }
    const owed = follower === undefined ? plain[kind] : { kind, follower, bytes: undefined, failed: false };
    if (owed !== undefined) this.#queue.push(owed);
  }

  /** Puts an answer of our own behind all that is owed. When nothing is, it is due at once. */
  answer(bytes: Buffer): void {
    if (this.length === 0) this.#due.push(bytes);
    else this.#queue.push({ kind: awaits.ours, follower: undefined, bytes, failed: false });
  }

  /** Answers of our own whose turn has come: to be sent behind the frame that was taken last. */
  takeDue(): readonly Buffer[] {
    if (this.#due.length === 0) return none;
    const due = this.#due;
    this.#due = [];
    return due;
  }

  /** One frame from the server: moves the queue on and says what becomes of the frame. */
  take(type: number, bytes: Buffer, start: number, end: number): Fate {
    const owed = this.#queue[this.#head];
    if (owed === undefined) {
      if (type === server.readyForQuery) this.#ready(bytes, start);
      return 'forward';
    }
    if ((type === server.dataRow || type === server.copyData) && owed.kind !== awaits.aside) {
      const fate = owed.follower?.row?.(type, end - start) ?? 'forward';
      return fate === 'forward' ? (owed.follower?.rewrite?.(type, bytes, start, end) ?? fate) : fate;
    }
    const fate = owed.follower?.take?.(type, bytes, start, end) ?? 'forward';
    if (fate === 'stop') return fate;
    if (owed.kind === awaits.aside) {
      this.#aside(owed, type, bytes, start);
      return fate;
    }
    switch (type) {
      case server.readyForQuery:
        this.#ready(bytes, start);
        if (owed.kind <= awaits.sync) this.#pop(owed, owed.failed ? 'failed' : 'done');
        return fate;
      case server.error:
        this.#error(owed);
        return fate;
      case server.copyIn:
        this.#copyStarts(owed);
        return fate;
      default:
        if (completes(owed.kind, type)) this.#pop(owed, 'done');
        return fate;
    }
  }

  /** The first piece of a row that is handed on as it arrives, of `size` bytes in all: the rest goes the way of the first. */
  takeRow(type: number, size: number): RowFate {
    return this.#queue[this.#head]?.follower?.row?.(type, size) ?? 'forward';
  }

  /** Whether rows of the reply under way pass whatever comes; `passed` then says how many did. */
  get rowsPass(): boolean {
    const owed = this.#queue[this.#head];
    if (owed === undefined || owed.kind === awaits.aside) return false;
    return owed.follower === undefined || owed.follower.passesAll === true;
  }

  passed(rows: number, bytes: number): void {
    this.#queue[this.#head]?.follower?.passed?.(rows, bytes);
  }

  /** Whether what comes answers a question of our own, which is bounded where it is asked. */
  get answersUs(): boolean {
    return this.#queue[this.#head]?.kind === awaits.aside;
  }

  /** Whether rows of the reply under way have to come whole. */
  get wantsWhole(): boolean {
    return this.#queue[this.#head]?.follower?.whole === true;
  }

  async room(withdrawn: AbortSignal): Promise<'again' | 'stopped'> {
    return (await this.#queue[this.#head]?.follower?.room?.(withdrawn)) ?? 'again';
  }

  /** What the server will answer next, when the reply under way is over. */
  get behind(): 'nothing' | 'sync' | 'more' {
    const next = this.#queue[this.#head + 1];
    if (next === undefined) return 'nothing';
    return next.kind === awaits.sync ? 'sync' : 'more';
  }

  /** Somebody else decides over the reply that comes next. */
  overruleNext(follower: Follower): void {
    const next = this.#queue[this.#head + 1];
    if (next !== undefined) this.#queue[this.#head + 1] = { ...next, follower };
  }

  /** The session is over: everybody who still follows is told. */
  abandon(): void {
    const left = this.#queue.slice(this.#head);
    this.#queue = [];
    this.#head = 0;
    for (const owed of left) owed.follower?.ended('skipped');
  }

  /** Ours alone, and nothing stands behind it. An error without a Sync of ours leaves the server skipping to the agent's. */
  #aside(owed: Owed, type: number, bytes: Buffer, start: number): void {
    if (type === server.readyForQuery) this.#ready(bytes, start);
    if (owed.follower?.finished !== true) return;
    if (type === server.error) this.#skipping = true;
    this.#pop(owed, type === server.error ? 'failed' : 'done');
  }

  #ready(bytes: Buffer, start: number): void {
    const status = bytes[start + 5];
    this.#status = status === 0x49 ? 'none' : status === 0x54 ? 'open' : 'failed';
  }

  /** An error ends a simple Query at its ReadyForQuery, an extended request at once and everything behind it up to Sync. */
  #error(owed: Owed): void {
    if (owed.kind <= awaits.sync) {
      if (owed.follower !== undefined) owed.failed = true;
      this.#copyIn = false;
      return;
    }
    this.#copyIn = false;
    this.#advance();
    owed.follower?.ended('failed');
    // The server ignores everything up to Sync, even a simple Query; answers of our own in between are dropped as its would be.
    for (
      let next = this.#queue[this.#head];
      next !== undefined && next.kind !== awaits.sync;
      next = this.#queue[this.#head]
    ) {
      this.#advance();
      next.follower?.ended('skipped');
    }
    this.#skipping = this.length === 0;
  }

  #copyStarts(owed: Owed): void {
    const behind = this.#queue.slice(this.#head + 1);
    const end = behind.findIndex((each) => each.kind === awaits.copyEnd);
    this.#copyIn = end < 0;
    if (owed.kind !== awaits.execute) return;
    const ignored = end < 0 ? behind : behind.slice(0, end);
    const kept = ignored.filter((each) => each.kind !== awaits.sync);
    for (const each of ignored) if (each.kind === awaits.sync) each.follower?.ended('skipped');
    this.#queue = [owed, ...kept, ...(end < 0 ? [] : behind.slice(end))];
    this.#head = 0;
  }

  #pop(owed: Owed, how: 'done' | 'failed' | 'skipped'): void {
    this.#advance();
    owed.follower?.ended(how);
    for (let next = this.#queue[this.#head]; next !== undefined; next = this.#queue[this.#head]) {
      if (next.kind === awaits.ours && next.bytes !== undefined) this.#due.push(next.bytes);
      else if (next.kind !== awaits.copyEnd) return;
      this.#advance();
    }
  }

  #advance(): void {
    this.#head += 1;
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }
}

function completes(kind: Awaited, type: number): boolean {
  switch (kind) {
    case awaits.parse:
      return type === server.parseComplete;
    case awaits.bind:
      return type === server.bindComplete;
    case awaits.describe:
      return type === server.rowDescription || type === server.noData;
    case awaits.execute:
      return type === server.commandComplete || type === server.emptyQuery || type === server.portalSuspended;
    case awaits.close:
      return type === server.closeComplete;
    default:
      return false;
  }
}
