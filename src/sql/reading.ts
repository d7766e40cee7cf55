// What reading a text gives, and what a reader asks of the session in which the text will run. Types and small joins only.
import type { Counted, PlanQuestion } from './estimate.ts';
import { touchesNothing, type Analysis } from './analysis.ts';
import type { SessionNames } from './columns-names.ts';
import type { FormerNames } from './former-names.ts';
import type { SchemaIndex } from './schema-index.ts';
import type { Relation } from './schema.ts';
import type { SessionEffect } from './statement-effects.ts';
import type { Reference } from './statement.ts';
import type { TextEncodings } from './text.ts';
import type { DescribedField } from './tripwire.ts';
import type { Known } from '../core/known.ts';
import type { TreeFacts } from './tree.ts';

export interface ReadStatement {
  readonly analysis: Analysis;
  /** Of what PREPARE or DECLARE CURSOR holds, for the session to keep under its name. */
  readonly held: Analysis | undefined;
  readonly refersTo: readonly Reference[];
  readonly effects: readonly SessionEffect[];
}

/** A text that was read: what each of its statements touches, or that it is not known. Never the text itself: another one of the same shape may be
 *  judged by this. */
export interface ReadText {
  readonly kind: 'read';
  readonly statements: readonly ReadStatement[];
  /** Of all statements in order. */
  readonly effects: readonly SessionEffect[];
  /** For records: without literals and comments. */
  readonly normalised: string | undefined;
  /** The schema it was read against. */
  readonly index: SchemaIndex | undefined;
  /** The session's own relations at that time. */
  readonly temporary: readonly Relation[];
  /** The agent's own words in comment tags. */
  readonly reason: string | undefined;
  /** Rows that the planner expects; absent: it was not asked, because the text cannot be large or may not be planned yet. */
  readonly estimate?: Known<number>;
  /** The estimate is of other values than those of the execution: before people are asked, the planner is asked about these. */
  readonly replan?: Counted;
  /** Equal for texts that differ in values only; undefined: nothing can be said of others like it. */
  readonly shape: string | undefined;
}

/**
 * What a prepared text keeps beside itself from one execution to the next: it is looked up by its bytes once, and again only when the
 * session's state, the schema or the reader has moved. Written only by those who look up, and good for one very buffer: whoever carries it
 * on to another text carries nothing.
 */
export interface KeptBeside {
  readonly of: Buffer;
  reading:
    { readonly by: object; readonly generation: number; readonly key: string; readonly text: ReadText } | undefined;
  /** The keyed hash of its bytes. */
  hash: string | undefined;
}

export type Reading =
  | ReadText
  /** The server refuses this text for sure, and says so itself. `error`: it has said so already, in this very frame. */
  | { readonly kind: 'serverAnswers'; readonly why: string; readonly error: Buffer | undefined }
  /** An earlier error of the same batch: the server throws it away unread. */
  | { readonly kind: 'skipped' };

/** What decides the meaning of a text in a session at this moment. */
export interface Meaning {
  readonly names: SessionNames;
  readonly encodings: TextEncodings;
  /** What names mean hangs on more than can be known here: nothing that is read is known for sure, or remembered. */
  readonly doubt?: string | undefined;
  /** Definitions changed in the open transaction: names mean what this says, whatever everybody else sees. */
  readonly own?: OwnSchema | undefined;
  /** Equal: the session's own relations and definitions are the same. Of search_path and roles the server looks after plans itself. */
  readonly plansKey: string;
  /** Equal keys: every text means the same. */
  keyAt(schemaVersion: string): string;
}

/** What a plan hangs on that the server does not look after itself: its names may lead elsewhere once something new stands in their way. */
export interface PlansAt {
  readonly schemaVersion: string;
  /** `Meaning.plansKey` */
  readonly own: string;
}

/** The schema as the session sees it inside its transaction. */
export interface OwnSchema {
  readonly index: SchemaIndex;
  /** What everybody saw when the session was asked: once they see another, the session has to be asked again. */
  readonly basis: SchemaIndex | undefined;
  readonly former: FormerNames;
  /** Equal for equal former names. */
  readonly formerToken: string;
}

