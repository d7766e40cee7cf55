// What goes through the hallway: an execution on its way in, its outcome on the way out, and what is written about both. Data and small
// functions only, so that `gate.ts` reads as the order of rooms.
import { isUtf8 } from 'node:buffer';
import type { SessionId, UnixMillis } from './core/brand.ts';
import { ProxyError } from './core/errors.ts';
import { known, type Known } from './core/known.ts';
import type { Desk, HoldRequest } from './approval/desk.ts';
import type { Released } from './approval/cursors.ts';
import type { Terms } from './approval/terms.ts';
import type { HoldView } from './approval/view.ts';
import type { Recorder } from './audit/recorder.ts';
import type { Shipment, Shipped } from './policy/lineage.ts';
import { columnText, recordedVerdict, type RecordedVerdict } from './audit/bodies.ts';
import type { AuditBody } from './audit/record.ts';
import type { Asker } from './policy/asker.ts';
import type { Judging } from './policy/judging.ts';
import type { Offers } from './policy/offers.ts';
import type { RelationName } from './sql/analysis.ts';
import type { Verdict } from './policy/verdict.ts';
import { rowsExpected } from './sql/estimated.ts';
import type { Reader } from './sql/reader.ts';
import type { ReadRequest, ReadText } from './sql/reading.ts';

/** What is about to run: SQL as it stood at Bind (or in a Query), with its parameters, in one session's state. Not to be spread: its members may be getters. */
export interface Execution extends ReadRequest {
  readonly id: SessionId;
  readonly protocol: 'simple' | 'extended';
  readonly reader: Reader;
  /** Who asks, in the state that the session has once the text was read. */
  readonly asker: (reason?: string) => Asker;
  /** What Bind carries behind the names: formats and values. Part of what an approval binds to. */
  readonly parameters: Buffer | undefined;
  /** Aborted when the agent cancels, leaves, or the session ends while people are still asked. */
  readonly withdrawn: () => AbortSignal;
  /** Says that people are asked, now and from time to time, until the returned function is called. */
  readonly tellHeld: (hold: HoldView, until: UnixMillis) => () => void;
  /** Where the session reads as a dump does. */
  readonly dump?: (() => DumpShape | undefined) | undefined;
  readonly dumpFacts?: ((oids: readonly number[]) => Promise<Known<DumpFacts>>) | undefined;
  /** What let the cursor be declared that this text reads from, and nothing else; undefined: nobody was asked, or it is no such text. */
  readonly follows?: ((text: ReadText) => Released | undefined) | undefined;
  /** Definitions of others that were over when it came; absent: nobody knows which. */
  readonly definedBefore?: number | undefined;
  /** Locks that the open transaction holds. */
  readonly locks: (text: ReadText) => Promise<Known<readonly string[]>>;
}

export interface DumpShape {
  /** The same for all sessions that share it. */
  readonly key: object;
  readonly id: string;
  readonly tables: readonly RelationName[];
}

export interface DumpFacts {
  /** One snapshot for the whole transaction, which changes nothing. */
  readonly isSnapshot: boolean;
  /** By oid; rows below 0: never analysed. */
  readonly sizes: ReadonlyMap<number, { readonly rows: number; readonly bytes: number }>;
}

/** What came of it, for the record. */
export interface Outcome {
  readonly rows: number;
  readonly bytes: number;
  readonly ms: number;
  readonly error: string | undefined;
}

/** Keyed hashes: equal texts can be found in the record, nothing can be guessed from it. */
export interface Hashes {
  readonly ofStatement: (sql: Buffer) => string;
  readonly ofBytes: (bytes: Buffer) => string;
  /** By a key of all proxies that share their state: the others are by the key of this one's record. */
  readonly inHouse?: (bytes: Buffer) => Promise<string>;
  /** The statement encrypted to the auditor's key; undefined: nobody asked to keep statements. */
  readonly seal: (sql: Buffer) => string | undefined;
}

