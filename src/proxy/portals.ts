// The executions that have a portal open in this transaction. The unnamed portal has a place of its own: nearly every execution
// uses it, and each use replaces the one before.
import type { SessionEffect } from '../sql/statement-effects.ts';
import { OpenNames } from './open-names.ts';
import type { Run } from './run.ts';

const nameBytesMax = 63;

export class Portals {
  #unnamed: Run | undefined;
  readonly #named = new OpenNames<{ readonly run: Run; readonly batch: number }>();

  /** Named ones; there is always room for the unnamed. */
  get size(): number {
    return this.#named.size;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined || name === '';
  }

  get(name: string): Run | undefined {
    return name === '' ? this.#unnamed : this.#named.get(portalKey(name))?.run;
  }

  /** Bound before a Sync: whether the transaction ended there, only the server's answers tell. */
  isOlder(name: string, batch: number): boolean {
    const found = name === '' ? undefined : this.#named.get(portalKey(name));
    return found !== undefined && found.batch !== batch;
  }

  open(name: string, run: Run, batch: number): void {
    this.take(name)?.drop();
    if (name === '') this.#unnamed = run;
    else this.#named.set(portalKey(name), { run, batch }, false);
  }

  take(name: string): Run | undefined {
    if (name !== '') return this.#named.take(portalKey(name))?.run;
    const run = this.#unnamed;
    this.#unnamed = undefined;
    return run;
  }

  /** SQL closes portals too, and may put a cursor of its own in the place of one. */
  follow(effect: SessionEffect): void {
    if (this.#named.size === 0 && effect.kind !== 'savepoint') return;
    const isOther = 'name' in effect && effect.name !== undefined && !isAscii(effect.name);
    // A name beyond ASCII is other bytes in each encoding.
    const gone = isOther && effect.kind.endsWith('Cursor') ? this.#named.clear() : this.#named.follow(effect);
    for (const { run } of gone) run.drop();
  }

  /** The server says that a transaction is over. What it has not answered yet was bound behind that. */
  transactionEnded(): void {
    for (const { run } of this.#named.takeWhere((one) => one.run.isBound)) run.drop();
  }

  closeAll(): void {
    this.take('')?.drop();
    for (const { run } of this.#named.clear()) run.drop();
  }
}

/** The server looks at no more of a portal's name. */
export const portalKey = (name: string): string => (name.length <= nameBytesMax ? name : name.slice(0, nameBytesMax));

const isAscii = (name: string): boolean => /^[\x01-\x7f]*$/.test(name);
