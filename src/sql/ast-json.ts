// SQL/JSON nodes of the raw parse tree (16 and later; earlier majors parse them as plain function calls). Only types.
// Protobuf leaves out fields that are empty, zero or false: every field is optional, also where the grammar always has it.
import type { Node } from './ast.ts';
import type { Alias } from './ast-query.ts';
import type { TypeName, WindowDef } from './ast-expr.ts';

export interface JsonFuncExpr {
  readonly op?: string; // from 17
  readonly column_name?: string; // from 17
  readonly context_item?: JsonValueExpr; // from 17
  readonly pathspec?: Node; // from 17
  readonly passing?: readonly Node[]; // from 17
  readonly output?: JsonOutput; // from 17
  readonly on_empty?: JsonBehavior; // from 17
  readonly on_error?: JsonBehavior; // from 17
  readonly wrapper?: string; // from 17
  readonly quotes?: string; // from 17
  readonly location?: number; // from 17
}

export interface JsonTable {
  readonly context_item?: JsonValueExpr; // from 17
  readonly pathspec?: JsonTablePathSpec; // from 17
  readonly passing?: readonly Node[]; // from 17
  readonly columns?: readonly Node[]; // from 17
  readonly on_error?: JsonBehavior; // from 17
  readonly alias?: Alias; // from 17
  readonly lateral?: boolean; // from 17
  readonly location?: number; // from 17
}

export interface JsonTableColumn {
  readonly coltype?: string; // from 17
  readonly name?: string; // from 17
  readonly typeName?: TypeName; // from 17
  readonly pathspec?: JsonTablePathSpec; // from 17
  readonly format?: JsonFormat; // from 17
  readonly wrapper?: string; // from 17
  readonly quotes?: string; // from 17
  readonly columns?: readonly Node[]; // from 17
  readonly on_empty?: JsonBehavior; // from 17
  readonly on_error?: JsonBehavior; // from 17
  readonly location?: number; // from 17
}

export interface JsonTablePathSpec {
  readonly string?: Node; // from 17
  readonly name?: string; // from 17
  readonly location?: number; // from 17
}

export interface JsonOutput {
  readonly typeName?: TypeName; // from 16
  readonly returning?: JsonReturning; // from 16
}

export interface JsonValueExpr {
  readonly raw_expr?: Node; // from 16
  readonly format?: JsonFormat; // from 16
}

export interface JsonFormat {
  readonly format_type?: string; // from 16
  readonly encoding?: string; // from 16
  readonly location?: number; // from 16
}

export interface JsonReturning {
  readonly format?: JsonFormat; // from 16
}

export interface JsonBehavior {
  readonly btype?: string; // from 17
  readonly expr?: Node; // from 17
  readonly location?: number; // from 17
}

export interface JsonArgument {
  readonly val?: JsonValueExpr; // from 17
  readonly name?: string; // from 17
}

export interface JsonKeyValue {
  readonly key?: Node; // from 16
  readonly value?: JsonValueExpr; // from 16
}

export interface JsonObjectConstructor {
  readonly exprs?: readonly Node[]; // from 16
  readonly output?: JsonOutput; // from 16
  readonly absent_on_null?: boolean; // from 16
  readonly unique?: boolean; // from 16
  readonly location?: number; // from 16
}

export interface JsonArrayConstructor {
  readonly exprs?: readonly Node[]; // from 16
  readonly output?: JsonOutput; // from 16
  readonly absent_on_null?: boolean; // from 16
  readonly location?: number; // from 16
}

export interface JsonArrayQueryConstructor {
  readonly query?: Node; // from 16
  readonly output?: JsonOutput; // from 16
  readonly format?: JsonFormat; // from 16
  readonly absent_on_null?: boolean; // from 16
  readonly location?: number; // from 16
}

export interface JsonObjectAgg {
  readonly constructor?: JsonAggConstructor; // from 16
  readonly arg?: JsonKeyValue; // from 16
  readonly absent_on_null?: boolean; // from 16
  readonly unique?: boolean; // from 16
}

export interface JsonArrayAgg {
  readonly constructor?: JsonAggConstructor; // from 16
  readonly arg?: JsonValueExpr; // from 16
  readonly absent_on_null?: boolean; // from 16
}

export interface JsonAggConstructor {
  readonly output?: JsonOutput; // from 16
  readonly agg_filter?: Node; // from 16
  readonly agg_order?: readonly Node[]; // from 16
  readonly over?: WindowDef; // from 16
  readonly location?: number; // from 16
}

export interface JsonParseExpr {
  readonly expr?: JsonValueExpr; // from 17
  readonly output?: JsonOutput; // from 17
  readonly unique_keys?: boolean; // from 17
  readonly location?: number; // from 17
}

export interface JsonScalarExpr {
  readonly expr?: Node; // from 17
  readonly output?: JsonOutput; // from 17
  readonly location?: number; // from 17
}

export interface JsonSerializeExpr {
  readonly expr?: JsonValueExpr; // from 17
  readonly output?: JsonOutput; // from 17
  readonly location?: number; // from 17
}

export interface JsonIsPredicate {
  readonly expr?: Node; // from 16
  readonly format?: JsonFormat; // from 16
  readonly item_type?: string; // from 16
  readonly unique_keys?: boolean; // from 16
  readonly location?: number; // from 16
}
