// One execution that was let through, from its permit to its last reply: counts what passes and closes its record.
import type { Clock } from '../core/clock.ts';
import type { Admission, Gate } from '../gate.ts';
import type { Execution } from '../gate-data.ts';
import type { ProxyError } from '../core/errors.ts';
import type { SessionEffect } from '../sql/statement-effects.ts';
import { ranAtAll, Tripwire } from './tripping.ts';
import { fromServer } from '../wire/message-types.ts';
import { underAgentsName } from './in-band.ts';
import { isWatched, LateLook, type LateParts } from './late-look.ts';
import type { Rewritten } from './mask-rows.ts';
import { mayDiffer, type Moved } from './moves.ts';
import type { Fate, Follower } from './replies.ts';
import { wrong } from './request-bytes.ts';
import type { RunRows } from './rows-run.ts';
import { StoppedResult, type StopDesk } from './run-stopped.ts';

const noEffects: readonly SessionEffect[] = [];

export type Passed = Extract<Admission, { readonly kind: 'pass' }>;

export interface RunParts {
  readonly gate: Gate;
  readonly clock: Clock;
  /** The server gives out what nobody foresaw. */
  readonly onTripped: (why: string) => void;
  /** It is over; `refused`: the server's answer was an error. */
  readonly onOver: (passed: Passed, how: 'done' | 'refused') => void;
  readonly stopDesk: StopDesk;
  readonly late: LateParts;
}

/** One of a session's runs; the parts are the same for all of them. */
export interface Running {
  readonly execution: Execution;
  readonly passed: Passed;
  /** Undefined: its rows are of no interest. */
  readonly rows: RunRows | undefined;
  /** Once, when the server has said how it went for the first time: what it changes in its session is done then. */
  readonly onFirstEnd: ((how: 'done' | 'failed') => void) | undefined;
}

export class Run implements Follower {
  readonly #parts: RunParts;
  readonly #of: Running;
  readonly #tripwire: Tripwire;
  readonly #startedAt: number;
  readonly #late: LateLook | undefined;
  #isLate = false;
  /** Of what was in force when it was last looked at. */
  #moment: number;
  #isOutdated = false;
  #onFirstEnd: Running['onFirstEnd'];
  #rows = 0;
  #bytes = 0;
  /** Nothing more of it passes. */
  #stopped: StoppedResult | undefined;
  #error: string | undefined;
  #suspended = false;
  #isDescribed = false;
  #closed = false;
  /** Requests for it that the server has not answered yet. */
  #owed = 0;
  /** Its portal is gone, or another's: it is over when what it is owed has come. */
  #dropped = false;
  isBound = false;
  #begun = false;
  #meaning = 0;
  #names = 0;
  #steps = 0;

  constructor(parts: RunParts, of: Running) {
    this.#parts = parts;
    this.#of = of;
    this.#tripwire = new Tripwire(of.passed.text);
    this.#onFirstEnd = of.onFirstEnd;
    this.#startedAt = parts.clock.ticks();
    this.#moment = parts.gate.moment();
    this.#late = isWatched(of.passed) ? new LateLook(parts.late, of.execution, of.passed) : undefined;
  }

