// What is known about statements, kept: by the session's state and by the text or its shape. Bounded in entries and in bytes. It
// stores whatever the caller knows and decides nothing; a hit is two map look-ups at most, with no copy of the text kept beside the key.
import { createHash } from 'node:crypto';
import { ShapeScanner } from './shape.ts';

export interface CacheLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

export const cacheLimits: CacheLimits = { entriesMax: 50_000, bytesMax: 64 * 1024 * 1024 };

/** Everything that decides what a text means besides the text itself. */
export interface MeaningState {
  readonly parserMajor: number;
  readonly schemaVersion: string;
  readonly searchPath: readonly string[];
  readonly role: string;
  /** Names of the session's temporary objects, or a token that changes whenever they do. */
  readonly temporary: readonly string[];
  /** Whatever else the caller's knowledge hangs on: encodings, catalog and policy versions, the agent. */
  readonly more: readonly string[];
}

/** Computed when the state changes, not per statement. Lists are told apart from their concatenation. */
export function stateKey(state: MeaningState): string {
  const hash = createHash('sha256');
  const parts = [state.parserMajor, state.schemaVersion, state.searchPath, state.role, state.temporary, state.more];
  return hash.update(JSON.stringify(parts)).digest('base64url');
}

/** Longer texts are known by their hash. */
const textBytesMax = 2048;
/** Of a map's entry, its key's header and the entry's own fields. */
const overheadBytes = 160;

interface Entry<Value> {
  readonly value: Value;
  readonly bytes: number;
  used: boolean;
}

export interface Hit<Value> {
  readonly value: Value;
  readonly by: 'shape' | 'text';
}

export class StatementCache<Value> {
  readonly #limits: CacheLimits;
  readonly #scanner = new ShapeScanner();
  /** In the order of insertion; an entry that was used since gets another round when its turn to go comes. */
  readonly #entries = new Map<string, Entry<Value>>();
  #bytes = 0;

  constructor(limits: CacheLimits = cacheLimits) {
    this.#limits = limits;
  }

  get size(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#entries.size, bytes: this.#bytes };
  }

  find(state: string, text: Uint8Array): Hit<Value> | undefined {
    const shape = this.#scanner.keyOf(text);
    if (shape !== undefined) {
      const entry = this.#entries.get(shapeKey(state, shape));
      if (entry !== undefined) {
        entry.used = true;
        return { value: entry.value, by: 'shape' };
      }
    }
    const entry = this.#entries.get(textKey(state, text));
    if (entry === undefined) return undefined;
    entry.used = true;
    return { value: entry.value, by: 'text' };
  }

  /** `inert`: the worker has shown that the literals do not matter, so that the value holds for the whole shape. */
  keep(
    state: string,
    text: Uint8Array,
    known: { readonly value: Value; readonly bytes: number; readonly inert: boolean },
  ): void {
    const shape = known.inert ? this.#scanner.keyOf(text) : undefined;
    const key = shape === undefined ? textKey(state, text) : shapeKey(state, shape);
    const bytes = known.bytes + key.length + overheadBytes;
    this.#drop(key);
    if (bytes > this.#limits.bytesMax) return;
    this.#entries.set(key, { value: known.value, bytes, used: false });
    this.#bytes += bytes;
    this.#shrink();
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }

  /** Second chance: the oldest goes unless it was used since it came or since its last round. Ends because each round clears a mark. */
  #shrink(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= this.#limits.entriesMax && this.#bytes <= this.#limits.bytesMax) return;
      this.#entries.delete(key);
      if (entry.used) {
        entry.used = false;
        this.#entries.set(key, entry);
      } else this.#bytes -= entry.bytes;
    }
  }
}

/** Keys of shapes and of texts begin differently: a text that holds a mark's byte is not the shape that looks like it. */
function shapeKey(state: string, shape: string): string {
  return `s${state}${shape}`;
}

/** Bytes as they are: two texts that differ in any byte are two texts, whatever the encoding. */
function textKey(state: string, text: Uint8Array): string {
  if (text.length > textBytesMax) return `h${state}${createHash('sha256').update(text).digest('base64url')}`;
  return `t${state}${Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('latin1')}`;
}
