// The shape of an audit record: facts *about* a statement, never content *from* it. No literals, parameters or rows.
// Public API: members are added, never renamed. `seq`, `prev` and `at` are put on by the log, not by the caller.
import type { NonEmpty } from '../core/brand.ts';
import type { PasskeyProof } from '../core/passkey-proof.ts';

export interface RecordedColumn {
  readonly column: string;
  readonly level: string;
}

/** Who asked, the same in every record about a session. */
export interface RecordedAsker {
  readonly session: string;
  readonly agent: string;
  readonly owner: string;
  readonly database: string;
}

interface Judged extends RecordedAsker {
  readonly kind: 'judged';
  /** Keyed hash of the statement's bytes: equal statements can be found, their text cannot be guessed. */
  readonly statement: string;
  /** The statement with every literal taken out; absent where it could not be read. */
  readonly text?: string | undefined;
  readonly parameters?: string;
  readonly verdict: 'allow' | 'hold' | 'deny';
  readonly actions: readonly string[];
  readonly columns: readonly RecordedColumn[];
  readonly rules: readonly string[];
  readonly catalog: string;
  readonly schema: string;
  /** search_path of the session, where it is not the usual `"$user", public`. What a name means depends on it. */
  readonly path?: readonly string[] | undefined;
  /** The Postgres role that it runs as. */
  readonly role?: string;
  /** Rows that the planner expected, where it was asked. */
  readonly expected?: number;
  /** The full statement, encrypted to an auditor's public key (see seal.ts); only where it was asked for. */
  readonly sealed?: string | undefined;
  /** The server was not asked what the text means: the operator does without (`witness: static`). */
  readonly witness?: 'static' | undefined;
}

interface Finished {
  readonly kind: 'finished';
  readonly session: string;
  /** `seq` of the record that let it through. */
  readonly of: number;
  readonly rows: number;
  readonly bytes: number;
  readonly ms: number;
  readonly error?: string | undefined;
}

interface Refused extends RecordedAsker {
  readonly kind: 'refused';
  readonly statement: string;
  readonly code: string;
  readonly hold?: string;
}

interface Held extends RecordedAsker {
  readonly kind: 'held';
  readonly hold: string;
  readonly statement: string;
  readonly parameters: string;
  readonly columns: readonly RecordedColumn[];
  readonly rules: NonEmpty<string>;
  readonly deadline: number;
  /** Versions that judged; where they are absent, the `judged` record before this one has them. */
  readonly catalog?: string;
  readonly schema?: string;
  /** What the agent said why. Its own words, unverified. */
  readonly reason?: string;
  /** Hash over all that an approval of it is for; signed by passkeys. */
  readonly binding?: string;
}

interface Voted {
  readonly kind: 'voted';
  readonly hold: string;
  readonly person: string;
  readonly vote: 'approve' | 'deny';
  readonly channel: string;
  readonly reason?: string;
  readonly link?: string;
  /** What this person said yes to, as words. */
  readonly terms?: string;
  /** What their authenticator signed, where a yes took a passkey. */
  readonly passkey?: PasskeyProof;
  /** Groups that an identity provider said they are in, beside the files. */
  readonly vouched?: readonly string[];
  /** Other chains that have steps of this hold, as far as the shared state knew then: where to look, no proof. */
  readonly chains?: readonly string[];
}

interface Decided {
  readonly kind: 'decided';
  readonly hold: string;
  readonly state: 'approved' | 'denied' | 'expired' | 'withdrawn';
  readonly by: readonly string[];
  readonly terms?: string;
  /** As of a vote. */
  readonly chains?: readonly string[];
}

interface Released extends RecordedAsker {
  readonly kind: 'released';
  readonly hold: string;
  readonly statement: string;
  /** Columns whose values people wanted replaced; absent: none. */
  readonly masked?: readonly string[];
  /** As of a vote. */
  readonly chains?: readonly string[];
}

/** People let an agent read more than its budget. `asked`: somebody said so, and others have to as well. */
interface ToppedUp {
  readonly kind: 'budget';
  readonly state: 'asked' | 'approved';
  readonly agent: string;
  readonly owner: string;
  readonly level: string;
  readonly per: string;
  readonly rows: number;
  readonly by: readonly string[];
  readonly channel: string;
  /** On whose card they did. */
  readonly hold?: string;
  readonly reason?: string;
}

/** Data that was let into columns of a lower level, and keeps its own there until the classification names them. */
interface CarriedData extends RecordedAsker {
  readonly kind: 'carried';
  readonly statement: string;
  /** Absent: a rule let it through. */
  readonly hold?: string;
  /** Those that took it, with the level that they have from now on. */
  readonly columns: readonly RecordedColumn[];
  readonly from: readonly string[];
}

/** A session's beginning or end. `login` with an error code is an attempt that failed. */
interface Session extends RecordedAsker {
  readonly kind: 'login' | 'logout';
  readonly address: string;
  readonly error?: string;
}

/** Something about the proxy itself: start, stop, config or classification loaded, a part lost or back, an operator's hand. */
interface Operation {
  readonly kind: 'start' | 'stop' | 'config' | 'catalog' | 'part' | 'operator';
  readonly words: string;
  /** Of the program at `start`; of the classification or of a database's schema at `catalog`. */
  readonly version?: string;
  /** SHA-256 of the file beside the log that keeps what came into force; see versions.ts. */
  readonly kept?: string;
  /** Whose schema it is; absent: the classification. */
  readonly database?: string;
}

export type AuditBody =
  Judged | Finished | Refused | Held | Voted | Decided | Released | CarriedData | ToppedUp | Session | Operation;

/** The first record of each segment: everything needed to check the segment without the ones before it. */
interface SegmentBegun {
  readonly kind: 'segment';
  readonly segment: number;
  readonly instance: string;
  /** Blocks before this segment, and the roots of the complete subtrees over them, widest first. */
  readonly blocks: number;
  readonly frontier: readonly string[];
}

/** A signing key taken into use. A later key is vouched for by the one before it: a signature over `public`. */
interface KeyTaken {
  readonly kind: 'key';
  /** PEM lines without their head and foot: the key's SPKI form in base64. */
  readonly public: string;
  readonly vouched?: string;
}

/** The log could not be written, or was found torn, and goes on. Never silent: what was cut and what may be missing stands here. */
interface Mended {
  readonly kind: 'mended';
  readonly words: string;
  /** Bytes of an unfinished line that were cut off. */
  readonly cut: number;
  /** Records that were taken while the log failed; their statements were refused. */
  readonly lost: number;
}

/** What the log writes about itself. */
export type ChainBody = SegmentBegun | KeyTaken | Mended;
export type LoggedBody = AuditBody | ChainBody;

const kinds: Readonly<Record<LoggedBody['kind'], true>> = {
  ...{ judged: true, finished: true, refused: true, held: true, voted: true, decided: true, released: true },
  ...{ budget: true, carried: true, login: true, logout: true, start: true, stop: true, config: true },
  ...{ catalog: true, part: true, operator: true, segment: true, key: true, mended: true },
};

/** For whoever asks for one of them by its name. */
export const recordKinds: readonly string[] = Object.keys(kinds);

/** What the log puts on every record. */
export interface Stamp {
  readonly seq: number;
  /** Hash of the block before; the same in all records of one block. */
  readonly prev: string;
  /** RFC 3339 in UTC with milliseconds. */
  readonly at: string;
}

export type LoggedRecord = LoggedBody & Stamp;
