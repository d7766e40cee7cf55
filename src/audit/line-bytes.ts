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
type Slot = keyof typeof lengths;
const hash = /^[0-9a-f]{64}$/;

/** The most that one character can become in JSON, and more than a line's digits and names take. */
const [characterBytesMax, besidesMax] = [6, 512];

export class LineBytes {
  readonly #finishedHead = new Template('{"at":"', ['at', '","bytes":']);
  readonly #finishedMiddle = new Template(',"prev":"', ['prev', '","rows":']);
  readonly #sessions = new KeptPieces();
  /** A cached verdict brings the same lists with every statement, so its pieces are kept beside them and go with them. */
  readonly #judged = new WeakMap<readonly string[], JudgedPieces>();

  #statement = '';

  /** Whether a record is one for whose texts the pieces leave just the room. */
  takes(body: LoggedBody, { at, prev }: Stamp): body is HotBody {
    if (at.length !== lengths.at || prev.length !== lengths.prev) return false;
    if (body.kind !== 'judged') return body.kind === 'finished';
    // A prepared statement brings the same hash each time.
    if (this.#statement === body.statement) return true;
    if (!hash.test(body.statement)) return false;
    this.#statement = body.statement;
    return true;
  }

  /** The most that the line may take. */
  bytesMax(body: HotBody): number {
    if (body.kind === 'finished') {
      return besidesMax + characterBytesMax * (body.session.length + (body.error?.length ?? 0));
    }
    const { head, tail } = this.#piecesOf(body);
    return besidesMax + head.bytes.length + tail.bytes.length + characterBytesMax * body.session.length;
  }

  /** Puts the line at `end`, where there is room for it; gives the new end. */
  put(body: HotBody, stamp: Stamp, out: Buffer, end: number): number {
    return body.kind === 'judged' ? this.#putJudged(body, stamp, out, end) : this.#putFinished(body, stamp, out, end);
  }

  // Members stand in the order of their names, as RFC 8785 wants them.

  #putJudged(body: JudgedBody, stamp: Stamp, out: Buffer, start: number): number {
    const { head, tail } = this.#piecesOf(body);
    head.fill('at', stamp.at);
    head.fill('prev', stamp.prev);
    tail.fill('statement', body.statement);
    let end = putPiece(out, start, head.bytes);
    end = putNumber(out, end, stamp.seq);
    end = putPiece(out, end, this.#sessions.of(body.session));
    return putPiece(out, end, tail.bytes);
  }

  #putFinished(body: FinishedBody, stamp: Stamp, out: Buffer, start: number): number {
    this.#finishedHead.fill('at', stamp.at);
    this.#finishedMiddle.fill('prev', stamp.prev);
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
    const kept = this.#judged.get(body.rules);
    if (kept !== undefined && isAlike(kept.of, body)) return kept;
    const fresh = freshPieces(body);
    this.#judged.set(body.rules, fresh);
    return fresh;
  }
}

const [kindAndMs, ofName, seqName, lineEnd] = [
  Buffer.from(',"kind":"finished","ms":'),
  Buffer.from(',"of":'),
  Buffer.from(',"seq":'),
  Buffer.from('}\n'),
];

/** Bytes with room for what differs, which is written into them anew only when it has moved. */
class Template {
  readonly bytes: Buffer;
  readonly #places: Partial<Record<Slot, { readonly at: number; text: string }>> = {};

  constructor(first: string, ...rest: readonly (readonly [slot: Slot, text: string])[]) {
    let text = Buffer.from(first);
    for (const [slot, after] of rest) {
      this.#places[slot] = { at: text.length, text: '' };
      text = Buffer.concat([text, Buffer.alloc(lengths[slot]), Buffer.from(after)]);
    }
    this.bytes = text;
  }

  /** Only what stands as it is in JSON: times and hexadecimal digits. */
  fill(slot: Slot, text: string): void {
    const place = this.#places[slot];
    if (place === undefined || place.text === text) return;
    place.text = text;
    this.bytes.write(text, place.at, 'latin1');
  }
}

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
  readonly tail: Template;
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

function freshPieces(body: JudgedBody): JudgedPieces {
  const parameters = body.parameters === undefined ? '' : `,"parameters":${quoted(body.parameters)}`;
  const text = body.text === undefined ? '' : `,"text":${quoted(body.text)}`;
  const expected = body.expected === undefined ? '' : `,"expected":${numberText(body.expected)}`;
  const path = body.path === undefined ? '' : `,"path":${strings(body.path)}`;
  const role = body.role === undefined ? '' : `,"role":${quoted(body.role)}`;
  const sealed = body.sealed === undefined ? '' : `,"sealed":${quoted(body.sealed)}`;
  return {
    of: body,
    head: new Template(
      `{"actions":${strings(body.actions)},"agent":${quoted(body.agent)},"at":"`,
      [
        'at',
        `","catalog":${quoted(body.catalog)},"columns":${columnsText(body.columns)},"database":${quoted(body.database)}` +
          `${expected},"kind":"judged","owner":${quoted(body.owner)}${parameters}${path},"prev":"`,
      ],
      ['prev', `"${role},"rules":${strings(body.rules)},"schema":${quoted(body.schema)}${sealed},"seq":`],
    ),
    tail: new Template(',"statement":"', ['statement', `"${text},"verdict":"${body.verdict}"}\n`]),
  };
}
