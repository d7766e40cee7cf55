// Where in the log to look: which stretches of it speak of an agent, a person, a column, a level, and where each hold's records stand. Made from
// the files, in memory, and brought up to date before each answer by reading what is new. Only says where to look: every record that is
// given was read from the file just then and fits by itself, so a stale or harmed index can miss, and cannot make up.
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRecord } from './reader.ts';
import type { LoggedRecord } from './record.ts';
import { fits, peopleIn, type HoldFacts, type SearchFilter } from './search-facts.ts';
import { Granule, wantedWords, wordOf, wordsOf } from './search-granule.ts';
import type { SearchResult } from './search.ts';
import { segmentName, segmentNumbers } from './segment-file.ts';

interface Place {
  readonly granule: Granule;
  readonly start: number;
  readonly end: number;
}

interface HoldPlaces {
  /** Of its records in order, and of the judged statement that led to it. */
  readonly places: Place[];
  readonly people: Set<string>;
  about: Place | undefined;
  /** By what it is about. */
  words: readonly number[];
}

interface SegmentRead {
  granules: Granule[];
  /** All before this is in the index. */
  offset: number;
}

export interface SearchQuery {
  readonly filter: SearchFilter;
  readonly limit: number;
  /** Only records before this one: the next page. */
  readonly before?: number;
}

const chunkBytes = 256 * 1024;
/** What an index remembers of statements that may still become part of a hold. */
const openStatementsMax = 5_000;

export class SearchIndex {
  readonly #dir: string;
  readonly #segments = new Map<number, SegmentRead>();
  readonly #holds = new Map<string, HoldPlaces>();
  /** The newest statement of a session that was judged to be held, and releases whose outcome is to come. */
  readonly #judged = new Map<string, { readonly statement: string; readonly place: Place }>();
  readonly #released = new Map<number, string>();
  /** Of the other chains that are searched with this one: a hold's steps may lie in several. */
  readonly #siblings: () => readonly SearchIndex[];
  #catchingUp: Promise<void> = Promise.resolve();

  constructor(dir: string, siblings: () => readonly SearchIndex[] = () => []) {
    this.#dir = dir;
    this.#siblings = siblings;
  }

