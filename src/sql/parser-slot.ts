// One worker thread and the one job it has in hand. Its whole life: starting → idle ⇄ busy → gone, and never back. A job that is in
// hand when the thread goes is that thread's culprit and is answered as not known; nothing else is lost with it.
import { Worker } from 'node:worker_threads';
import type { FromWorker, ToWorker, Work, WorkAnswer, WorkerStart } from './parser-messages.ts';

const workerLimits = {
  /** 4 MB overflows at 30,000 casts in a row, 16 MB holds what fits into the text limit; far above, the module's own stack gives way. */
  stackSizeMb: 16,
  maxOldGenerationSizeMb: 512,
} as const;

/**
 * An offer takes a few milliseconds. Late by so much, either the text keeps the package busy for ever or the machine is starved, where a
 * new thread costs more than what it waits for.
 */
const offerMs = { first: 1_000, later: 250 } as const;
const startMsMax = 15_000;

export type SlotAnswer = WorkAnswer | { readonly kind: 'lost'; readonly why: string };

export interface SlotEvents {
  ready(slot: ParserSlot): void;
  /** For whatever reason; the slot cannot be used again. */
  gone(slot: ParserSlot): void;
}

interface InHand {
  readonly id: number;
  readonly timer: NodeJS.Timeout;
  readonly answer: (answer: SlotAnswer) => void;
}

export class ParserSlot {
  readonly #worker: Worker;
  readonly #events: SlotEvents;
  #state: 'starting' | 'idle' | 'busy' | 'gone' = 'starting';
  #inHand: InHand | undefined;
  #nextId = 1;
  #everReady = false;
  #everOffered = false;
  readonly #startTimer: NodeJS.Timeout;

  constructor(entry: URL, start: WorkerStart, events: SlotEvents) {
    this.#events = events;
    this.#worker = new Worker(entry, {
      workerData: start,
      resourceLimits: workerLimits,
      // What the operator loads before the program has no business beside the parser, and must not keep it from starting.
      execArgv: [],
      stdout: false,
      stderr: false,
    });
    this.#worker.on('message', (message: FromWorker) => {
      this.#hear(message);
    });
    this.#worker.on('error', (error) => {
      this.#end(`the parser’s thread failed: ${error instanceof Error ? error.name : 'unknown'}`);
    });
    this.#worker.on('exit', () => {
      this.#end('the parser’s thread ended');
    });
    this.#startTimer = setTimeout(() => {
      this.#end('the parser’s thread did not start');
    }, startMsMax);
    this.#startTimer.unref();
  }

  /** The package that writes offers compiles itself in the first one. */
  offerDeadlineMs(): number {
    const first = !this.#everOffered;
    this.#everOffered = true;
    return first ? offerMs.first : offerMs.later;
  }

  /** Whether it ever came up; one that did not will not do better at once. */
  get everReady(): boolean {
    return this.#everReady;
  }

  get state(): 'starting' | 'idle' | 'busy' | 'gone' {
    return this.#state;
  }

  tell(message: Exclude<ToWorker, { readonly kind: 'work' }>): void {
    if (this.#state !== 'gone') this.#worker.postMessage(message);
  }

  /** The slot must be idle. `deadlineMs` counts from now: a thread that does not answer by then is ended. */
  run(work: Work, deadlineMs: number, answer: (answer: SlotAnswer) => void): void {
    if (this.#state !== 'idle') throw new Error(`a job for a parser that is ${this.#state}`);
    const id = this.#nextId++;
    const timer = setTimeout(() => {
      // If it was this thread that stood still, the answer is there already and is heard before the next immediate.
      setImmediate(() => {
        if (this.#inHand?.id === id) this.#end(`reading the statement took longer than ${deadlineMs} ms`);
      });
    }, deadlineMs);
    this.#inHand = { id, timer, answer };
    this.#state = 'busy';
    this.#worker.ref();
    this.#worker.postMessage({ kind: 'work', id, work } satisfies ToWorker);
  }

  close(): Promise<number> {
    this.#end('the parser is being closed');
    return this.#worker.terminate();
  }

  #hear(message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        if (this.#state !== 'starting') return;
        this.#state = 'idle';
        this.#everReady = true;
        // Idle, it keeps nobody from leaving; starting or busy, somebody waits for it.
        this.#worker.unref();
        clearTimeout(this.#startTimer);
        this.#events.ready(this);
        return;
      case 'done':
        this.#finish(message.id, message.answer);
        return;
      case 'broken':
        this.#end(message.why);
        return;
    }
  }

  #finish(id: number, answer: WorkAnswer): void {
    const inHand = this.#inHand;
    if (this.#state !== 'busy' || inHand?.id !== id) return;
    clearTimeout(inHand.timer);
    this.#inHand = undefined;
    this.#state = 'idle';
    this.#worker.unref();
    inHand.answer(answer);
    if (this.state === 'idle') this.#events.ready(this);
  }

  #end(why: string): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    clearTimeout(this.#startTimer);
    const inHand = this.#inHand;
    this.#inHand = undefined;
    if (inHand !== undefined) clearTimeout(inHand.timer);
    this.#worker.terminate().catch(() => undefined);
    inHand?.answer({ kind: 'lost', why });
    this.#events.gone(this);
  }
}
