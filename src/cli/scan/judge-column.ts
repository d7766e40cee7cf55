// From a column's name, type and sampled values to what it probably holds, with the evidence in counts.
import { detectors, type DataKind } from './detectors.ts';
import { hintOf, type TypeClass } from './name-hints.ts';

export interface ColumnSample {
  readonly name: string;
  readonly type: TypeClass;
  /** Not null, at most 128 characters each (JSON: 2,000). */
  readonly values: readonly string[];
}

export interface Proposal {
  readonly kind: DataKind;
  /** `name`, `187 of 200 values are e-mail addresses`. Never a value. */
  readonly evidence: string;
  readonly sure: 'values' | 'name and values' | 'name';
}

const valuesMin = 10;

export function proposalOf(column: ColumnSample): Proposal | undefined {
  const hint = hintOf(column.name, column.type);
  const seen = column.type === 'json' ? seenInJson(column.values) : seenInValues(column, hint);
  if (seen !== undefined) {
    const sure = hint === seen.kind ? 'name and values' : 'values';
    return { kind: seen.kind, evidence: sure === 'values' ? seen.words : `its name, and ${seen.words}`, sure };
  }
  if (hint === undefined || isContradicted(hint, column)) return undefined;
  return { kind: hint, evidence: 'its name', sure: 'name' };
}

interface Seen {
  readonly kind: DataKind;
  readonly words: string;
}

function seenInValues(column: ColumnSample, hint: DataKind | undefined): Seen | undefined {
  if (column.type === 'network') return { kind: 'personal.online', words: 'its type' };
  if (column.type === 'date') return seenInDates(column, hint);
  const isSearched = column.type === 'text' || column.type === 'number';
  if (!isSearched || column.values.length < valuesMin) return undefined;
  const distinct = new Set(column.values);
  // Two or three values over and over are a status, whatever they look like; but a hash of one shape is a hash.
  if (distinct.size < 5) return undefined;
  for (const detector of detectors) {
    // Digits alone are names of nothing and texts of nobody.
    if (column.type === 'number' && !numberKinds.has(detector.kind)) continue;
    let hits = 0;
    for (const value of distinct) if (detector.test(value)) hits += 1;
    if (hits / distinct.size < detector.share) continue;
    // A name that says more than "free text" does knows better what the text is about.
    if (detector.kind === 'personal.free_text' && hint !== undefined) return undefined;
    return { kind: detector.kind, words: `${hits} of ${distinct.size} distinct values are ${detector.words}` };
  }
  return undefined;
}

const numberKinds: ReadonlySet<DataKind> = new Set(['financial.card.pan', 'personal.national_id']);

/** Born long ago and spread over decades: events are recent and bunched. */
function seenInDates(column: ColumnSample, hint: DataKind | undefined): Seen | undefined {
  const years = column.values.map((value) => Number(/^(\d{4})-/.exec(value)?.[1])).filter((year) => year > 0);
  if (years.length < valuesMin || hint !== undefined) return undefined;
  const sorted = years.toSorted((a, b) => a - b);
  const [first = 0, last = 0] = [sorted[0], sorted.at(-1)];
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const thisYear = new Date().getUTCFullYear();
  const isLifeLike =
    first >= 1900 && last <= thisYear - 5 && last - first >= 20 && middle >= thisYear - 85 && middle <= thisYear - 15;
  if (!isLifeLike) return undefined;
  return { kind: 'personal.birth_date', words: `${years.length} dates spread over ${last - first} years, none recent` };
}

/** Keys with their values, at any depth: each key is a column of its own. The most sensitive thing inside is the column's. */
function seenInJson(values: readonly string[]): Seen | undefined {
  const keys = new Map<string, string[]>();
  for (const text of values) {
    for (const match of text.matchAll(/"([^"\\]{1,63})"\s*:\s*(?:"((?:[^"\\]|\\.){0,200})"|(-?\d[\d.]{0,30}))?/g)) {
      const [, key = '', quoted, number] = match;
      const list = keys.get(key) ?? [];
      list.push(quoted ?? number ?? '');
      keys.set(key, list);
    }
    if (keys.size > keysMax) break;
  }
  let best: { readonly rank: number; readonly kind: DataKind } | undefined;
  let found = 0;
  for (const [key, list] of keys) {
    const inner = proposalOf({ name: key, type: 'text', values: list.filter((value) => value !== '') });
    if (inner === undefined) continue;
    found += 1;
    const rank = kindsByWeight.indexOf(inner.kind);
    if (best === undefined || rank < best.rank) best = { rank, kind: inner.kind };
  }
  return best === undefined ? undefined : { kind: best.kind, words: `${found} of ${keys.size} keys inside it` };
}

const keysMax = 2000;

const kindsByWeight: readonly DataKind[] = [
  'credential',
  'financial.card.pan',
  'personal.national_id',
  'financial.bank.iban',
  'personal.health',
  'financial.pay',
  'personal.contact.email',
  'personal.contact.phone',
  'personal.birth_date',
  'personal.name',
  'personal.contact.address',
  'personal.online',
  'personal.free_text',
];

/** Enough values that are plainly something else. */
function isContradicted(hint: DataKind, { values, type }: ColumnSample): boolean {
  if (type !== 'text' || values.length < valuesMin) return false;
  const distinct = new Set(values);
  const areShortWords = (): boolean =>
    [...distinct].every((value) => /^[a-z_ -]{1,20}$/i.test(value)) && distinct.size < 12;
  const hasForm =
    hint === 'personal.contact.email' ||
    hint === 'financial.bank.iban' ||
    hint === 'personal.national_id' ||
    hint === 'credential';
  return (hasForm || hint === 'personal.free_text') && areShortWords();
}
