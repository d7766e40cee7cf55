// What an approval permits: this once, its first rows, or every statement of the same shape for a while. What several people
// chose is narrowed to what all of them said yes to.
import type { NonEmpty } from '../core/brand.ts';

export type Terms =
  | { readonly kind: 'once' }
  /** Once, and the stream stops after so many rows. */
  | { readonly kind: 'rows'; readonly rowsMax: number }
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

/** What all of several approvals permit together: the least of each. Only where everybody chose the shape is it the shape. */
export function narrowest(chosen: NonEmpty<Terms>): Terms {
  const rows = chosen.flatMap((terms) => (terms.kind === 'once' || terms.rowsMax === undefined ? [] : [terms.rowsMax]));
  const rowsMax = rows.length === 0 ? undefined : Math.min(...rows);
  const shapes = chosen.flatMap((terms) => (terms.kind === 'shape' ? [terms] : []));
  if (shapes.length === chosen.length) {
    const forMs = Math.min(...shapes.map((shape) => shape.forMs));
    return { kind: 'shape', forMs, usesMax: Math.min(...shapes.map((shape) => shape.usesMax)), rowsMax };
  }
  return rowsMax === undefined ? once : { kind: 'rows', rowsMax };
}
