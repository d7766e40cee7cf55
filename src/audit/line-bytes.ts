// The two records that every allowed statement writes, put straight into memory as bytes: pieces that repeat are kept as bytes, and
// what differs goes between them. A property test holds them to the bytes of the general serializer.
import { columnsText, quoted, strings } from './canonical.ts';
import { numberText, putMillis, putNumber, putPiece, putText } from './put-bytes.ts';
import type { LoggedBody, Stamp } from './record.ts';

type JudgedBody = Extract<LoggedBody, { readonly kind: 'judged' }>;
type FinishedBody = Extract<LoggedBody, { readonly kind: 'finished' }>;
export type HotBody = JudgedBody | FinishedBody;

/** Of what differs, as it nearly always is: a time until the year 10000, hashes as hexadecimal digits. */
const lengths = { at: 24, prev: 64, statement: 64 } as const;

/** The most that one character can become in JSON, and more than a line's digits and names take. */
const [characterBytesMax, besidesMax] = [6, 512];

export class LineBytes {
  readonly #finishedHead = new Template('{"at":"', lengths.at, '","bytes":');
  readonly #finishedMiddle = new Template(',"prev":"', lengths.prev, '","rows":');
  readonly #sessions = new KeptPieces();
  /** A cached verdict brings the same lists with every statement, so its pieces are kept beside them and go with them. */
  readonly #judged = new WeakMap<readonly string[], JudgedPieces>();

  #last: JudgedPieces | undefined;

  /** Whether a record is one for whose texts the pieces leave just the room. */
  takes(body: LoggedBody, { at, prev }: Stamp): body is HotBody {
    if (at.length !== lengths.at || prev.length !== lengths.prev) return false;
    if (body.kind !== 'judged') return body.kind === 'finished';
    return this.#piecesOf(body).tail.fillHash(body.statement);
  }

  /** The most that the line may take. */
  bytesMax(body: HotBody): number {
    if (body.kind === 'finished') {
      return besidesMax + characterBytesMax * (body.session.length + (body.error?.length ?? 0));
    }
    return besidesMax + this.#piecesOf(body).length + characterBytesMax * body.session.length;
  }

  /** Puts the line at `end`, where there is room for it; gives the new end. */
  put(body: HotBody, stamp: Stamp, out: Buffer, end: number): number {
    return body.kind === 'judged' ? this.#putJudged(body, stamp, out, end) : this.#putFinished(body, stamp, out, end);
  }

  // Members stand in the order of their names, as RFC 8785 wants them.

  #putJudged(body: JudgedBody, stamp: Stamp, out: Buffer, start: number): number {
    const { head, middle, tail } = this.#piecesOf(body);
    head.fill(stamp.at);
    middle.fill(stamp.prev);
    let end = putPiece(out, start, head.bytes);
    end = putPiece(out, end, middle.bytes);
    end = putNumber(out, end, stamp.seq);
    end = putPiece(out, end, this.#sessions.of(body.session));
    return putPiece(out, end, tail.bytes);
  }

  #putFinished(body: FinishedBody, stamp: Stamp, out: Buffer, start: number): number {
    this.#finishedHead.fill(stamp.at);
    this.#finishedMiddle.fill(stamp.prev);
    let end = putPiece(out, start, this.#finishedHead.bytes);
    end = putNumber(out, end, body.bytes);
    if (body.error !== undefined) end = putText(out, end, `,"error":${quoted(body.error)}`);
    end = putPiece(out, end, kindAndMs);
    end = putMillis(out, end, body.ms);
    end = putPiece(out, end, ofName);
    end = putNumber(out, end, body.of);
    end = putPiece(out, end, this.#finishedMiddle.bytes);
    end = putNumber(out, end, body.rows);
    end = putPiece(out, end, seqName);
    end = putNumber(out, end, stamp.seq);
    end = putPiece(out, end, this.#sessions.of(body.session));
    return putPiece(out, end, lineEnd);
  }

  #piecesOf(body: JudgedBody): JudgedPieces {
    const last = this.#last;
    if (last !== undefined && isAlike(last.of, body)) return last;
    const kept = this.#judged.get(body.rules);
    const pieces = kept !== undefined && isAlike(kept.of, body) ? kept : freshPieces(body);
    if (pieces !== kept) this.#judged.set(body.rules, pieces);
    this.#last = pieces;
    return pieces;
  }
}

const [kindAndMs, ofName, seqName, lineEnd] = [
  Buffer.from(',"kind":"finished","ms":'),
  Buffer.from(',"of":'),
  Buffer.from(',"seq":'),
  Buffer.from('}\n'),
];

/** Bytes with room for one thing that differs, which is written into them anew only when it has moved. */
class Template {
  readonly bytes: Buffer;
  readonly #at: number;
  #text = '';

