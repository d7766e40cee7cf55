// Expressions: which columns they read, in which use, and what their value is made of. Types are followed only as far as rows go.
// A node that is not in the table is walked like any other and makes the statement not known.
import { bodyOf, childrenOf, isNode, namesOf, stringOf, tagOf, type Node } from './ast.ts';
import type { A_Indirection, ColumnRef, FuncCall, SubLink, TypeCast, WindowDef } from './ast-expr.ts';
import { uses, type CallSite, type Spot, type State } from './columns-state.ts';
import { returnOf } from './columns-functions.ts';
import { castCalls, typeOf } from './columns-types.ts';
import { partitionKeys } from './partition-keys.ts';
import {
  findColumn,
  findItem,
  isSystemColumn,
  untyped,
  type Column,
  type Item,
  type Typed,
  inSight,
  type Sight,
} from './scope.ts';

export function expression(state: State, node: Node, spot: Spot): Typed {
  const tag = tagOf(node);
  switch (tag) {
    case 'ColumnRef':
      return columnReference(state, node.ColumnRef ?? {}, spot);
    case 'A_Const':
    case 'ParamRef':
    case 'SQLValueFunction':
    case 'SetToDefault':
    case 'CurrentOfExpr':
    case 'String':
    case 'TypeName':
    case 'MergeSupportFunc':
      return untyped;
    case 'FuncCall':
      return call(state, node.FuncCall ?? {}, spot);
    case 'A_Expr':
      return operation(state, node, spot);
    case 'SubLink':
      return subLink(state, node.SubLink ?? {}, spot);
    case 'SelectStmt':
      return untypedShape(state, node, spot);
    case 'TypeCast':
      return typeCast(state, node.TypeCast ?? {}, spot);
    case 'A_Indirection':
      return indirection(state, node.A_Indirection ?? {}, spot);
    case 'CaseExpr':
      return caseOf(state, node, spot);
    case 'CollateClause':
      return state.expression(node.CollateClause?.arg, spot) ?? untyped;
    case 'SortBy':
      return sortBy(state, node, spot);
    case 'WindowDef':
      window(state, node.WindowDef, spot);
      return untyped;
    default:
      if (!transparent.has(tag)) state.unknown(`an expression of a kind that is not known: ${tag}`);
      typesIn(state, bodyOf(node));
      children(state, bodyOf(node), tag === 'MinMaxExpr' ? handed(spot) : spot);
      return untyped;
  }
}

/** Where something is done with the value: it may be compared, whatever the clause. */
const handed = (spot: Spot): Spot => ({ ...spot, use: spot.use | uses.worked });

/** Types that a node names itself: RETURNING of SQL/JSON, XMLSERIALIZE, columns of JSON_TABLE. */
function typesIn(state: State, body: unknown): void {
  if (typeof body !== 'object' || body === null) return;
  for (const [key, item] of Object.entries(body)) {
    if (key === 'typeName') typeOf(state, item);
    else if (!isNode(item)) typesIn(state, item);
  }
}

/** Nodes that do nothing with what is in them but compute. Whatever they hold is read in their own use. */
const transparent = new Set([
  'A_ArrayExpr',
  'A_Indices',
  'BoolExpr',
  'BooleanTest',
  'CoalesceExpr',
  'GroupingFunc',
  'Integer',
  'Float',
  'Boolean',
  'BitString',
  'JsonAggConstructor',
  'JsonArgument',
  'JsonArrayAgg',
  'JsonArrayConstructor',
  'JsonArrayQueryConstructor',
  'JsonBehavior',
  'JsonFormat',
  'JsonFuncExpr',
  'JsonIsPredicate',
  'JsonKeyValue',
  'JsonObjectAgg',
  'JsonObjectConstructor',
  'JsonOutput',
  'JsonParseExpr',
  'JsonReturning',
  'JsonScalarExpr',
  'JsonSerializeExpr',
  'JsonTableColumn',
  'JsonTablePathSpec',
  'JsonValueExpr',
  'List',
  'MinMaxExpr',
  'MultiAssignRef',
  'NamedArgExpr',
  'NullTest',
  'RangeTableFuncCol',
  'ResTarget',
  'RowExpr',
  'XmlExpr',
  'XmlSerialize',
]);