export type Standing =
  | { readonly kind: 'settled'; readonly meaning: Meaning }
  /** The transaction has failed: the server runs nothing but its end. */
  | { readonly kind: 'failed'; readonly meaning: Meaning }
  /** The server stopped our questions (a cancel, a time-out of the agent's own): it would have stopped the statement, and this is its word. */
  | { readonly kind: 'stopped'; readonly frame: Buffer }
  | { readonly kind: 'skipping' };

export type Probed =
  | {
      readonly kind: 'tree';
      readonly facts: Known<TreeFacts>;
      readonly fields: readonly DescribedField[];
      /** Types of its parameters, as the server has found them. */
      readonly parameters: readonly number[];
    }
  /** The frame with which the server refuses the text. */
  | { readonly kind: 'error'; readonly frame: Buffer; readonly sqlState: string };

/** The session in which the text will run. */
export interface AskedSession {
  /** Known for sure at this moment, without asking anybody; undefined: `settle` has to be asked. */
  readonly meaning: Meaning | undefined;
  /** Nothing runs but the end of a transaction that has failed; known for sure. */
  readonly hasFailed: boolean;
  /** Whether the open transaction has definitions of its own, or may have by the time that this is read. */
  readonly defines: 'nothing' | 'something';
  /** Waits for all that is owed, and asks the server for what is not known. */
  settle(): Promise<Standing>;
  /** Asks the server for its tree of one statement. */
  probe(sql: Buffer, types: readonly number[]): Promise<Probed>;
  /** Asks the planner how many rows a text will give, and leaves the session, its transaction too, as it was. */
  estimate(question: PlanQuestion): Promise<Known<number>>;
  /** What PREPARE or DECLARE CURSOR put under a name in this session. */
  named(reference: Reference, schemaVersion: string): Analysis | undefined;
  /** The state in which the server's plans are made; undefined: it may have kept some of another. */
  readonly plansAt: PlansAt | undefined;
  /** Has the server read prepared texts, and the bodies of functions, anew before they run next. `frame`: it was stopped. */
  freshPlans(at: PlansAt): Promise<{ readonly frame: Buffer } | undefined>;
  /** Whether the server has nothing under this name, for sure, and will not before the statement that is being read has run. */
  isAbsent(reference: Reference): Promise<boolean>;
}

export interface ReadRequest {
  /** In the session's encoding. */
  readonly sql: Buffer;
  /** Of parameters, as Parse gave them; empty in a simple Query. */
  readonly types: readonly number[];
  /** Equal for equal `types`; '' for none. */
  readonly typesKey: string;
  readonly agent: string;
  readonly session: AskedSession;
  /** Of a text that is run more than once. */
  readonly kept?: KeptBeside | undefined;
}

export function unreadable(why: string): Analysis {
  return {
    kinds: ['notKnown'],
    command: '',
    ...touchesNothing,
    unknowns: [{ why, at: undefined }],
  };
}

export function unreadText(why: string, normalised?: string): ReadText {
  const statement: ReadStatement = {
    analysis: unreadable(why),
    held: undefined,
    refersTo: [],
    effects: [{ kind: 'unsure', why }],
  };
  return {
    kind: 'read',
    statements: [statement],
    effects: statement.effects,
    normalised,
    index: undefined,
    temporary: [],
    reason: undefined,
    shape: undefined,
  };
}

/** About what it takes in memory, for the bound of the cache. */
export function sizeOf(text: ReadText): number {
  const things = text.statements.reduce((sum, { analysis: { reads, writes, flows, functions, outputs } }) => {
    return sum + reads.length + writes.length + flows.length + functions.length + outputs.length;
  }, 0);
  const texts = (text.normalised?.length ?? 0) + (text.shape?.length ?? 0);
  return 500 + 160 * things + 2 * texts;
}

const noRelations: readonly Relation[] = [];

/** The session's own relations. */
export function temporaryOf({ names: { temp } }: Meaning): readonly Relation[] {
  return temp.known ? temp.value : noRelations;
}