/** What becomes of an execution at the hallway's end. */
export type AdmissionOf<Leave> =
  /** `text` undefined: the server refuses it for sure, and says so itself. `terms`: what people said yes to. */
  | {
      readonly kind: 'pass';
      readonly permit: Leave;
      readonly text: ReadText | undefined;
      readonly verdict: Verdict | undefined;
      readonly terms: Terms | undefined;
      /** Whose yes it was; undefined: nobody was asked. */
      readonly by?: Released | undefined;
      readonly shipped?: Shipped;
    }
  | { readonly kind: 'refuse'; readonly error: ProxyError }
  /** The server has refused it already, in this frame. */
  | { readonly kind: 'answered'; readonly frame: Buffer }
  /** An earlier error of the same batch throws it away. */
  | { readonly kind: 'skipped' };

/** What is expected to fail is refused with its own words; anything else is a defect, and ends the session that met it. */
export function refusal(thrown: unknown): Extract<AdmissionOf<never>, { readonly kind: 'refuse' }> {
  if (thrown instanceof ProxyError) return { kind: 'refuse', error: thrown };
  throw thrown;
}

/** Where data that leaves its column is remembered. */
export interface Carrier {
  carry(shipment: Shipment): Promise<Shipped>;
}

/**
 * What a statement carries into columns of a lower level keeps its level there: written for all proxies and put on the record before the
 * statement runs. `hold`: of those who let it through; undefined: a rule did.
 */
export async function carried(
  { execution, asker, verdict }: JudgedExecution,
  hold: string | undefined,
  parts: { readonly carrier: Carrier; readonly hashes: Hashes; readonly recorder: Recorder },
): Promise<Shipped> {
  const { agent, owner, database } = asker;
  const { carried: columns = [] } = verdict;
  const shipped = await parts.carrier.carry({ database, session: execution.id, hold, carried: columns });
  const levels = new Map(columns.map(({ to, level }) => [columnText({ column: to }), level]));
  await parts.recorder.recordDurably({
    kind: 'carried',
    ...{ session: execution.id, agent, owner, database },
    statement: parts.hashes.ofStatement(execution.sql),
    ...(hold === undefined ? {} : { hold }),
    columns: [...levels].map(([column, level]) => ({ column, level })),
    from: [...new Set(columns.map(({ from }) => columnText({ column: from })))],
  });
  return shipped;
}

/** Where nobody remembers: in tests, and where nothing is classified. */
export const noCarrier: Carrier = { carry: () => Promise.resolve({ undo: () => Promise.resolve() }) };

export interface GateParts {
  readonly recorder: Recorder;
  readonly hashes: Hashes;
  readonly judging: Judging;
  readonly offers: Offers;
  readonly desk: Desk;
  readonly carrier: Carrier;
  readonly onDefect: (thrown: unknown) => void;
}

export interface JudgedExecution<V extends Verdict = Verdict> {
  readonly execution: Execution;
  readonly asker: Asker;
  readonly reading: ReadText;
  readonly verdict: V;
}

/** One verdict speaks for many executions. */
const factsOf = new WeakMap<Verdict, RecordedVerdict>();

function judgedFacts(verdict: Verdict, reading: ReadText): RecordedVerdict {
  const found = factsOf.get(verdict);
  if (found !== undefined) return found;
  const made = recordedVerdict(
    [verdict],
    reading.statements.flatMap((one) => one.analysis.kinds),
  );
  factsOf.set(verdict, made);
  return made;
}

/** What a name means depends on it, so judging again needs it; the usual one goes without saying. */
function unusualPath(execution: Execution): readonly string[] | undefined {
  const path = execution.session.meaning?.names.searchPath;
  if (path?.known !== true) return undefined;
  const names = path.value;
  return names.length === 2 && names[0] === '$user' && names[1] === 'public' ? undefined : names;
}