function children(state: State, body: unknown, spot: Spot): void {
  childrenOf(body, (child) => {
    state.parts.expression(state, child, spot);
  });
}

/** Names of one to four parts: `column`, `item.column`, `schema.item.column`, `database.schema.item.column`, or a star at the end. */
export function columnReference(state: State, ref: ColumnRef, spot: Spot): Typed | Column {
  const fields = ref.fields ?? [];
  const last = fields.at(-1);
  if (last?.A_Star !== undefined) return starReference(state, fields, spot, ref.location);
  const names = namesOf(fields);
  const name = names?.at(-1);
  if (names === undefined || name === undefined) {
    state.unknown('a column reference that cannot be read', ref.location);
    return untyped;
  }
  return names.length === 1
    ? bareName(state, name, spot, ref.location)
    : qualifiedName(state, names, name, spot, ref.location);
}

function bareName(state: State, name: string, spot: Spot, at: number | undefined): Typed | Column {
  const found = findColumn(spot.scope, name, 'outwards');
  if (found?.kind === 'system') return systemColumn(state, name, spot.scope.sights, spot);
  if (found?.kind === 'column') {
    state.markColumn(found.column, spot);
    return found.column;
  }
  const item = findItem(spot.scope, name, undefined);
  if (found?.kind === 'rest') {
    state.mark(found.sources, spot.use);
    for (const source of found.sources) spot.into?.add(source);
    if (found.beyond !== undefined) state.markColumn(found.beyond, spot);
  }
  if (item !== undefined) return wholeRow(state, item, spot);
  if (found === undefined) state.unresolved(`no column "${name}" is in sight in the schema that was read`, at);
  return untyped;
}

/** Of a partitioned table these say in which partition a row is, and so what its key is. All others hold nobody's data. */
function systemColumn(state: State, name: string, sights: readonly Sight[], spot: Spot): Typed {
  if (name !== 'tableoid' && name !== 'ctid') return untyped;
  for (const { item } of sights) {
    const relation = item.system ? state.names.index.rowRelation(item.rowType) : undefined;
    const keys =
      relation?.kind === 'p' ? partitionKeys(relation, state.shapes.of(relation), state.names.index) : undefined;
    if (keys === undefined) continue;
    state.mark(keys, spot.use);
    for (const source of keys) spot.into?.add(source);
  }
  return untyped;
}

function qualifiedName(
  state: State,
  names: readonly string[],
  name: string,
  spot: Spot,
  at: number | undefined,
): Typed | Column {
  const item = findItem(spot.scope, names.at(-2) ?? '', names.at(-3));
  if (item === undefined) {
    state.unresolved(`nothing called "${names.slice(0, -1).join('.')}" is in sight`, at);
    return untyped;
  }
  const found = item.shape.find(name);
  if (found !== undefined) {
    state.markColumn(found, spot);
    return found;
  }
  if (item.system && isSystemColumn(name)) return systemColumn(state, name, [inSight(item)], spot);
  // `item.name` may also call the function `name` with the whole row: both readings at once.
  const row = wholeRow(state, item, spot);
  const callee = callSite(state, 'attribute', [name], 1, at);
  if (callee.candidates.length === 0 && item.shape.rest === undefined) {
    state.unresolved(`"${item.name ?? ''}" has no column "${name}" in the schema that was read`, at);
  }
  return callee.candidates.length === 0 ? untyped : returnOf(state, callee.candidates, row);
}

function starReference(state: State, fields: readonly Node[], spot: Spot, at: number | undefined): Typed {
  if (fields.length === 1) {
    for (const { item, unqualified } of spot.scope.sights) if (unqualified) state.markShape(item.shape, spot);
    return untyped;
  }
  const names = namesOf(fields.slice(0, -1));
  const item = findItem(spot.scope, names?.at(-1) ?? '', names?.at(-2));
  if (item !== undefined) return wholeRow(state, item, spot);
  state.unresolved('a star on something that is not in sight', at);
  return untyped;
}

