// What the server says, on its way to the agent: cut into frames, each given its fate, sent in pieces as large as they came. When a row
// may not pass yet, the stream stands still in front of it: the rest of the chunk is kept, the server's socket is not read, and so
// nothing grows but the kernel's buffers, which end by stopping the server itself.
import type { Socket } from 'node:net';
import type { ProxyError } from '../core/errors.ts';
import { ReasonSet } from '../core/reasons.ts';
import { FrameReader, headerBytes, type FrameOut } from '../wire/frame.ts';
import { fromServer } from '../wire/message-types.ts';
import { decodeServerMessage } from '../wire/server-messages.ts';
import type { ErrorDetail } from './error-detail.ts';
import type { Outbox } from './outbox.ts';
import type { Replies, TransactionStatus } from './replies.ts';
import type { SessionMind } from './session-mind.ts';
import { isFatal, serverMessageBytesMax } from './session-parts.ts';

export interface StreamDesk {
  readonly replies: Replies;
  readonly toAgent: Outbox;
  /** The session ended, maybe in the middle of this very chunk. */
  over(): boolean;
  /** What the session knows of itself moves with what the server says. */
  readonly mind: Pick<SessionMind, 'ready' | 'reported'>;
  readonly errorDetail: ErrorDetail;
  /** All that came has been handled. */
  chunkDone(): void;
  broken(thrown: unknown): void;
}

export interface StreamParts {
  readonly agent: Socket;
  readonly upstream: Socket;
  /** The most of a row that has to be looked into, and so has to be in memory as a whole. */
  readonly wholeBytesMax: number;
  /** Resolves when the server has been asked to stop; what it was asked about is over by then, or will be. */
  readonly cancelUpstream: () => Promise<void>;
}

type Place = 'whole' | 'first' | 'middle' | 'last';

interface Held {
  readonly type: number;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly place: Place;
}

const isRow = (type: number): boolean => type === fromServer.dataRow || type === fromServer.copyData;

export class ServerStream {
  readonly #parts: StreamParts;
  readonly #desk: StreamDesk;
  readonly #reader: FrameReader;
  readonly #out: FrameOut;
  readonly #paused: ReasonSet<'agent is slow' | 'rows wait'>;
  /** Bounded by what one chunk holds: while it is there, no other is read. */
  #held: Held[] | undefined;
  #withdrawal: AbortController | undefined;
  /** The rest of a row that is handed on in parts does not pass. */
  #isDropping = false;
  /** As the last ReadyForQuery said it. */
  #status: TransactionStatus = 'none';
  #saidGoodbye = false;

