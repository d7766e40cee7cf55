// SELECT, VALUES and set operations, by the rules of analyze.c and parse_clause.c: every clause with its own use, result columns
// with what they are made of, and the old and new rules of ORDER BY and GROUP BY names.
import { namesOf, stringOf, tagOf, type Node } from './ast.ts';
import type { SelectStmt } from './ast-query.ts';
import { columnReference, expression, operator, window } from './columns-expr.ts';
import { fromList } from './columns-from.ts';
import { labelOf, noName } from './columns-label.ts';
import { uses, type QuerySpot, type Spot, type State } from './columns-state.ts';
import { isTotal } from './columns-total.ts';
import { withScope } from './columns-with.ts';
import {
  findColumn,
  findItem,
  plainColumn,
  Shape,
  type Column,
  type Item,
  type Scope,
  type Source,
  type WithScope,
} from './scope.ts';

export function select(state: State, node: SelectStmt, spot: QuerySpot): Shape {
  if (node.lockingClause !== undefined) state.locks = 'rows';
  const withs = withScope(state, node.withClause, spot);
  const inside: QuerySpot = { ...spot, withs };
  return body(state, node, inside);
}

function body(state: State, node: SelectStmt, spot: QuerySpot): Shape {
  if (node.op !== undefined && node.op !== 'SETOP_NONE') return setOperation(state, node, spot);
  if (node.valuesLists !== undefined) return values(state, node, spot);
  const scope = withWindows(state, node.windowClause, fromList(state, node.fromClause, spot));
  const shape = targets(state, node.targetList, scope, spot.use);
  const at = (use: number): Spot => ({ scope, use, into: undefined });
  state.expression(node.whereClause, at(uses.filter));
  for (const each of node.groupClause ?? []) groupItem(state, each, scope, shape);
  state.expression(node.havingClause, at(uses.filter));
  distinct(state, node, scope, shape);
  for (const each of node.sortClause ?? []) sortItem(state, each, scope, shape, uses.order);
  limits(state, node, scope);
  return shape;
}

/** Windows in order: a later one may go on from an earlier one. */
function withWindows(state: State, list: readonly Node[] | undefined, from: Scope): Scope {
  if (list === undefined) return from;
  const windows = new Map<string, readonly Source[]>();
  const scope: Scope = { ...from, windows };
  for (const { WindowDef } of list) {
    const into = new Set<Source>();
    window(state, WindowDef, { scope, use: uses.other, into });
    windows.set(WindowDef?.name ?? '', [...into]);
  }
  return scope;
}

function limits(state: State, node: SelectStmt, scope: Scope): void {
  const spot: Spot = { scope, use: uses.other, into: undefined };
  state.expression(node.limitCount, spot);
  state.expression(node.limitOffset, spot);
}

/** DISTINCT compares whole results; DISTINCT ON names its own. */
function distinct(state: State, node: SelectStmt, scope: Scope, shape: Shape): void {
  for (const each of node.distinctClause ?? []) {
    if (tagOf(each) === '') state.mark(shape.sources(), uses.group);
    else sortItem(state, each, scope, shape, uses.group);
  }
}

/** The result columns; stars opened in the order of the relations' columns. */
export function targets(state: State, list: readonly Node[] | undefined, scope: Scope, use: number): Shape {
  const columns: Column[] = [];
  let rest: Source[] | undefined;
  for (const node of list ?? []) {
    const value = node.ResTarget?.val;
    if (value === undefined) continue;
    const star = starOf(state, value, scope, use);
    if (star === undefined) {
      columns.push(target(state, node.ResTarget?.name, value, { scope, use, into: undefined }));
      continue;
    }
    columns.push(...star.columns);
    if (star.rest !== undefined) rest = [...(rest ?? []), ...star.rest];
  }
  return new Shape(columns, rest);
}

