// Who of our sessions may be making definitions everybody's at this moment, and which names those may lead elsewhere. Of one database, for
// all its sessions; what others do at the server is seen by the schema's own look.
import { isTemporarySchema } from '../policy/lineage-temporary.ts';
import type { ReadText } from '../sql/reading.ts';
import { isReplaceable } from '../sql/replaceable.ts';
import { mayDefine, movesCatalog, type SessionEffect } from '../sql/statement-effects.ts';

/** What one turn of a session makes everybody's. */
export interface Defined {
  /** `any`: it cannot be told which. `unread`: nor whether it defines anything (a procedure, a block, what people let through). */
  readonly names: ReadonlySet<string> | 'any' | 'unread';
  /** Transactions in which it may do so: what one makes, the next may take back. */
  readonly times: number;
}

interface Ending extends Defined {
  readonly session: object;
  /** Undefined: it is under way. */
  overAt: number | undefined;
}

/** What others may have defined in the meantime; `too much`: nobody remembers all of it. */
export type Met = readonly Defined[] | 'too much';
const nothingMet: Met = [];

const leftMs = 5_000;
const endingsKept = 1_000;
const namesMax = 200;

export class DefinitionsWatch {
  /** Moves whenever definitions may have. */
  epoch = 0;
  /** Moves whenever something begins or is over. */
  now = 0;
  readonly #ending = new Set<object>();
  #endings: Ending[] = [];
  #forgotten = 0;

  /** This session has sent what may make definitions everybody's, and the server has not said that it is done. */
  ending(session: object, defined: Defined): void {
    this.now += 1;
    this.#ending.add(session);
    this.#endings.push({ ...defined, session, overAt: undefined });
    if (this.#endings.length <= 2 * endingsKept) return;
    const dropped = this.#endings.splice(0, endingsKept);
    this.#forgotten = Math.max(this.#forgotten, ...dropped.map(({ overAt }) => overAt ?? this.now));
  }

  ended(session: object): void {
    if (!this.#ending.delete(session)) return;
    this.now += 1;
    this.epoch += 1;
    for (const each of this.#endings) if (each.session === session) each.overAt ??= this.now;
  }

  /** Whoever hangs up leaves the server to it. */
  left(session: object): void {
    if (this.#ending.has(session)) setTimeout(() => this.ended(session), leftMs).unref();
  }

  moved(): void {
    this.epoch += 1;
  }

  othersEnding(session: object): number {
    return this.#ending.size - (this.#ending.has(session) ? 1 : 0);
  }

  /** By sessions of ours but this one, and not over when it was `since`. */
  met(session: object, since: number): Met {
    if (this.now === since && this.#ending.size === 0) return nothingMet;
    if (since < this.#forgotten) return 'too much';
    return this.#endings.filter((each) => each.session !== session && (each.overAt ?? Infinity) > since);
  }
}

export interface Concerned {
  readonly concerns: (names: ReadonlySet<string>) => boolean;
  /** Most of what nobody has read defines nothing. */
  readonly countsUnread: boolean;
}

/** Transactions that may have made what concerns somebody. */
export function timesConcerned(met: Met, { concerns, countsUnread }: Concerned): number {
  if (met === 'too much') return Infinity;
  const isMeant = ({ names }: Defined): boolean =>
    names === 'any' || (names === 'unread' ? countsUnread : concerns(names));
  return met.reduce((sum, each) => (isMeant(each) ? sum + each.times : sum), 0);
}

/** Of one session: what its open transaction, or its turn, has defined so far. */
export class DefinedSoFar {
  #names: Defined['names'] = new Set();
  #isPending = false;

  /** `isReleased`: people let it through, whatever it may be. */
  begin(text: ReadText, isReleased: boolean): Defined {
    const isUnread = isReleased && !text.statements.every(isKnown);
    this.#names = joined(joined(this.#names, namesIn(text)), isUnread ? 'unread' : new Set());
    return { names: this.#names, times: this.#transactionsIn(text.effects, isUnread) };
  }

  over(): void {
    this.#names = new Set();
    this.#isPending = false;
  }

  #transactionsIn(effects: readonly SessionEffect[], isUnread: boolean): number {
    let times = 0;
    this.#isPending ||= isUnread;
    for (const effect of effects) {
      // A procedure, or a block of code.
      if (effect.kind === 'unsure') times += 2;
      this.#isPending ||= movesCatalog(effect);
      if (effect.kind !== 'transaction' || effect.step === 'begin') continue;
      if (this.#isPending) times += 1;
      this.#isPending = false;
    }
    return times + (this.#isPending ? 1 : 0);
  }
}

function joined(one: Defined['names'], other: Defined['names']): Defined['names'] {
  if (typeof one === 'string') return one === 'unread' && other === 'any' ? other : one;
  if (typeof other === 'string') return other;
  const all = new Set([...one, ...other]);
  return all.size > namesMax ? 'any' : all;
}

function isKnown({ analysis: { unknowns, functions } }: ReadText['statements'][number]): boolean {
  return unknowns.length === 0 && functions.every(({ nature }) => nature === 'pure' || nature === 'reads');
}

function namesIn({ statements, index }: ReadText): Defined['names'] {
  const defining = statements.filter((each) => !isOwn(each)).flatMap(({ effects }) => effects.filter(mayDefine));
  if (defining.length === 0) return new Set();
  const names = defining.map((effect) => (effect.kind === 'definitions' ? effect.names : undefined));
  if (defining.every(({ kind }) => kind === 'unsure')) return 'unread';
  // Functions of users that run beside it (defaults, indexes, event triggers) may define anything.
  if (index === undefined || index.snapshot.eventTriggers.some(({ enabled }) => enabled)) return 'any';
  if (statements.some(({ analysis }) => isReplaceable(analysis, index))) return 'any';
  return names.every((each) => each !== undefined) ? new Set(names.flat()) : 'any';
}

/** Of temporary relations, which nobody else can name. What is made may be like them and not be one itself. */
function isOwn({ analysis: { command, wholeTables, unknowns } }: ReadText['statements'][number]): boolean {
  if (unknowns.length > 0 || wholeTables.length === 0 || !/^(?:ALTER|DROP) /.test(command)) return false;
  return wholeTables.every(({ schema }) => isTemporarySchema(schema));
}
