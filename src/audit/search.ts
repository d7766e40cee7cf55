// Finding records: by who, what, which level, which verdict, when. There is no index that could go stale or be forged: a pass over the
// files first learns what each hold was about, so that a vote is found by the column it was about; a second one finds the newest.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRecord } from './reader.ts';
import type { LoggedRecord } from './record.ts';
import { fits, inSpan, peopleIn, type HoldFacts, type SearchFilter } from './search-facts.ts';
import { segmentName, segmentNumbers } from './segment-file.ts';

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
      if (record === undefined || !fits(record, filter, (hold) => holds.get(hold))) continue;
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

async function readHolds(dir: string): Promise<ReadonlyMap<string, HoldFacts>> {
  const holds = new Map<string, HoldFacts & { readonly people: Set<string> }>();
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
