// Reads the parts of a message body in order and never past its end, and joins parts to messages. Every length and count comes
// from a stranger: whatever does not fit throws PROTOCOL_VIOLATION, in the words Postgres uses for the same fault.
//
// Text on the wire is in the session's encoding, which this floor does not know. So strings here are Latin-1: one character for
// each byte, nothing lost, and comparing two of them compares their bytes. `utf8Of` reads one for people.
import { ProxyError } from '../core/errors.ts';

const insufficientData = 'insufficient data left in message';
export const invalidFormat = 'invalid message format';
const invalidString = 'invalid string in message';

export function violation(words: string): ProxyError {
  return new ProxyError('PROTOCOL_VIOLATION', words);
}

export class Cursor {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(bytes: Buffer, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = Math.min(end, bytes.length);
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  /** The next `count` bytes: a view, not a copy. */
  bytes(count: number): Buffer {
    const start = this.#take(count);
    return this.#bytes.subarray(start, this.#at);
  }

  /** A string that ends with a NUL, without it: a view, not a copy. */
  cstring(): Buffer {
    // The search is bounded first: a missing NUL must not find one in the next frame of the same chunk.
    const length = this.#bytes.subarray(this.#at, this.#end).indexOf(0);
    if (length < 0) throw violation(invalidString);
    const text = this.bytes(length);
    this.#at += 1;
    return text;
  }

  latin1(): string {
    return this.cstring().toString('latin1');
  }

  /** A length and that many bytes; length -1 is SQL's NULL. */
  value(): Buffer | null {
    const length = this.int32();
    return length === -1 ? null : this.bytes(length);
  }

  /** A count and that many things; each takes at least `bytesMin`, so a lying count fails before anything is allocated for it. */
  list<T>(bytesMin: number, read: (cursor: Cursor) => T): T[] {
    const count = this.uint16();
    if (count * bytesMin > this.remaining) throw violation(insufficientData);
    const items: T[] = [];
    for (let index = 0; index < count; index += 1) items.push(read(this));
    return items;
  }

  rest(): Buffer {
    return this.bytes(this.remaining);
  }

  /** Nothing may be left: bytes behind the end are read by nobody here, but might be by somebody there. */
  end(): void {
    if (this.remaining !== 0) throw violation(invalidFormat);
  }

  #take(count: number): number {
    if (count < 0 || count > this.remaining) throw violation(insufficientData);
    const start = this.#at;
    this.#at += count;
    return start;
  }
}

/** What a Latin-1 string from the wire says, for people. Bytes that are not UTF-8 become U+FFFD. */
export function utf8Of(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}

export type Part = Buffer | readonly Part[];

export function uint8(value: number): Buffer {
  return Buffer.from([value]);
}

export function int16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(value & 0xffff);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** A NUL inside would end the string there for whoever reads it, so there may be none. */
export function cstring(text: Buffer | string): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
  if (bytes.includes(0)) throw violation('a text with a NUL inside cannot be sent');
  return Buffer.concat([bytes, nul]);
}

export const nul: Buffer = Buffer.alloc(1);

export function sized(value: Buffer | null): Part {
  return value === null ? int32(-1) : [int32(value.length), value];
}

export function counted(items: readonly Part[]): Part {
  if (items.length > 0xffff) throw violation(`${items.length} things do not fit into one message`);
  return [int16(items.length), items];
}

/** A whole frame: the type byte, the length, the body. */
export function message(type: number, ...parts: readonly Part[]): Buffer {
  return Buffer.concat([uint8(type), framed(parts)]);
}

/** A length and the body, as start-up packets are. */
export function framed(parts: readonly Part[]): Buffer {
  const body = Buffer.concat(flat(parts));
  return Buffer.concat([int32(body.length + 4), body]);
}

function flat(parts: readonly Part[], into: Buffer[] = []): Buffer[] {
  for (const part of parts) {
    if (Buffer.isBuffer(part)) into.push(part);
    else flat(part, into);
  }
  return into;
}
