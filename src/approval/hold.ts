// A hold as data: what was asked (written once), and what happened to it since (changed only by compare-and-swap). Nothing here does
// anything: moves are in hold-state.ts, words in card.ts. What is stored is JSON, so everything here is plain and readonly.
import type { HoldId, NonEmpty, UnixMillis } from '../core/brand.ts';
import type { Known } from '../core/known.ts';
import type { PasskeyProof } from '../core/passkey-proof.ts';
import type { Place } from '../core/place.ts';
import type { Asker } from '../policy/asker.ts';
import type { MaskedRead } from '../policy/masking.ts';
import type { Action, LeveledColumn, Need } from '../policy/verdict.ts';
import type { Terms } from './terms.ts';

export const holdStates = ['open', 'approved', 'denied', 'expired', 'withdrawn', 'used'] as const;
export type HoldState = (typeof holdStates)[number];

/** Why people are asked, with the line that says so. */
export interface HeldReason {
  readonly action: Action;
  readonly rule: string;
  readonly words: string;
  readonly place: Place | undefined;
  readonly columns: readonly string[];
}

export interface HeldStatement {
  /** Keyed hash of the statement's bytes, the same as in the audit record. */
  readonly hash: string;
  /** What is done, in capitals: `SELECT`, `COPY TO STDOUT`. */
  readonly command: string;
  /** The text as it was sent, decoded. Hostile: made visible before anybody looks at it. */
  readonly text: string;
  /** As approvers read it: comments out, clauses on lines, everything visible. Values shown … */
  readonly canonical: string;
  /** … or hidden, for channels outside the house. */
  readonly canonicalHidden: string;
  /** Characters left out of the middle of `canonical`. */
  readonly leftOut: number;
  readonly unreadable: boolean;
  /** The agent's own words inside the SQL; to be labelled as such. Visible already. */
  readonly comments: readonly string[];
}

/** What was asked. Written when the hold is made, never changed. */
export interface HeldFacts {
  readonly id: HoldId;
  readonly session: string;
  readonly asker: Asker;
  /** Hash over everything that the approval is for; see binding.ts. */
  readonly binding: string;
  /** Hash over what all statements of the same shape share; undefined: it has no shape that could be trusted. */
  readonly shape: string | undefined;
  readonly statement: HeldStatement;
  readonly parameters: string;
  readonly searchPath: readonly string[];
  readonly schemaVersion: string;
  readonly catalogVersion: string;
  readonly reasons: NonEmpty<HeldReason>;
  readonly columns: readonly LeveledColumn[];
  /** All columns whose values would be replaced if people chose so; empty: masking is no choice here. */
  readonly masks: readonly MaskedRead[];
  readonly needs: NonEmpty<Need>;
  readonly estimate: Known<number>;
  /** Rows of one statement that the levels let through at once. */
  readonly rowsMax: number | undefined;
  /** Words, one line for each budget that is touched: `confidential+: 120 of 500 rows used in 1d, 380 left`. */
  readonly budgets: readonly string[];
  /** Locks that the open transaction holds, as words: `public.orders (RowExclusiveLock)`. Empty outside a transaction. */
  readonly locks: Known<readonly string[]>;
  /** A narrower statement that would pass now; judged already. */
  readonly counterOffer: string | undefined;
  readonly sibling: Sibling | undefined;
  readonly askedAt: UnixMillis;
}

/** The newest approved statement of the same shape, to compare with. */
export interface Sibling {
  readonly hold: HoldId;
  readonly at: UnixMillis;
  readonly by: readonly string[];
  readonly canonical: string;
}

export interface Vote {
  /** The approver's name in approvers.yaml. */
  readonly person: string;
  readonly vote: 'approve' | 'deny';
  /** For people and the record; nothing branches on it. */
  readonly channel: string;
  readonly reason: string | undefined;
  /** Of an approval; absent: once. */
  readonly terms: Terms | undefined;
  /** Where the vote was cast: a message's address. */
  readonly link: string | undefined;
  /** Cast in the console, where people sign in; for levels that want that. */
  readonly castAt?: 'console' | undefined;
  /** What the person's authenticator signed, where a yes takes a passkey. */
  readonly passkey?: PasskeyProof | undefined;
  /** What an identity provider said at their sign-in, beside what stands in the files. */
  readonly vouched?: Vouched | undefined;
}

/** Groups that somebody is in by the word of an identity provider, and until when that word counts. */
export interface Vouched {
  readonly groups: readonly string[];
  readonly until: UnixMillis;
}

export interface CastVote extends Vote {
  readonly at: UnixMillis;
}

/** One connection that waits. It is taken out by its own proxy only: released, out of time, or gone. */
export interface Waiter {
  readonly id: string;
  readonly session: string;
  /** When its wait ends: known to peers too, should its proxy die. */
  readonly until: UnixMillis;
}

export interface Settlement {
  readonly state: 'approved' | 'denied' | 'expired' | 'withdrawn';
  readonly at: UnixMillis;
  readonly by: readonly string[];
  /** Of an approval. */
  readonly terms: Terms | undefined;
  /** Of a denial: for the agent. */
  readonly reason: string | undefined;
}

/** What happened since. The state is computed from this and the clock; see hold-state.ts. */
export interface HoldLife {
  readonly id: HoldId;
  readonly agent: string;
  readonly openUntil: UnixMillis;
  readonly grantMs: number;
  /** Who waits, and has not been told anything else. */
  readonly waiters: readonly Waiter[];
  /** Somebody's wait ran out, and was told that asking again can use a late approval. */
  readonly timedOut: boolean;
  /** In the order they were cast; the last one of each person counts. */
  readonly votes: readonly CastVote[];
  readonly settled: Settlement | undefined;
  /** Releases that this approval was used for; not those of a shape that it permitted. */
  readonly uses: number;
  /** It was used by somebody who asked again after it came too late: for nobody else any more. */
  readonly granted: boolean;
  /** How much of this stands in the audit record. What does not, has no effect yet. */
  readonly recorded: { readonly held: boolean; readonly votes: number; readonly settled: boolean };
  /** Chains of the record that have, or were about to have, steps of it. Absent: nobody said. */
  readonly chains?: readonly string[] | undefined;
}
