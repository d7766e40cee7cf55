// A date without its month and day: the first of January of its year. In text the form depends on DateStyle, which the session may
// change, so the form is taken from the value; a form that is not one of the known becomes NULL.
import { typeOids, type MaskedColumn, type ValueMask } from './mask-types.ts';

export function dateMask({ typeOid, format }: MaskedColumn, isText: boolean): ValueMask | undefined {
  const isDate = typeOid === typeOids.date;
  const isMoment = typeOid === typeOids.timestamp || typeOid === typeOids.timestamptz;
  if (isText) return yearOfText;
  if (!isDate && !isMoment) return undefined;
  if (format === 'text') return textDate;
  return isDate ? binaryDate : binaryMoment;
}

/** ISO, SQL (month or day first), German and Postgres's own date; a moment's time of day falls away with an ISO zone kept. */
const forms: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [/^(\d{4,7})-\d\d-\d\d( BC)?$/, ([, year, era]) => `${year}-01-01${era ?? ''}`],
  [
    /^(\d{4,7})-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?([+-]\d\d(?::\d\d){0,2})?( BC)?$/,
    ([, year, zone, era]) => `${year}-01-01 00:00:00${zone ?? ''}${era ?? ''}`,
  ],
  [/^\d\d([/.-])\d\d\1(\d{4,7})( BC)?$/, ([, mark, year, era]) => `01${mark}01${mark}${year}${era ?? ''}`],
  [
    /^\d\d([/.])\d\d\1(\d{4,7}) \d\d:\d\d:\d\d(?:\.\d+)?( [A-Za-z0-9:+-]+)?( BC)?$/,
    ([, mark, year, zone, era]) => `01${mark}01${mark}${year} 00:00:00${zone ?? ''}${era ?? ''}`,
  ],
  [/^-?infinity$/, ([whole]) => whole],
];

const textDate: ValueMask = {
  bytesMax: 64,
  write: (target, at, bytes, start, end) => {
    if (end - start > 60) return -1;
    const text = bytes.toString('latin1', start, end);
    for (const [form, masked] of forms) {
      const match = form.exec(text);
      if (match !== null) return target.write(masked(match), at, 'latin1');
    }
    return -1;
  },
};

/** A date that is kept as text: its year alone, where it begins with one. */
const yearOfText: ValueMask = {
  bytesMax: 4,
  write: (target, at, bytes, start, end) => {
    const year = bytes.toString('latin1', start, Math.min(end, start + 5));
    return target.write(/^\d{4}(?:\D|$)/.test(year) ? year.slice(0, 4) : '***', at, 4, 'latin1');
  },
};

/** Days from 1970 to 2000. */
const epochDays = 10_957;
const dayMs = 86_400_000;

/** Beyond what a JavaScript date can count (and ±infinity): the epoch, which says nothing. */
function firstOfYear(daysSince2000: number): number {
  const date = new Date((daysSince2000 + epochDays) * dayMs);
  if (Number.isNaN(date.getTime())) return 0;
  const first = new Date(0);
  first.setUTCFullYear(date.getUTCFullYear(), 0, 1);
  return Math.round(first.getTime() / dayMs) - epochDays;
}

const binaryDate: ValueMask = {
  bytesMax: 4,
  write: (target, at, bytes, start, end) => {
    if (end - start !== 4) return -1;
    target.writeInt32BE(firstOfYear(bytes.readInt32BE(start)), at);
    return 4;
  },
};

const dayMicros = 86_400_000_000n;

const binaryMoment: ValueMask = {
  bytesMax: 8,
  write: (target, at, bytes, start, end) => {
    if (end - start !== 8) return -1;
    const micros = bytes.readBigInt64BE(start);
    const days = micros / dayMicros - (micros < 0n && micros % dayMicros !== 0n ? 1n : 0n);
    target.writeBigInt64BE(BigInt(firstOfYear(Number(days))) * dayMicros, at);
    return 8;
  },
};
