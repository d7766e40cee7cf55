// The audit log of one process: takes records, hands each turn's batch to the kernel in one call as one block of the chain, and
// latches shut when that fails. It decides nothing about statements and knows nothing of sockets.
//
//   open ──a write or sync fails──▶ shut ──mend(): room, an end that fits, a new segment on disk──▶ open
//
// While shut every record is refused, so every statement is. Mending needs no code: keeper.ts tries it each second, and it succeeds
// only when the files end where this process left them and a record of the gap is on disk. A second that fails changes nothing.
import { ProxyError, wordsOf } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import { randomText } from '../core/ids.ts';
import { generalLine } from './canonical.ts';
import { Frontier, genesis, leafHash } from './chain.ts';
import { OpenBlock } from './open-block.ts';
import { issueReceipt, type Receipt } from './receipt.ts';
import type { AuditBody, LoggedBody } from './record.ts';
import type { Recorder } from './recorder.ts';
import { SegmentFile } from './segment-file.ts';
import { findTail, type Cut, type Passed, type Tail } from './tail.ts';

export type LogState =
  { readonly state: 'open' } | { readonly state: 'shut'; readonly why: string; readonly since: string };

/** How far the log has come; what a checkpoint speaks for. */
export interface LogHead extends Passed {
  readonly origin: string;
  readonly at: string;
}

export interface LogOptions {
  readonly dir: string;
  readonly clock: Clock;
  /** Fixed for a chain's whole life; made at random when the folder is new. */
  readonly instance?: string;
  /** What the log's own checkpoint says about its end, from `readHead`. */
  readonly passed: Passed | undefined;
}

/** When the block that is being written ends at the latest. A durable record ends it at once. */
const [blockMs, blockBytes] = [10, 256 * 1024];

export class AuditLog implements Recorder {
  readonly #options: LogOptions;
  #file: SegmentFile | undefined;
  #state: LogState = { state: 'open' };
  #instance: string;
  #seq = 0;
  #prev = genesis;
  #frontier = new Frontier();
  /** `seq` of the next record when the batch was last handed over. */
  #written = 0;
  /** `seq` of the next record when the last block was closed; the head speaks for no more. */
  #closed = 0;
  readonly #block = new OpenBlock();
  #blockMillis = 0;
  /** Records taken since the owner of the turn last asked for a flush. */
  #owed = 0;
  /** Records of an unfinished turn were lost: that turn's flush must not succeed, even if the log is mended by then. */
  #broken = false;
  #lost = 0;
  #atMillis = -1;
  #at = '';

  /** Throws when the folder holds a log that does not end as its checkpoint says. */
  constructor(options: LogOptions) {
    this.#options = options;
    const tail = findTail(options.dir, options.passed);
    this.#instance = tail.instance ?? options.instance ?? randomText(10);
    this.#goOn(tail);
    if (tail.segment === 0) this.rotate();
    else this.#file = SegmentFile.reopen(options.dir, tail.segment, tail.bytes);
    if (tail.cuts.length > 0) this.#noteGap('the log was found torn at start', tail.cuts);
  }

  get state(): LogState {
    return this.#state;
  }

  /** Bytes in the segment that is written now. */
  get segmentBytes(): number {
    return this.#file?.bytes ?? 0;
  }

  get segment(): number {
    return this.#file?.number ?? 0;
  }

  record(body: AuditBody): Receipt {
    const receipt = this.#take(body);
    this.#owed += 1;
    return receipt;
  }

