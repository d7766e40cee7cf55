// Who of our sessions may be making definitions everybody's at this moment, and which names those may lead elsewhere. Of one database, for
// all its sessions; what others do at the server is seen by the schema's own look.
import type { ReadText } from '../sql/reading.ts';
import { isReplaceable } from '../sql/replaceable.ts';
import { mayDefine, movesCatalog, type SessionEffect } from '../sql/statement-effects.ts';

/** What one turn of a session makes everybody's. */
export interface Defined {
  /** Undefined: any. */
  readonly names: ReadonlySet<string> | undefined;
  /** Transactions in which it may do so: what one makes, the next may take back. */
  readonly times: number;
}

interface Ending extends Defined {
  readonly number: number;
  readonly session: object;
  isOver: boolean;
}

const leftMs = 5_000;
const endingsKept = 128;
const namesMax = 500;

export class DefinitionsWatch {
  /** Moves whenever definitions may have. */
  epoch = 0;
  readonly #ending = new Set<object>();
  #endings: Ending[] = [];
  #next = 0;

  /** This session has sent what may make definitions everybody's, and the server has not said that it is done. */
  ending(session: object, defined: Defined): void {
    this.#ending.add(session);
    this.#endings.push({ ...defined, number: this.#next++, session, isOver: false });
    if (this.#endings.length > 2 * endingsKept) this.#endings = this.#endings.slice(-endingsKept);
  }

  ended(session: object): void {
    if (!this.#ending.delete(session)) return;
    this.epoch += 1;
    for (const each of this.#endings) each.isOver ||= each.session === session;
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

  /** All that was over by now is before it. */
  get now(): number {
    if (this.#ending.size === 0) return this.#next;
    return this.#endings.find(({ isOver }) => !isOver)?.number ?? this.#next;
  }

  /** In how many transactions sessions of ours, but this one, may since have made what concerns it. */
  othersSince(since: number, session: object, concerns: (names: ReadonlySet<string>) => boolean): number {
    const first = this.#endings[0]?.number ?? this.#next;
    if (since < first) return Number.POSITIVE_INFINITY;
    const others = this.#endings.filter((each) => each.number >= since && each.session !== session);
    return others.reduce((sum, { names, times }) => (names === undefined || concerns(names) ? sum + times : sum), 0);
  }
}

/** Of one session: what its open transaction, or its turn, has defined so far. */
export class DefinedSoFar {
  #names: ReadonlySet<string> | undefined = new Set();
  #isPending = false;

  /** `isUnread`: people let it through, and it may do what nobody knows. */
  begin(text: ReadText, isUnread: boolean): Defined {
    const names = isUnread || runsMore(text) ? undefined : namesIn(text.effects);
    const all = names === undefined || this.#names === undefined ? undefined : new Set([...this.#names, ...names]);
    this.#names = all === undefined || all.size > namesMax ? undefined : all;
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

/** Functions of users that run beside it (defaults, indexes, event triggers) may define anything. */
function runsMore({ statements, index }: ReadText): boolean {
  if (index === undefined || index.snapshot.eventTriggers.some(({ enabled }) => enabled)) return true;
  return statements.some(({ analysis }) => isReplaceable(analysis, index));
}

function namesIn(effects: readonly SessionEffect[]): readonly string[] | undefined {
  const names: string[] = [];
  for (const effect of effects) {
    if (!mayDefine(effect)) continue;
    if (effect.kind !== 'definitions' || effect.names === undefined) return undefined;
    names.push(...effect.names);
  }
  return names;
}
