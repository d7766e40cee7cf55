// Documents in memory, in the order of their keys: what a journal's lines add up to. Knows no disk and no locks.
import type { Listed, Version } from './store.ts';

export interface Document {
  readonly value: string;
  readonly version: Version;
  readonly expiresAt: number | undefined;
}

/** What one change leaves at a key; undefined: nothing. */
export interface Put {
  readonly key: string;
  readonly document: Document | undefined;
}

export class Documents {
  readonly #byKey = new Map<string, Document>();
  /** Sorted. A splice moves pointers only: for tens of thousands of keys that is microseconds. */
  #keys: string[] = [];
  #bytes = 0;

  get size(): number {
    return this.#byKey.size;
  }

  /** About what they take on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string, now: number): Document | undefined {
    const found = this.#byKey.get(key);
    return isPast(found, now) ? undefined : found;
  }

  put({ key, document }: Put): void {
    const before = this.#byKey.get(key);
    this.#bytes += bytesOf(key, document) - bytesOf(key, before);
    if (document === undefined) {
      if (this.#byKey.delete(key)) this.#keys.splice(this.#indexOf(key), 1);
      return;
    }
    if (before === undefined) this.#keys.splice(this.#indexOf(key), 0, key);
    this.#byKey.set(key, document);
  }

  list(from: { readonly prefix: string; readonly after: string }, limit: number, now: number): readonly Listed[] {
    const { prefix, after } = from;
    const found: Listed[] = [];
    for (let index = this.#indexOf(after > prefix ? after : prefix); found.length < limit; index += 1) {
      const key = this.#keys[index];
      if (key === undefined || !key.startsWith(prefix)) break;
      const document = this.get(key, now);
      if (document === undefined || key === after) continue;
      found.push({ key, value: document.value, version: document.version });
    }
    return found;
  }

  /** Forgets what is past. That needs no line in the journal: being past follows from the time alone. */
  sweep(now: number): void {
    const past = this.#keys.filter((key) => isPast(this.#byKey.get(key), now));
    if (past.length === 0) return;
    for (const key of past) {
      this.#bytes -= bytesOf(key, this.#byKey.get(key));
      this.#byKey.delete(key);
    }
    this.#keys = this.#keys.filter((key) => this.#byKey.has(key));
  }

  *puts(): Generator<Put> {
    for (const [key, document] of this.#byKey) yield { key, document };
  }

  /** Where `key` is, or would be. */
  #indexOf(key: string): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export function isPast(document: Document | undefined, now: number): boolean {
  return document?.expiresAt !== undefined && document.expiresAt <= now;
}

/** Quotes, version and time around key and value; what JSON escapes is left out of the account. */
const frameBytes = 64;

function bytesOf(key: string, document: Document | undefined): number {
  return document === undefined ? 0 : frameBytes + key.length + document.value.length;
}