  take(type: number, bytes: Buffer, start: number, end: number): Fate {
    if (this.#stopped !== undefined) return this.#stopped.take(type, bytes, start, end);
    if (type !== fromServer.readyForQuery && this.#lateNow()) return 'stop';
    if (type === fromServer.error) this.#error = sqlStateOf(bytes, start, end);
    this.#suspended = type === fromServer.portalSuspended;
    const tripped = this.#tripwire.check(type, bytes, start, end);
    if (tripped === undefined) return this.#of.rows?.said(type, bytes, start, end) ?? 'forward';
    this.#parts.onTripped(tripped);
    return 'swallow';
  }

  row(_type: number, size: number): 'forward' | 'swallow' | 'stop' {
    if (this.#stopped !== undefined) return 'swallow';
    if (this.#tripwire.passesNothing) {
      this.#parts.onTripped(ranAtAll);
      return 'swallow';
    }
    if (this.#lateNow() || this.#outdatedNow()) return 'stop';
    if (this.#of.rows?.take(size) === 'stop') return 'stop';
    this.#rows += 1;
    this.#bytes += size;
    return 'forward';
  }

  /** Most results are not bounded, and a million rows are not worth a million questions. */
  get passesAll(): boolean {
    const isFree = this.#of.rows === undefined && !this.#tripwire.passesNothing;
    return this.#stopped === undefined && isFree && !this.#lateNow() && !this.#outdatedNow();
  }

  passed(rows: number, bytes: number): void {
    this.#rows += rows;
    this.#bytes += bytes;
  }

  get whole(): boolean {
    return this.#of.rows?.whole === true;
  }

  rewrite(type: number, bytes: Buffer, start: number, end: number): Rewritten | undefined {
    return this.#of.rows?.rewrite(type, bytes, start, end);
  }

  async room(withdrawn: AbortSignal): Promise<'again' | 'stopped'> {
    const isLate = this.#isLate;
    this.#isLate = false;
    const { execution, passed, rows } = this.#of;
    const look = isLate ? this.#late?.look(execution, passed) : this.#isOutdated ? undefined : rows?.room(withdrawn);
    const error = (await look) ?? (this.#outdatedNow() ? wrong.outdated() : undefined);
    if (error === undefined) return 'again';
    this.#error = error.row.sqlState;
    const asides = isLate ? 'swallow' : 'forward';
    this.#stopped = new StoppedResult(this.#parts.stopDesk, error, { protocol: execution.protocol, asides });
    return 'stopped';
  }

  /** What it would be now is looked at before anything more passes. */
  #lateNow(): boolean {
    this.#isLate ||= this.#late?.isDue() === true;
    return this.#isLate;
  }

  /** The files in force, or what data was carried where, have changed: its rows pass only if they would by now. */
  #outdatedNow(): boolean {
    const { gate } = this.#parts;
    const moment = gate.moment();
    if (moment === this.#moment) return this.#isOutdated;
    this.#moment = moment;
    this.#isOutdated = !gate.stillStands(this.#of.passed, this.#of.execution);
    return this.#isOutdated;
  }

  /** For a description that the agent did not ask for: looked at, and kept from it. */
  get describingForUs(): Follower {
    return new Describing(this, 'us');
  }

  /** Its rows would pass without anybody having looked at what they hold. */
  get isUnseen(): boolean {
    if (this.#isDescribed) return false;
    // Of what a cursor gives to be masked, nobody but the server knows the formats.
    return this.#tripwire.isUnseen || (this.whole && this.#of.execution.parameters === undefined);
  }

  get text(): Passed['text'] {
    return this.#of.passed.text;
  }

  /** What it does to its session when it runs. */
  get effects(): readonly SessionEffect[] {
    return this.#of.passed.text?.effects ?? noEffects;
  }

  /** It was judged by what names meant then. */
  bind({ meaning, names, steps }: Moved): void {
    this.#meaning = meaning;
    this.#names = names;
    this.#steps = steps;
  }

  /** Why it may not be executed any more, though it was bound; undefined: it may. */
  overdue(now: Moved): ProxyError | undefined {
    if (this.#isOverdue(now)) return wrong.overdue();
    const { validUntil } = this.#of.passed.verdict ?? {};
    // A rule's hours may be over.
    if (validUntil !== undefined && this.#parts.clock.now() >= validUntil) this.#moment = -1;
    return this.#outdatedNow() ? wrong.outdated() : undefined;
  }

  /** What it would run now may be something else than what was judged. */
  #isOverdue(now: Moved): boolean {
    const [meaning, names] = [this.#meaning, this.#names];
    const { text } = this.#of.passed;
    // The server was sure to refuse it as things stood then: any function may have made the name since.
    if (text === undefined) return this.#steps !== now.steps;
    if (meaning === now.meaning && names === now.names) return false;
    return mayDiffer(text, { meaning, names }, now, this.#begun);
  }

  /** The agent has asked for the description itself. */
  described(): Follower {
    this.#isDescribed = true;
    return new Describing(this, 'the agent');
  }

  /** A request for it is on its way. */
  sent(): this {
    this.#owed += 1;
    return this;
  }

  executed(): this {
    this.#begun = true;
    return this.sent();
  }

  /** A portal that stopped at its row limit may be executed again; its record stays open until it is dropped. */
  ended(how: 'done' | 'failed' | 'skipped'): void {
    this.#owed -= 1;
    this.#firstEnd(how);
    this.#of.rows?.settle();
    if (how === 'done' && this.#suspended && !this.#isLast) return;
    this.#close(how === 'skipped' ? 'skipped' : undefined);
  }

  /** Its portal was made. */
  bound(): void {
    this.isBound = true;
    this.#owed -= 1;
    if (this.#isLast) this.#close();
  }

  /** No more requests will be sent for it. */
  drop(): void {
    this.#dropped = true;
    if (this.#isLast) this.#close();
  }

  get #isLast(): boolean {
    return this.#dropped && this.#owed === 0;
  }

  #close(why?: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#firstEnd('failed');
    // The server has refused it, and not we its result: what it would have carried went nowhere.
    const isRefused = this.#error !== undefined && this.#stopped === undefined;
    this.#parts.onOver(this.#of.passed, isRefused ? 'refused' : 'done');
    this.#parts.gate.finish(this.#of.execution, this.#of.passed.permit, {
      rows: this.#rows,
      bytes: this.#bytes,
      // To the microsecond: more digits would say nothing and cost time to print.
      ms: Math.round((this.#parts.clock.ticks() - this.#startedAt) * 1000) / 1000,
      error: this.#error ?? why,
    });
  }

  #firstEnd(how: 'done' | 'failed' | 'skipped'): void {
    const onFirstEnd = this.#onFirstEnd;
    this.#onFirstEnd = undefined;
    onFirstEnd?.(how === 'done' && this.#error === undefined ? 'done' : 'failed');
  }
}

/** Follows the description of its portal, which is not the end of anything. */
class Describing implements Follower {
  readonly #run: Run;
  readonly #for: 'the agent' | 'us';

  constructor(run: Run, asker: 'the agent' | 'us') {
    this.#run = run;
    this.#for = asker;
  }

  take(type: number, bytes: Buffer, start: number, end: number): Fate {
    const fate = this.#run.take(type, bytes, start, end);
    return fate === 'stop' || this.#for === 'the agent' || type === fromServer.error ? fate : 'swallow';
  }

  room(withdrawn: AbortSignal): Promise<'again' | 'stopped'> {
    return this.#run.room(withdrawn);
  }

  ended(): void {
    // What becomes of the portal is in the replies to its other requests.
  }
}

/** A Bind that the server refused is the end of its execution; one that it took is only the beginning. */
export class BindFollower implements Follower {
  readonly #run: Run;
  readonly #onBound: (() => void) | undefined;
  readonly #agentsName: string | undefined;

  /** `agentsName`: what is bound stands at the server under a name of ours. */
  constructor(run: Run, onBound: (() => void) | undefined, agentsName: string | undefined) {
    this.#run = run;
    this.#onBound = onBound;
    this.#agentsName = agentsName;
  }

  take(type: number, bytes: Buffer, start: number, end: number): Fate {
    const fate = this.#run.take(type, bytes, start, end);
    if (this.#agentsName === undefined || type !== fromServer.error || fate !== 'forward') return fate;
    return underAgentsName(this.#agentsName, bytes, start, end) ?? fate;
  }

  room(withdrawn: AbortSignal): Promise<'again' | 'stopped'> {
    return this.#run.room(withdrawn);
  }

  ended(how: 'done' | 'failed' | 'skipped'): void {
    if (how !== 'done') {
      this.#run.ended(how);
      return;
    }
    this.#onBound?.();
    this.#run.bound();
  }
}

/** The `C` field of an ErrorResponse, without decoding the rest. */
function sqlStateOf(bytes: Buffer, start: number, end: number): string {
  for (let at = start + 5; at < end && bytes[at] !== 0; at = bytes.indexOf(0, at + 1) + 1) {
    if (bytes[at] === 0x43) return bytes.toString('latin1', at + 1, bytes.indexOf(0, at + 1));
  }
  return '';
}