/** A whole row is every column of it. */
function wholeRow(state: State, item: Item, spot: Spot): Typed {
  state.markShape(item.shape, spot);
  return { type: item.rowType, row: item.shape };
}

function untypedShape(state: State, node: Node, spot: Spot): Typed {
  const shape = state.query(node, { outer: spot.scope, withs: spot.scope.withs, use: spot.use });
  if (spot.into !== undefined) for (const source of shape.sources()) spot.into.add(source);
  return untyped;
}

function subLink(state: State, link: SubLink, spot: Spot): Typed {
  state.expression(link.testexpr, handed(spot));
  operator(state, link.operName, link.location);
  if (link.subselect === undefined) return untyped;
  if (link.subLinkType === 'EXISTS_SUBLINK' && onlyNames(link.subselect)) {
    state.query(link.subselect, { outer: spot.scope, withs: spot.scope.withs, use: uses.named });
    return untyped;
  }
  const shape = state.query(link.subselect, { outer: spot.scope, withs: spot.scope.withs, use: spot.use });
  if (spot.into !== undefined) for (const source of shape.sources()) spot.into.add(source);
  return link.subLinkType === 'EXPR_SUBLINK' ? (shape.columns[0] ?? untyped) : untyped;
}

/**
 * EXISTS (SELECT * FROM …): whether a row is there. The server drops such a list unread, and no value in it can change the answer; with
 * DISTINCT, groups or an OFFSET it could.
 */
function onlyNames(node: Node): boolean {
  const select = node.SelectStmt ?? {};
  const counts = [
    'distinctClause',
    'groupClause',
    'havingClause',
    'windowClause',
    'valuesLists',
    'limitOffset',
    'larg',
    'intoClause',
  ];
  const plain = !Object.keys(select).some((key) => counts.includes(key));
  return plain && (select.targetList ?? []).every((target) => target.ResTarget?.val?.ColumnRef !== undefined);
}

function operation(state: State, node: Node, spot: Spot): Typed {
  const body = node.A_Expr ?? {};
  operator(state, body.name, body.location);
  state.expression(body.lexpr, handed(spot));
  state.expression(body.rexpr, handed(spot));
  return untyped;
}

/** Operators outside pg_catalog run somebody's function; those inside are the server's own. */
export function operator(state: State, name: readonly Node[] | undefined, at: number | undefined): void {
  const names = namesOf(name);
  if (names === undefined || names.length === 0) return;
  const candidates = state.names.userOperators(names);
  const schema = names.at(-2);
  if (schema !== undefined && schema !== 'pg_catalog' && candidates.length === 0) {
    state.unresolved(`no operator ${names.join('.')} is in the schema that was read`, at);
  }
  for (const found of candidates) {
    const callee = state.names.index.function(found.function);
    state.calls.push({ how: 'operator', names, candidates: callee === undefined ? [] : [callee], at });
  }
}

/** What decides which value comes out is a filter as well as part of the value. */
function caseOf(state: State, node: Node, spot: Spot): Typed {
  const body = node.CaseExpr ?? {};
  const deciding = { ...spot, use: spot.use | uses.filter };
  state.expression(body.arg, handed(deciding));
  let typed: Typed = untyped;
  for (const arm of body.args ?? []) {
    state.expression(arm.CaseWhen?.expr, deciding);
    typed = state.expression(arm.CaseWhen?.result, spot) ?? typed;
  }
  const otherwise = state.expression(body.defresult, spot);
  return typed === untyped ? (otherwise ?? untyped) : typed;
}

function sortBy(state: State, node: Node, spot: Spot): Typed {
  operator(state, node.SortBy?.useOp, node.SortBy?.location);
  return state.expression(node.SortBy?.node, spot) ?? untyped;
}

export function window(state: State, definition: WindowDef | undefined, spot: Spot): void {
  if (definition === undefined) return;
  // `OVER w` and `OVER (w …)`: the window's own columns were marked where it is defined; the value comes of them too.
  for (const name of [definition.name, definition.refname]) {
    for (const source of spot.scope.windows?.get(name ?? '') ?? []) spot.into?.add(source);
  }
  state.expressions(definition.partitionClause, { ...spot, use: spot.use | uses.group });
  state.expressions(definition.orderClause, { ...spot, use: spot.use | uses.order });
  state.expression(definition.startOffset, spot);
  state.expression(definition.endOffset, spot);
}

