// The history: what was settled lately, and a search through the audit record. Read only; what is shown is what stands in the files.
import { visible } from '../../core/visible.ts';
import type { HoldView } from '../../approval/view.ts';
import type { LoggedRecord } from '../../audit/record.ts';
import type { SearchResult } from '../../audit/search.ts';
import { recordFacts } from '../../audit/words.ts';
import type { Visitor } from './door.ts';
import { list } from './holds-list.ts';
import { emptyState, page } from './layout.ts';
import { markup, type Markup } from './markup.ts';

/** As they stand in the address: what a person can send to another. */
export type Asked = Readonly<Record<string, string>>;

export interface HistoryParts {
  readonly visitor: Visitor;
  readonly settled: readonly HoldView[];
  readonly asked: Asked;
  /** Undefined: nothing was asked. Words: the question was not of the form it should have. */
  readonly found: SearchResult | string | undefined;
  readonly levels: number;
}

/** What was asked of `/history`, without what was left empty. */
export function askedOf(query: unknown): Asked {
  const entries = Object.entries(typeof query === 'object' && query !== null ? query : {});
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1].trim() !== ''),
  );
}

export function historyPage({ visitor, settled, asked, found, levels }: HistoryParts): Markup {
  return page({
    title: 'History',
    visitor,
    section: 'history',
    notice: typeof found === 'string' ? { kind: 'bad', words: found } : undefined,
    main: markup`<h1>History</h1>${form(asked)}${
      found === undefined ? lately(settled, levels) : typeof found === 'string' ? '' : results(found, asked)
    }`,
  });
}

function lately(settled: readonly HoldView[], levels: number): Markup {
  if (settled.length === 0)
    return emptyState(
      'Nothing is settled yet',
      'Holds that were approved, denied, or ran out of time are listed here.',
    );
  return markup`<h2>Holds that are settled</h2>${list(settled, levels)}`;
}

const verdicts = ['allow', 'hold', 'deny', 'approved', 'denied', 'expired', 'withdrawn'];
const kinds = [
  'judged',
  'held',
  'voted',
  'decided',
  'budget',
  'released',
  'refused',
  'finished',
  'login',
  'logout',
  'catalog',
  'config',
  'start',
  'stop',
];

function form(asked: Asked): Markup {
  const text = (name: string, words: string, hint: string): Markup =>
    markup`<label>${words}<input name="${name}" value="${asked[name] ?? ''}" placeholder="${hint}" autocomplete="off"></label>`;
  const choice = (name: string, words: string, values: readonly string[]): Markup =>
    markup`<label>${words}<select name="${name}"><option value="">any</option>${values.map(
      (value) => markup`<option${asked[name] === value && markup` selected`}>${value}</option>`,
    )}</select></label>`;
  return markup`<form class="card search" method="get" action="/history" role="search" aria-label="Audit record"><h2>Search the audit record</h2><div class="fields">
${text('agent', 'Agent', 'report-bot')}${text('person', 'Person', 'voted, decided or owns')}${text('column', 'Column', 'customers.email')}${text('level', 'Level', 'restricted')}
${choice('verdict', 'Verdict', verdicts)}${choice('kind', 'Kind', kinds)}${text('database', 'Database', 'shop')}${text('hold', 'Hold', 'h_…')}
${text('from', 'From (UTC)', '2026-11-21T08:00')}${text('to', 'To (UTC)', '2026-11-21')}</div>
<button class="button">Search</button>${Object.keys(asked).length > 0 && markup` <a href="/history">Clear</a>`}</form>`;
}

function results({ records, more, next: nextPage }: SearchResult, asked: Asked): Markup {
  if (records.length === 0)
    return emptyState(
      'No such record',
      'Nothing in the audit record fits all of this. Leave a field empty to find more.',
    );
  const last = records.at(-1);
  const next = new URLSearchParams({ ...asked, before: String(nextPage ?? last?.seq ?? 0) });
  return markup`<div class="card scroll" tabindex="0"><table><caption>Newest first</caption><thead><tr><th scope="col">When (UTC)</th><th scope="col">Kind</th><th scope="col">What</th></tr></thead><tbody>${records.map(row)}</tbody></table></div>
${more && markup`<p><a class="button" href="/history?${next.toString()}">Older</a></p>`}`;
}

function row(record: LoggedRecord): Markup {
  const hold = 'hold' in record ? record.hold : undefined;
  return markup`<tr><td class="when"><time datetime="${record.at}">${record.at.slice(0, 19).replace('T', ' ')}</time><br><span class="dim">${record.seq}</span></td><td>${record.kind}</td><td><bdi>${visible(recordFacts(record), 2_000)}</bdi>${
    hold !== undefined && markup` <a href="/holds/${hold}">hold</a>`
  }</td></tr>`;
}
