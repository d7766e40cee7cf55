// The port of everything that shows holds to people: Slack, Teams, the console, the API, the terminal. A channel carries words and
// votes; it decides nothing. It gets every hold whenever something about it changes, from whichever proxy, and must be ready to get the
// same twice: what it shows is made from the view alone, never from what it showed before.
import type { HoldId } from '../core/brand.ts';
import type { HoldState, Vote } from './hold.ts';
import type { HoldView } from './view.ts';

export interface HoldFilter {
  /** Absent: all, newest first. */
  readonly state?: HoldState;
  readonly agent?: string;
  readonly limit?: number;
}

export type VoteResult =
  | { readonly kind: 'counted'; readonly hold: HoldView }
  /** Nobody's approver here, or the owner of the agent; the words say which. */
  | { readonly kind: 'forbidden'; readonly words: string }
  | { readonly kind: 'notFound' }
  /** With the hold as it is, so that the voter sees who was faster. */
  | { readonly kind: 'settled'; readonly hold: HoldView }
  /** A denial without a reason, terms that this hold does not offer. */
  | { readonly kind: 'invalid'; readonly words: string };

/** The side of the desk that channels see. Every method but `watch` throws UNAVAILABLE when state or record is away. */
export interface HoldBook {
  vote(id: HoldId, vote: Vote): Promise<VoteResult>;
  find(id: HoldId): Promise<HoldView | undefined>;
  list(filter?: HoldFilter): Promise<readonly HoldView[]>;
  /** Called in a later turn, never inside a vote. A wake-up of a peer may be lost: what is open is looked through from time to time. */
  watch(each: (hold: HoldView) => void): () => void;
}
