// Whether a rewritten statement is what was meant: the authority's tree of the rewritten text must be the original's tree with exactly
// the intended change and nothing else. Compares whole trees; knows nothing of who rewrote the text.
import type { Node } from './ast.ts';
import type { SelectStmt } from './ast-query.ts';

export type OfferWish =
  /** Only these outputs, by place; `names` are all outputs' names, for statements that say `*`. */
  | { readonly kind: 'keepOutputs'; readonly keep: readonly number[]; readonly names: readonly string[] }
  | { readonly kind: 'limit'; readonly rows: number }
  | { readonly kind: 'count' };

/** The tree that the wish asks for; undefined when the statement is not one that it can be asked of. */
export function wishedTree(node: Node, wish: OfferWish): Node | undefined {
  const select = node.SelectStmt;
  if (select === undefined || select.targetList === undefined || !isPlain(select)) return undefined;
  switch (wish.kind) {
    case 'keepOutputs': {
      const targetList = keptTargets(select, wish);
      return targetList === undefined ? undefined : { SelectStmt: { ...select, targetList } };
    }
    case 'limit': {
      if (select.limitCount !== undefined && (limitOf(select) ?? 0) <= wish.rows) return undefined;
      const limitCount: Node = { A_Const: { ival: { ival: wish.rows } } };
      return { SelectStmt: { ...select, limitCount, limitOption: 'LIMIT_OPTION_COUNT' } };
    }
    case 'count': {
      if (!countable(select)) return undefined;
      const { sortClause: _order, ...rest } = select;
      return { SelectStmt: { ...rest, targetList: [countTarget] } };
    }
  }
}

/** Equal but for where things stand in their texts. */
export function sameTree(one: Node, other: Node): boolean {
  return canonical(one) === canonical(other);
}

const places =
  /^(?:location|stmt_location|stmt_len|rexpr_list_start|rexpr_list_end|list_start|list_end|name_location)$/;

function canonical(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => {
    if (places.test(key)) return undefined;
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** One SELECT of its own, without what would come out differently from fewer outputs or rows. */
function isPlain(select: SelectStmt): boolean {
  if (select.op !== undefined && select.op !== 'SETOP_NONE') return false;
  return select.intoClause === undefined && select.lockingClause === undefined && select.valuesLists === undefined;
}

function limitOf(select: SelectStmt): number | undefined {
  const constant = select.limitCount?.A_Const;
  if (constant?.ival === undefined || select.limitOption !== 'LIMIT_OPTION_COUNT') return undefined;
  return constant.ival.ival ?? 0;
}

function countable(select: SelectStmt): boolean {
  const changing = [select.groupClause, select.havingClause, select.distinctClause, select.windowClause];
  return (
    changing.every((part) => part === undefined) && select.limitCount === undefined && select.limitOffset === undefined
  );
}

const countTarget: Node = {
  ResTarget: {
    val: {
      FuncCall: { funcname: [{ String: { sval: 'count' } }], agg_star: true, funcformat: 'COERCE_EXPLICIT_CALL' },
    },
  },
};

function keptTargets(
  select: SelectStmt,
  wish: Extract<OfferWish, { readonly kind: 'keepOutputs' }>,
): readonly Node[] | undefined {
  const targets = select.targetList ?? [];
  // ORDER BY 2 means another column once a column is gone.
  if (wish.keep.length === 0 || [select.sortClause, select.groupClause].some(hasPosition)) return undefined;
  const star = targets.length === 1 ? starOf(targets[0]) : undefined;
  if (star !== undefined) return expandedStar(select, star, wish);
  if (targets.some((target) => starOf(target) !== undefined) || targets.length !== wish.names.length) return undefined;
  return targets.filter((_target, index) => wish.keep.includes(index));
}

/** The fields before the star: none for `*`, one for `t.*`. */
function starOf(target: Node | undefined): readonly Node[] | undefined {
  const fields = target?.ResTarget?.val?.ColumnRef?.fields;
  return fields?.at(-1)?.A_Star === undefined ? undefined : fields.slice(0, -1);
}

/** Names without a qualifier are sure only where there is one table to take them from. */
function expandedStar(
  select: SelectStmt,
  star: readonly Node[],
  wish: Extract<OfferWish, { readonly kind: 'keepOutputs' }>,
): readonly Node[] | undefined {
  const single = select.fromClause?.length === 1 && select.fromClause[0]?.RangeVar !== undefined;
  if (!single && star.length !== 1) return undefined;
  const kept = wish.keep.map((index) => wish.names[index]);
  if (kept.some((name) => name === undefined || kept.indexOf(name) !== kept.lastIndexOf(name))) return undefined;
  return kept.map((name): Node => {
    const fields = [...star, { String: { sval: name ?? '' } }];
    return { ResTarget: { val: { ColumnRef: { fields } } } };
  });
}

function hasPosition(clause: readonly Node[] | undefined): boolean {
  return (clause ?? []).some((item) => (item.SortBy?.node ?? item).A_Const !== undefined);
}