  /** For /metrics and the curious: what the index holds. */
  get size(): { readonly granules: number; readonly words: number; readonly holds: number } {
    const granules = [...this.#segments.values()].flatMap((segment) => segment.granules);
    return {
      granules: granules.length,
      words: granules.reduce((sum, granule) => sum + granule.words, 0),
      holds: this.#holds.size,
    };
  }

  /** Reads what was written since. Callers share one reading. */
  catchUp(): Promise<void> {
    const run = this.#catchingUp.then(() => this.#readNew());
    this.#catchingUp = run.catch(() => undefined); // The caller has the error; the next one reads again.
    return run;
  }

  /** Newest first. */
  async search({ filter, limit, before = Infinity }: SearchQuery): Promise<SearchResult> {
    await this.catchUp();
    const records: LoggedRecord[] = [];
    const facts = new Map<string, HoldFacts>();
    for (const granule of this.#candidates(filter, before)) {
      const found = (await this.#recordsIn(granule)).filter((record) => record.seq < before);
      await this.#learnHolds(found, facts);
      for (const record of found.toReversed()) {
        if (!fits(record, filter, (hold) => facts.get(hold))) continue;
        if (records.length === limit) return { records, more: true };
        records.push(record);
      }
    }
    return { records, more: false };
  }

  /** Every record of a hold in order, with the judged statement before it and the outcomes after. */
  async recordsOfHold(hold: string): Promise<readonly LoggedRecord[]> {
    await this.catchUp();
    const records: LoggedRecord[] = [];
    for (const place of this.#holds.get(hold)?.places ?? []) {
      const record = await this.#recordAt(place);
      if (record !== undefined) records.push(record);
    }
    return records;
  }

  #candidates(filter: SearchFilter, before: number): readonly Granule[] {
    const wanted = wantedWords(filter);
    const all = wanted.reduce((sum, { bit }) => sum | bit, 0);
    const met = new Map<Granule, number>();
    for (const [id, { places }] of this.#holds) {
      const { people, words } = this.#knownOf(id);
      const about = new Set([...words, ...[...people].map((person) => wordOf('person', person))]);
      const bits = wanted.reduce((sum, { word, bit }) => (about.has(word) ? sum | bit : sum), 0);
      if (bits !== 0) for (const { granule } of places) met.set(granule, (met.get(granule) ?? 0) | bits);
    }
    const isMeant = (granule: Granule): boolean =>
      granule.firstSeq < before &&
      (filter.from === undefined || granule.lastAt >= filter.from) &&
      (filter.to === undefined || granule.firstAt.slice(0, filter.to.length) <= filter.to) &&
      wanted.reduce((sum, { word, bit }) => (granule.has(word) ? sum | bit : sum), met.get(granule) ?? 0) === all;
    const newestFirst = [...this.#segments.keys()].toSorted((a, b) => b - a);
    return newestFirst.flatMap((number) => this.#segments.get(number)?.granules.toReversed().filter(isMeant) ?? []);
  }

  async #learnHolds(records: readonly LoggedRecord[], facts: Map<string, HoldFacts>): Promise<void> {
    for (const record of records) {
      if (!('hold' in record) || record.hold === undefined || facts.has(record.hold)) continue;
      let about: HoldFacts['about'];
      for (const index of [this, ...this.#siblings()]) about ??= await index.#heldOf(record.hold);
      facts.set(record.hold, { people: this.#knownOf(record.hold).people, about });
    }
  }

  async #heldOf(hold: string): Promise<HoldFacts['about']> {
    const place = this.#holds.get(hold)?.about;
    const record = place === undefined ? undefined : await this.#recordAt(place);
    return record?.kind === 'held' ? record : undefined;
  }

  /** People and words of a hold, from all chains. */
  #knownOf(hold: string): Pick<HoldPlaces, 'words' | 'people'> {
    const siblings = this.#siblings();
    const own = this.#holds.get(hold) ?? { people: new Set<string>(), words: [] };
    if (siblings.length === 0) return own;
    const all = [own, ...siblings.flatMap((index) => index.#holds.get(hold) ?? [])];
    return { people: new Set(all.flatMap(({ people }) => [...people])), words: all.flatMap(({ words }) => words) };
  }

  async #recordsIn(granule: Granule): Promise<readonly LoggedRecord[]> {
    const bytes = await this.#bytesOf(granule.segment, granule.start, granule.end);
    return bytes
      .toString('utf8')
      .split('\n')
      .map((line) => (line === '' ? '' : parseRecord(line)))
      .filter((record) => typeof record !== 'string');
  }

  async #recordAt({ granule, start, end }: Place): Promise<LoggedRecord | undefined> {
    const record = parseRecord((await this.#bytesOf(granule.segment, start, end - 1)).toString('utf8'));
    return typeof record === 'string' ? undefined : record;
  }

  async #bytesOf(segment: number, start: number, end: number): Promise<Buffer> {
    const file = await open(join(this.#dir, segmentName(segment)), 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async #readNew(): Promise<void> {
    const numbers = segmentNumbers(this.#dir);
    if (await this.#wasChanged(numbers)) this.#forget();
    for (const number of numbers) await this.#readSegment(number);
  }

  /** A segment that is gone (archived) or shorter (cut after a crash): what was learnt from it is not there any more. */
  async #wasChanged(numbers: readonly number[]): Promise<boolean> {
    for (const [number, read] of this.#segments) {
      if (!numbers.includes(number)) return true;
      if ((await stat(join(this.#dir, segmentName(number)))).size < read.offset) return true;
    }
    return false;
  }

  #forget(): void {
    for (const map of [this.#segments, this.#holds, this.#judged, this.#released]) map.clear();
  }

  /** In pieces, each with a wait for the disk between them: whoever else shares the process has their turn. */
  async #readSegment(number: number): Promise<void> {
    const read = this.#segments.get(number) ?? { granules: [], offset: 0 };
    this.#segments.set(number, read);
    const file = await open(join(this.#dir, segmentName(number)), 'r');
    try {
      for (let length = chunkBytes; ;) {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, read.offset);
        const lines = buffer.subarray(0, buffer.subarray(0, bytesRead).lastIndexOf(lineFeed) + 1);
        this.#takeLines(number, read, lines);
        if (bytesRead < length) return;
        length = lines.length === 0 ? length * 4 : chunkBytes;
      }
    } finally {
      await file.close();
    }
  }

  #takeLines(segment: number, read: SegmentRead, lines: Buffer): void {
    for (let start = 0; start < lines.length;) {
      const end = lines.indexOf(lineFeed, start) + 1;
      const line = parsed(lines.toString('utf8', start, end - 1));
      const at = { segment, start: read.offset, end: read.offset + end - start };
      if (line !== undefined) this.#take(read, line, at);
      read.offset += end - start;
      start = end;
    }
  }

  #take(
    read: SegmentRead,
    { record, words }: Line,
    at: { readonly segment: number; readonly start: number; readonly end: number },
  ): void {
    let granule = read.granules.at(-1);
    if (granule === undefined || granule.isFull) {
      granule?.close();
      granule = new Granule(at, record);
      read.granules.push(granule);
    }
    granule.take(record, words, at.end);
    this.#takeHold(record, words, { granule, start: at.start, end: at.end });
  }

  #takeHold(record: LoggedRecord, words: readonly number[], place: Place): void {
    if (record.kind === 'judged' && record.verdict === 'hold') {
      remember(this.#judged, record.session, { statement: record.statement, place });
      return;
    }
    const id = record.kind === 'finished' ? this.#released.get(record.of) : 'hold' in record ? record.hold : undefined;
    if (id === undefined) return;
    const hold = this.#holds.get(id) ?? { places: [], people: new Set<string>(), about: undefined, words: [] };
    this.#holds.set(id, hold);
    for (const person of peopleIn(record)) hold.people.add(person);
    if (record.kind === 'held') {
      const judged = this.#judged.get(record.session);
      if (judged?.statement === record.statement) hold.places.push(judged.place);
      [hold.about, hold.words] = [place, words];
    }
    hold.places.push(place);
    if (record.kind === 'released') remember(this.#released, record.seq, id);
    if (record.kind === 'finished') this.#released.delete(record.of);
  }
}

const lineFeed = 10;

/** The oldest gives way. */
function remember<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > openStatementsMax && oldest !== undefined) map.delete(oldest);
}

interface Line {
  readonly record: LoggedRecord;
  readonly words: readonly number[];
}

/**
 * Whether a line is as it was written is asked when it is given out. One that is no record of ours (a changed file) is passed over here,
 * and found by `verify`: it must not end everybody's searching.
 */
function parsed(line: string): Line | undefined {
  try {
    const record: unknown = JSON.parse(line);
    return isRecordLike(record) ? { record, words: wordsOf(record) } : undefined;
  } catch {
    return undefined;
  }
}

function isRecordLike(value: unknown): value is LoggedRecord {
  return typeof value === 'object' && value !== null && 'seq' in value && 'at' in value && 'kind' in value;
}
