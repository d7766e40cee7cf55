// From a yes to what runs: the verdict as people let it pass. What they said yes to runs only if it still is what they saw, and what they
// want masked is masked. Pure.
import type { LeveledColumn, Verdict } from '../policy/verdict.ts';
import type { Terms } from './terms.ts';

type Held = Extract<Verdict, { readonly kind: 'hold' }>;

export interface Approval {
  readonly terms: Terms;
  /** People have seen how large it is, and said yes to all of it. */
  readonly whole?: true;
}

/** `standing`: the verdict of this moment on the same text. Undefined: what was approved is not what would run. */
export function asApproved(held: Held, standing: Verdict | undefined, { terms, whole }: Approval): Verdict | undefined {
  if (standing?.kind !== 'hold' || standing.catalogVersion !== held.catalogVersion) return undefined;
  if (levelsOf(standing.columns) !== levelsOf(held.columns)) return undefined;
  if (whole === true) return { ...held, rowsMax: undefined };
  if (terms.kind !== 'masked') return held;
  // A rule with hours may have spoken differently when people were asked: what cannot be masked now does not pass bare.
  const { masksOffered } = held;
  return masksOffered === undefined ? undefined : { ...held, masks: masksOffered };
}

export function levelsOf(columns: readonly LeveledColumn[]): string {
  return columns
    .map(({ column: { relation, column }, level }) => JSON.stringify([relation.schema, relation.name, column, level]))
    .sort()
    .join('\n');
}
