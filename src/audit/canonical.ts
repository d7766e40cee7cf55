// One record as one line of canonical JSON (RFC 8785). The two kinds that every allowed statement writes have a serializer of their
// own, because the general one costs several microseconds; a property test holds both to the same bytes.
import canonicalize from 'canonicalize';
import type { LoggedBody, RecordedColumn, Stamp } from './record.ts';

export function canonicalLine(body: LoggedBody, stamp: Stamp): string {
  switch (body.kind) {
    case 'judged':
      return judgedLine(body, stamp);
    case 'finished':
      return finishedLine(body, stamp);
    default:
      return `${generalLine(body, stamp)}\n`;
  }
}

/** The general form. Lone surrogates have no UTF-8, so they are replaced before the text is measured, hashed or written. */
export function generalLine(body: LoggedBody, stamp: Stamp): string {
  const text = canonicalize({ ...body, ...stamp });
  if (text === undefined) throw new Error('an audit record is always an object');
  return loneSurrogateEscape.test(text) ? (canonicalize(wellFormed(JSON.parse(text))) ?? '') : text;
}

type JudgedBody = Extract<LoggedBody, { readonly kind: 'judged' }>;
type FinishedBody = Extract<LoggedBody, { readonly kind: 'finished' }>;

// Members stand in the order of their names, as RFC 8785 wants them.
function judgedLine(body: JudgedBody, stamp: Stamp): string {
  const { head, middle, beforeSeq, tail } = judgedParts(body);
  const line = head + stamp.at + middle + stamp.prev + beforeSeq + String(stamp.seq);
  return line + ',"session":' + quoted(body.session) + ',"statement":' + quoted(body.statement) + tail;
}

/** What stands between the members that differ from statement to statement. */
interface JudgedParts {
  readonly of: JudgedBody;
  readonly head: string;
  readonly middle: string;
  readonly beforeSeq: string;
  readonly tail: string;
}

/** A cached verdict brings the same lists with every statement, so the text of the last record is kept beside them and goes with them. */
const partsOf = new WeakMap<readonly string[], JudgedParts>();

function judgedParts(body: JudgedBody): JudgedParts {
  const kept = partsOf.get(body.rules);
  if (kept !== undefined && isAlike(kept.of, body)) return kept;
  const fresh = freshParts(body);
  partsOf.set(body.rules, fresh);
  return fresh;
}

/** All but `session` and `statement`; lists by what they are, not by what is in them. */
function isAlike(one: JudgedBody, other: JudgedBody): boolean {
  return (
    one.agent === other.agent &&
    one.owner === other.owner &&
    one.database === other.database &&
    one.role === other.role &&
    one.schema === other.schema &&
    one.catalog === other.catalog &&
    one.verdict === other.verdict &&
    one.text === other.text &&
    one.path === other.path &&
    one.actions === other.actions &&
    one.columns === other.columns &&
    one.parameters === other.parameters &&
    one.expected === other.expected &&
    one.sealed === other.sealed
  );
}

function freshParts(body: JudgedBody): JudgedParts {
  const parameters = body.parameters === undefined ? '' : `,"parameters":${quoted(body.parameters)}`;
  const text = body.text === undefined ? '' : `,"text":${quoted(body.text)}`;
  const expected = body.expected === undefined ? '' : `,"expected":${number(body.expected)}`;
  const path = body.path === undefined ? '' : `,"path":${strings(body.path)}`;
  const role = body.role === undefined ? '' : `,"role":${quoted(body.role)}`;
  const sealed = body.sealed === undefined ? '' : `,"sealed":${quoted(body.sealed)}`;
  return {
    of: body,
    head: flat(`{"actions":${strings(body.actions)},"agent":${quoted(body.agent)},"at":"`),
    middle: flat(
      `","catalog":${quoted(body.catalog)},"columns":${columnsText(body.columns)},"database":${quoted(body.database)}` +
        `${expected},"kind":"judged","owner":${quoted(body.owner)}${parameters}${path},"prev":"`,
    ),
    beforeSeq: flat(`"${role},"rules":${strings(body.rules)},"schema":${quoted(body.schema)}${sealed},"seq":`),
    tail: flat(`${text},"verdict":"${body.verdict}"}\n`),
  };
}

/** In one piece in memory: a text that was put together is a tree of its pieces until somebody reads it as bytes. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}

function finishedLine(body: FinishedBody, stamp: Stamp): string {
  const counted = '{"at":"' + stamp.at + '","bytes":' + number(body.bytes);
  const error = body.error === undefined ? '' : ',"error":' + quoted(body.error);
  const timed = counted + error + ',"kind":"finished","ms":' + number(body.ms) + ',"of":' + number(body.of);
  const placed = timed + ',"prev":"' + stamp.prev + '","rows":' + number(body.rows) + ',"seq":' + String(stamp.seq);
  return placed + ',"session":' + quoted(body.session) + '}\n';
}

/** Eight sessions of eight agents may take turns with one verdict: its columns, which can be many, are not written anew for each. */
const columnTexts = new WeakMap<readonly RecordedColumn[], string>();

function columnsText(columns: readonly RecordedColumn[]): string {
  if (columns.length === 0) return '[]';
  const kept = columnTexts.get(columns);
  if (kept !== undefined) return kept;
  const text = `[${columns.map((each) => `{"column":${quoted(each.column)},"level":${quoted(each.level)}}`).join(',')}]`;
  columnTexts.set(columns, text);
  return text;
}

function strings(list: readonly string[]): string {
  return `[${list.map(quoted).join(',')}]`;
}

/** Everything that JSON escapes, and the surrogates, which may stand alone. Most strings have none and need no second look. */
const special = /["\\\u0000-\u001f\ud800-\udfff]/;

function quoted(text: string): string {
  return special.test(text) ? JSON.stringify(wellFormedText(text)) : '"' + text + '"';
}

function number(value: number): string {
  if (!Number.isFinite(value)) throw new Error('an audit record holds finite numbers only');
  return String(value === 0 ? 0 : value);
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
