// What judging gives: allow, hold or deny, each with every reason. Types and the order of strictness; no rules here.
import type { NonEmpty } from '../core/brand.ts';
import type { Place } from '../core/place.ts';
import type { Origin } from './floors.ts';
import type { Carried } from './flows.ts';
import type { MaskedRead } from './masking.ts';
import type { ColumnName, ColumnUse } from '../sql/analysis.ts';

export type VerdictKind = 'allow' | 'hold' | 'deny';

/** What is being done, in the words of the contract's table. A statement can be several at once. */
export const policyActions = [
  'read',
  'large',
  'write',
  'export',
  'destructive',
  'schema',
  'privilege',
  'session',
  'transaction',
  'maintenance',
  'escape',
  'notKnown',
] as const;
export type Action = (typeof policyActions)[number];

/**
 * A column with the level that was found for it, and where that is written. The column `*` is the relation itself: that its rows
 * are there, or all of them.
 */
export interface LeveledColumn {
  readonly column: ColumnName;
  readonly level: string;
  readonly category: string | undefined;
  readonly uses: readonly ColumnUse[];
  /** The line that gave the level: an entry, a pattern, a default. */
  readonly place: Place | undefined;
  /** Owner group from the column, else its table, else its file. */
  readonly owner: string | undefined;
  /** The level is that of data which was carried into the column; absent: of the files. */
  readonly origin?: Origin;
}

export interface Reason {
  readonly verdict: VerdictKind;
  readonly action: Action;
  /** The rule's name: a policy rule, `level restricted`, `no policy: destructive`. */
  readonly rule: string;
  readonly place: Place | undefined;
  /** One sentence for people. */
  readonly words: string;
  readonly columns: readonly LeveledColumn[];
}

/** Who has to say yes: `quorum` distinct people out of any of the groups, one such need per level or owner that is touched. */
export interface Need {
  readonly groups: NonEmpty<string>;
  readonly quorum: number;
}

interface Judged {
  readonly reasons: readonly Reason[];
  readonly columns: readonly LeveledColumn[];
  /** Hash of catalog and policy that judged. */
  readonly catalogVersion: string;
  /** The verdict may differ after this moment (an hours condition); undefined: it depends on no clock. */
  readonly validUntil: number | undefined;
  /** Rows of one statement above which the stream pauses; undefined: no bound. */
  readonly rowsMax: number | undefined;
  /** Data that it takes into columns of a lower level, which keeps its level there; absent: none. */
  readonly carried?: readonly Carried[];
  /** Columns of which only a likeness is shown; absent: none. */
  readonly masks?: readonly MaskedRead[];
  /** Of a hold: all that people may want masked instead of shown, with what is masked anyway; absent: masking would not be enough. */
  readonly masksOffered?: readonly MaskedRead[];
}

export type Verdict =
  | (Judged & { readonly kind: 'allow' })
  | (Judged & { readonly kind: 'hold'; readonly reasons: NonEmpty<Reason>; readonly needs: NonEmpty<Need> })
  | (Judged & { readonly kind: 'deny'; readonly reasons: NonEmpty<Reason> });

const strictness: Readonly<Record<VerdictKind, number>> = { allow: 0, hold: 1, deny: 2 };

export function stricter(a: VerdictKind, b: VerdictKind): VerdictKind {
  return strictness[a] >= strictness[b] ? a : b;
}
