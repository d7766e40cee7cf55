// What stands under the names of cursors and portals: SQL's DECLARE and the protocol's Bind put them into one namespace of the server,
// and CLOSE, Close, the end of a transaction and ROLLBACK TO take them out again, whoever put them there.
//
// The attack this file is about: what one result was judged by is used for another of the same name. Bind("c", harmless), CLOSE c,
// DECLARE c for what is counted, Execute("c"). So a name is forgotten when a statement that may take it away is sent; to forget too
// early costs a question.
import type { SessionEffect } from '../sql/statement-effects.ts';

interface Entry<Thing> {
  readonly thing: Thing;
  readonly at: number;
  /** Lives on behind a commit. */
  readonly outlives: boolean;
  readonly isCommitted: boolean;
}

interface Savepoint {
  readonly name: string;
  readonly at: number;
}

/** Names come from the agent; going back to one that was forgotten takes away all that the transaction made. */
const savepointsMax = 1000;

export class OpenNames<Thing> {
  readonly #open = new Map<string, Entry<Thing>>();
  #savepoints: Savepoint[] = [];
  #made = 0;

  get size(): number {
    return this.#open.size;
  }

  get(name: string): Thing | undefined {
    return this.#open.get(name)?.thing;
  }

  set(name: string, thing: Thing, outlives: boolean): void {
    this.#made += 1;
    this.#open.set(name, { thing, at: this.#made, outlives, isCommitted: false });
  }

  take(name: string): Thing | undefined {
    const thing = this.#open.get(name)?.thing;
    this.#open.delete(name);
    return thing;
  }

  clear(): readonly Thing[] {
    return this.#takeAll(() => true);
  }

  takeWhere(isGone: (thing: Thing) => boolean): readonly Thing[] {
    return this.#takeAll(({ thing }) => isGone(thing));
  }

  /** The transaction is over: what outlives it does so only behind a commit. */
  over(how: 'commit' | 'rollback'): readonly Thing[] {
    if (this.#savepoints.length > 0) this.#savepoints = [];
    const gone = this.#takeAll((one) => !one.isCommitted && (how === 'rollback' || !one.outlives));
    for (const [name, one] of this.#open) if (!one.isCommitted) this.#open.set(name, { ...one, isCommitted: true });
    return gone;
  }

  /** Gives what a statement takes away. */
  follow(effect: SessionEffect): readonly Thing[] {
    switch (effect.kind) {
      case 'declareCursor':
      case 'closeCursor':
        return effect.name === undefined ? this.clear() : this.#takeAll((_, name) => name === effect.name);
      case 'transaction':
        if (effect.step === 'begin' || effect.step === 'other') return nothing;
        return this.over(effect.step === 'commit' ? 'commit' : 'rollback');
      case 'savepoint':
        return this.#savepoint(effect);
      case 'discard':
        return effect.what === 'all' ? this.clear() : nothing;
      case 'unsure':
        return this.clear();
      default:
        return nothing;
    }
  }

  #savepoint({ step, name }: Extract<SessionEffect, { readonly kind: 'savepoint' }>): readonly Thing[] {
    if (step === 'set') {
      if (this.#savepoints.length >= savepointsMax) this.#savepoints = [];
      this.#savepoints.push({ name, at: this.#made });
      return nothing;
    }
    const place = this.#savepoints.map((one) => one.name).lastIndexOf(name);
    const at = this.#savepoints[place]?.at ?? 0;
    this.#savepoints.length = step === 'release' ? Math.max(0, place) : place + 1;
    return step === 'release' ? nothing : this.#takeAll((one) => one.at > at && !one.isCommitted);
  }

  #takeAll(isGone: (entry: Entry<Thing>, name: string) => boolean): readonly Thing[] {
    // As after nearly every statement.
    if (this.#open.size === 0) return nothing;
    const gone: Thing[] = [];
    for (const [name, entry] of this.#open) {
      if (!isGone(entry, name)) continue;
      this.#open.delete(name);
      gone.push(entry.thing);
    }
    return gone;
  }
}

const nothing: readonly never[] = [];
