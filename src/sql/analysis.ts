// What a statement touches: the one shape that every witness fills and every judge reads. Only types and names live here.
// `unknowns` empty means "known for sure"; any entry makes the whole statement "not known", which is held.
import type { Known } from '../core/known.ts';
import type { CopyLayout } from './copy-layout.ts';

/** A relation by name. Two relations are the same when both parts are equal; oids are for the witnesses only. */
export interface RelationName {
  readonly schema: string;
  readonly name: string;
}

/** A relation as descriptions of rows name it: by numbers. */
export interface DescribedRelation extends RelationName {
  readonly oid: number;
  readonly attributes: readonly { readonly num: number; readonly name: string }[];
}

export interface ColumnName {
  readonly relation: RelationName;
  readonly column: string;
}

/** How a column is used. Filters, joins and orders are outputs too: they answer questions about the values. */
export type ColumnUse = 'output' | 'filter' | 'join' | 'group' | 'order' | 'other';

export interface ColumnRead {
  readonly column: ColumnName;
  readonly uses: readonly ColumnUse[];
  /**
   * Views opened on the way to this column, outermost first. A catalog entry for the outermost view may speak for the column
   * instead of the base table's entry; a column read both directly and by a view is two entries.
   */
  readonly via: readonly RelationName[];
  /** Columns whose class this one shares: partitions and children with their parents, generated columns with their sources. */
  readonly kin: readonly ColumnName[];
  /** A column of the server's catalogs that shows values of exactly these columns: their levels are its level. */
  readonly standsFor?: readonly ColumnName[];
  /**
   * What is computed from it may say something of its values though nobody is shown the result: by failing for some of them, by how many
   * rows it makes of one, by what it leaves behind. So it cannot be masked.
   */
  readonly exposed?: true;
}

export interface ColumnWrite {
  readonly column: ColumnName;
  readonly how: 'insert' | 'update' | 'delete' | 'copy';
}

/** Values of `from` end up in `to`: INSERT … SELECT, CREATE TABLE AS, UPDATE … FROM. */
export interface Flow {
  readonly from: ColumnName;
  readonly to: ColumnName;
  /** Nothing is copied: `from` will be called `to`. */
  readonly stays?: true;
}

export interface FunctionUse {
  readonly schema: string;
  readonly name: string;
  /** Argument types as regprocedure prints them, empty when the witness could not tell the overload. */
  readonly signature: string;
  /** `pure`: reads only its arguments. `reads`: its own reads are in `reads`. `listed`: the catalog's word is needed. */
  readonly nature: 'pure' | 'reads' | 'listed' | 'unknown';
  /** `tree`: one of those that a name or operator in the text could mean, and nothing else runs it. The server's tree says which it is. */
  readonly settledBy?: 'tree';
  /** With `settledBy`: which entries of the analysis's own `reads` its body brought in. They go when the tree does not call it. */
  readonly brought?: readonly ColumnRead[];
}

/** One column of the result, with everything its value was computed from. For the tripwire and for masking. */
export interface OutputColumn {
  readonly name: string;
  readonly sources: readonly ColumnName[];
  /** The value is the column itself, not computed from it. */
  readonly plain: boolean;
  /** The column of the relation or view that RowDescription will name for it; absent where it names none. */
  readonly origin?: ColumnName;
}

/** The row of the table of statement kinds that this statement falls into: what is *done*, not its first word. */
export type StatementKind =
  | 'read'
  | 'write'
  | 'export'
  | 'destructive'
  | 'schema'
  | 'privilege'
  | 'session'
  | 'transaction'
  | 'maintenance'
  | 'escape'
  | 'notKnown';

export interface Unknown {
  /** In words for a person: `dynamic SQL in function public.report`. */
  readonly why: string;
  /** A byte offset into the statement, where one is known. */
  readonly at: number | undefined;
  /**
   * `tree`: only a name was not resolved, and everything it can mean is resolved by the server's own tree of the same text in the same
   * state. Absent: no tree mends it. Said where the unknown is made, never guessed from its words.
   */
  readonly settledBy?: 'tree';
}

export interface Analysis {
  /** Every kind that applies; `INSERT … SELECT` is a write and an export. Never empty. */
  readonly kinds: readonly StatementKind[];
  /** The command in capitals for cards and logs: `SELECT`, `COPY TO STDOUT`, `ALTER TABLE`. */
  readonly command: string;
  readonly reads: readonly ColumnRead[];
  readonly writes: readonly ColumnWrite[];
  readonly flows: readonly Flow[];
  readonly functions: readonly FunctionUse[];
  /** Relations meant as a whole: DROP, TRUNCATE, LOCK, DELETE without WHERE, and what DDL changes. */
  readonly wholeTables: readonly RelationName[];
  /** Relations read or written without naming a column: `select count(*) from t`, `select 1 from t`, `exists (select from t)`. */
  readonly relations: readonly RelationName[];
  readonly outputs: readonly OutputColumn[];
  /** How the rows of COPY … TO look; absent for everything else. */
  readonly copy?: Known<CopyLayout>;
  /** The most rows the statement can give by its own LIMIT/FETCH, when that is a literal. */
  readonly rowsMax: number | undefined;
  /** Many rows may come as one value (`string_agg`, `ARRAY(SELECT …)`): neither LIMIT nor counting rows says how many. */
  readonly folds?: true;
  readonly unknowns: readonly Unknown[];
  /**
   * Columns that no text reads, and about whose values it says something that a write succeeds or fails: `duplicate key`, `is not present
   * in table`. Judged as read where they are classified.
   */
  readonly tells?: readonly ColumnRead[];
  /** Read in a transaction with definitions of its own: a relation may be another than the one that everybody else sees under its name. */
  readonly inOwnSchema?: true;
  /**
   * Of what DECLARE put under a name: relations as they were then. FETCH describes its rows by them, also when behind a commit they have
   * been dropped or changed (WITH HOLD). For the last look before rows pass; no judge reads it.
   */
  readonly described?: readonly DescribedRelation[];
  /** Something of it runs while the server parses it: it may not be sent before it is judged, not even to ask what it means. */
  readonly early?: true;
  /** Domains (oids) whose checks were looked at and stand in `functions`. For the other witness; no judge reads it. */
  readonly domains?: readonly number[];
}

/** Of a statement that touches nothing, or of which nobody knows what. */
export const touchesNothing = {
  reads: [],
  writes: [],
  flows: [],
  functions: [],
  wholeTables: [],
  relations: [],
  outputs: [],
  rowsMax: undefined,
} as const satisfies Partial<Analysis>;
