// Statements that define objects. Only types.
// Protobuf leaves out fields that are empty, zero or false: every field is optional, also where the grammar always has it.
import type { Node } from './ast.ts';
import type { CollateClause, TypeName } from './ast-expr.ts';
import type { RangeVar } from './ast-query.ts';
import type { RoleSpec } from './ast-utility.ts';

export interface ObjectWithArgs {
  readonly objname?: readonly Node[];
  readonly objargs?: readonly Node[];
  readonly objfuncargs?: readonly Node[];
  readonly args_unspecified?: boolean;
}

export interface FunctionParameter {
  readonly name?: string;
  readonly argType?: TypeName;
  readonly mode?: string;
  readonly defexpr?: Node;
  readonly location?: number; // from 18
}

export interface Constraint {
  readonly contype?: string;
  readonly conname?: string;
  readonly deferrable?: boolean;
  readonly initdeferred?: boolean;
  readonly is_enforced?: boolean; // from 18
  readonly skip_validation?: boolean;
  readonly initially_valid?: boolean;
  readonly is_no_inherit?: boolean;
  readonly raw_expr?: Node;
  readonly generated_when?: string;
  readonly generated_kind?: string; // from 18
  readonly nulls_not_distinct?: boolean;
  readonly keys?: readonly Node[];
  readonly without_overlaps?: boolean; // from 18
  readonly including?: readonly Node[];
  readonly exclusions?: readonly Node[];
  readonly options?: readonly Node[];
  readonly indexname?: string;
  readonly indexspace?: string;
  readonly reset_default_tblspc?: boolean;
  readonly access_method?: string;
  readonly where_clause?: Node;
  readonly pktable?: RangeVar;
  readonly fk_attrs?: readonly Node[];
  readonly pk_attrs?: readonly Node[];
  readonly fk_with_period?: boolean; // from 18
  readonly pk_with_period?: boolean; // from 18
  readonly fk_matchtype?: string;
  readonly fk_upd_action?: string;
  readonly fk_del_action?: string;
  readonly fk_del_set_cols?: readonly Node[];
  readonly old_conpfeqop?: readonly Node[];
  readonly old_pktable_oid?: number;
  readonly location?: number;
}

export interface PartitionSpec {
  readonly strategy?: string;
  readonly partParams?: readonly Node[];
  readonly location?: number;
}

export interface PartitionElem {
  readonly name?: string;
  readonly expr?: Node;
  readonly opclass?: readonly Node[];
  readonly location?: number;
}

export interface PartitionBoundSpec {
  readonly strategy?: string;
  readonly is_default?: boolean;
  readonly modulus?: number;
  readonly remainder?: number;
  readonly listdatums?: readonly Node[];
  readonly lowerdatums?: readonly Node[];
  readonly upperdatums?: readonly Node[];
  readonly location?: number;
}

export interface PartitionCmd {
  readonly name?: RangeVar;
  readonly bound?: PartitionBoundSpec;
  readonly concurrent?: boolean;
}

export interface StatsElem {
  readonly name?: string;
  readonly expr?: Node;
}

export interface TriggerTransition {
  readonly name?: string;
  readonly isNew?: boolean;
  readonly isTable?: boolean;
}

export interface AlterTableStmt {
  readonly relation?: RangeVar;
  readonly cmds?: readonly Node[];
  readonly objtype?: string;
  readonly missing_ok?: boolean;
}

export interface AlterTableCmd {
  readonly subtype?: string;
  readonly name?: string;
  readonly num?: number;
  readonly newowner?: RoleSpec;
  readonly def?: Node;
  readonly behavior?: string;
  readonly missing_ok?: boolean;
  readonly recurse?: boolean;
}

export interface DropStmt {
  readonly objects?: readonly Node[];
  readonly removeType?: string;
  readonly behavior?: string;
  readonly missing_ok?: boolean;
  readonly concurrent?: boolean;
}

export interface CreateStmt {
  readonly relation?: RangeVar;
  readonly tableElts?: readonly Node[];
  readonly inhRelations?: readonly Node[];
  readonly partbound?: PartitionBoundSpec;
  readonly partspec?: PartitionSpec;
  readonly ofTypename?: TypeName;
  readonly constraints?: readonly Node[];
  readonly nnconstraints?: readonly Node[]; // from 18
  readonly options?: readonly Node[];
  readonly oncommit?: string;
  readonly tablespacename?: string;
  readonly accessMethod?: string;
  readonly if_not_exists?: boolean;
}

export interface CreateForeignTableStmt {
  readonly base?: CreateStmt;
  readonly servername?: string;
  readonly options?: readonly Node[];
}

