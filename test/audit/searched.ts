// Goal: what a search has to find, without any index: what the index is compared with.
// Method: every line of the log is read, twice: once for what each hold is about, once for what fits.
import type { LoggedRecord } from '../../src/audit/record.ts';
import { recordsOf, type SearchResult } from '../../src/audit/search.ts';
import { fits, peopleIn, type HoldFacts, type SearchFilter } from '../../src/audit/search-facts.ts';

export async function searchedLineByLine(dir: string, filter: SearchFilter, limit: number): Promise<SearchResult> {
  const all: LoggedRecord[] = [];
  for await (const record of recordsOf(dir)) all.push(record);
  const holds = new Map<string, HoldFacts>();
  for (const record of all) {
    if (!('hold' in record) || record.hold === undefined) continue;
    const { people, about } = holds.get(record.hold) ?? { people: new Set<string>(), about: undefined };
    const known = new Set([...people, ...peopleIn(record)]);
    holds.set(record.hold, { people: known, about: record.kind === 'held' ? record : about });
  }
  const found = all.toReversed().filter((record) => fits(record, filter, (hold) => holds.get(hold)));
  return { records: found.slice(0, limit), more: found.length > limit };
}
