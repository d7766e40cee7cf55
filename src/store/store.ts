// The port of shared state: documents that change by compare-and-swap, counters that are bounded, and wake-ups. What a document
// means is the business of whoever keeps it; what is here knows neither holds nor grants.
//
// What every store promises, and test/store/contract.ts asks of each:
// - What was answered 'changed' or `spent` has happened and survives the store's own crash, as far as its medium is set up to.
// - What fails throws UNAVAILABLE within a deadline. Whether it happened is then not known; but it happened whole or not at all,
//   and it does not happen later. Nobody may take a failure, or a document that is gone, for a yes.
// - A version is never given twice, not even to a document that was deleted or lost and made anew.
import type { Brand, NonEmpty } from '../core/brand.ts';

/** Opaque; equal means: nobody changed the document in between. */
export type Version = Brand<string, 'Version'>;

export interface Stored {
  readonly value: string;
  readonly version: Version;
}

export interface Listed extends Stored {
  readonly key: string;
}

export interface Change {
  /** 1 to 512 visible ASCII characters without blanks. */
  readonly key: string;
  /** What must hold for the whole call to happen: this version, no such document, or nothing. */
  readonly expect: Version | 'absent' | 'any';
  /** Undefined deletes. */
  readonly value: string | undefined;
  /** From then on (wall-clock milliseconds) the document is absent. Each change sets it anew; without it the document stays. */
  readonly expiresAt?: number;
}

export interface Window {
  /** What was spent counts for this long at least, and for a 48th longer at most: the window moves on in 48 steps. */
  readonly ms: number;
  /** Now, by the clock of the asker. */
  readonly at: number;
}

export interface Spending {
  readonly spent: boolean;
  /** The sum in the window, with this amount when it was spent. */
  readonly used: number;
}

export interface Standing {
  readonly state: 'up' | 'down';
  /** A sentence for an operator; never a secret. */
  readonly words: string;
}

export interface Store {
  read(key: string): Promise<Stored | undefined>;
  /** The documents whose key begins with `prefix`, in the order of their keys; `after` goes on behind the last one of a page. */
  list(prefix: string, limit: number, after?: string): Promise<readonly Listed[]>;
  /** All or nothing. A 'conflict' is told only when a new `read` shows what stood in the way. No key twice in one call. */
  change(changes: NonEmpty<Change>): Promise<'changed' | 'conflict'>;
  /**
   * Adds a whole number to a counter when the sum stays within `max`; undefined always adds. An `amount` of 0 only asks.
   * Counters of one key with windows of different lengths are different counters.
   */
  spend(key: string, amount: number, window: Window, max: number | undefined): Promise<Spending>;
  /** Wakes whoever listens, in this process and in others. It may be lost, so every listener also looks from time to time. */
  announce(topic: string, message: string): void;
  /** Returns how to stop. A listener is called in a later turn, never inside `announce`. */
  listen(topic: string, each: (message: string) => void): () => void;
  /** What /readyz says. While it is down every call fails at once; it comes up by itself when the cause is mended. */
  readonly standing: Standing;
  onStanding(each: (now: Standing) => void): () => void;
  /** Waits for what is under way. Afterwards every call fails. */
  close(): Promise<void>;
}