export interface IndexStmt {
  readonly idxname?: string;
  readonly relation?: RangeVar;
  readonly accessMethod?: string;
  readonly tableSpace?: string;
  readonly indexParams?: readonly Node[];
  readonly indexIncludingParams?: readonly Node[];
  readonly options?: readonly Node[];
  readonly whereClause?: Node;
  readonly idxcomment?: string;
  readonly unique?: boolean;
  readonly nulls_not_distinct?: boolean;
  readonly primary?: boolean;
  readonly isconstraint?: boolean;
  readonly iswithoutoverlaps?: boolean; // from 18
  readonly deferrable?: boolean;
  readonly initdeferred?: boolean;
  readonly concurrent?: boolean;
  readonly if_not_exists?: boolean;
  readonly reset_default_tblspc?: boolean;
  readonly oldNode?: number; // up to 15
  readonly oldFirstRelfilenodeSubid?: number; // up to 15
}

export interface RuleStmt {
  readonly relation?: RangeVar;
  readonly rulename?: string;
  readonly whereClause?: Node;
  readonly event?: string;
  readonly instead?: boolean;
  readonly actions?: readonly Node[];
  readonly replace?: boolean;
}

export interface CreateSchemaStmt {
  readonly schemaname?: string;
  readonly authrole?: RoleSpec;
  readonly schemaElts?: readonly Node[];
  readonly if_not_exists?: boolean;
}

export interface RenameStmt {
  readonly renameType?: string;
  readonly relationType?: string;
  readonly relation?: RangeVar;
  readonly object?: Node;
  readonly subname?: string;
  readonly newname?: string;
  readonly behavior?: string;
  readonly missing_ok?: boolean;
}

export interface CreateTrigStmt {
  readonly replace?: boolean;
  readonly isconstraint?: boolean;
  readonly trigname?: string;
  readonly relation?: RangeVar;
  readonly funcname?: readonly Node[];
  readonly args?: readonly Node[];
  readonly row?: boolean;
  readonly timing?: number;
  readonly events?: number;
  readonly columns?: readonly Node[];
  readonly whenClause?: Node;
  readonly transitionRels?: readonly Node[];
  readonly deferrable?: boolean;
  readonly initdeferred?: boolean;
  readonly constrrel?: RangeVar;
}

export interface CreateFunctionStmt {
  readonly is_procedure?: boolean;
  readonly replace?: boolean;
  readonly funcname?: readonly Node[];
  readonly parameters?: readonly Node[];
  readonly returnType?: TypeName;
  readonly options?: readonly Node[];
  readonly sql_body?: Node;
}

export interface AlterFunctionStmt {
  readonly objtype?: string;
  readonly func?: ObjectWithArgs;
  readonly actions?: readonly Node[];
}

export interface CreatePolicyStmt {
  readonly policy_name?: string;
  readonly table?: RangeVar;
  readonly cmd_name?: string;
  readonly permissive?: boolean;
  readonly roles?: readonly Node[];
  readonly qual?: Node;
  readonly with_check?: Node;
}

export interface AlterPolicyStmt {
  readonly policy_name?: string;
  readonly table?: RangeVar;
  readonly roles?: readonly Node[];
  readonly qual?: Node;
  readonly with_check?: Node;
}

export interface CreateStatsStmt {
  readonly defnames?: readonly Node[];
  readonly stat_types?: readonly Node[];
  readonly exprs?: readonly Node[];
  readonly relations?: readonly Node[];
  readonly stxcomment?: string;
  readonly if_not_exists?: boolean;
}

export interface CommentStmt {
  readonly objtype?: string;
  readonly object?: Node;
  readonly comment?: string;
}

export interface SecLabelStmt {
  readonly objtype?: string;
  readonly object?: Node;
  readonly provider?: string;
  readonly label?: string;
}

export interface AlterOwnerStmt {
  readonly objectType?: string;
  readonly relation?: RangeVar;
  readonly object?: Node;
  readonly newowner?: RoleSpec;
}

export interface AlterObjectSchemaStmt {
  readonly objectType?: string;
  readonly relation?: RangeVar;
  readonly object?: Node;
  readonly newschema?: string;
  readonly missing_ok?: boolean;
}

export interface CreateDomainStmt {
  readonly domainname?: readonly Node[];
  readonly typeName?: TypeName;
  readonly collClause?: CollateClause;
  readonly constraints?: readonly Node[];
}

export interface AlterDomainStmt {
  readonly subtype?: string;
  readonly typeName?: readonly Node[];
  readonly name?: string;
  readonly def?: Node;
  readonly behavior?: string;
  readonly missing_ok?: boolean;
}

export interface CompositeTypeStmt {
  readonly typevar?: RangeVar;
  readonly coldeflist?: readonly Node[];
}

export interface DefineStmt {
  readonly kind?: string;
  readonly oldstyle?: boolean;
  readonly defnames?: readonly Node[];
  readonly args?: readonly Node[];
  readonly definition?: readonly Node[];
  readonly if_not_exists?: boolean;
  readonly replace?: boolean;
}

export interface CreateSeqStmt {
  readonly sequence?: RangeVar;
  readonly options?: readonly Node[];
  readonly ownerId?: number;
  readonly for_identity?: boolean;
  readonly if_not_exists?: boolean;
}

export interface AlterSeqStmt {
  readonly sequence?: RangeVar;
  readonly options?: readonly Node[];
  readonly for_identity?: boolean;
  readonly missing_ok?: boolean;
}
