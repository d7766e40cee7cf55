// The live schema as one frozen value: what the witnesses resolve names against. Plain data, so that it can be sent to a worker.
// Only types and names live here; `schema-queries.ts` reads it, `schema-build.ts` makes it, `schema-index.ts` finds things in it.
// Other sessions' temporary relations are not part of it: they change all the time and only their own session can name them.
import type { ColumnName, RelationName } from './analysis.ts';

/** pg_class.relkind, for the kinds that a statement can name. */
export type RelationKind = 'r' | 'p' | 'f' | 'v' | 'm' | 'c' | 'S' | 't' | 'i' | 'I';

export interface Attribute {
  /** pg_attribute.attnum: dropped columns leave holes, so it is not the place in the list. */
  readonly num: number;
  readonly name: string;
  readonly type: number;
  readonly notNull: boolean;
  readonly generated: 'no' | 'stored' | 'virtual';
  readonly identity: 'no' | 'always' | 'by default';
  /** Default or generation expression, with every name outside pg_catalog qualified. */
  readonly expression: string | undefined;
  /** attnums that a generated column is computed from. */
  readonly generatedFrom: readonly number[];
  /** Rows older than the column have a value, which stands in the catalog: pg_attribute.atthasmissing. */
  readonly oldRows: 'none' | 'value';
}

export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: RelationKind;
  /** The row type; 0 for kinds that have none. */
  readonly rowType: number;
  readonly owner: number;
  readonly persistence: 'permanent' | 'unlogged' | 'temporary';
  readonly rowSecurity: 'no' | 'on' | 'forced';
  /** A view that runs with the rights of whoever reads it. */
  readonly securityInvoker: boolean;
  readonly isPartition: boolean;
  /** pg_class.reltuples when it was read; -1 when never analysed. */
  readonly rowsEstimate: number;
  /** Live columns by attnum; system columns are not listed. */
  readonly attributes: readonly Attribute[];
  /** Of a temporary relation: what hangs on it and was not read (a view's query, triggers, checks). Whoever names it is not known. */
  readonly unread?: string;
}

/** pg_type.typtype: base, composite, domain, enum, pseudo, range, multirange. */
export type TypeKind = 'b' | 'c' | 'd' | 'e' | 'p' | 'r' | 'm';

export interface TypeInfo {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: TypeKind;
  readonly category: string;
  /** The relation of a composite type (a table's row type too), else 0. */
  readonly relation: number;
  /** The element of an array (or another subscriptable) type, else 0. */
  readonly element: number;
  readonly array: number;
  /** What a domain is over, else 0. */
  readonly base: number;
  /** What a range or multirange is over, else 0. */
  readonly subtype: number;
}

/** pg_proc.proargmodes. */
export type ArgumentMode = 'in' | 'out' | 'inout' | 'variadic' | 'table';

export interface FunctionArgument {
  readonly name: string;
  readonly type: number;
  readonly mode: ArgumentMode;
}

export interface FunctionInfo {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: 'function' | 'procedure' | 'aggregate' | 'window';
  readonly language: string;
  /** All arguments in order, also OUT and TABLE ones. */
  readonly arguments: readonly FunctionArgument[];
  /** How many of the last input arguments have defaults. */
  readonly defaults: number;
  /** Defaults of arguments as SQL, empty when there are none. */
  readonly defaultsText: string;
  /** Element type of a VARIADIC argument, else 0. */
  readonly variadic: number;
  readonly returns: number;
  readonly returnsSet: boolean;
  readonly volatility: 'immutable' | 'stable' | 'volatile';
  readonly securityDefiner: boolean;
  readonly strict: boolean;
  readonly owner: number;
  /** `SET` clauses of the function: `search_path=public`. */
  readonly config: readonly string[];
  /** prosrc; empty for internal and C functions. */
  readonly body: string;
  /** BEGIN ATOMIC or RETURN body, printed with qualified names. */
  readonly atomicBody: string | undefined;
  /** Moves whenever the row does: with the oid it keys what was learned about the body. */
  readonly xmin: number;
  /** The extension it came with; empty when it came with none. */
  readonly extension: string;
}

export interface OperatorInfo {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** 0 for prefix operators. */
  readonly left: number;
  readonly right: number;
  readonly result: number;
  readonly function: number;
}

export interface CastInfo {
  readonly source: number;
  readonly target: number;
  /** 0 for binary-coercible and in/out casts. */
  readonly function: number;
  readonly context: 'explicit' | 'assignment' | 'implicit';
  readonly method: 'function' | 'inout' | 'binary';
}

/** pg_rewrite of relations outside pg_catalog and information_schema: views' definitions and rules. */
export interface RuleInfo {
  readonly oid: number;
  readonly relation: number;
  readonly name: string;
  readonly event: 'select' | 'insert' | 'update' | 'delete';
  readonly instead: boolean;
  readonly enabled: boolean;
  /** pg_get_viewdef for `_RETURN`, pg_get_ruledef for others, every name outside pg_catalog qualified. */
  readonly definition: string;
  /** pg_rewrite.ev_action, the server's own node text. */
  readonly tree: string;
}

