// What an approval permits: this once, its first rows, this once masked, or every statement of the same shape for a while. What several people
// chose is narrowed to what all of them said yes to.
import type { NonEmpty } from '../core/brand.ts';
import { assertNever } from '../core/exhaustive.ts';

export type Terms =
  | { readonly kind: 'once' }
  /** Once, and the stream stops after so many rows. */
  | { readonly kind: 'rows'; readonly rowsMax: number }
  /** Once, with likenesses in place of the values that were asked for. */
  | { readonly kind: 'masked'; readonly rowsMax: number | undefined }
  /** The waiting statement now; then the same shape with any values, so often, for so long, so many rows each. */
  | {
      readonly kind: 'shape';
      readonly forMs: number;
      readonly usesMax: number;
      readonly rowsMax: number | undefined;
    };

export const once: Terms = { kind: 'once' };

export const termsLimits = {
  rowsMax: 1_000_000_000,
  usesMax: 100_000,
  forMsMin: 1_000,
  forMsMax: 30 * 24 * 60 * 60 * 1000,
} as const;

/**
 * What all of several approvals permit together: the least of each. Only where everybody chose the shape is it the shape, and what one of
 * them wants masked is masked for all.
 */
export function narrowest(chosen: NonEmpty<Terms>): Terms {
  const rows = chosen.flatMap((terms) => (terms.kind === 'once' || terms.rowsMax === undefined ? [] : [terms.rowsMax]));
  const rowsMax = rows.length === 0 ? undefined : Math.min(...rows);
  const shapes = chosen.flatMap((terms) => (terms.kind === 'shape' ? [terms] : []));
  if (shapes.length === chosen.length) {
    const forMs = Math.min(...shapes.map((shape) => shape.forMs));
    return { kind: 'shape', forMs, usesMax: Math.min(...shapes.map((shape) => shape.usesMax)), rowsMax };
  }
  if (chosen.some(({ kind }) => kind === 'masked')) return { kind: 'masked', rowsMax };
  return rowsMax === undefined ? once : { kind: 'rows', rowsMax };
}

/** As part of a sentence, the same on every surface and in the record: `approved ‹once›`. */
export function termsText(terms: Terms): string {
  switch (terms.kind) {
    case 'once':
      return 'once';
    case 'rows':
      return `once, the first ${countText(terms.rowsMax, 'row')}`;
    case 'masked':
      return `once, masked${terms.rowsMax === undefined ? '' : `, the first ${countText(terms.rowsMax, 'row')}`}`;
    case 'shape': {
      const rows = terms.rowsMax === undefined ? '' : `, at most ${countText(terms.rowsMax, 'row')} each`;
      const often = countText(terms.usesMax, 'time');
      return `once now, then this shape with any values up to ${often} within ${spokenText(terms.forMs)}${rows}`;
    }
    default:
      return assertNever(terms);
  }
}

/** `60 s`, `15 min`, `2 h`, `7 d`: exact, in the largest unit that is, though up to two minutes in seconds. */
export function spokenText(ms: number): string {
  const fitting = spokenUnits.find(([size]) => ms % size === 0 && ms >= size && (size > 60_000 || ms > 120_000));
  const [size, unit] = fitting ?? [1000, 's'];
  return `${Math.round(ms / size)} ${unit}`;
}

const spokenUnits: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
];

/** `1 row`, `1,200 rows` */
export function countText(count: number, thing: string): string {
  return `${count.toLocaleString('en-US')} ${thing}${count === 1 ? '' : 's'}`;
}

/** What is wrong with terms that somebody chose; undefined: nothing. */
export function termsTrouble(terms: Terms, offers: readonly Terms['kind'][]): string | undefined {
  if (!offers.includes(terms.kind)) return `this hold can be approved ${offers.join(' or ')}, not for ${terms.kind}`;
  if (terms.kind === 'once') return undefined;
  const { rowsMax } = terms;
  if (rowsMax !== undefined && !isCount(rowsMax, termsLimits.rowsMax)) return 'the number of rows must be 1 or more';
  if (terms.kind !== 'shape') return undefined;
  if (!isCount(terms.usesMax, termsLimits.usesMax)) return `the number of uses must be 1 to ${termsLimits.usesMax}`;
  const { forMsMin, forMsMax } = termsLimits;
  const fits = Number.isSafeInteger(terms.forMs) && terms.forMs >= forMsMin && terms.forMs <= forMsMax;
  return fits ? undefined : 'the time must be from one second to 30 days';
}

const isCount = (value: number, max: number): boolean => Number.isSafeInteger(value) && value >= 1 && value <= max;
