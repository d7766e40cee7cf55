// A stretch of a segment and the words that occur in it. The words are kept as 32-bit hashes: two that collide cost a needless look into the
// file and never an answer, since what is found is always read from the file and looked at again.
import type { LoggedRecord } from './record.ts';
import { columnsIn, peopleIn, verdictsIn, type SearchFilter } from './search-facts.ts';

/** The filters that words answer; a span of time is answered by the granule's own. */
const wordFilters = ['agent', 'person', 'column', 'level', 'verdict', 'hold', 'kind', 'database'] as const;
export type WordFilter = (typeof wordFilters)[number];

/** Small enough to be read for one answer, large enough that the index is a thousandth of the log. */
const granuleRecordsMax = 512;
const granuleBytesMax = 512 * 1024;

export class Granule {
  readonly segment: number;
  readonly start: number;
  readonly firstSeq: number;
  readonly firstAt: string;
  #end: number;
  #lastAt: string;
  #records = 0;
  #open: Set<number> | undefined = new Set();
  #words = new Uint32Array();

  constructor(at: { readonly segment: number; readonly start: number }, first: Pick<LoggedRecord, 'seq' | 'at'>) {
    this.segment = at.segment;
    this.start = at.start;
    this.#end = at.start;
    this.firstSeq = first.seq;
    this.firstAt = first.at;
    this.#lastAt = first.at;
  }

  get end(): number {
    return this.#end;
  }

  get lastAt(): string {
    return this.#lastAt;
  }

  get isFull(): boolean {
    return this.#records >= granuleRecordsMax || this.#end - this.start >= granuleBytesMax;
  }

  get words(): number {
    return this.#open?.size ?? this.#words.length;
  }

  take(record: LoggedRecord, words: readonly number[], end: number): void {
    for (const word of words) this.#open?.add(word);
    this.#records += 1;
    this.#end = end;
    this.#lastAt = record.at;
  }

  /** No more comes: four bytes a word from now on. */
  close(): void {
    if (this.#open === undefined) return;
    this.#words = Uint32Array.from(this.#open).sort();
    this.#open = undefined;
  }

  has(word: number): boolean {
    if (this.#open !== undefined) return this.#open.has(word);
    let [low, high] = [0, this.#words.length - 1];
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.#words[middle] ?? 0;
      if (found === word) return true;
      if (found < word) low = middle + 1;
      else high = middle - 1;
    }
    return false;
  }
}

/** Every word by which a record may be asked for. */
export function wordsOf(record: LoggedRecord): readonly number[] {
  const words = [wordOf('kind', record.kind)];
  if ('agent' in record) words.push(wordOf('agent', record.agent));
  if ('database' in record && record.database !== undefined) words.push(wordOf('database', record.database));
  if ('hold' in record && record.hold !== undefined) words.push(wordOf('hold', record.hold));
  for (const verdict of verdictsIn(record)) words.push(wordOf('verdict', verdict));
  for (const person of peopleIn(record)) words.push(wordOf('person', person));
  for (const { column, level } of columnsIn(record)) {
    words.push(wordOf('level', level), wordOf('column', column));
    for (let dot = column.indexOf('.'); dot >= 0; dot = column.indexOf('.', dot + 1)) {
      words.push(wordOf('column', column.slice(dot + 1)));
    }
  }
  return words;
}

/** FNV-1a over the filter's place and the text. */
export function wordOf(filter: WordFilter, text: string): number {
  let sum = Math.imul(0x811c9dc5 ^ wordFilters.indexOf(filter), 0x01000193);
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  return sum >>> 0;
}

/** The words that a filter asks for, each with a bit of its own. */
export function wantedWords(filter: SearchFilter): readonly { readonly word: number; readonly bit: number }[] {
  return wordFilters.flatMap((name, index) => {
    const text = filter[name];
    return text === undefined ? [] : [{ word: wordOf(name, text), bit: 1 << index }];
  });
}
