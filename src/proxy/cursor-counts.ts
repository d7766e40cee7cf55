// What has been read of each cursor of a session. A cursor that SQL declared is read by many executions, and they count as one: reading it
// a hundred rows at a time is no way around a bound.
//
// All of it moves in the order of replies, not of requests. An agent sends ten FETCHes before the first one answers, and each of them would
// begin where nothing has been read; or a DECLARE that the server will refuse, which takes no cursor away and so must take no count away.
import type { ReadStatement, ReadText } from '../sql/reading.ts';
import { FixedBound, RowCount } from './rows.ts';

export class CursorCount {
  readonly sent = new RowCount();
  #soft: FixedBound | undefined;
  /** What was approved for the cursor as a whole, by hold. */
  readonly #hard = new Map<string, FixedBound>();

  /** A level's, made at the first row; people may have moved it since. */
  soft(make: () => FixedBound | undefined): FixedBound | undefined {
    return (this.#soft ??= make());
  }

  /** One yes for a cursor is one number for all that is fetched from it. */
  hard(hold: string | undefined, rows: number): FixedBound {
    const before = hold === undefined ? undefined : this.#hard.get(hold);
    if (before !== undefined) return before;
    const made = new FixedBound('what was approved', this.sent.rows + rows);
    if (hold !== undefined) this.#hard.set(hold, made);
    return made;
  }

  /** Whose row is whose is not seen: all that was read of any of them counts, up to the narrowest bound. */
  static together(counts: Iterable<CursorCount>): CursorCount {
    const [only, ...others] = new Set(counts);
    if (only !== undefined && others.length === 0) return only;
    const sum = new CursorCount();
    for (const one of only === undefined ? [] : [only, ...others]) sum.#add(one);
    return sum;
  }

  #add(other: CursorCount): void {
    this.sent.rows += other.sent.rows;
    this.sent.bytes += other.sent.bytes;
    const [mine, theirs] = [this.#soft?.rowsMax() ?? Infinity, other.#soft?.rowsMax() ?? Infinity];
    if (theirs < mine) this.#soft = other.#soft;
    for (const [hold, bound] of other.#hard) this.#hard.set(hold, bound);
  }
}

/** Cursors of one text, by name. */
export interface CursorsOf {
  /** Read as they stand before it. */
  readonly read: ReadonlySet<string>;
  /** Declared by it: when it has succeeded, what is under these names is new, and nothing else has been read of it than by this text. */
  readonly declared: ReadonlySet<string>;
  /** DISCARD ALL. */
  readonly discards: boolean;
}

/** Names come from the agent; the count that was used longest ago goes when there are more. */
const cursorsMax = 1000;

/** Undefined, as nearly always: it has to do with no cursor. */
export function cursorsOf({ statements }: ReadText): CursorsOf | undefined {
  if (statements.every(isNoneOfThem)) return undefined;
  const [read, declared] = [new Set<string>(), new Set<string>()];
  let discards = false;
  for (const { refersTo, effects } of statements) {
    for (const { kind, name } of refersTo) if (kind === 'cursor' && !declared.has(name)) read.add(name);
    for (const effect of effects) {
      if (effect.kind === 'declareCursor') declared.add(effect.name);
      else if (effect.kind === 'discard' && effect.what === 'all') discards = true;
    }
  }
  return { read, declared, discards };
}

function isNoneOfThem({ refersTo, effects }: ReadStatement): boolean {
  return refersTo.length === 0 && effects.length === 0;
}

export class CursorCounts {
  readonly #counts = new Map<string, CursorCount>();

  /** What the rows of a text count on. Several cursors read by one text are one from then on: whose row is whose is not seen. */
  of({ read }: CursorsOf): CursorCount {
    const count = CursorCount.together(this.#found(read));
    for (const name of read) this.#keep(name, count);
    return count;
  }

  /** A text was answered; `count`: of its own rows, if they were counted. */
  ended({ declared, discards }: CursorsOf, how: 'done' | 'failed', count: CursorCount | undefined): void {
    if (how === 'done' && discards) this.#counts.clear();
    for (const name of declared) {
      if (how === 'done') this.#counts.delete(name);
      // Of several statements some may be committed though the last one failed: what they declared may stand, read as far as this.
      if (count !== undefined) this.#keep(name, CursorCount.together([count, ...this.#found([name])]));
    }
  }

  #found(names: Iterable<string>): readonly CursorCount[] {
    return [...names].map((name) => this.#counts.get(name)).filter((one) => one !== undefined);
  }

  #keep(name: string, count: CursorCount): void {
    this.#counts.delete(name);
    this.#counts.set(name, count);
    if (this.#counts.size <= cursorsMax) return;
    const [oldest] = this.#counts.keys();
    if (oldest !== undefined) this.#counts.delete(oldest);
  }
}
