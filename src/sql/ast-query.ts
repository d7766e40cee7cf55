// Queries of the raw parse tree: FROM, WITH, SELECT, INSERT, UPDATE, DELETE, MERGE. Only types.
// Protobuf leaves out fields that are empty, zero or false: every field is optional, also where the grammar always has it.
import type { Node } from './ast.ts';
import type { CollateClause, TypeName } from './ast-expr.ts';

export interface ResTarget {
  readonly name?: string;
  readonly indirection?: readonly Node[];
  readonly val?: Node;
  readonly location?: number;
}

export interface RangeSubselect {
  readonly lateral?: boolean;
  readonly subquery?: Node;
  readonly alias?: Alias;
}

export interface RangeFunction {
  readonly lateral?: boolean;
  readonly ordinality?: boolean;
  readonly is_rowsfrom?: boolean;
  readonly functions?: readonly Node[];
  readonly alias?: Alias;
  readonly coldeflist?: readonly Node[];
}

export interface RangeTableSample {
  readonly relation?: Node;
  readonly method?: readonly Node[];
  readonly args?: readonly Node[];
  readonly repeatable?: Node;
  readonly location?: number;
}

export interface RangeTableFunc {
  readonly lateral?: boolean;
  readonly docexpr?: Node;
  readonly rowexpr?: Node;
  readonly namespaces?: readonly Node[];
  readonly columns?: readonly Node[];
  readonly alias?: Alias;
  readonly location?: number;
}

export interface RangeTableFuncCol {
  readonly colname?: string;
  readonly typeName?: TypeName;
  readonly for_ordinality?: boolean;
  readonly is_not_null?: boolean;
  readonly colexpr?: Node;
  readonly coldefexpr?: Node;
  readonly location?: number;
}

export interface RangeVar {
  readonly catalogname?: string;
  readonly schemaname?: string;
  readonly relname?: string;
  readonly inh?: boolean;
  readonly relpersistence?: string;
  readonly alias?: Alias;
  readonly location?: number;
}

export interface Alias {
  readonly aliasname?: string;
  readonly colnames?: readonly Node[];
}

export interface ColumnDef {
  readonly colname?: string;
  readonly typeName?: TypeName;
  readonly compression?: string;
  readonly is_local?: boolean;
  readonly is_not_null?: boolean;
  readonly storage_name?: string; // from 16
  readonly raw_default?: Node;
  readonly identity?: string;
  readonly identitySequence?: RangeVar;
  readonly generated?: string;
  readonly collClause?: CollateClause;
  readonly constraints?: readonly Node[];
  readonly fdwoptions?: readonly Node[];
  readonly location?: number;
}

export interface GroupingSet {
  readonly kind?: string;
  readonly content?: readonly Node[];
  readonly location?: number;
}

export interface JoinExpr {
  readonly jointype?: string;
  readonly isNatural?: boolean;
  readonly larg?: Node;
  readonly rarg?: Node;
  readonly usingClause?: readonly Node[];
  readonly join_using_alias?: Alias;
  readonly quals?: Node;
  readonly alias?: Alias;
}

export interface WithClause {
  readonly ctes?: readonly Node[];
  readonly recursive?: boolean;
  readonly location?: number;
}

export interface CommonTableExpr {
  readonly ctename?: string;
  readonly aliascolnames?: readonly Node[];
  readonly ctematerialized?: string;
  readonly ctequery?: Node;
  readonly search_clause?: CTESearchClause;
  readonly cycle_clause?: CTECycleClause;
  readonly location?: number;
  readonly cterecursive?: boolean;
}

export interface CTESearchClause {
  readonly search_col_list?: readonly Node[];
  readonly search_breadth_first?: boolean;
  readonly search_seq_column?: string;
  readonly location?: number;
}

export interface CTECycleClause {
  readonly cycle_col_list?: readonly Node[];
  readonly cycle_mark_column?: string;
  readonly cycle_mark_value?: Node;
  readonly cycle_mark_default?: Node;
  readonly cycle_path_column?: string;
  readonly location?: number;
}