function typeCast(state: State, cast: TypeCast, spot: Spot): Typed {
  const inner = state.expression(cast.arg, spot) ?? untyped;
  const type = typeOf(state, cast.typeName);
  castCalls(state, cast, type, inner);
  if (type === 0) return untyped;
  return { type, row: state.names.index.rowRelation(type) === undefined ? undefined : inner.row };
}

/** `(x).field`, `(x).*`, `x[i]`. Columns inside `x` are marked already: only the names inside the row matter from here on. */
function indirection(state: State, body: A_Indirection, spot: Spot): Typed {
  let typed = state.expression(body.arg, spot) ?? untyped;
  for (const step of body.indirection ?? []) {
    if (step.A_Indices !== undefined) {
      state.expression(step.A_Indices.lidx, spot);
      state.expression(step.A_Indices.uidx, spot);
      const info = state.names.index.type(typed.type);
      typed = info === undefined || info.element === 0 ? untyped : { type: info.element, row: undefined };
      continue;
    }
    const field = stringOf(step);
    if (field === undefined) continue;
    typed = fieldOf(state, typed, field) ?? attributeCall(state, field, typed);
  }
  return typed;
}

function attributeCall(state: State, field: string, typed: Typed): Typed {
  const callee = callSite(state, 'attribute', [field], 1, undefined);
  if (callee.candidates.length > 0) return returnOf(state, callee.candidates, typed);
  // A value whose type has no fields: this can only be a call, of a function that we do not see.
  const kind = state.names.index.type(typed.type)?.kind;
  if (kind !== undefined && kind !== 'p')
    state.unresolved(`neither a field nor a function "${field}" is in the schema that was read`);
  return untyped;
}

function fieldOf(state: State, typed: Typed, field: string): Typed | undefined {
  const inRow = typed.row?.find(field);
  if (inRow !== undefined) return inRow;
  const attribute = state.names.index.rowRelation(typed.type)?.attributes.find((each) => each.name === field);
  return attribute === undefined ? undefined : { type: attribute.type, row: undefined };
}

function call(state: State, body: FuncCall, spot: Spot): Typed {
  let argument: Typed = untyped;
  for (const each of body.args ?? []) argument = state.parts.expression(state, each, handed(spot));
  state.expressions(body.agg_order, { ...spot, use: spot.use | uses.order });
  if (body.agg_filter !== undefined) state.expression(body.agg_filter, { ...spot, use: spot.use | uses.filter });
  window(state, body.over, spot);
  const names = namesOf(body.funcname) ?? [];
  const count = (body.args?.length ?? 0) + (body.agg_within_group === true ? (body.agg_order?.length ?? 0) : 0);
  const site = callSite(state, 'function', names, count, body.location);
  if (site.candidates.length === 0) return notAFunction(state, names, count, argument, body.location);
  return returnOf(state, site.candidates, argument);
}

/** `field(row)` and `type(value)` look like calls. */
function notAFunction(
  state: State,
  names: readonly string[],
  count: number,
  argument: Typed,
  at: number | undefined,
): Typed {
  if (count === 1) {
    const field = names.length === 1 ? fieldOf(state, argument, names[0] ?? '') : undefined;
    if (field !== undefined) return field;
    const type = state.names.types(names)[0];
    if (type !== undefined) {
      state.types.add(type.oid);
      return { type: type.oid, row: undefined };
    }
  }
  state.unresolved(`no function ${names.join('.')} with ${count} arguments is in the schema that was read`, at);
  return untyped;
}

export function callSite(
  state: State,
  how: CallSite['how'],
  names: readonly string[],
  count: number,
  at: number | undefined,
): CallSite {
  const site = { how, names, candidates: state.names.functions(names, count), at };
  if (how !== 'attribute' || site.candidates.length > 0) state.calls.push(site);
  return site;
}
