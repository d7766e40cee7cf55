// Finding records: by who, what, which level, which verdict, when. There is no index that could go stale or be forged: a pass over the
// files first learns what each hold was about, so that a vote is found by the column it was about; a second one finds the newest.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRecord } from './reader.ts';
import type { LoggedRecord } from './record.ts';
import { segmentName, segmentNumbers } from './segment-file.ts';

/** All that are given must fit. */
export interface SearchFilter {
  readonly agent?: string;
  /** Who voted, decided, or owns the agent. */
  readonly person?: string;
  /** `public.customers.email`, or its end: `customers.email`, `email`. */
  readonly column?: string;
  readonly level?: string;
  readonly verdict?: string;
  readonly hold?: string;
  readonly kind?: string;
  readonly database?: string;
  /** RFC 3339 in UTC, or its beginning: `2026-11`, `2026-11-21T04`. Both ends belong to the span. */
  readonly from?: string;
  readonly to?: string;
}

export interface SearchResult {
  /** Newest first. */
  readonly records: readonly LoggedRecord[];
  /** There were more than `limit`. */
  readonly more: boolean;
}

export async function searchLog(dir: string, filter: SearchFilter, limit: number): Promise<SearchResult> {
  const holds = await readHolds(dir);
  const records: LoggedRecord[] = [];
  for (const number of [...segmentNumbers(dir)].reverse()) {
    for await (const line of linesBackwards(await bytesOf(dir, number))) {
      const record = candidate(line, filter);
      if (record === undefined || !fits(record, filter, holds)) continue;
      if (records.length === limit) return { records, more: true };
      records.push(record);
    }
  }
  return { records, more: false };
}

/** Every record of a span in order, for exports. */
export async function* recordsOf(
  dir: string,
  span: Pick<SearchFilter, 'from' | 'to'> = {},
): AsyncGenerator<LoggedRecord> {
  for (const number of segmentNumbers(dir)) {
    for await (const line of linesForwards(await bytesOf(dir, number))) {
      const record = parseRecord(line);
      if (typeof record !== 'string' && inSpan(record, span)) yield record;
    }
  }
}

/** The lines that have these words in them, oldest first. */
export async function* linesContaining(dir: string, words: string): AsyncGenerator<string> {
  for (const number of segmentNumbers(dir)) yield* linesWith(await bytesOf(dir, number), words);
}

/** What a hold is about, from its own records, for those of its records that do not say. */
interface HoldFacts {
  readonly people: Set<string>;
  readonly about: Extract<LoggedRecord, { readonly kind: 'held' }> | undefined;
}

async function readHolds(dir: string): Promise<ReadonlyMap<string, HoldFacts>> {
  const holds = new Map<string, HoldFacts>();
  for (const number of segmentNumbers(dir)) {
    for await (const line of linesWith(await bytesOf(dir, number), '"hold":"')) {
      const record = parseRecord(line);
      if (typeof record === 'string' || !('hold' in record) || record.hold === undefined) continue;
      const facts = holds.get(record.hold) ?? { people: new Set<string>(), about: undefined };
      for (const person of peopleIn(record)) facts.people.add(person);
      holds.set(record.hold, record.kind === 'held' ? { ...facts, about: record } : facts);
    }
  }
  return holds;
}

/** Lines are looked at this many at a time, then whoever else waits has their turn: searching shares the process with sessions. */
const linesAtOnce = 2_000;