export interface LockingClause {
  readonly lockedRels?: readonly Node[];
  readonly strength?: string;
  readonly waitPolicy?: string;
}

export interface IntoClause {
  readonly rel?: RangeVar;
  readonly colNames?: readonly Node[];
  readonly accessMethod?: string;
  readonly options?: readonly Node[];
  readonly onCommit?: string;
  readonly tableSpaceName?: string;
  readonly skipData?: boolean;
}

export interface InferClause {
  readonly indexElems?: readonly Node[];
  readonly whereClause?: Node;
  readonly conname?: string;
  readonly location?: number;
}

export interface IndexElem {
  readonly name?: string;
  readonly expr?: Node;
  readonly indexcolname?: string;
  readonly opclass?: readonly Node[];
  readonly opclassopts?: readonly Node[];
  readonly ordering?: string;
  readonly nulls_ordering?: string;
}

export interface OnConflictClause {
  readonly action?: string;
  readonly infer?: InferClause;
  readonly targetList?: readonly Node[];
  readonly whereClause?: Node;
  readonly location?: number;
}

export interface MergeWhenClause {
  readonly matchKind?: string; // from 17
  readonly commandType?: string;
  readonly override?: string;
  readonly condition?: Node;
  readonly targetList?: readonly Node[];
  readonly values?: readonly Node[];
  readonly matched?: boolean; // up to 16
}

export interface ReturningClause {
  readonly options?: readonly Node[]; // from 18
  readonly exprs?: readonly Node[]; // from 18
}

export interface ReturningOption {
  readonly option?: string; // from 18
  readonly value?: string; // from 18
  readonly location?: number; // from 18
}

export interface SelectStmt {
  readonly distinctClause?: readonly Node[];
  readonly intoClause?: IntoClause;
  readonly targetList?: readonly Node[];
  readonly fromClause?: readonly Node[];
  readonly whereClause?: Node;
  readonly groupClause?: readonly Node[];
  readonly groupDistinct?: boolean;
  readonly havingClause?: Node;
  readonly windowClause?: readonly Node[];
  readonly valuesLists?: readonly Node[];
  readonly sortClause?: readonly Node[];
  readonly limitOffset?: Node;
  readonly limitCount?: Node;
  readonly limitOption?: string;
  readonly lockingClause?: readonly Node[];
  readonly withClause?: WithClause;
  readonly op?: string;
  readonly all?: boolean;
  readonly larg?: SelectStmt;
  readonly rarg?: SelectStmt;
}

export interface InsertStmt {
  readonly relation?: RangeVar;
  readonly cols?: readonly Node[];
  readonly selectStmt?: Node;
  readonly onConflictClause?: OnConflictClause;
  readonly returningClause?: ReturningClause; // from 18
  readonly withClause?: WithClause;
  readonly override?: string;
  readonly returningList?: readonly Node[]; // up to 17
}

export interface UpdateStmt {
  readonly relation?: RangeVar;
  readonly targetList?: readonly Node[];
  readonly whereClause?: Node;
  readonly fromClause?: readonly Node[];
  readonly returningClause?: ReturningClause; // from 18
  readonly withClause?: WithClause;
  readonly returningList?: readonly Node[]; // up to 17
}

export interface DeleteStmt {
  readonly relation?: RangeVar;
  readonly usingClause?: readonly Node[];
  readonly whereClause?: Node;
  readonly returningClause?: ReturningClause; // from 18
  readonly withClause?: WithClause;
  readonly returningList?: readonly Node[]; // up to 17
}

export interface MergeStmt {
  readonly relation?: RangeVar;
  readonly sourceRelation?: Node;
  readonly joinCondition?: Node;
  readonly mergeWhenClauses?: readonly Node[];
  readonly returningClause?: ReturningClause; // from 18
  readonly withClause?: WithClause;
  readonly returningList?: readonly Node[]; // from 17 to 17
}
