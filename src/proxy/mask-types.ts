// What masks have in common: the shape of one, the types of Postgres that they know, whole numbers in binary.
import type { MaskStyle } from '../core/mask-style.ts';

/** Writes the replacement at `at` and gives its length; -1 stands for NULL. Never more than `bytesMax` bytes. */
export interface ValueMask {
  readonly bytesMax: number;
  write(target: Buffer, at: number, bytes: Buffer, start: number, end: number): number;
}

export interface MaskedColumn {
  readonly style: MaskStyle;
  /** pg_type.oid; 0 when it is not known, and then only NULL fits. */
  readonly typeOid: number;
  /** As in RowDescription: n + 4 for varchar(n), -1 for no limit. */
  readonly typeModifier: number;
  readonly format: 'text' | 'binary';
}

/** pg_type.dat: the numbers of built-in types are the same in all versions. */
export const typeOids = {
  bool: 16,
  bytea: 17,
  name: 19,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  json: 114,
  xml: 142,
  float4: 700,
  float8: 701,
  unknown: 705,
  inet: 869,
  bpchar: 1042,
  varchar: 1043,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  timetz: 1266,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
} as const;

export function readInt(bytes: Buffer, start: number, end: number): bigint | undefined {
  switch (end - start) {
    case 2:
      return BigInt(bytes.readInt16BE(start));
    case 4:
      return BigInt(bytes.readInt32BE(start));
    case 8:
      return bytes.readBigInt64BE(start);
    default:
      return undefined;
  }
}

export function writeInt(target: Buffer, at: number, value: bigint, size: 2 | 4 | 8): number {
  if (size === 8) target.writeBigInt64BE(value, at);
  else if (size === 4) target.writeInt32BE(Number(value), at);
  else target.writeInt16BE(Number(value), at);
  return size;
}
