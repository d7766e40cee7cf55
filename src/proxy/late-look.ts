// Definitions that move while the server has a statement. It was judged by what views, functions, rules and triggers were when it was sent;
// the server looks at them when it comes to it, which may be later: it waits for locks, a function is looked up at each call.
//
// The attack: one session takes a lock and replaces a function, another calls it and waits; the commit lets it run what nobody judged.
// Sessions of ours that may be committing definitions are known here, and what others do is seen by the schema's own look. While one
// is at it, or has been since a statement was judged, its replies stand still until the schema was looked at again. Where it did move,
// the statement is read once more, and passes if it would pass now.
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import type { Execution } from '../gate-data.ts';
import type { Admission, Gate } from '../gate.ts';
import { namesUsed } from '../sql/names-used.ts';
import { joined } from '../sql/referring.ts';
import type { ReadText } from '../sql/reading.ts';
import type { SchemaIndex } from '../sql/schema-index.ts';
import type { SchemaSource } from '../sql/reader.ts';
import { isReplaceable } from '../sql/replaceable.ts';
import { timesConcerned, type DefinitionsWatch, type Met } from './definitions-watch.ts';

type Passed = Extract<Admission, { readonly kind: 'pass' }>;

/** As long as the schema's own look takes to see what others did: who waits longer is looked after by himself. */
const lateMs = 2_000;

export interface LateParts {
  /** Looked up each time: a reload may have put another in its place. */
  readonly database: {
    readonly watch: DefinitionsWatch;
    /** `seen`: tells every version of every row of the catalogs. */
    readonly schema: SchemaSource & { readonly seen: string | undefined };
  };
  readonly gate: Pick<Gate, 'stands'>;
  readonly clock: Clock;
  readonly session: object;
  /** Counts what came from the server: what came before a look is covered by it. */
  readonly replies: { readonly arrivals: number };
}

/** Of one execution: whether it still is what was let through. */
export class LateLook {
  readonly #parts: LateParts;
  readonly #watch: DefinitionsWatch;
  readonly #sentAt: number;
  readonly #version: string | undefined;
  /** Definitions that were over by then are not meant. */
  readonly #since: number;
  readonly #seen: string | undefined;
  /** What others had under way by the time that the server began to answer: its names were looked up before. */
  #met: Met | undefined;
  #epoch: number;
  #sureAt = -1;
  #heard = false;

  constructor(parts: LateParts, { definedBefore }: Execution, { text }: Passed) {
    this.#parts = parts;
    this.#sentAt = parts.clock.ticks();
    const { watch, schema } = parts.database;
    this.#watch = watch;
    const current = schema.current?.snapshot.schemaVersion;
    const isOwn = text?.statements.some(({ analysis }) => analysis.inOwnSchema === true) === true;
    this.#version = isOwn ? current : text?.index?.snapshot.schemaVersion;
    this.#seen = current === this.#version ? schema.seen : undefined;
    this.#since = current === this.#version ? watch.now : (definedBefore ?? -1);
    this.#epoch = current === this.#version ? watch.epoch : -1;
  }

  /** Nothing passes before a look. */
  isDue(): boolean {
    const { session, replies, clock } = this.#parts;
    this.#met ??= this.#watch.met(session, this.#since);
    if (this.#watch.epoch !== this.#epoch) return true;
    if (this.#watch.othersEnding(session) > 0 && replies.arrivals !== this.#sureAt) return true;
    if (this.#heard) return false;
    this.#heard = true;
    return clock.ticks() - this.#sentAt > lateMs;
  }

  /** Undefined: it is what was let through. */
  async look(execution: Execution, passed: Passed): Promise<ProxyError | undefined> {
    const { database, replies, gate } = this.#parts;
    const { schema } = database;
    const watch = this.#watch;
    const [epoch, arrivals] = [watch.epoch, replies.arrivals];
    const index = (await schema.fresh()) ?? (await schema.ready());
    const isMany = this.#mayHaveBeenOther(passed);
    if (isMany || index === undefined || index.snapshot.schemaVersion !== this.#version) {
      const text = isMany || index === undefined ? undefined : await readAgain(execution, index);
      // It moved once more while it was read.
      if (!isMany && text === undefined && watch.epoch !== epoch) return await this.look(execution, passed);
      if (!(await gate.stands(execution, passed, { text, index }))) return changed();
    }
    this.#epoch = epoch;
    this.#sureAt = arrivals;
    return undefined;
  }

  /** What was replaced and put back: what it is now says nothing about what it was when this ran. */
  #mayHaveBeenOther({ text }: Passed): boolean {
    if (text === undefined) return false;
    let used: ReadonlySet<string> | undefined;
    const concerns = (names: ReadonlySet<string>): boolean => {
      used ??= namesUsed(text);
      for (const name of names) if (used.has(name)) return true;
      return false;
    };
    const { session, database } = this.#parts;
    const hasMoved = this.#seen === undefined || database.schema.seen !== this.#seen;
    const countsUnread = hasMoved && runsReplaceable(text);
    // Functions look names up at each call, and so does the next statement of the same text.
    const isPlain = text.statements.length === 1 && !runsReplaceable(text);
    const met = (isPlain ? this.#met : undefined) ?? this.#watch.met(session, this.#since);
    return timesConcerned(met, { concerns, countsUnread }) > 1;
  }
}

/**
 * What gives rows, or writes them, and definitions that run somebody's function over values. The rest is done with its own session's
 * names, and what it says beside is little.
 */
export function isWatched({ text }: Passed): boolean {
  if (text?.index === undefined) return false;
  return text.statements.some(({ analysis }) => giving.test(analysis.command)) || runsReplaceable(text);
}

function runsReplaceable({ statements, index }: ReadText): boolean {
  return index !== undefined && statements.some(({ analysis }) => isReplaceable(analysis, index));
}

const giving = /^(?:SELECT|INSERT|UPDATE|DELETE|MERGE|VALUES|TABLE|COPY|EXECUTE|FETCH|CALL|EXPLAIN)/;

/** The session is at work and cannot be asked: by the static witness alone. */
async function readAgain(execution: Execution, index: SchemaIndex): Promise<ReadText | undefined> {
  const { reader, session } = execution;
  const words = reader.textOf(execution);
  const text = words === undefined ? undefined : await reader.readAside(execution, words);
  if (text === undefined) return undefined;
  return joined(text, (each) => session.named(each, index.snapshot.schemaVersion));
}

function changed(): ProxyError {
  return new ProxyError('HOLD_CHANGED', 'definitions changed while this ran: what it is now was not let through', {
    hint: 'Send it again: it is judged as it is now.',
  });
}
