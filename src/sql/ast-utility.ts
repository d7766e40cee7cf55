// Statements around queries and sessions: COPY, EXPLAIN, cursors, SET, transactions, maintenance, privileges. Only types.
// Protobuf leaves out fields that are empty, zero or false: every field is optional, also where the grammar always has it.
import type { Node } from './ast.ts';
import type { IntoClause, RangeVar } from './ast-query.ts';
import type { FuncCall } from './ast-expr.ts';

export interface DefElem {
  readonly defnamespace?: string;
  readonly defname?: string;
  readonly arg?: Node;
  readonly defaction?: string;
  readonly location?: number;
}

export interface RoleSpec {
  readonly roletype?: string;
  readonly rolename?: string;
  readonly location?: number;
}

export interface CopyStmt {
  readonly relation?: RangeVar;
  readonly query?: Node;
  readonly attlist?: readonly Node[];
  readonly is_from?: boolean;
  readonly is_program?: boolean;
  readonly filename?: string;
  readonly options?: readonly Node[];
  readonly whereClause?: Node;
}

export interface CreateTableAsStmt {
  readonly query?: Node;
  readonly into?: IntoClause;
  readonly objtype?: string;
  readonly is_select_into?: boolean;
  readonly if_not_exists?: boolean;
}

export interface ViewStmt {
  readonly view?: RangeVar;
  readonly aliases?: readonly Node[];
  readonly query?: Node;
  readonly replace?: boolean;
  readonly options?: readonly Node[];
  readonly withCheckOption?: string;
}

export interface ExplainStmt {
  readonly query?: Node;
  readonly options?: readonly Node[];
}

export interface PrepareStmt {
  readonly name?: string;
  readonly argtypes?: readonly Node[];
  readonly query?: Node;
}

export interface ExecuteStmt {
  readonly name?: string;
  readonly params?: readonly Node[];
}

export interface DeclareCursorStmt {
  readonly portalname?: string;
  readonly options?: number;
  readonly query?: Node;
}

export interface FetchStmt {
  readonly direction?: string;
  readonly howMany?: number;
  readonly portalname?: string;
  readonly ismove?: boolean;
}

export interface ClosePortalStmt {
  readonly portalname?: string;
}

export interface DeallocateStmt {
  readonly name?: string;
  readonly isall?: boolean; // from 17
  readonly location?: number; // from 17
}

export interface VariableSetStmt {
  readonly kind?: string;
  readonly name?: string;
  readonly args?: readonly Node[];
  readonly is_local?: boolean;
  readonly location?: number; // from 18
}

export interface VariableShowStmt {
  readonly name?: string;
}

export interface DropOwnedStmt {
  readonly roles?: readonly Node[];
  readonly behavior?: string;
}

export interface DiscardStmt {
  readonly target?: string;
}

export interface TransactionStmt {
  readonly kind?: string;
  readonly options?: readonly Node[];
  readonly savepoint_name?: string;
  readonly gid?: string;
  readonly chain?: boolean;
  readonly location?: number; // from 17
}

export interface CallStmt {
  readonly funccall?: FuncCall;
  readonly funcexpr?: Node;
  readonly outargs?: readonly Node[];
}

export interface DoStmt {
  readonly args?: readonly Node[];
}

export interface LockStmt {
  readonly relations?: readonly Node[];
  readonly mode?: number;
  readonly nowait?: boolean;
}

export interface RefreshMatViewStmt {
  readonly concurrent?: boolean;
  readonly skipData?: boolean;
  readonly relation?: RangeVar;
}

export interface VacuumStmt {
  readonly options?: readonly Node[];
  readonly rels?: readonly Node[];
  readonly is_vacuumcmd?: boolean;
}

export interface VacuumRelation {
  readonly relation?: RangeVar;
  readonly oid?: number;
  readonly va_cols?: readonly Node[];
}

export interface ListenStmt {
  readonly conditionname?: string;
}

export interface NotifyStmt {
  readonly conditionname?: string;
  readonly payload?: string;
}

export interface UnlistenStmt {
  readonly conditionname?: string;
}

export interface LoadStmt {
  readonly filename?: string;
}

export interface ConstraintsSetStmt {
  readonly constraints?: readonly Node[];
  readonly deferred?: boolean;
}

export interface ReturnStmt {
  readonly returnval?: Node;
}

export interface ClusterStmt {
  readonly relation?: RangeVar;
  readonly indexname?: string;
  readonly params?: readonly Node[];
}

export interface ReindexStmt {
  readonly kind?: string;
  readonly relation?: RangeVar;
  readonly name?: string;
  readonly params?: readonly Node[];
}

export interface GrantStmt {
  readonly is_grant?: boolean;
  readonly targtype?: string;
  readonly objtype?: string;
  readonly objects?: readonly Node[];
  readonly privileges?: readonly Node[];
  readonly grantees?: readonly Node[];
  readonly grant_option?: boolean;
  readonly grantor?: RoleSpec;
  readonly behavior?: string;
}

export interface GrantRoleStmt {
  readonly granted_roles?: readonly Node[];
  readonly grantee_roles?: readonly Node[];
  readonly is_grant?: boolean;
  readonly opt?: readonly Node[]; // from 16
  readonly grantor?: RoleSpec;
  readonly behavior?: string;
  readonly admin_opt?: boolean; // up to 15
}

export interface AccessPriv {
  readonly priv_name?: string;
  readonly cols?: readonly Node[];
}

export interface AlterRoleStmt {
  readonly role?: RoleSpec;
  readonly options?: readonly Node[];
  readonly action?: number;
}

export interface AlterRoleSetStmt {
  readonly role?: RoleSpec;
  readonly database?: string;
  readonly setstmt?: VariableSetStmt;
}

export interface AlterDatabaseSetStmt {
  readonly dbname?: string;
  readonly setstmt?: VariableSetStmt;
}

export interface TruncateStmt {
  readonly relations?: readonly Node[];
  readonly restart_seqs?: boolean;
  readonly behavior?: string;
}
