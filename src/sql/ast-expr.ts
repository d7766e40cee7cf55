// Expressions of the raw parse tree as libpg-query gives it. Names are Postgres’s own, so that its sources can be read beside them.
// Protobuf leaves out fields that are empty, zero or false: every field is optional, also where the grammar always has it.
import type { Node, StringNode, IntegerNode, FloatNode, BooleanNode, BitStringNode } from './ast.ts';

export interface A_Const {
  readonly ival?: IntegerNode;
  readonly fval?: FloatNode;
  readonly boolval?: BooleanNode;
  readonly sval?: StringNode;
  readonly bsval?: BitStringNode;
  readonly isnull?: boolean;
  readonly location?: number;
}

export interface ColumnRef {
  readonly fields?: readonly Node[];
  readonly location?: number;
}

export interface ParamRef {
  readonly number?: number;
  readonly location?: number;
}

export interface A_Expr {
  readonly kind?: string;
  readonly name?: readonly Node[];
  readonly lexpr?: Node;
  readonly rexpr?: Node;
  readonly location?: number;
}

export interface BoolExpr {
  readonly boolop?: string;
  readonly args?: readonly Node[];
  readonly location?: number;
}

export interface FuncCall {
  readonly funcname?: readonly Node[];
  readonly args?: readonly Node[];
  readonly agg_order?: readonly Node[];
  readonly agg_filter?: Node;
  readonly over?: WindowDef;
  readonly agg_within_group?: boolean;
  readonly agg_star?: boolean;
  readonly agg_distinct?: boolean;
  readonly func_variadic?: boolean;
  readonly funcformat?: string;
  readonly location?: number;
}

export type A_Star = Readonly<Record<string, never>>;
export interface A_Indices {
  readonly is_slice?: boolean;
  readonly lidx?: Node;
  readonly uidx?: Node;
}

export interface A_Indirection {
  readonly arg?: Node;
  readonly indirection?: readonly Node[];
}

export interface A_ArrayExpr {
  readonly elements?: readonly Node[];
  readonly location?: number;
}

export interface TypeCast {
  readonly arg?: Node;
  readonly typeName?: TypeName;
  readonly location?: number;
}

export interface TypeName {
  readonly names?: readonly Node[];
  readonly setof?: boolean;
  readonly pct_type?: boolean;
  readonly typmods?: readonly Node[];
  readonly arrayBounds?: readonly Node[];
  readonly location?: number;
}

export interface CollateClause {
  readonly arg?: Node;
  readonly collname?: readonly Node[];
  readonly location?: number;
}

export interface WindowDef {
  readonly name?: string;
  readonly refname?: string;
  readonly partitionClause?: readonly Node[];
  readonly orderClause?: readonly Node[];
  readonly frameOptions?: number;
  readonly startOffset?: Node;
  readonly endOffset?: Node;
  readonly location?: number;
}

export interface SortBy {
  readonly node?: Node;
  readonly sortby_dir?: string;
  readonly sortby_nulls?: string;
  readonly useOp?: readonly Node[];
  readonly location?: number;
}

export interface GroupingFunc {
  readonly args?: readonly Node[];
  readonly location?: number;
}

export interface SubLink {
  readonly subLinkType?: string;
  readonly testexpr?: Node;
  readonly operName?: readonly Node[];
  readonly subselect?: Node;
  readonly location?: number;
}

export interface CaseExpr {
  readonly arg?: Node;
  readonly args?: readonly Node[];
  readonly defresult?: Node;
  readonly location?: number;
}

export interface CaseWhen {
  readonly expr?: Node;
  readonly result?: Node;
  readonly location?: number;
}

export interface CoalesceExpr {
  readonly args?: readonly Node[];
  readonly location?: number;
}

export interface MinMaxExpr {
  readonly op?: string;
  readonly args?: readonly Node[];
  readonly location?: number;
}

export interface RowExpr {
  readonly args?: readonly Node[];
  readonly row_format?: string;
  readonly colnames?: readonly Node[];
  readonly location?: number;
}

export interface SQLValueFunction {
  readonly op?: string;
  readonly location?: number;
}

export interface XmlExpr {
  readonly op?: string;
  readonly name?: string;
  readonly named_args?: readonly Node[];
  readonly arg_names?: readonly Node[];
  readonly args?: readonly Node[];
  readonly xmloption?: string;
  readonly indent?: boolean; // from 16
  readonly location?: number;
}

export interface XmlSerialize {
  readonly xmloption?: string;
  readonly expr?: Node;
  readonly typeName?: TypeName;
  readonly indent?: boolean; // from 16
  readonly location?: number;
}

export interface NullTest {
  readonly arg?: Node;
  readonly nulltesttype?: string;
  readonly argisrow?: boolean;
  readonly location?: number;
}

export interface BooleanTest {
  readonly arg?: Node;
  readonly booltesttype?: string;
  readonly location?: number;
}

export interface NamedArgExpr {
  readonly arg?: Node;
  readonly name?: string;
  readonly location?: number;
}

export interface CurrentOfExpr {
  readonly cursor_name?: string;
}

export interface SetToDefault {
  readonly location?: number;
}

export interface MultiAssignRef {
  readonly source?: Node;
  readonly colno?: number;
  readonly ncolumns?: number;
}