  constructor(before: string, length: number, after: string) {
    const head = Buffer.from(before);
    this.bytes = Buffer.concat([head, Buffer.alloc(length), Buffer.from(after)]);
    this.#at = head.length;
  }

  /** Of the length that there is room for, and of nothing but ASCII: what the log puts on a record. */
  fill(text: string): void {
    if (this.#text === text) return;
    this.#text = text;
    this.bytes.write(text, this.#at, 'latin1');
  }

  /** False, and then nothing may be written: it is no hash in hexadecimal digits. Looked at as bytes, which costs less than as a text. */
  fillHash(text: string): boolean {
    if (text.length !== lengths.statement) return false;
    if (this.#text === text) return true;
    this.#text = '';
    this.bytes.write(text, this.#at, lengths.statement, 'utf8');
    for (let at = this.#at; at < this.#at + lengths.statement; at += 1) {
      if (isDigit[this.bytes[at] ?? 0] !== 1) return false;
    }
    this.#text = text;
    return true;
  }
}

const isDigit = new Uint8Array(256);
for (const digit of Buffer.from('0123456789abcdef')) isDigit[digit] = 1;

const sessionsMax = 4_096;

/** `,"session":"…"` of the sessions that are there. */
class KeptPieces {
  readonly #pieces = new Map<string, Buffer>();

  of(session: string): Buffer {
    const kept = this.#pieces.get(session);
    if (kept !== undefined) return kept;
    // Sessions come and go; whoever is still there is entered again.
    if (this.#pieces.size >= sessionsMax) this.#pieces.clear();
    const piece = Buffer.from(`,"session":${quoted(session)}`);
    this.#pieces.set(session, piece);
    return piece;
  }
}

interface JudgedPieces {
  readonly of: JudgedBody;
  readonly head: Template;
  readonly middle: Template;
  readonly tail: Template;
  readonly length: number;
}

/** All but `session` and `statement`; lists by what they are, not by what is in them. */
function isAlike(one: JudgedBody, other: JudgedBody): boolean {
  return (
    one.rules === other.rules &&
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
    one.sealed === other.sealed &&
    one.witness === other.witness
  );
}

function freshPieces(body: JudgedBody): JudgedPieces {
  const parameters = body.parameters === undefined ? '' : `,"parameters":${quoted(body.parameters)}`;
  const text = body.text === undefined ? '' : `,"text":${quoted(body.text)}`;
  const expected = body.expected === undefined ? '' : `,"expected":${numberText(body.expected)}`;
  const path = body.path === undefined ? '' : `,"path":${strings(body.path)}`;
  const role = body.role === undefined ? '' : `,"role":${quoted(body.role)}`;
  const sealed = body.sealed === undefined ? '' : `,"sealed":${quoted(body.sealed)}`;
  const witness = body.witness === undefined ? '' : `,"witness":"${body.witness}"`;
  const head = new Template(
    `{"actions":${strings(body.actions)},"agent":${quoted(body.agent)},"at":"`,
    lengths.at,
    '"',
  );
  const middle = new Template(
    `,"catalog":${quoted(body.catalog)},"columns":${columnsText(body.columns)},"database":${quoted(body.database)}` +
      `${expected},"kind":"judged","owner":${quoted(body.owner)}${parameters}${path},"prev":"`,
    lengths.prev,
    `"${role},"rules":${strings(body.rules)},"schema":${quoted(body.schema)}${sealed},"seq":`,
  );
  const tail = new Template(',"statement":"', lengths.statement, `"${text},"verdict":"${body.verdict}"${witness}}\n`);
  return { of: body, head, middle, tail, length: head.bytes.length + middle.bytes.length + tail.bytes.length };
}
