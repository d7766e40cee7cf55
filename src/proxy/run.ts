// One execution that was let through, from its permit to its last reply: counts what passes and closes its record.
import type { Clock } from '../core/clock.ts';
import type { Execution, Gate, Permit } from '../gate.ts';
import { fromServer } from '../wire/message-types.ts';
import type { Fate, Follower } from './replies.ts';

export class Run implements Follower {
  readonly #gate: Gate;
  readonly #clock: Clock;
  readonly #execution: Execution;
  readonly #permit: Permit;
  readonly #startedAt: number;
  #rows = 0;
  #bytes = 0;
  #error: string | undefined;
  #suspended = false;
  #closed = false;

  constructor(parts: { readonly gate: Gate; readonly clock: Clock }, execution: Execution, permit: Permit) {
    this.#gate = parts.gate;
    this.#clock = parts.clock;
    this.#execution = execution;
    this.#permit = permit;
    this.#startedAt = parts.clock.ticks();
  }

  take(type: number, bytes: Buffer, start: number, end: number): Fate {
    if (type === fromServer.error) this.#error = sqlStateOf(bytes, start, end);
    this.#suspended = type === fromServer.portalSuspended;
    return 'forward';
  }

  passed(rows: number, size: number): void {
    this.#rows += rows;
    this.#bytes += size;
  }

  /** A portal that stopped at its row limit may be executed again; its record stays open until it is dropped. */
  ended(how: 'done' | 'failed' | 'skipped'): void {
    if (how === 'done' && this.#suspended) return;
    this.close(how === 'skipped' ? 'skipped' : undefined);
  }

  close(why?: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#gate.finish(this.#execution, this.#permit, {
      rows: this.#rows,
      bytes: this.#bytes,
      // To the microsecond: more digits would say nothing and cost time to print.
      ms: Math.round((this.#clock.ticks() - this.#startedAt) * 1000) / 1000,
      error: this.#error ?? why,
    });
  }
}

/** A Bind that the server refused is the end of its execution; one that it took is only the beginning. */
export class BindFollower implements Follower {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  take(type: number, bytes: Buffer, start: number, end: number): Fate {
    return this.#run.take(type, bytes, start, end);
  }

  ended(how: 'done' | 'failed' | 'skipped'): void {
    if (how !== 'done') this.#run.ended(how);
  }
}

/** The `C` field of an ErrorResponse, without decoding the rest. */
function sqlStateOf(bytes: Buffer, start: number, end: number): string {
  for (let at = start + 5; at < end && bytes[at] !== 0; at = bytes.indexOf(0, at + 1) + 1) {
    if (bytes[at] === 0x43) return bytes.toString('latin1', at + 1, bytes.indexOf(0, at + 1));
  }
  return '';
}