  constructor(parts: StreamParts, desk: StreamDesk) {
    this.#parts = parts;
    this.#desk = desk;
    const { replies } = desk;
    this.#reader = new FrameReader({
      // While frames are held it is not known yet whose row this is.
      streams: (type) => isRow(type) && this.#held === undefined && !replies.wantsWhole,
      lengthMax: (type) =>
        isRow(type) && replies.wantsWhole && !replies.answersUs ? parts.wholeBytesMax : serverMessageBytesMax,
      together: (type) => isRow(type) && this.#held === undefined && replies.rowsPass,
    });
    this.#out = {
      frame: (type, bytes, start, end) => this.#frame(type, bytes, start, end),
      part: (type, bytes, start, end, place) => this.#part({ type, bytes, start, end, place }),
      several: (_type, bytes, start, end, count) => {
        replies.passed(count, end - start);
        desk.toAgent.add(bytes, start, end);
      },
    };
    this.#paused = new ReasonSet({ onFirst: () => parts.upstream.pause(), onLast: () => parts.upstream.resume() });
  }

  /** Rows stand still until people or the budget's store have answered. */
  get waits(): boolean {
    return this.#held !== undefined;
  }

  /** The server's own last words (57P01 and kin) have been forwarded; ours would be one error too many. */
  get saidGoodbye(): boolean {
    return this.#saidGoodbye;
  }

  onData(chunk: Buffer): void {
    if (this.#desk.over()) return;
    this.#desk.replies.arrivals += 1;
    try {
      this.#reader.push(chunk, this.#out);
    } catch (thrown) {
      this.#desk.broken(thrown);
      return;
    }
    this.flush();
    if (this.#held === undefined) this.#desk.chunkDone();
  }

  flush(): void {
    if (this.#desk.toAgent.flush()) return;
    this.#paused.add('agent is slow');
    this.#parts.agent.once('drain', () => this.#paused.remove('agent is slow'));
  }

  /** The agent cancels or leaves while rows wait. False: none do. */
  withdraw(why: ProxyError): boolean {
    if (this.#withdrawal === undefined) return false;
    this.#withdrawal.abort(why);
    return true;
  }

  #frame(type: number, bytes: Buffer, start: number, end: number): void {
    if (this.#held !== undefined) {
      this.#held.push({ type, bytes, start, end, place: 'whole' });
      return;
    }
    const { replies, toAgent } = this.#desk;
    const fate = replies.take(type, bytes, start, end);
    if (fate === 'stop') {
      this.#stop({ type, bytes, start, end, place: 'whole' });
      return;
    }
    if (this.#desk.over()) return;
    this.#saw(type, bytes, start, end);
    if (fate === 'forward') this.#forward(type, bytes, start, end);
    else if (Buffer.isBuffer(fate)) toAgent.addAll(fate);
    else if (fate !== 'swallow') toAgent.add(fate.bytes, fate.start, fate.end);
    for (const due of replies.takeDue()) toAgent.addAll(due);
  }

  #forward(type: number, bytes: Buffer, start: number, end: number): void {
    const { toAgent, errorDetail } = this.#desk;
    const hushed = type === fromServer.error ? errorDetail.hushed(bytes, start, end) : undefined;
    if (hushed === undefined) toAgent.add(bytes, start, end);
    else toAgent.addAll(hushed);
  }

  #saw(type: number, bytes: Buffer, start: number, end: number): void {
    if (type === fromServer.readyForQuery) {
      const before = this.#status;
      this.#status = this.#desk.replies.status;
      this.#desk.mind.ready(before);
    } else if (type === fromServer.parameterStatus) {
      const said = decodeServerMessage(type, bytes.subarray(start + headerBytes, end));
      if (said.kind === 'parameterStatus') this.#desk.mind.reported(said.name, said.value);
    } else if (type === fromServer.error && isFatal(bytes, start, end)) this.#saidGoodbye = true;
  }

  #part(piece: Held): void {
    const { type, bytes, start, end, place } = piece;
    if (this.#held !== undefined) {
      this.#held.push(piece);
      return;
    }
    if (place === 'first') {
      // The length in its head, and the type before it.
      const fate = this.#desk.replies.takeRow(type, 1 + bytes.readUInt32BE(start + 1));
      if (fate === 'stop') {
        this.#stop(piece);
        return;
      }
      this.#isDropping = fate === 'swallow';
    }
    if (!this.#isDropping) this.#desk.toAgent.add(bytes, start, end);
  }

  #stop(first: Held): void {
    this.#held = [first];
    this.#paused.add('rows wait');
    const withdrawal = new AbortController();
    this.#withdrawal = withdrawal;
    this.#room(withdrawal.signal).catch((thrown: unknown) => this.#desk.broken(thrown));
  }

  async #room(withdrawn: AbortSignal): Promise<void> {
    const word = await this.#desk.replies.room(withdrawn);
    // Late cancels hit whatever runs by then, so nothing more is read until this one has arrived.
    if (word === 'stopped') await this.#parts.cancelUpstream();
    if (this.#desk.over()) return;
    this.#withdrawal = undefined;
    const held = this.#held ?? [];
    this.#held = undefined;
    try {
      for (const { type, bytes, start, end, place } of held) {
        if (place === 'whole') this.#frame(type, bytes, start, end);
        else this.#part({ type, bytes, start, end, place });
      }
    } catch (thrown) {
      this.#desk.broken(thrown);
      return;
    }
    if (this.#desk.over()) return;
    this.flush();
    if (this.#standsStill()) return;
    this.#desk.chunkDone();
    this.#paused.remove('rows wait');
  }

  /** Maybe again, in front of a later row of the same chunk. */
  #standsStill(): boolean {
    return this.#held !== undefined;
  }
}
