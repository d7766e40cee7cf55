// One value replaced by one that says less, in the type and format the client was promised. Works on the wire's bytes and knows no
// rows. Whatever has no fitting value for a style becomes NULL: that is a value of every type, and says least.
import { dateMask } from './mask-dates.ts';
import { hashMask } from './mask-hash.ts';
import { readInt, typeOids, writeInt, type MaskedColumn, type ValueMask } from './mask-types.ts';

const texts: ReadonlySet<number> = new Set([
  typeOids.text,
  typeOids.varchar,
  typeOids.bpchar,
  typeOids.name,
  typeOids.unknown,
]);

export const nullMask: ValueMask = { bytesMax: 0, write: () => -1 };

export function valueMask(column: MaskedColumn, key: Buffer | undefined): ValueMask {
  return unbounded(column, key) ?? nullMask;
}

function unbounded(column: MaskedColumn, key: Buffer | undefined): ValueMask | undefined {
  switch (column.style) {
    case 'null':
      return nullMask;
    case 'fixed':
      return fixedMask(column);
    case 'last4':
      return isText(column) ? fitted(column, last4OfText) : lastDigits(column);
    case 'email':
      return isText(column) ? fitted(column, emailShape) : undefined;
    case 'hash':
      return key && hashMask(column, key, isText(column) ? lengthMaxOf(column) : undefined);
    case 'year':
      return dateMask(column, isText(column));
  }
}

const isText = ({ typeOid }: MaskedColumn): boolean => texts.has(typeOid);

/** Characters that a value of the type may have. The masks are ASCII, so that is bytes too. */
function lengthMaxOf({ typeOid, typeModifier }: MaskedColumn): number {
  const isLimited = (typeOid === typeOids.varchar || typeOid === typeOids.bpchar) && typeModifier >= 4;
  return isLimited ? typeModifier - 4 : 63;
}

function constantMask(value: Buffer): ValueMask {
  return {
    bytesMax: value.length,
    write: (target, at) => {
      for (let index = 0; index < value.length; index += 1) target[at + index] = value[index] ?? 0;
      return value.length;
    },
  };
}

/** A mask of text that may turn out longer than the column's type allows. */
function fitted(column: MaskedColumn, mask: ValueMask): ValueMask {
  const lengthMax = lengthMaxOf(column);
  if (mask.bytesMax <= lengthMax) return mask;
  return { bytesMax: mask.bytesMax, write: (...where) => Math.min(mask.write(...where), lengthMax) };
}

const zeros = (length: number): Buffer => Buffer.alloc(length);
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Text form and binary form. NaN-free zeros; the epoch of Postgres is 2000-01-01. */
const fixedValues: ReadonlyMap<number, readonly [text: Buffer, binary: Buffer]> = new Map([
  [typeOids.bool, [latin1('f'), zeros(1)]],
  [typeOids.bytea, [latin1('\\x'), zeros(0)]],
  [typeOids.int2, [latin1('0'), zeros(2)]],
  [typeOids.int4, [latin1('0'), zeros(4)]],
  [typeOids.int8, [latin1('0'), zeros(8)]],
  [typeOids.oid, [latin1('0'), zeros(4)]],
  [typeOids.float4, [latin1('0'), zeros(4)]],
  [typeOids.float8, [latin1('0'), zeros(8)]],
  [typeOids.numeric, [latin1('0'), zeros(8)]],
  [typeOids.json, [latin1('null'), latin1('null')]],
  [typeOids.jsonb, [latin1('null'), latin1('\x01null')]],
  // Family, bits, "is cidr", length, address: inet_send.
  [typeOids.inet, [latin1('0.0.0.0'), Buffer.from([2, 32, 0, 4, 0, 0, 0, 0])]],
  [typeOids.date, [latin1('2000-01-01'), zeros(4)]],
  [typeOids.time, [latin1('00:00:00'), zeros(8)]],
  [typeOids.timetz, [latin1('00:00:00+00'), zeros(12)]],
  [typeOids.timestamp, [latin1('2000-01-01 00:00:00'), zeros(8)]],
  [typeOids.timestamptz, [latin1('2000-01-01 00:00:00+00'), zeros(8)]],
  [typeOids.uuid, [latin1('00000000-0000-0000-0000-000000000000'), zeros(16)]],
]);

