// Parsing and resolving off the main thread, contained. Two lanes of one worker each: `quick` for short texts of agents in good
// standing, `slow` for long texts and for agents who lately cost us a worker or a lot of time; so one agent's hostile texts wait for
// each other and not for anybody else. One spare stays warm. Every statement gets an answer: "not known" when there is no better one.
import type { Clock } from '../core/clock.ts';
import type { AnalysisAnswer, AnalysisJob } from './analyse.ts';
import type { InBandAnswer } from './in-band.ts';
import type { ParserMajor } from './parser.ts';
import type { OfferRequest } from './offer.ts';
import type { ToWorker, Work } from './parser-messages.ts';
import { FairQueue } from './parser-queue.ts';
import { ParserSlot, type SlotAnswer } from './parser-slot.ts';
import { Standing } from './parser-standing.ts';
import type { Snapshot } from './schema.ts';
import { patchOf } from './snapshot-patch.ts';

export const poolLimits = {
  deadlineMs: 250,
  /**
   * Texts this short cannot keep the parser busy by themselves (a millisecond or two); when one is late, the machine is starved, and
   * ending a healthy worker would only make it worse. They get this much instead.
   */
  shortCharactersMax: 4_096,
  shortDeadlineMs: 1_000,
  /** Waiting for a turn; beyond it the statement is not known rather than late. */
  waitMsMax: 2_000,
  jobsMax: 512,
  perLaneMax: 64,
  /** Longer texts go to the slow lane. */
  quickCharactersMax: 16_384,
} as const;

const restartMs = 1_000;

export type PoolAnswer = AnalysisAnswer | { readonly kind: 'notKnown'; readonly why: string };

export interface PoolOptions {
  readonly major: ParserMajor;
  readonly clock: Clock;
  /** The worker's entry: compiled code beside this file unless told otherwise. */
  readonly entry?: URL;
  /** Only for machines that are too busy to keep the usual one. */
  readonly deadlineMs?: number;
}

interface Waiting {
  readonly work: Work;
  readonly agent: string;
  readonly since: number;
  readonly answer: (answer: SlotAnswer) => void;
}

interface Lane {
  readonly name: 'quick' | 'slow';
  readonly queue: FairQueue<Waiting>;
  slot: ParserSlot | undefined;
}

export class ParserPool {
  readonly #options: PoolOptions;
  readonly #entry: URL;
  readonly #lanes: readonly [Lane, Lane];
  readonly #standing: Standing;
  readonly #snapshots = new Map<string, { readonly snapshot: Snapshot; readonly times: number }>();
  #spare: ParserSlot | undefined;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #up = new Set<() => void>();
  #lost = 0;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#entry = options.entry ?? builtWorker();
    this.#standing = new Standing(options.clock);
    this.#lanes = [lane('quick'), lane('slow')];
    for (const one of this.#lanes) put(one, this.#start());
  }

  /** When both lanes can take work. Never, when no worker comes up: give it a deadline of your own. */
  up(): Promise<void> {
    return new Promise((resolve) => {
      this.#up.add(resolve);
      this.#tellUp();
    });
  }

