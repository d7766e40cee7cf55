// Whether a record is one of those that are looked for: what fits, from the record itself and from the hold that it belongs to. Pure.
import type { LoggedRecord } from './record.ts';

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

/** What a hold is about, from its own records, for those of its records that do not say. */
export interface HoldFacts {
  readonly people: ReadonlySet<string>;
  readonly about: Extract<LoggedRecord, { readonly kind: 'held' }> | undefined;
}

/** `holdOf`: what the hold that a record belongs to is about. */
export function fits(
  record: LoggedRecord,
  filter: SearchFilter,
  holdOf: (hold: string) => HoldFacts | undefined,
): boolean {
  const hold = 'hold' in record && record.hold !== undefined ? holdOf(record.hold) : undefined;
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

export function inSpan(record: LoggedRecord, span: Pick<SearchFilter, 'from' | 'to'>): boolean {
  return (
    (span.from === undefined || record.at >= span.from) &&
    (span.to === undefined || record.at.slice(0, span.to.length) <= span.to)
  );
}

export function columnsIn(record: LoggedRecord): readonly { readonly column: string; readonly level: string }[] {
  return 'columns' in record ? record.columns : [];
}

export function verdictsIn(record: LoggedRecord): readonly string[] {
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

export function peopleIn(record: LoggedRecord): readonly string[] {
  const owner = 'owner' in record ? [record.owner] : [];
  if (record.kind === 'voted') return [record.person];
  return record.kind === 'decided' || record.kind === 'budget' ? record.by : owner;
}

function isEnd(column: string, wanted: string | undefined): boolean {
  return wanted !== undefined && (column === wanted || column.endsWith(`.${wanted}`));
}