function fixedMask(column: MaskedColumn): ValueMask | undefined {
  if (isText(column)) return constantMask(latin1('***').subarray(0, lengthMaxOf(column)));
  const values = fixedValues.get(column.typeOid);
  if (values === undefined) return undefined;
  return constantMask(column.format === 'text' ? values[0] : values[1]);
}

const star = 0x2a;
const at0 = 0x40;
const dot = 0x2e;

function isWordByte(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

/** Short values would show half of themselves; bytes that are not ASCII could be halves of a character. */
const last4OfText: ValueMask = {
  bytesMax: 8,
  write: (target, at, bytes, start, end) => {
    for (let index = 0; index < 4; index += 1) target[at + index] = star;
    if (end - start < 8) return 4;
    for (let from = end - 4; from < end; from += 1) if (!isWordByte(bytes[from] ?? 0)) return 4;
    for (let index = 0; index < 4; index += 1) target[at + 4 + index] = bytes[end - 4 + index] ?? 0;
    return 8;
  },
};

/** First letters and the last part of the domain, which is too common to point at anybody. */
const emailShape: ValueMask = {
  bytesMax: 24,
  write: (target, at, bytes, start, end) => {
    const sign = lastIndexOf(bytes, at0, start, end);
    if (sign <= start || sign + 1 >= end) return stars(target, at) - at;
    const domain = initial(target, at, bytes[start] ?? 0);
    target[domain] = at0;
    const to = initial(target, domain + 1, bytes[sign + 1] ?? 0);
    const lastDot = lastIndexOf(bytes, dot, sign + 1, end);
    if (lastDot < 0 || end - lastDot > 7) return to - at;
    for (let from = lastDot + 1; from < end; from += 1) if (!isWordByte(bytes[from] ?? 0)) return to - at;
    for (let from = lastDot; from < end; from += 1) target[to + from - lastDot] = bytes[from] ?? 0;
    return to + end - lastDot - at;
  },
};

function stars(target: Buffer, at: number): number {
  target[at] = target[at + 1] = target[at + 2] = star;
  return at + 3;
}

function initial(target: Buffer, at: number, byte: number): number {
  if (!isWordByte(byte)) return stars(target, at);
  target[at] = byte;
  return stars(target, at + 1);
}

function lastIndexOf(bytes: Buffer, wanted: number, start: number, end: number): number {
  for (let at = end - 1; at >= start; at -= 1) if (bytes[at] === wanted) return at;
  return -1;
}

const intBytes: ReadonlyMap<number, 2 | 4 | 8> = new Map([
  [typeOids.int2, 2],
  [typeOids.int4, 4],
  [typeOids.int8, 8],
]);

/** Numbers of eight digits and more keep their last four; others would show too much of themselves. */
function lastDigits({ typeOid, format }: MaskedColumn): ValueMask | undefined {
  const size = intBytes.get(typeOid);
  if (size === undefined) return undefined;
  return {
    bytesMax: 8,
    write: (target, at, bytes, start, end) => {
      const value = format === 'binary' ? readInt(bytes, start, end) : textInt(bytes, start, end);
      const shown = value === undefined || value < 10_000_000n ? 0 : Number(value % 10_000n);
      return format === 'binary'
        ? writeInt(target, at, BigInt(shown), size)
        : target.write(String(shown), at, 'latin1');
    },
  };
}

function textInt(bytes: Buffer, start: number, end: number): bigint | undefined {
  const text = bytes.toString('latin1', start, end);
  return /^\d{1,19}$/.test(text) ? BigInt(text) : undefined;
}