  #tellUp(): void {
    if (!this.#lanes.every((one) => one.slot?.everReady === true)) return;
    // Only now: three threads that compile at once keep the first statement waiting.
    if (!this.#closed) this.#spare ??= this.#start();
    for (const tell of this.#up) tell();
    this.#up.clear();
  }

  /** `agent`: whose statement it is, so that its trouble stays its own. */
  async analyse(job: AnalysisJob, agent: string): Promise<PoolAnswer> {
    const quick = job.text.length <= poolLimits.quickCharactersMax && this.#standing.good(agent);
    const answer = await this.#ask(this.#lanes[quick ? 0 : 1], { kind: 'analyse', job }, agent);
    return answer.kind === 'lost' || answer.kind === 'offer' || answer.kind === 'inBand'
      ? unknown(wordsOf(answer))
      : answer;
  }

  /** A narrower statement that is exactly what was wished for, or none. Always in the slow lane: nobody waits for a hint. */
  async offer(request: OfferRequest, agent: string): Promise<string | undefined> {
    const answer = await this.#ask(this.#lanes[1], { kind: 'offer', request }, agent);
    return answer.kind === 'offer' ? answer.sql : undefined;
  }

  /** Undefined: nobody can tell now. */
  async inBand(text: string, agent: string): Promise<InBandAnswer | undefined> {
    const quick = text.length <= poolLimits.quickCharactersMax && this.#standing.good(agent);
    const answer = await this.#ask(this.#lanes[quick ? 0 : 1], { kind: 'inBand', text }, agent);
    return answer.kind === 'inBand' ? answer : undefined;
  }

  #ask(chosen: Lane, work: Work, agent: string): Promise<SlotAnswer> {
    return new Promise((answer) => {
      const waiting: Waiting = { work, agent, since: this.#options.clock.ticks(), answer };
      if (this.#closed) answer(lost('the parser is being closed'));
      else if (chosen.slot?.state === 'gone') answer(lost('the parser cannot be started'));
      else if (chosen.queue.offer(agent, waiting) === 'full') answer(lost('too many statements wait to be read'));
      else this.#next(chosen);
    });
  }

  /** Every worker, also one to come, resolves against it from now on. */
  publish(snapshot: Snapshot, before?: Snapshot): void {
    const version = snapshot.schemaVersion;
    const published = this.#snapshots.get(version);
    this.#snapshots.set(version, { snapshot, times: (published?.times ?? 0) + 1 });
    if (published !== undefined) return;
    // Every worker has what was published and not forgotten, so a patch upon it is enough: a whole schema takes milliseconds to be sent.
    const base = before === undefined ? undefined : this.#snapshots.get(before.schemaVersion)?.snapshot;
    const message = base === undefined ? wholeOf(snapshot) : { kind: 'patch' as const, patch: patchOf(base, snapshot) };
    for (const slot of this.#slots()) slot.tell(message);
  }

  /** Once for each `publish`: two may need the same version, one of them longer. */
  forget(schemaVersion: string): void {
    const published = this.#snapshots.get(schemaVersion);
    if (published === undefined) return;
    const times = published.times - 1;
    if (times > 0) {
      this.#snapshots.set(schemaVersion, { ...published, times });
      return;
    }
    this.#snapshots.delete(schemaVersion);
    for (const slot of this.#slots()) slot.tell({ kind: 'forget', schemaVersion });
  }

  get health(): { readonly waiting: number; readonly lost: number; readonly ready: number } {
    return {
      waiting: this.#lanes[0].queue.size + this.#lanes[1].queue.size,
      lost: this.#lost,
      ready: this.#slots().filter((slot) => slot.state === 'idle' || slot.state === 'busy').length,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const one of this.#lanes) {
      for (const waiting of one.queue.drain()) waiting.answer(lost('the parser is being closed'));
    }
    await Promise.all(this.#slots().map((slot) => slot.close()));
  }

  #slots(): readonly ParserSlot[] {
    return [this.#lanes[0].slot, this.#lanes[1].slot, this.#spare].filter((slot) => slot !== undefined);
  }

  #start(): ParserSlot {
    const slot = new ParserSlot(
      this.#entry,
      { major: this.#options.major },
      {
        ready: (one) => {
          this.#ready(one);
        },
        gone: (one) => {
          this.#gone(one);
        },
      },
    );
    for (const { snapshot } of this.#snapshots.values()) slot.tell(wholeOf(snapshot));
    return slot;
  }

  #ready(slot: ParserSlot): void {
    this.#tellUp();
    for (const one of this.#lanes) if (one.slot === slot) this.#next(one);
  }

  /** The spare steps in at once; the next one warms up beside it. */
  #gone(slot: ParserSlot): void {
    this.#lost++;
    if (this.#closed) return;
    if (!slot.everReady) {
      this.#later(slot);
      return;
    }
    if (this.#spare === slot) this.#spare = this.#start();
    for (const one of this.#lanes) {
      if (one.slot !== slot) continue;
      put(one, this.#spare ?? this.#start());
      this.#spare = this.#start();
      this.#next(one);
    }
  }

  /** A thread that never came up (no memory, no file): whoever waits is told at once, and it is tried again in a while. */
  #later(slot: ParserSlot): void {
    for (const one of this.#lanes) {
      if (one.slot !== slot) continue;
      for (const waiting of one.queue.drain()) waiting.answer(lost('the parser cannot be started'));
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.#spare === slot) this.#spare = this.#start();
      for (const one of this.#lanes) if (one.slot === slot) put(one, this.#start());
    }, restartMs);
    this.#timers.add(timer);
    timer.unref();
  }

  #next(one: Lane): void {
    if (one.slot?.state !== 'idle') return;
    for (let waiting = one.queue.take(); waiting !== undefined; waiting = one.queue.take()) {
      const waitedMs = this.#options.clock.ticks() - waiting.since;
      if (waitedMs <= poolLimits.waitMsMax) {
        this.#run(one.slot, waiting);
        return;
      }
      waiting.answer(lost('the statement waited too long to be read'));
    }
  }

  #deadlineMs(slot: ParserSlot, work: Work): number {
    if (work.kind === 'offer') return this.#options.deadlineMs ?? slot.offerDeadlineMs();
    const { text } = work.kind === 'inBand' ? work : work.job;
    const short = text.length <= poolLimits.shortCharactersMax;
    return this.#options.deadlineMs ?? (short ? poolLimits.shortDeadlineMs : poolLimits.deadlineMs);
  }

  #run(slot: ParserSlot, waiting: Waiting): void {
    const begun = this.#options.clock.ticks();
    const { work } = waiting;
    const deadlineMs = this.#deadlineMs(slot, work);
    slot.run(work, deadlineMs, (answer) => {
      if (work.kind !== 'offer') {
        // A short text that took long says something about the machine and nothing about its agent.
        const short = (work.kind === 'inBand' ? work : work.job).text.length <= poolLimits.shortCharactersMax;
        const tookMs = short ? 0 : this.#options.clock.ticks() - begun;
        this.#standing.note(waiting.agent, tookMs, answer.kind === 'lost');
      }
      waiting.answer(answer);
    });
  }
}

/** Threads run built code; from the sources (tests, benchmarks) that is the build beside them. */
function builtWorker(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? '../../dist/sql/parser-worker.js' : './parser-worker.js', import.meta.url);
}

function lane(name: Lane['name']): Lane {
  return { name, queue: new FairQueue(poolLimits), slot: undefined };
}

function put(one: Lane, slot: ParserSlot): void {
  one.slot = slot;
  if (one.name === 'slow') slot.tell({ kind: 'stepBack' });
}

const wholeOf = (snapshot: Snapshot): Extract<ToWorker, { readonly kind: 'snapshot' }> => ({
  kind: 'snapshot',
  snapshot,
});

function lost(why: string): SlotAnswer {
  return { kind: 'lost', why };
}

function wordsOf(answer: Extract<SlotAnswer, { readonly kind: 'lost' | 'offer' | 'inBand' }>): string {
  return answer.kind === 'lost' ? answer.why : 'the parser answered something else';
}

function unknown(why: string): PoolAnswer {
  return { kind: 'notKnown', why };
}