export interface PolicyInfo {
  readonly relation: number;
  readonly name: string;
  readonly command: 'all' | 'select' | 'insert' | 'update' | 'delete';
  readonly permissive: boolean;
  /** Role oids; 0 is PUBLIC. */
  readonly roles: readonly number[];
  readonly using: string | undefined;
  readonly check: string | undefined;
}

export interface TriggerInfo {
  readonly oid: number;
  readonly relation: number;
  readonly name: string;
  readonly function: number;
  /** pg_trigger.tgtype bits: 1 row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate, 64 instead. */
  readonly bits: number;
  readonly enabled: boolean;
  /** Made by a constraint (foreign keys). */
  readonly internal: boolean;
  /** Columns of UPDATE OF; empty means every column. */
  readonly columns: readonly number[];
  /** The WHEN condition's whole trigger definition, with qualified names. */
  readonly definition: string;
}

export interface EventTriggerInfo {
  readonly name: string;
  readonly event: string;
  readonly function: number;
  readonly enabled: boolean;
}

export interface ConstraintInfo {
  readonly oid: number;
  readonly name: string;
  /** The relation, or 0 for a domain's. */
  readonly relation: number;
  readonly domain: number;
  readonly kind: 'check' | 'foreign key' | 'primary key' | 'unique' | 'exclusion' | 'not null' | 'trigger';
  readonly columns: readonly number[];
  readonly foreignRelation: number;
  readonly foreignColumns: readonly number[];
  /** pg_constraint.confupdtype/confdeltype: a no action, r restrict, c cascade, n set null, d set default. */
  readonly onUpdate: string;
  readonly onDelete: string;
  readonly index: number;
  readonly definition: string;
}

export interface InheritanceInfo {
  readonly child: number;
  readonly parent: number;
}

/** Also a partition key or extended statistics: then without a name, and neither unique nor primary. */
export interface IndexInfo {
  readonly oid: number;
  readonly name: string;
  readonly relation: number;
  readonly unique: boolean;
  readonly primary: boolean;
  /** attnums; 0 stands for an expression. Included columns too. */
  readonly columns: readonly number[];
  readonly expressions: string | undefined;
  readonly predicate: string | undefined;
  /** NULLS NOT DISTINCT. */
  readonly nullsAlike: boolean;
}

export interface AggregateInfo {
  readonly function: number;
  /** Transition, final, combine, serial, moving functions: everything that may run, without zeros. */
  readonly functions: readonly number[];
}

/** pg_amproc rows whose function is not the server's own, and pg_range's: comparing or indexing values of such a type runs it. */
export interface SupportFunctionInfo {
  readonly left: number;
  readonly right: number;
  readonly function: number;
}

export interface RoleInfo {
  readonly oid: number;
  readonly name: string;
  readonly superuser: boolean;
  readonly bypassRowSecurity: boolean;
}

/** ALTER ROLE/DATABASE … SET, for this database. Role 0: every role; database 0: every database. */
export interface SettingInfo {
  readonly database: number;
  readonly role: number;
  readonly settings: readonly string[];
}

export interface ExtensionInfo {
  readonly name: string;
  readonly schema: string;
  readonly version: string;
}

export interface Snapshot {
  readonly serverMajor: number;
  readonly database: string;
  readonly databaseOid: number;
  /** Hash of everything below: equal versions resolve every name alike. */
  readonly schemaVersion: string;
  readonly schemas: readonly { readonly oid: number; readonly name: string }[];
  readonly relations: readonly Relation[];
  readonly types: readonly TypeInfo[];
  readonly functions: readonly FunctionInfo[];
  readonly operators: readonly OperatorInfo[];
  readonly casts: readonly CastInfo[];
  readonly rules: readonly RuleInfo[];
  readonly policies: readonly PolicyInfo[];
  readonly triggers: readonly TriggerInfo[];
  readonly eventTriggers: readonly EventTriggerInfo[];
  readonly constraints: readonly ConstraintInfo[];
  readonly inheritance: readonly InheritanceInfo[];
  readonly indexes: readonly IndexInfo[];
  readonly aggregates: readonly AggregateInfo[];
  readonly supportFunctions: readonly SupportFunctionInfo[];
  readonly roles: readonly RoleInfo[];
  readonly settings: readonly SettingInfo[];
  readonly extensions: readonly ExtensionInfo[];
}

export function nameOf(relation: Relation): RelationName {
  return { schema: relation.schema, name: relation.name };
}

export function columnOf(relation: Relation, attribute: Attribute): ColumnName {
  return { relation: nameOf(relation), column: attribute.name };
}

/** The server's own schemas: their views are read as relations of their own, never opened. The policy knows which leak. */
export function isSystemSchema(schema: string): boolean {
  return schema === 'pg_catalog' || schema === 'information_schema' || schema === 'pg_toast';
}