function breath(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Whole lines only: the last one of a log in use may be on its way. */
async function bytesOf(dir: string, number: number): Promise<Buffer> {
  const bytes = await readFile(join(dir, segmentName(number)));
  return bytes.subarray(0, bytes.lastIndexOf(lineFeed) + 1);
}

const lineFeed = 10;

async function* linesForwards(bytes: Buffer): AsyncGenerator<string> {
  let start = 0;
  for (let count = 1; start < bytes.length; count += 1) {
    if (count % linesAtOnce === 0) await breath();
    const end = bytes.indexOf(lineFeed, start);
    yield bytes.toString('utf8', start, end);
    start = end + 1;
  }
}

async function* linesBackwards(bytes: Buffer): AsyncGenerator<string> {
  let end = bytes.length - 1;
  for (let count = 1; end > 0; count += 1) {
    if (count % linesAtOnce === 0) await breath();
    const before = bytes.lastIndexOf(lineFeed, end - 1);
    yield bytes.toString('utf8', before + 1, end);
    end = before;
  }
}

async function* linesWith(bytes: Buffer, words: string): AsyncGenerator<string> {
  await breath();
  let count = 1;
  for (let at = bytes.indexOf(words); at >= 0; count += 1) {
    if (count % linesAtOnce === 0) await breath();
    const end = bytes.indexOf(lineFeed, at);
    yield bytes.toString('utf8', bytes.lastIndexOf(lineFeed, at) + 1, end);
    at = bytes.indexOf(words, end);
  }
}

/** A look at the text spares most lines the reading. */
function candidate(line: string, filter: SearchFilter): LoggedRecord | undefined {
  const byText = [filter.agent, filter.level, filter.person, filter.verdict].filter((word) => word !== undefined);
  const inText = (word: string): boolean => line.includes(JSON.stringify(word));
  if (!line.includes('"hold":"') && !byText.every(inText)) return undefined;
  const record = parseRecord(line);
  return typeof record === 'string' ? undefined : record;
}

function fits(record: LoggedRecord, filter: SearchFilter, holds: ReadonlyMap<string, HoldFacts>): boolean {
  const hold = 'hold' in record && record.hold !== undefined ? holds.get(record.hold) : undefined;
  const sides: readonly LoggedRecord[] = hold?.about === undefined ? [record] : [record, hold.about];
  const some = (wanted: string | undefined, of: (side: LoggedRecord) => readonly string[]): boolean =>
    wanted === undefined || sides.some((side) => of(side).includes(wanted));
  return (
    inSpan(record, filter) &&
    (filter.kind === undefined || record.kind === filter.kind) &&
    some(filter.hold, (side) => ('hold' in side && side.hold !== undefined ? [side.hold] : [])) &&
    some(filter.agent, (side) => ('agent' in side ? [side.agent] : [])) &&
    some(filter.database, (side) => ('database' in side ? [side.database] : [])) &&
    some(filter.verdict, verdictsIn) &&
    some(filter.level, (side) => columnsIn(side).map((column) => column.level)) &&
    (filter.person === undefined || (hold?.people.has(filter.person) ?? peopleIn(record).includes(filter.person))) &&
    (filter.column === undefined ||
      sides.some((side) => columnsIn(side).some(({ column }) => isEnd(column, filter.column))))
  );
}

function inSpan(record: LoggedRecord, span: Pick<SearchFilter, 'from' | 'to'>): boolean {
  return (
    (span.from === undefined || record.at >= span.from) &&
    (span.to === undefined || record.at.slice(0, span.to.length) <= span.to)
  );
}

function columnsIn(record: LoggedRecord): readonly { readonly column: string; readonly level: string }[] {
  return 'columns' in record ? record.columns : [];
}

function verdictsIn(record: LoggedRecord): readonly string[] {
  switch (record.kind) {
    case 'judged':
      return [record.verdict];
    case 'held':
      return ['hold'];
    case 'decided':
      return [record.state];
    default:
      return [];
  }
}

function peopleIn(record: LoggedRecord): readonly string[] {
  const owner = 'owner' in record ? [record.owner] : [];
  if (record.kind === 'voted') return [record.person];
  return record.kind === 'decided' ? record.by : owner;
}

function isEnd(column: string, wanted: string | undefined): boolean {
  return wanted !== undefined && (column === wanted || column.endsWith(`.${wanted}`));
}
