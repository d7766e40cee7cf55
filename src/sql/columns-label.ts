// What a result column is called when nobody names it: FigureColname of parse_target.c. A wrong name here would resolve a
// reference above to another column, so every rule is copied, with its order of strength.
import { stringOf, tagOf, type Node } from './ast.ts';

export interface Label {
  readonly name: string;
  /** 2: a good name, 1: a type's or CASE's name that a better one may replace, 0: none. */
  readonly strength: 0 | 1 | 2;
}

export const noName = '?column?';
const none: Label = { name: noName, strength: 0 };

/** `subName`: what the first column of a scalar sub-select is called. */
export function labelOf(node: Node | undefined, subName: (query: Node) => string): Label {
  if (node === undefined) return none;
  const fixed = fixedNames[tagOf(node)];
  if (fixed !== undefined) return { name: fixed, strength: 2 };
  if (node.ColumnRef !== undefined) return lastName(node.ColumnRef.fields) ?? none;
  if (node.FuncCall !== undefined) return lastName(node.FuncCall.funcname) ?? none;
  if (node.A_Indirection !== undefined) {
    return lastName(node.A_Indirection.indirection) ?? labelOf(node.A_Indirection.arg, subName);
  }
  if (node.A_Expr !== undefined) return node.A_Expr.kind === 'AEXPR_NULLIF' ? good('nullif') : none;
  if (node.TypeCast !== undefined) {
    const inner = labelOf(node.TypeCast.arg, subName);
    if (inner.strength === 2) return inner;
    const type = stringOf(node.TypeCast.typeName?.names?.at(-1));
    return type === undefined ? inner : { name: type, strength: 1 };
  }
  if (node.CollateClause !== undefined) return labelOf(node.CollateClause.arg, subName);
  if (node.CaseExpr !== undefined) {
    const inner = labelOf(node.CaseExpr.defresult, subName);
    return inner.strength === 2 ? inner : { name: 'case', strength: 1 };
  }
  return rarer(node, subName);
}

function rarer(node: Node, subName: (query: Node) => string): Label {
  if (node.SubLink !== undefined) {
    const { subLinkType, subselect } = node.SubLink;
    if (subLinkType === 'EXISTS_SUBLINK') return good('exists');
    if (subLinkType === 'ARRAY_SUBLINK') return good('array');
    return subLinkType === 'EXPR_SUBLINK' && subselect !== undefined ? good(subName(subselect)) : none;
  }
  if (node.MinMaxExpr !== undefined) return good(node.MinMaxExpr.op === 'IS_LEAST' ? 'least' : 'greatest');
  if (node.SQLValueFunction !== undefined) {
    return good(
      (node.SQLValueFunction.op ?? '')
        .replace(/^SVFOP_/, '')
        .replace(/_N$/, '')
        .toLowerCase(),
    );
  }
  if (node.XmlExpr !== undefined) {
    const op = node.XmlExpr.op ?? '';
    return op === 'IS_DOCUMENT' ? none : good(op.replace(/^IS_/, '').toLowerCase());
  }
  if (node.JsonFuncExpr !== undefined) {
    return good((node.JsonFuncExpr.op ?? '').replace(/_OP$/, '').toLowerCase());
  }
  return none;
}

const fixedNames: Readonly<Record<string, string>> = {
  GroupingFunc: 'grouping',
  MergeSupportFunc: 'merge_action',
  A_ArrayExpr: 'array',
  RowExpr: 'row',
  CoalesceExpr: 'coalesce',
  XmlSerialize: 'xmlserialize',
  JsonParseExpr: 'json',
  JsonScalarExpr: 'json_scalar',
  JsonSerializeExpr: 'json_serialize',
  JsonObjectConstructor: 'json_object',
  JsonArrayConstructor: 'json_array',
  JsonArrayQueryConstructor: 'json_array',
  JsonObjectAgg: 'json_objectagg',
  JsonArrayAgg: 'json_arrayagg',
};

const good = (name: string): Label => ({ name, strength: 2 });

/** The last name of a list, over subscripts and stars. */
function lastName(list: readonly Node[] | undefined): Label | undefined {
  const name = (list ?? []).map(stringOf).findLast((each) => each !== undefined);
  return name === undefined ? undefined : good(name);
}