  flush(): void {
    this.#owed = 0;
    if (this.#broken) {
      this.#broken = false;
      throw this.#refusal();
    }
    if (this.#state.state === 'shut') throw this.#refusal();
    this.#handOver();
  }

  async recordDurably(body: AuditBody): Promise<Receipt> {
    // A block of its own: a proof of this record then shows nobody else's.
    this.#endBlock();
    const receipt = this.#take(body);
    this.#endBlock();
    await this.sync();
    return receipt;
  }

  /** The same, done when it returns: for what comes into force within one turn, and seldom. */
  recordNow(body: AuditBody): Receipt {
    this.#endBlock();
    const receipt = this.#take(body);
    this.#endBlock();
    try {
      this.#syncNow();
    } catch (error) {
      this.#shut(error);
      throw this.#refusal();
    }
    this.checkPlace();
    return receipt;
  }

  /** What the log says about itself: keys taken into use. */
  async recordSelf(body: LoggedBody): Promise<void> {
    this.#endBlock();
    this.#take(body);
    this.#endBlock();
    await this.sync();
  }

  /** Resolves when all that was handed over so far would survive a crash of the machine. */
  async sync(): Promise<void> {
    const file = this.#file;
    if (file === undefined || this.#state.state === 'shut') throw this.#refusal();
    try {
      await file.sync();
    } catch (error) {
      if (file === this.#file) this.#shut(error);
      throw this.#refusal();
    }
    if (file === this.#file) this.checkPlace();
  }

  /** Shuts, and throws, when the segment that is written is not what the folder has under its name: its records would be in no log. */
  checkPlace(): void {
    if (this.#file === undefined || this.#state.state === 'shut') return;
    const astray = this.#file.astray(this.#options.dir);
    if (astray === undefined) return;
    this.#shut(new Error(astray));
    throw this.#refusal();
  }

  /** The head over all that was handed over. A checkpoint may be signed only after `sync` has resolved. */
  head(): LogHead {
    // Lines that were taken and not handed over carry the open block's link: closing it now would leave them behind in it.
    if (this.#state.state === 'open' && !this.#block.isWaiting) this.#closeBlock();
    return {
      origin: `countersign/${this.#instance}`,
      blocks: this.#frontier.size,
      root: this.#frontier.root(),
      records: this.#closed,
      at: this.#now(),
    };
  }

  /** Begins a new segment. The old one is on disk before the new one is named. */
  rotate(): void {
    this.#endBlock();
    try {
      this.#file?.syncNow();
      this.#begin((this.#file?.number ?? 0) + 1);
    } catch (error) {
      this.#shut(error);
      throw this.#refusal();
    }
  }

  /** Tries to open a log that is shut. Nothing is lost or hidden when it does not work; `state.why` then says what is wrong. */
  mend(): void {
    const shut = this.#state;
    if (shut.state === 'open') return;
    try {
      const tail = findTail(this.#options.dir, this.head());
      this.#file?.retire();
      this.#file = undefined;
      this.#lost -= tail.seq - this.#written; // What the kernel took of the failed batch is not lost.
      this.#goOn(tail);
      this.#begin(tail.segment + 1);
      this.#state = { state: 'open' };
      this.#noteGap(`the log could not be written since ${shut.since}: ${shut.why}`, tail.cuts);
      this.#syncNow();
    } catch (error) {
      this.#state = { ...shut, why: wordsOf(error) };
    }
  }

  /** Shuts for a cause that lies outside the files, and that no mending here can heal: somebody else holds the folder. */
  shutFor(why: string): void {
    this.#shut(new Error(why));
    this.#file?.retire();
    this.#file = undefined;
  }

  close(): void {
    if (this.#state.state === 'open') {
      this.#endBlock();
      this.#file?.syncNow();
      this.#state = { state: 'shut', why: 'the log is closed', since: this.#now() };
    }
    this.#file?.retire();
    this.#file = undefined;
  }

  #take(body: LoggedBody): Receipt {
    if (this.#state.state === 'shut') throw this.#refusal();
    const seq = this.#seq;
    this.#block.take(body, { seq, prev: this.#prev, at: this.#now() });
    this.#seq = seq + 1;
    return issueReceipt(seq);
  }

  /** Hands what a turn brought to the kernel, in one call. */
  #handOver(): void {
    const block = this.#block;
    if (!block.isWaiting) return;
    try {
      if (this.#file === undefined) throw new Error('no segment is open');
      this.#file.write(block.waiting());
    } catch (error) {
      this.#shut(error);
      throw this.#refusal();
    }
    if (block.isEmpty) this.#blockMillis = this.#atMillis;
    block.handedOver();
    this.#written = this.#seq;
    if (this.#atMillis - this.#blockMillis >= blockMs || block.bytes >= blockBytes) this.#closeBlock();
  }

  #endBlock(): void {
    this.#handOver();
    this.#closeBlock();
  }

  /** A block may take the records of several turns: hashing at every turn would cost more than the statements it is about. */
  #closeBlock(): void {
    if (this.#block.isEmpty) return;
    this.#prev = this.#block.close();
    this.#frontier.add(this.#prev);
    this.#closed = this.#written;
  }

  #begin(number: number): void {
    const blocks = this.#frontier.size;
    const body = {
      kind: 'segment',
      segment: number,
      instance: this.#instance,
      blocks,
      frontier: this.#frontier.roots,
    } as const;
    const line = Buffer.from(`${generalLine(body, { seq: this.#seq, prev: this.#prev, at: this.#now() })}\n`);
    const file = SegmentFile.create(this.#options.dir, number, line);
    this.#file?.retire();
    this.#file = file;
    this.#seq += 1;
    this.#written = this.#seq;
    this.#prev = leafHash(line);
    this.#frontier.add(this.#prev);
    this.#closed = this.#written;
  }

  #goOn(tail: Tail): void {
    this.#seq = tail.seq;
    this.#written = tail.seq;
    this.#closed = tail.seq;
    // What an open block held is closed by the tail: the next record names it as its `prev`.
    this.#block.begin();
    this.#prev = tail.prev;
    this.#frontier = tail.frontier;
  }

  #noteGap(words: string, cuts: readonly Cut[]): void {
    const cut = cuts.reduce((sum, each) => sum + each.bytes, 0);
    const kept = cuts.map((each) => `; ${each.bytes} bytes of an unfinished end are kept in ${each.keptIn}`).join('');
    this.#take({ kind: 'mended', words: `${words}${kept}`, cut, lost: this.#lost });
    this.#endBlock();
    this.#lost = 0;
  }

  #syncNow(): void {
    this.#file?.syncNow();
  }

  #shut(error: unknown): void {
    if (this.#state.state === 'shut') return;
    this.#lost += this.#seq - this.#written;
    this.#broken = this.#owed > 0;
    this.#seq = this.#written;
    this.#block.dropWaiting();
    this.#state = { state: 'shut', why: wordsOf(error), since: this.#now() };
  }

  #refusal(): ProxyError {
    const why = this.#state.state === 'shut' ? this.#state.why : 'a write failed';
    return new ProxyError('UNAVAILABLE', `the audit log cannot be written: ${why}`, {
      hint: 'nothing passes unrecorded; the log opens again by itself when the cause is mended',
    });
  }

  #now(): string {
    const millis = this.#options.clock.now();
    if (millis !== this.#atMillis) {
      this.#atMillis = millis;
      this.#at = new Date(millis).toISOString();
    }
    return this.#at;
  }
}
