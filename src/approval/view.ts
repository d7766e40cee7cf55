// A hold as everybody sees it who has to do with it: card, console, API, terminal, the agent's own notice. Everything is in it, with
// the state computed and the people by name; channels only lay it out.
import type { HoldId, NonEmpty, UnixMillis } from '../core/brand.ts';
import type { Known } from '../core/known.ts';
import type { MaskStyle } from '../core/mask-style.ts';
import type { PasskeyProof } from '../core/passkey-proof.ts';
import type { Place } from '../core/place.ts';
import type { Action } from '../policy/verdict.ts';
import type { HeldReason, HoldState, Settlement, Sibling } from './hold.ts';
import type { StepUpNeed } from './step-up.ts';
import type { Terms } from './terms.ts';

export interface ViewColumn {
  /** As in SQL: `public.customers.email`; `public.customers.*` for the rows as a whole. Visible already. */
  readonly column: string;
  /** Relation and column apart, for grouping by table. */
  readonly table: string;
  readonly name: string;
  readonly level: string;
  /** Rank of the level, 0 the least sensitive; -1 when the level is gone from the files. */
  readonly rank: number;
  readonly category: string | undefined;
  readonly uses: readonly string[];
  readonly place: Place | undefined;
  readonly owner: string | undefined;
}

export interface ViewPerson {
  readonly name: string;
  readonly email: string | undefined;
  readonly slack: string | undefined;
}

export interface ViewMask {
  /** As in SQL. Visible already. */
  readonly column: string;
  readonly style: MaskStyle;
}

/** One question to some groups: who may answer, who has. */
export interface ViewNeed {
  readonly groups: NonEmpty<string>;
  readonly quorum: number;
  /** May approve it now: in the groups, and not the agent's owner. */
  readonly approvers: readonly ViewPerson[];
  /** Have approved it, by name. */
  readonly approvedBy: readonly string[];
  readonly met: boolean;
  /** Too few people could ever approve it. */
  readonly unreachable: boolean;
}

export interface ViewVote {
  readonly person: string;
  readonly vote: 'approve' | 'deny';
  readonly channel: string;
  readonly at: UnixMillis;
  readonly reason: string | undefined;
  readonly terms: Terms | undefined;
  readonly link: string | undefined;
  /** What their authenticator signed, where a yes took a passkey. */
  readonly passkey?: PasskeyProof | undefined;
  /** Still an approver of this, by the files in force. */
  readonly counts: boolean;
}

export interface HoldView {
  readonly id: HoldId;
  readonly state: HoldState;
  /** Approved, never used, and the time for using it is over. */
  readonly lapsed: boolean;
  readonly agent: string;
  readonly owner: string;
  readonly database: string;
  readonly role: string;
  readonly session: string;
  readonly applicationName: string;
  readonly clientAddress: string;
  /** The agent's own words, unverified; visible, bounded. */
  readonly agentReason: string | undefined;
  readonly command: string;
  readonly actions: NonEmpty<Action>;
  readonly sql: {
    readonly canonical: string;
    readonly canonicalHidden: string;
    readonly leftOut: number;
    readonly unreadable: boolean;
    /** As sent, every character visible, not cut. */
    readonly raw: string;
    /** The highest `$n` in it: values that the agent binds apart from the text, and that nobody is shown. 0: none. */
    readonly parameters: number;
    /** The agent's own words inside the SQL. */
    readonly comments: readonly string[];
    readonly hash: string;
  };
  /** Hash over everything that an approval is for; see binding.ts. */
  readonly binding: string;
  readonly searchPath: readonly string[];
  readonly schemaVersion: string;
  readonly catalogVersion: string;
  readonly columns: readonly ViewColumn[];
  /** What would be shown masked, if people chose so; empty: no choice here. */
  readonly masks: readonly ViewMask[];
  readonly reasons: NonEmpty<HeldReason>;
  readonly needs: NonEmpty<ViewNeed>;
  readonly estimate: Known<number>;
  readonly rowsMax: number | undefined;
  readonly budgets: readonly string[];
  readonly transactionOpen: boolean;
  readonly locks: Known<readonly string[]>;
  readonly counterOffer: string | undefined;
  readonly sibling: Sibling | undefined;
  readonly votes: readonly ViewVote[];
  readonly settled: Settlement | undefined;
  /** What a yes takes, by the files in force. */
  readonly stepUp: StepUpNeed;
  /** What an approver may choose here, `once` first. */
  readonly offers: NonEmpty<Terms['kind']>;
  readonly askedAt: UnixMillis;
  /** The last of the connections that wait now gives up then; undefined: none waits. */
  readonly waitUntil: UnixMillis | undefined;
  readonly waiting: number;
  /** Without a decision by then, it has expired. */
  readonly openUntil: UnixMillis;
  /** An approval that came too late for the wire can be used until then. */
  readonly grantUntil: UnixMillis | undefined;
  /** How long such an approval would stay good. */
  readonly grantMs: number;
  /** Releases so far. */
  readonly uses: number;
}
