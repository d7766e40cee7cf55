// Which SQL stands behind a prepared statement's name. The agent pipelines, so a name is
// entered before the server has said yes; when it says no, or skips the message, the entry is taken back.
//
// The attack this file is about: Parse("s", harmless) that fails (the name is taken), then Bind("s"): the server runs the *old*
// text. Inside one batch the Bind is skipped with the Parse; across a Sync it is not, so `find` says 'unsettled' there and the
// session waits for the server's word before it judges.
import type { KeptBeside } from '../sql/reading.ts';
import type { InBandText } from './in-band.ts';
import type { Follower } from './replies.ts';

export interface PreparedText {
  readonly sql: Buffer;
  /** Types of parameters as Parse gave them; part of what the text means. */
  readonly types: readonly number[];
  /** Equal for equal types; '' where none is given. */
  readonly typesKey: string;
  readonly kept?: KeptBeside;
  /** It asks the proxy itself, and `sql` holds none of the answer's rows yet. */
  readonly inBand?: InBandText;
}

export interface Prepared {
  /** Undefined marks a name that was closed. */
  readonly text: PreparedText | undefined;
  /** Sync-to-Sync batch that brought it. */
  readonly batch: number;
}

interface Entry extends Prepared {
  previous: Entry | undefined;
  state: 'asked' | 'settled' | 'undone';
}

export type Found =
  | { readonly kind: 'found'; readonly text: PreparedText }
  | { readonly kind: 'unsettled' }
  | { readonly kind: 'unknown' };

export class StatementBook {
  readonly #entries = new Map<string, Entry>();
  #doubted = false;

  get size(): number {
    return this.#entries.size;
  }

  has(name: string): boolean {
    return this.#entries.get(name)?.text !== undefined;
  }

  /** Enters a Parse; the follower settles or undoes it. */
  parse(name: string, text: PreparedText, batch: number): Follower {
    return this.#enter(name, { text, batch, previous: this.#entries.get(name), state: 'asked' });
  }

  close(name: string, batch: number): Follower | undefined {
    const previous = this.#entries.get(name);
    return previous === undefined ? undefined : this.#enter(name, { text: undefined, batch, previous, state: 'asked' });
  }

  find(name: string, batch: number): Found {
    const entry = this.#entries.get(name);
    if (entry === undefined) return { kind: 'unknown' };
    if (entry.state === 'asked' && entry.batch !== batch) return { kind: 'unsettled' };
    return entry.text === undefined ? { kind: 'unknown' } : { kind: 'found', text: entry.text };
  }

  /** SQL may have closed or replaced names (DEALLOCATE, PREPARE, DISCARD ALL, or what nobody could follow). */
  doubt(): void {
    if (this.#entries.size > 0) this.#doubted = true;
  }

  /** The server has to be asked first. SQL never reaches the unnamed statement. */
  inDoubt(name: string): boolean {
    return this.#doubted && name !== '';
  }

  /** The server's word: these it has from Parse. What it no longer has must not be judged by what it once was. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#entries.keys()) if (name !== '' && !names.has(name)) this.#entries.delete(name);
    this.#doubted = false;
  }

  #enter(name: string, entry: Entry): Follower {
    this.#entries.set(name, entry);
    return {
      ended: (how) => {
        if (how === 'done') this.#settle(name, entry);
        else this.#undo(name, entry, how);
      },
    };
  }

  #settle(name: string, entry: Entry): void {
    entry.state = 'settled';
    entry.previous = undefined;
    if (entry.text === undefined && this.#entries.get(name) === entry) this.#entries.delete(name);
  }

  #undo(name: string, entry: Entry, how: 'failed' | 'skipped'): void {
    entry.state = 'undone';
    // A Parse of the unnamed statement drops the old one before it looks at the new text; a named one leaves it alone.
    if (name === '' && how === 'failed') entry.previous = undefined;
    let current = this.#entries.get(name);
    while (current !== undefined && current.state === 'undone') current = current.previous;
    if (current === undefined) this.#entries.delete(name);
    else this.#entries.set(name, current);
  }
}