export function target(state: State, name: string | undefined, value: Node, spot: Spot): Column {
  if (value.ColumnRef !== undefined) {
    const found = columnReference(state, value.ColumnRef, spot);
    if ('sources' in found) return name === undefined || name === found.name ? found : { ...found, name };
  }
  const into = new Set<Source>();
  const typed = expression(state, value, { ...spot, use: computed(state, value, spot), into });
  // A scalar sub-select is called what its column is called, stars opened.
  const inner = value.SubLink?.subLinkType === 'EXPR_SUBLINK' && 'name' in typed ? String(typed.name) : undefined;
  const label = name ?? inner ?? labelOf(value, subName).name;
  return { name: label, sources: [...into], origin: undefined, type: typed.type, row: typed.row };
}

/** Whatever becomes of the result, what it is computed from may be told by computing it. */
function computed(state: State, value: Node, { scope, use }: Pick<Spot, 'scope' | 'use'>): number {
  return isTotal(state, value, { scope, place: 'always' }) ? use : use | uses.exposed;
}

/** What a scalar sub-select's only column is called. */
function subName(node: Node): string {
  let query = node.SelectStmt;
  while (query?.larg !== undefined) query = query.larg;
  if (query?.valuesLists !== undefined) return 'column1';
  const first = query?.targetList?.[0]?.ResTarget;
  if (first?.name !== undefined) return first.name;
  return first?.val === undefined ? noName : labelOf(first.val, subName).name;
}

/** `*`, `item.*` and `(row).*`; undefined for anything else. */
function starOf(state: State, value: Node, scope: Scope, use: number): Shape | undefined {
  const fields = value.ColumnRef?.fields;
  if (fields?.at(-1)?.A_Star !== undefined) return itemStar(state, fields, value.ColumnRef?.location, { scope, use });
  const steps = value.A_Indirection?.indirection;
  if (steps?.at(-1)?.A_Star === undefined) return undefined;
  const into = new Set<Source>();
  const typed = expression(state, value, { scope, use: computed(state, value, { scope, use }), into });
  const sources = [...into];
  const relation = state.names.index.rowRelation(typed.type);
  const row = typed.row ?? (relation === undefined ? undefined : state.shapes.of(relation));
  if (row === undefined) return new Shape([], sources);
  // The row's own columns are known by name; their values come out of whatever made the row.
  const columns = row.columns.map((each) => ({
    ...each,
    sources: typed.row === undefined || each.sources.length === 0 ? sources : each.sources,
    origin: undefined,
  }));
  return new Shape(columns, row.rest);
}

function itemStar(
  state: State,
  fields: readonly Node[],
  at: number | undefined,
  spot: { readonly scope: Scope; readonly use: number },
): Shape {
  const full: Spot = { ...spot, into: undefined };
  if (fields.length === 1) {
    const shown = spot.scope.sights.filter((sight) => sight.unqualified).map((sight) => sight.item);
    return all(state, shown, full);
  }
  const names = namesOf(fields.slice(0, -1)) ?? [];
  const item = findItem(spot.scope, names.at(-1) ?? '', names.at(-2));
  if (item === undefined) {
    state.unresolved(`a star on "${names.join('.')}", which is not in sight`, at);
    return new Shape([], []);
  }
  return all(state, [item], full);
}

function all(state: State, items: readonly Item[], spot: Spot): Shape {
  for (const item of items) state.markShape(item.shape, spot);
  const hasRest = items.some((item) => item.shape.rest !== undefined);
  const rest = hasRest ? [...new Set(items.flatMap((item) => item.shape.rest ?? []))] : undefined;
  const sole = items.length === 1 ? items[0] : undefined;
  return (
    sole?.shape ??
    new Shape(
      items.flatMap((item) => item.shape.columns),
      rest,
    )
  );
}

/** GROUP BY: a bare name is a column of FROM first, then a result column; a number is a place; sets are looked into. */
function groupItem(state: State, node: Node, scope: Scope, shape: Shape): void {
  if (node.GroupingSet !== undefined) {
    for (const each of node.GroupingSet.content ?? []) groupItem(state, each, scope, shape);
    return;
  }
  if (node.RowExpr !== undefined && node.RowExpr.row_format === 'COERCE_IMPLICIT_CAST') {
    for (const each of node.RowExpr.args ?? []) groupItem(state, each, scope, shape);
    return;
  }
  const name = bareName(node);
  if (name !== undefined && findColumn(scope, name, 'here')?.kind === 'column') {
    state.expression(node, { scope, use: uses.group, into: undefined });
    return;
  }
  sortItem(state, node, scope, shape, uses.group);
}

