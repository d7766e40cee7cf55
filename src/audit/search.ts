// Reading the record from its beginning, in a span or by a word that a line has to have, and what a search gives. Looking for something in it
// goes by search-index.ts.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRecord } from './reader.ts';
import type { LoggedRecord } from './record.ts';
import { inSpan, type SearchFilter } from './search-facts.ts';
import { segmentName, segmentNumbers } from './segment-file.ts';

export interface SearchResult {
  /** Newest first. */
  readonly records: readonly LoggedRecord[];
  /** There were more than `limit`. */
  readonly more: boolean;
  /** What `before` takes for the next page; absent: the number of the last record. */
  readonly next?: number;
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

/** The records of such lines; what is no record is passed over. */
export async function recordsContaining(dir: string, words: string): Promise<readonly LoggedRecord[]> {
  const found: LoggedRecord[] = [];
  for await (const line of linesContaining(dir, words)) {
    const record = parseRecord(line);
    if (typeof record !== 'string') found.push(record);
  }
  return found;
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
