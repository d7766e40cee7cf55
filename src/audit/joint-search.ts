// One search over the chains of several processes of one proxy. Each chain counts for itself, so a page of several ends at a moment, not at a
// number: what `before` takes for the next page is then that moment, in milliseconds, which no count of records reaches.
import { originOf } from './hold-records.ts';
import type { FolderPart } from './receipts.ts';
import { SearchIndex, type SearchQuery } from './search-index.ts';
import type { LoggedRecord } from './record.ts';
import type { SearchResult } from './search.ts';

/** 2001: every moment is after it, and no chain has so many records. */
const momentMin = 1e12;

export class JointSearch {
  readonly #folders: () => readonly string[];
  readonly #indexes = new Map<string, SearchIndex>();

  /** `folders` is asked anew each time: workers come. */
  constructor(folders: () => readonly string[]) {
    this.#folders = folders;
  }

  /** Newest first. */
  async search(query: SearchQuery): Promise<SearchResult> {
    const folders = this.#folders();
    const [only, ...more] = folders;
    if (only !== undefined && more.length === 0) return await this.#indexOf(only).search(query);
    const { filter, limit, before } = query;
    const page = before !== undefined && before >= momentMin ? { ...filter, to: earlier(filter.to, before) } : filter;
    // Each looks into the others for what a hold is about.
    await Promise.all(folders.map((folder) => this.#indexOf(folder).catchUp()));
    const found = await Promise.all(
      folders.map(async (folder) => {
        const { records: own, more: isMore } = await this.#indexOf(folder).search({ filter: page, limit });
        const chain = originOf(folder);
        return { records: own.map((record) => ({ ...record, chain })), more: isMore };
      }),
    );
    const records = found.flatMap((one) => one.records).toSorted((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
    return pageOf(
      records,
      limit,
      found.some((one) => one.more),
    );
  }

  /** What each chain has of a hold. */
  async partsOfHold(hold: string): Promise<readonly FolderPart[]> {
    const parts: FolderPart[] = [];
    for (const folder of this.#folders()) {
      const records = await this.#indexOf(folder).recordsOfHold(hold);
      if (records.length > 0) parts.push({ dir: folder, origin: originOf(folder), records });
    }
    return parts;
  }

  #others(folder: string): readonly SearchIndex[] {
    return [...this.#indexes].flatMap(([name, index]) => (name === folder ? [] : [index]));
  }

  #indexOf(folder: string): SearchIndex {
    const known = this.#indexes.get(folder) ?? new SearchIndex(folder, () => this.#others(folder));
    this.#indexes.set(folder, known);
    return known;
  }
}

function pageOf(records: readonly LoggedRecord[], limit: number, isCut: boolean): SearchResult {
  const last = records[Math.min(limit, records.length) - 1];
  if (last === undefined) return { records, more: false };
  // The records of one moment are not torn apart: the next page begins before it.
  const shown = records.filter((record, index) => index < limit || record.at === last.at);
  return { records: shown, more: isCut || shown.length < records.length, next: Date.parse(last.at) };
}

function earlier(to: string | undefined, moment: number): string {
  const until = new Date(moment - 1).toISOString();
  return to === undefined || until.slice(0, to.length) <= to ? until : to;
}
