// Equal values stay equal and join, and nobody without the key can try out what they were. SHA-256 over key and value, cut to half:
// what is cut off cannot be extended, and one call of it costs a third of an HMAC's two.
import { hash } from 'node:crypto';
import { readInt, typeOids, writeInt, type MaskedColumn, type ValueMask } from './mask-types.ts';

const maskKeyBytes = 32;

/** `textMax`: the most characters where the column is text. */
export function hashMask(column: MaskedColumn, key: Buffer, textMax: number | undefined): ValueMask | undefined {
  if (key.length !== maskKeyBytes) throw new Error('a mask key has 32 bytes');
  const digest = digester(key);
  if (textMax !== undefined) return textHash(digest, textMax);
  switch (column.typeOid) {
    case typeOids.int2:
      return intHash(digest, column, 2);
    case typeOids.int4:
      return intHash(digest, column, 4);
    case typeOids.int8:
      return intHash(digest, column, 8);
    case typeOids.uuid:
      return uuidHash(digest, column);
    default:
      return undefined;
  }
}

type Digest = (bytes: Buffer, start: number, end: number) => string;

/** In hex: the only form that `hash` gives without making an object. */
function digester(key: Buffer): Digest {
  let room = Buffer.concat([key, Buffer.alloc(512)]);
  return (bytes, start, end) => {
    const size = maskKeyBytes + end - start;
    if (size > room.length) room = Buffer.concat([key, Buffer.alloc(2 * size)]);
    bytes.copy(room, maskKeyBytes, start, end);
    return hash('sha256', room.subarray(0, size), 'hex').slice(0, 32);
  };
}

function textHash(digest: Digest, textMax: number): ValueMask {
  const length = Math.min(18, textMax);
  return {
    bytesMax: length,
    write: (target, at, bytes, start, end) => target.write(`h_${digest(bytes, start, end)}`, at, length, 'latin1'),
  };
}

/** A number is hashed in its text form, so that text and binary clients see the same one. */
function intHash(digest: Digest, { format }: MaskedColumn, size: 2 | 4 | 8): ValueMask {
  const scratch = Buffer.alloc(24);
  const bits = BigInt(size * 8 - 1);
  return {
    bytesMax: 20,
    write: (target, at, bytes, start, end) => {
      const isText = format === 'text';
      const length = isText ? 0 : scratch.write(String(readInt(bytes, start, end) ?? ''), 'latin1');
      const hex = isText ? digest(bytes, start, end) : digest(scratch, 0, length);
      const value = BigInt.asUintN(Number(bits), BigInt(`0x${hex.slice(0, 16)}`));
      return isText ? target.write(String(value), at, 'latin1') : writeInt(target, at, value, size);
    },
  };
}

/** Version 8 of RFC 9562, "custom": its version digit says that it is nobody's real one. */
function uuidHash(digest: Digest, { format }: MaskedColumn): ValueMask {
  const scratch = Buffer.alloc(36);
  return {
    bytesMax: 36,
    write: (target, at, bytes, start, end) => {
      if (format === 'binary') scratch.write(dashed(bytes.toString('hex', start, end)), 'latin1');
      const hex = format === 'binary' ? digest(scratch, 0, 36) : digest(bytes, start, end);
      const own = `${hex.slice(0, 12)}8${hex.slice(13, 16)}8${hex.slice(17)}`;
      return format === 'binary' ? target.write(own, at, 'hex') : target.write(dashed(own), at, 'latin1');
    },
  };
}

function dashed(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
