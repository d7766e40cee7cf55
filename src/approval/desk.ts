// The approval desk as the gate sees it: a statement that must be held comes in, an answer comes out.
import type { SessionId, UnixMillis } from '../core/brand.ts';
import type { ProxyError } from '../core/errors.ts';
import type { Known } from '../core/known.ts';
import type { Receipt } from '../audit/receipt.ts';
import type { Asker } from '../policy/asker.ts';
import type { Verdict } from '../policy/verdict.ts';
import type { HoldBook } from './channel.ts';
import type { Terms } from './terms.ts';
import type { HoldView } from './view.ts';

/** What the gate knows when a verdict says hold. */
export interface HoldRequest {
  readonly session: SessionId;
  readonly asker: Asker;
  readonly verdict: Extract<Verdict, { readonly kind: 'hold' }>;
  readonly statement: {
    /** Keyed hash of the bytes, as in the audit record. */
    readonly hash: string;
    /** Decoded by the session's encoding. */
    readonly text: string;
    readonly command: string;
  };
  /** Keyed hash of what Bind carries (formats and values); '' without parameters. */
  readonly parameters: string;
  /** Keyed hash of statement and parameters that every proxy on the same state makes alike; undefined: there is only this one. */
  readonly inHouse?: string | undefined;
  readonly searchPath: readonly string[];
  readonly schemaVersion: string;
  /** What else the meaning depends on: temporary objects, settings, statements before it in the same query. */
  readonly sessionFacts?: readonly string[];
  /** The statement with its literals out, when equal keys mean the same statement but for values; undefined: no shape is offered. */
  readonly shape: string | undefined;
  readonly estimate: Known<number>;
  /** Locks that the session's transaction holds, in words; known and empty outside of one. */
  readonly locks: Known<readonly string[]>;
  readonly budgets?: readonly string[];
  readonly counterOffer: string | undefined;
  /** What let the cursor be declared that this reads from; see cursors.ts. */
  readonly follows?: Extract<Answer, { readonly kind: 'released' }> | undefined;
  /** A piece of something that is decided as a whole; see units.ts. */
  readonly unit?: HoldUnit;
}

export interface HoldUnit {
  /** One for all pieces. What was permitted goes with it. */
  readonly key: object;
  readonly part: string;
  /** What people are asked about, and the pieces that it covers; undefined: this piece has to be asked about by itself. */
  readonly whole: () => Promise<{ readonly request: HoldRequest; readonly pieces: readonly string[] } | undefined>;
}

export interface Desk extends HoldBook {
  /**
   * Durable before it resolves. Throws HOLD_LIMIT, HOLD_REFUSED or UNAVAILABLE. The same thing asked by several connections joins one
   * hold; an approval that came too late for the wire, or one of this shape, answers at once.
   */
  ask(request: HoldRequest, withdrawn: AbortSignal): Promise<Waiting>;
  /** No more is asked, what waits is answered `withdrawn` without touching the holds: peers or a retry go on with them. */
  stop(): Promise<void>;
}

/** The same desk, but for what asking does first. */
export function deskThatAsks(desk: Desk, ask: Desk['ask']): Desk {
  return {
    ask,
    vote: (id, vote) => desk.vote(id, vote),
    find: (id) => desk.find(id),
    list: (filter) => desk.list(filter),
    watch: (each) => desk.watch(each),
    stop: () => desk.stop(),
  };
}

export interface Waiting {
  readonly hold: HoldView;
  /** When this wait ends without an answer of people; in the past when `answer` is there already. */
  readonly until: UnixMillis;
  /** Never rejects. */
  readonly answer: Promise<Answer>;
}

export type Answer =
  /** The receipt is of the durable `released` record. */
  | {
      readonly kind: 'released';
      readonly receipt: Receipt;
      readonly terms: Terms;
      readonly by: readonly string[];
      readonly hold: HoldView;
      /** All rows of it, however many there are. */
      readonly whole?: true;
    }
  | { readonly kind: 'denied'; readonly by: readonly string[]; readonly reason: string; readonly hold: HoldView }
  /** Nobody decided while it waited. The hold may be open still (`hold.openUntil`): a retry can use a late approval. */
  | { readonly kind: 'expired'; readonly hold: HoldView }
  | { readonly kind: 'withdrawn'; readonly hold: HoldView }
  /** State or record failed at the last step: nothing was released. */
  | { readonly kind: 'unavailable'; readonly error: ProxyError; readonly hold: HoldView };
