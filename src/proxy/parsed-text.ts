// What a Parse brings behind its name: the text and the types of its parameters. An agent that prepares nothing sends the same Parse before
// each execution; then what was read of the last one stands, and with it what is kept beside it: its hash, and what it touches.
import { isSame, typesAt } from './request-bytes.ts';
import type { PreparedText } from './statement-book.ts';

/** A longer one is read anew each time, so that a session that does nothing holds little. */
const keptBytesMax = 4096;
const nothing = Buffer.alloc(0);

export class ParsedText {
  /** What the last one was read from; no Parse is empty. */
  #bytes = nothing;
  #text: PreparedText | undefined;

  /** Undefined: the message is not as long as it says. */
  of(bytes: Buffer, start: number, end: number): PreparedText | undefined {
    if (isSame(this.#bytes, bytes, start, end)) return this.#text;
    // A copy: the chunk that the frame came in would stay in memory with it.
    const own = Buffer.from(bytes.subarray(start, end));
    const text = textIn(own);
    const isKept = own.length <= keptBytesMax;
    this.#bytes = isKept ? own : nothing;
    this.#text = isKept ? text : undefined;
    return text;
  }
}

function textIn(bytes: Buffer): PreparedText | undefined {
  const sqlEnd = bytes.indexOf(0);
  const types = sqlEnd < 0 ? undefined : typesAt(bytes, sqlEnd + 1, bytes.length);
  if (types === undefined) return undefined;
  const sql = bytes.subarray(0, sqlEnd);
  const typesKey = types.some((oid) => oid !== 0) ? `(${types.join()})` : '';
  return { sql, types, typesKey, kept: { of: sql, reading: undefined, hash: undefined } };
}
