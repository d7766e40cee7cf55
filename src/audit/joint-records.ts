// The records of several chains as one stream, in the order of the times that they say. Each chain keeps its own order: its clock may have
// been set back.
import { originOf } from './hold-records.ts';
import type { LoggedRecord } from './record.ts';
import { recordsOf } from './search.ts';
import type { SearchFilter } from './search-facts.ts';

export interface ChainRecord {
  /** Origin of the chain. */
  readonly chain: string;
  readonly dir: string;
  readonly record: LoggedRecord;
}

export async function* recordsOfAll(
  dirs: readonly string[],
  span: Pick<SearchFilter, 'from' | 'to'> = {},
): AsyncGenerator<ChainRecord> {
  const streams: Stream[] = [];
  for (const dir of dirs) {
    const records = recordsOf(dir, span);
    const stream = { dir, chain: originOf(dir), records };
    const next = await records.next();
    if (next.done !== true) streams.push({ ...stream, next: next.value });
  }
  for (;;) {
    const [first, ...others] = streams;
    if (first === undefined) return;
    const stream = others.reduce((best, one) => (one.next.at < best.next.at ? one : best), first);
    const { chain, dir, next } = stream;
    yield { chain, dir, record: next };
    const after = await stream.records.next();
    if (after.done === true) streams.splice(streams.indexOf(stream), 1);
    else stream.next = after.value;
  }
}

interface Stream {
  readonly dir: string;
  readonly chain: string;
  readonly records: AsyncGenerator<LoggedRecord>;
  next: LoggedRecord;
}
