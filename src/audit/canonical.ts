// One record as one line of canonical JSON (RFC 8785), and the pieces that such a line is made of. The two kinds that every allowed
// statement writes are put together in `line-bytes.ts`, because the general way costs several microseconds.
import canonicalize from 'canonicalize';
import type { LoggedBody, RecordedColumn, Stamp } from './record.ts';

/** Without its line end. Lone surrogates have no UTF-8, so they are replaced before the text is measured, hashed or written. */
export function generalLine(body: LoggedBody, stamp: Stamp): string {
  const text = canonicalize({ ...body, ...stamp });
  if (text === undefined) throw new Error('an audit record is always an object');
  return loneSurrogateEscape.test(text) ? (canonicalize(wellFormed(JSON.parse(text))) ?? '') : text;
}

/** Eight sessions of eight agents may take turns with one verdict: its columns, which can be many, are not written anew for each. */
const columnTexts = new WeakMap<readonly RecordedColumn[], string>();

export function columnsText(columns: readonly RecordedColumn[]): string {
  if (columns.length === 0) return '[]';
  const kept = columnTexts.get(columns);
  if (kept !== undefined) return kept;
  const text = `[${columns.map((each) => `{"column":${quoted(each.column)},"level":${quoted(each.level)}}`).join(',')}]`;
  columnTexts.set(columns, text);
  return text;
}

export function strings(list: readonly string[]): string {
  return `[${list.map(quoted).join(',')}]`;
}

/** Everything that JSON escapes, and the surrogates, which may stand alone. Most strings have none and need no second look. */
const special = /["\\\u0000-\u001f\ud800-\udfff]/;

export function quoted(text: string): string {
  return special.test(text) ? JSON.stringify(wellFormedText(text)) : '"' + text + '"';
}

const loneSurrogateEscape = /\\ud[89a-f][0-9a-f]{2}/;
const loneSurrogate = /[\ud800-\udfff]/gu;

function wellFormedText(text: string): string {
  return text.replace(loneSurrogate, '\ufffd');
}

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return wellFormedText(value);
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, wellFormed(member)]));
}