/** ORDER BY and DISTINCT ON: a bare name is a result column first; a number is a place; else an expression over FROM. */
function sortItem(state: State, node: Node, scope: Scope, shape: Shape, use: number): void {
  operator(state, node.SortBy?.useOp, node.SortBy?.location);
  const inner = node.SortBy?.node ?? node;
  const spot: Spot = { scope, use, into: undefined };
  const name = bareName(inner);
  const named = name === undefined ? undefined : shape.find(name);
  if (named !== undefined) {
    state.markColumn(named, spot);
    return;
  }
  const place = inner.A_Const?.ival === undefined ? undefined : (inner.A_Const.ival.ival ?? 0);
  if (place !== undefined) {
    const column = shape.rest === undefined ? shape.columns[place - 1] : undefined;
    if (column !== undefined) state.markColumn(column, spot);
    else state.mark(shape.sources(), use);
    return;
  }
  if (name !== undefined && shape.rest !== undefined && findColumn(scope, name, 'outwards') === undefined) {
    state.mark(shape.rest, use);
    return;
  }
  state.expression(inner, spot);
}

function bareName(node: Node): string | undefined {
  const fields = node.ColumnRef?.fields;
  return fields?.length === 1 ? stringOf(fields[0]) : undefined;
}

function values(state: State, node: SelectStmt, spot: QuerySpot): Shape {
  const scope: Scope = { sights: [], outer: spot.outer, withs: spot.withs };
  const made: Set<Source>[] = [];
  let rest: readonly Source[] | undefined;
  for (const row of node.valuesLists ?? []) {
    let at = 0;
    const place = (): Set<Source> => (made[at++] ??= new Set());
    for (const item of row.List?.items ?? []) {
      const star = starOf(state, item, scope, spot.use);
      if (star === undefined)
        state.expression(item, { scope, use: computed(state, item, { scope, use: spot.use }), into: place() });
      for (const column of star?.columns ?? [])
        for (const source of [place()]) column.sources.forEach((each) => source.add(each));
      if (star?.rest !== undefined) rest = [...(rest ?? []), ...star.rest];
    }
  }
  const columns = made.map((into, at) => plainColumn(`column${at + 1}`, [...into]));
  const shape =
    rest === undefined ? new Shape(columns) : new Shape(columns, [...columns.flatMap((each) => each.sources), ...rest]);
  for (const each of node.sortClause ?? []) sortItem(state, each, scope, shape, uses.order);
  limits(state, node, scope);
  return shape;
}

/** Each arm is a query of its own. All but UNION ALL compare rows; ORDER BY sees result columns only. */
function setOperation(state: State, node: SelectStmt, spot: QuerySpot): Shape {
  const arm: QuerySpot = { ...spot, use: node.all === true ? spot.use : spot.use | uses.group };
  const left = select(state, node.larg ?? {}, arm);
  const right = select(state, node.rarg ?? {}, arm);
  const shape = merged(left, right);
  setOperationTail(state, node, shape, spot);
  return shape;
}

export function setOperationTail(
  state: State,
  node: SelectStmt,
  shape: Shape,
  spot: { readonly outer: Scope | undefined; readonly withs: WithScope | undefined },
): void {
  const scope: Scope = { sights: [], outer: spot.outer, withs: spot.withs };
  for (const each of node.sortClause ?? []) sortItem(state, each, scope, shape, uses.order);
  limits(state, node, scope);
}

/** Columns of two arms by place, named by the left one. */
export function merged(left: Shape, right: Shape): Shape {
  if (left.rest !== undefined || right.rest !== undefined) {
    const sources = [...new Set([...left.sources(), ...right.sources()])];
    return new Shape(
      left.rest === undefined ? left.columns.map((each) => plainColumn(each.name, sources)) : [],
      sources,
    );
  }
  return new Shape(
    left.columns.map((each, at) => {
      const other = right.columns[at]?.sources ?? [];
      return { ...each, sources: [...new Set([...each.sources, ...other])], origin: undefined };
    }),
  );
}
