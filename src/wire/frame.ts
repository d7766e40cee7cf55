// Cuts a stream of bytes into protocol frames (one type byte, four bytes of length, the body), wherever the chunks were split.
// Knows nothing of what is in a frame. Nothing is copied unless a frame was split; large rows are handed on in parts.
import { ProxyError } from '../core/errors.ts';

export const headerBytes = 5;
/** Of the length field, which counts itself. */
const lengthBytes = 4;

/** Where frames go. `bytes.subarray(start, end)` is the whole frame with its header; it is only valid during the call. */
export interface FrameOut {
  frame(type: number, bytes: Buffer, start: number, end: number): void;
  /** A piece of a frame that is passed on as it arrives. Called only for types that `streams` names. */
  part(type: number, bytes: Buffer, start: number, end: number, place: 'first' | 'middle' | 'last'): void;
  /** `count` whole frames of one type, side by side. Called only for types that `together` names. */
  several?(type: number, bytes: Buffer, start: number, end: number, count: number): void;
}

export interface FrameRules {
  /** Frames of these types may be handed on in parts, so that a row of a gigabyte is never in memory. */
  readonly streams: (type: number) => boolean;
  /** The most bytes of a frame's length field, by its type. */
  readonly lengthMax: (type: number) => number;
  /** Neighbours of these types may be handed on at once: nobody looks at them one by one now. */
  readonly together?: (type: number) => boolean;
}

export class FrameReader {
  readonly #rules: FrameRules;
  /** Pieces of a frame whose end has not come yet. A list, because joining at every chunk would be quadratic. */
  #pieces: Buffer[] = [];
  #piecesBytes = 0;
  /** Bytes of the frame being collected, header included; 0 while the header itself is not whole. */
  #wanted = 0;
  /** Bytes still to come of a frame that is handed on in parts. */
  #streaming = 0;
  #streamingType = 0;

  constructor(rules: FrameRules) {
    this.#rules = rules;
  }

  /** Bytes kept back because their frame is not whole yet. */
  get buffered(): number {
    return this.#piecesBytes;
  }

  push(chunk: Buffer, out: FrameOut): void {
    const size = chunk.length;
    let at = this.#streaming > 0 ? this.#streamOn(chunk, 0, out) : 0;
    while (this.#piecesBytes > 0 && at < size) at = this.#complete(chunk, at, out);
    while (size - at >= headerBytes) {
      const type = chunk[at] ?? 0;
      if (this.#rules.together?.(type) === true && out.several !== undefined) {
        const next = this.#several(type, chunk, at, out);
        if (next > at) {
          at = next;
          continue;
        }
      }
      const end = at + 1 + this.#checkedLength(type, chunk, at);
      if (end > size) {
        if (!this.#rules.streams(type)) {
          this.#wanted = end - at;
          break;
        }
        this.#streaming = end - size;
        this.#streamingType = type;
        out.part(type, chunk, at, size, 'first');
        return;
      }
      out.frame(type, chunk, at, end);
      at = end;
    }
    if (at < size) this.#keep(chunk.subarray(at));
  }

  /** Where the last whole one of them ends in this chunk; `from` where not even one is whole. */
  #several(type: number, chunk: Buffer, from: number, out: FrameOut): number {
    const size = chunk.length;
    const max = this.#rules.lengthMax(type);
    let [at, count] = [from, 0];
    while (size - at >= headerBytes && chunk[at] === type) {
      const length = lengthAt(chunk, at);
      // Said in words by who takes frames one by one.
      if (length < lengthBytes || length > max || at + 1 + length > size) break;
      at += 1 + length;
      count += 1;
    }
    if (count > 0) out.several?.(type, chunk, from, at, count);
    return at;
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#piecesBytes += piece.length;
  }

  #drop(): void {
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#wanted = 0;
  }

  /** Hands on what belongs to the frame under way; says where the next frame begins. */
  #streamOn(chunk: Buffer, from: number, out: FrameOut): number {
    const end = Math.min(from + this.#streaming, chunk.length);
    this.#streaming -= end - from;
    out.part(this.#streamingType, chunk, from, end, this.#streaming === 0 ? 'last' : 'middle');
    return end;
  }

  /** Adds to the frame that is being collected and hands it on when it is whole; says where to go on in the chunk. */
  #complete(chunk: Buffer, from: number, out: FrameOut): number {
    if (this.#wanted === 0) return this.#completeHeader(chunk, from, out);
    const end = Math.min(chunk.length, from + this.#wanted - this.#piecesBytes);
    this.#keep(chunk.subarray(from, end));
    if (this.#piecesBytes === this.#wanted) this.#handOn(out);
    return end;
  }

  #completeHeader(chunk: Buffer, from: number, out: FrameOut): number {
    const end = Math.min(chunk.length, from + headerBytes - this.#piecesBytes);
    this.#keep(chunk.subarray(from, end));
    if (this.#piecesBytes < headerBytes) return end;
    const header = Buffer.concat(this.#pieces, headerBytes);
    const type = header[0] ?? 0;
    const wanted = 1 + this.#checkedLength(type, header, 0);
    this.#drop();
    if (this.#rules.streams(type) && wanted > headerBytes) {
      this.#streaming = wanted - headerBytes;
      this.#streamingType = type;
      out.part(type, header, 0, headerBytes, 'first');
      return end < chunk.length ? this.#streamOn(chunk, end, out) : end;
    }
    this.#keep(header);
    this.#wanted = wanted;
    if (wanted === headerBytes) this.#handOn(out);
    return end;
  }

  #handOn(out: FrameOut): void {
    const whole = Buffer.concat(this.#pieces, this.#piecesBytes);
    this.#drop();
    out.frame(whole[0] ?? 0, whole, 0, whole.length);
  }

  #checkedLength(type: number, bytes: Buffer, at: number): number {
    const length = lengthAt(bytes, at);
    if (length < lengthBytes)
      throw new ProxyError('PROTOCOL_VIOLATION', 'a message says that it is shorter than its own length field');
    const max = this.#rules.lengthMax(type);
    if (length > max) {
      throw new ProxyError('MESSAGE_TOO_LARGE', `a message of ${length} bytes is over the limit of ${max} bytes`, {
        hint: 'Send it in smaller pieces, or raise limits.message.',
      });
    }
    return length;
  }
}

/** Of a frame whose header is whole. Read by hand: a million rows ask for it a million times. */
function lengthAt(bytes: Buffer, at: number): number {
  const [a, b, c, d] = [bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0, bytes[at + 4] ?? 0];
  return a * 0x1000000 + ((b << 16) | (c << 8) | d);
}
