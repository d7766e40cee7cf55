// One turn of the event loop: the records of all its statements, a few at a time where there are many, go to the kernel in one call, and only
// then do their frames leave.
// So a crash of the proxy can lose a statement that never ran, but never the record of one that did.
import type { Recorder } from '../audit/recorder.ts';

export interface Sender {
  /** Sends what was collected in this turn. */
  sendTurn(): void;
  /** The records could not be written: nothing that was collected may leave. */
  dropTurn(cause: unknown): void;
}

/**
 * What a crash of the proxy can take with it: word of how the statements of these milliseconds ended, never that they were let through. A
 * timer of few milliseconds would cost more than the call it saves: the kernel sets its clock anew each time that it then waits.
 */
const soonMs = 50;

/**
 * So many sessions with something to send do not wait for the others of their turn: the database could be at work for them. With fewer each
 * statement would pay more for the call that hands its record over.
 */
const crowd = 4;

export class Turn {
  readonly #recorder: Recorder;
  #senders: Sender[] = [];
  /** The end of the turn will come. */
  #scheduled = false;
  /** Something waits for it. */
  #waits = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  /** The sender has something to send; it marks itself once a turn. */
  mark(sender: Sender): void {
    this.#senders.push(sender);
    this.schedule();
  }

  /**
   * Something was recorded that no frame waits for: how a statement ended, a logout. It goes with the records of the next turn that has
   * frames, so that a lone agent's statement costs one call for its two records; at the latest a moment later.
   */
  soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.schedule();
    }, soonMs);
  }

  /** All frames of an agent's chunk have been taken: no batch is cut in two here. */
  chunkDone(): void {
    if (this.#senders.length >= crowd) this.#end();
  }

  schedule(): void {
    this.#waits = true;
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After the poll phase: every socket that had bytes in this turn has been read by then.
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#waits) this.#end();
    });
  }

  #end(): void {
    const senders = this.#senders;
    this.#senders = [];
    this.#waits = false;
    try {
      this.#recorder.flush();
    } catch (thrown) {
      for (const sender of senders) sender.dropTurn(thrown);
      return;
    }
    for (const sender of senders) sender.sendTurn();
  }
}