function hashOf({ kept, sql }: Execution, hashes: Hashes): string {
  if (kept?.of !== sql) return hashes.ofStatement(sql);
  kept.hash ??= hashes.ofStatement(sql);
  return kept.hash;
}

/** All members at once, and none spread in: made for each statement, copying members one by one was a quarter of a microsecond. */
export function judgedRecord({ execution, asker, reading, verdict }: JudgedExecution, hashes: Hashes): AuditBody {
  const facts = judgedFacts(verdict, reading);
  return {
    kind: 'judged',
    session: execution.id,
    agent: asker.agent,
    owner: asker.owner,
    database: asker.database,
    statement: hashOf(execution, hashes),
    text: reading.normalised,
    verdict: facts.verdict,
    actions: facts.actions,
    columns: facts.columns,
    rules: facts.rules,
    catalog: facts.catalog,
    schema: reading.index?.snapshot.schemaVersion ?? '',
    role: asker.role,
    path: unusualPath(execution),
    sealed: hashes.seal(execution.sql),
    witness: execution.reader.witness,
  };
}

export function finishedRecord(execution: Execution, of: number, outcome: Outcome): AuditBody {
  const { rows, bytes, ms, error } = outcome;
  return { kind: 'finished', session: execution.id, of, rows, bytes, ms, error };
}

/** Not let through by us but turned down by the server, for sure: on the record all the same. */
export function serverAnswersRecord(execution: Execution, asker: Asker, hashes: Hashes): AuditBody {
  return {
    kind: 'judged',
    session: execution.id,
    agent: asker.agent,
    owner: asker.owner,
    database: asker.database,
    statement: hashes.ofStatement(execution.sql),
    verdict: 'allow',
    actions: [],
    columns: [],
    rules: ['the server refuses it'],
    catalog: '',
    schema: '',
  };
}

/** Of one statement by itself. */
export async function requestOfOne(
  judged: JudgedExecution<Extract<Verdict, { readonly kind: 'hold' }>> & {
    readonly counterOffer: string | undefined;
    /** Where the session itself cannot be asked. */
    readonly locks?: Execution['locks'];
  },
  hashes: Hashes,
): Promise<HoldRequest> {
  const { execution, asker, reading, verdict, counterOffer } = judged;
  const meaning = execution.session.meaning;
  const version = reading.index?.snapshot.schemaVersion ?? '';
  const path = meaning?.names.searchPath;
  return {
    session: execution.id,
    asker,
    verdict,
    statement: {
      hash: hashes.ofStatement(execution.sql),
      text: execution.reader.textOf(execution) ?? readable(execution.sql),
      command: reading.statements.map((one) => one.analysis.command).join('; ') || 'statement',
    },
    parameters: execution.parameters === undefined ? '' : hashes.ofBytes(execution.parameters),
    inHouse: await hashes.inHouse?.(asked(execution)),
    searchPath: path?.known === true ? path.value : [],
    schemaVersion: version,
    sessionFacts: [meaning?.keyAt(version) ?? execution.id, execution.typesKey, ...originsOf(verdict)],
    shape: reading.shape,
    estimate: rowsExpected(reading),
    locks: asker.transaction === 'none' ? known([]) : await (judged.locks ?? execution.locks)(reading),
    counterOffer,
  };
}

/** A yes to data of one level is none to data of another that was carried there since. */
function originsOf({ columns }: Verdict): readonly string[] {
  return columns.flatMap((one) => (one.origin === undefined ? [] : [`${columnText(one)} ${one.level}`]));
}

/** Statement and parameters as one text that no other two make: the length of the first stands before it. */
function asked({ sql, parameters }: Execution): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(sql.length);
  return Buffer.concat([length, sql, ...(parameters === undefined ? [] : [Buffer.from([1]), parameters])]);
}

/** Where the session's encoding is not certain: the letters that nearly every client means. Nothing is judged by it. */
function readable(sql: Buffer): string {
  return sql.toString(isUtf8(sql) ? 'utf8' : 'latin1');
}
