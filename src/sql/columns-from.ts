// FROM: relations, sub-selects, functions, joins and their name space, by the rules of parse_clause.c. Each item sees the ones
// before it when it is LATERAL (functions always are), and what is outside the query.
import { namesOf, tagOf, type Node } from './ast.ts';
import type { JoinExpr, RangeFunction, RangeSubselect, RangeTableFunc, RangeVar } from './ast-query.ts';
import type { JsonTable, JsonTableColumn } from './ast-json.ts';
import { expression, window } from './columns-expr.ts';
import { typeOf } from './columns-types.ts';
import { labelOf, noName } from './columns-label.ts';
import { shapeOf } from './columns-functions.ts';
import { uses, type QuerySpot, type Spot, type State } from './columns-state.ts';
import type { Relation } from './schema.ts';
import {
  findWith,
  inSight,
  makeItem,
  plainColumn,
  renamed,
  Shape,
  untyped,
  type Column,
  type Item,
  type Scope,
  type Sight,
  type Source,
  type Typed,
} from './scope.ts';

/** The scope that a FROM list makes. `before`: what is in sight already (the target of UPDATE … FROM). */
export function fromList(
  state: State,
  list: readonly Node[] | undefined,
  spot: QuerySpot,
  before: readonly Sight[] = [],
): Scope {
  const sights = [...before];
  for (const node of list ?? []) {
    sights.push(...fromItem(state, node, { sights, outer: spot.outer, withs: spot.withs }));
  }
  return { sights, outer: spot.outer, withs: spot.withs };
}

function fromItem(state: State, node: Node, around: Scope): readonly Sight[] {
  const tag = tagOf(node);
  switch (tag) {
    case 'RangeVar':
      return [inSight(rangeVar(state, node.RangeVar ?? {}, around))];
    case 'RangeSubselect':
      return [inSight(subselect(state, node.RangeSubselect ?? {}, around))];
    case 'RangeFunction':
      return [inSight(rangeFunction(state, node.RangeFunction ?? {}, around))];
    case 'JoinExpr':
      return join(state, node.JoinExpr ?? {}, around);
    case 'RangeTableSample': {
      const sample = node.RangeTableSample ?? {};
      const spot = { scope: around, use: uses.other, into: undefined };
      state.expressions(sample.args, spot);
      state.expression(sample.repeatable, spot);
      return sample.relation === undefined ? [] : fromItem(state, sample.relation, around);
    }
    case 'RangeTableFunc':
      return [inSight(xmlTable(state, node.RangeTableFunc ?? {}, around))];
    case 'JsonTable':
      return [inSight(jsonTable(state, node.JsonTable ?? {}, around))];
    default:
      state.unknown(`an item in FROM of a kind that is not known: ${tag}`);
      expression(state, node, { scope: around, use: uses.other, into: undefined });
      return [];
  }
}

/** A WITH query where one of that name is in sight and no schema is written, else a relation. */
function rangeVar(state: State, node: RangeVar, around: Scope): Item {
  const name = node.relname ?? '';
  const aliases = namesOf(node.alias?.colnames) ?? [];
  const withQuery = node.schemaname === undefined ? findWith(around.withs, name) : undefined;
  if (withQuery !== undefined) return makeItem(node.alias?.aliasname ?? name, renamed(withQuery(), aliases));
  return relationItem(state, node, 'select');
}

/** A relation by name, with its alias. When several could be meant, every column of all of them. */
export function relationItem(
  state: State,
  node: RangeVar,
  command: 'select' | 'insert' | 'update' | 'delete',
): Item & { readonly relation: Relation | undefined } {
  const relation = relationOf(state, node, command);
  const aliases = namesOf(node.alias?.colnames) ?? [];
  const aliasname = node.alias?.aliasname;
  const shape = relation === undefined ? new Shape([], []) : state.shapes.of(relation);
  return {
    name: aliasname ?? node.relname,
    unaliased: aliasname === undefined ? relation : undefined,
    shape: renamed(shape, aliases),
    system: relation !== undefined,
    rowType: relation?.rowType ?? 0,
    relation,
  };
}

export function relationOf(
  state: State,
  node: RangeVar,
  command: 'select' | 'insert' | 'update' | 'delete',
): Relation | undefined {
  const name = node.relname ?? '';
  const found = state.names.relations(name, node.schemaname);
  for (const relation of found) {
    state.touch(relation, command);
    if (relation.unread !== undefined)
      state.unknown(`the temporary relation ${name} ${relation.unread}`, node.location);
    if (found.length > 1) state.mark(state.shapes.of(relation).sources(), uses.other);
  }
  const written = node.schemaname === undefined ? name : `${node.schemaname}.${name}`;
  if (found.length === 0) state.unknown(`no relation ${written} is in the schema that was read`, node.location);
  if (found.length > 1) {
    state.unresolved(
      `the search_path is not known, and ${found.length} relations are called ${written}`,
      node.location,
    );
  }
  if (state.names.mayBeTemporary(node.schemaname)) {
    state.unresolved(`${written} may be a temporary relation that was not seen`, node.location);
  }
  return found[0];
}

function subselect(state: State, node: RangeSubselect, around: Scope): Item {
  const outer = node.lateral === true ? around : around.outer;
  const shape =
    node.subquery === undefined
      ? new Shape([])
      : state.query(node.subquery, { outer, withs: around.withs, use: uses.other });
  return makeItem(node.alias?.aliasname, renamed(shape, namesOf(node.alias?.colnames) ?? []));
}

function rangeFunction(state: State, node: RangeFunction, around: Scope): Item {
  const into = new Set<Source>();
  const spot: Spot = { scope: around, use: uses.other, into };
  const parts: FunctionPart[] = [];
  const entries = (node.functions ?? []).map((entry) => entry.List?.items ?? []);
  const alone = entries.length === 1;
  for (const [callNode, definitions] of entries) {
    if (callNode === undefined) continue;
    // unnest(a, b) stands for ROWS FROM (unnest(a), unnest(b)): one call and one column each.
    const split = alone && node.coldeflist === undefined ? unnested(callNode) : undefined;
    const types = split ?? [callNode];
    for (const each of types) {
      const typed = callInFrom(state, each, spot);
      parts.push({ node: each, definitions: definitions?.List?.items ?? node.coldeflist, typed });
    }
  }
  const sources = [...into];
  const aliasname = node.alias?.aliasname;
  const shapes = parts.map((part) => functionShape(state, part, parts.length === 1 ? aliasname : undefined, sources));
  const columns = shapes.flatMap((shape) => shape.columns);
  if (node.ordinality === true) columns.push(plainColumn('ordinality'));
  const rest = shapes.some((shape) => shape.rest !== undefined) ? sources : undefined;
  const shape = renamed(new Shape(columns, rest), namesOf(node.alias?.colnames) ?? []);
  return makeItem(aliasname ?? label(parts[0]?.node), shape, parts.length === 1 ? (parts[0]?.typed.type ?? 0) : 0);
}

interface FunctionPart {
  readonly node: Node;
  readonly definitions: readonly Node[] | undefined;
  readonly typed: FromTyped;
}

/** The argument's type, for functions whose result follows it. */
interface FromTyped extends Typed {
  readonly argument: Typed;
}

function unnested(node: Node): readonly Node[] | undefined {
  const { funcname, args } = node.FuncCall ?? {};
  const names = namesOf(funcname) ?? [];
  const isUnnest = names.at(-1) === 'unnest' && (names.length === 1 || names[0] === 'pg_catalog');
  if (!isUnnest || args === undefined || args.length < 2) return undefined;
  return args.map((arg) => ({ FuncCall: { ...node.FuncCall, args: [arg] } }));
}

function callInFrom(state: State, node: Node, spot: Spot): FromTyped {
  const { FuncCall } = node;
  if (FuncCall === undefined || FuncCall.over !== undefined) {
    return { ...expression(state, node, spot), argument: untyped };
  }
  let argument: Typed = untyped;
  for (const each of FuncCall.args ?? []) argument = expression(state, each, spot);
  state.expressions(FuncCall.agg_order, spot);
  state.expression(FuncCall.agg_filter, spot);
  window(state, FuncCall.over, spot);
  return { ...untyped, argument };
}

function functionShape(state: State, part: FunctionPart, alias: string | undefined, sources: readonly Source[]): Shape {
  if (part.definitions !== undefined && part.definitions.length > 0) {
    if (part.node.FuncCall !== undefined) functionSite(state, part.node);
    return new Shape(
      part.definitions.map((each) =>
        plainColumn(each.ColumnDef?.colname ?? '', sources, typeOf(state, each.ColumnDef?.typeName)),
      ),
    );
  }
  const written = label(part.node);
  if (part.node.FuncCall !== undefined) {
    const candidates = functionSite(state, part.node);
    return shapeOf(state, { candidates, argument: part.typed.argument }, { alias, written }, sources);
  }
  const relation = state.names.index.rowRelation(part.typed.type);
  if (relation === undefined) return new Shape([plainColumn(alias ?? written, sources, part.typed.type)]);
  return new Shape(relation.attributes.map((each) => plainColumn(each.name, sources, each.type)));
}

function functionSite(state: State, node: Node): ReturnType<State['names']['functions']> {
  const names = namesOf(node.FuncCall?.funcname) ?? [];
  const candidates = state.names.functions(names, node.FuncCall?.args?.length ?? 0);
  const at = node.FuncCall?.location;
  if (candidates.length === 0 && state.names.types(names).length === 0) {
    state.unresolved(`no function ${names.join('.')} is in the schema that was read`, at);
  }
  state.calls.push({ how: 'function', names, candidates, at });
  return candidates;
}

function label(node: Node | undefined): string {
  return labelOf(node, () => noName).name;
}

function xmlTable(state: State, node: RangeTableFunc, around: Scope): Item {
  const into = new Set<Source>();
  const spot: Spot = { scope: around, use: uses.other, into };
  state.expression(node.docexpr, spot);
  state.expression(node.rowexpr, spot);
  state.expressions(node.namespaces, spot);
  for (const each of node.columns ?? []) {
    typeOf(state, each.RangeTableFuncCol?.typeName);
    state.expression(each.RangeTableFuncCol?.colexpr, spot);
    state.expression(each.RangeTableFuncCol?.coldefexpr, spot);
  }
  const sources = [...into];
  const columns = (node.columns ?? []).map((each) => plainColumn(each.RangeTableFuncCol?.colname ?? '', sources));
  const aliases = namesOf(node.alias?.colnames) ?? [];
  return makeItem(node.alias?.aliasname ?? 'xmltable', renamed(new Shape(columns), aliases));
}

function jsonTable(state: State, node: JsonTable, around: Scope): Item {
  const into = new Set<Source>();
  const spot: Spot = { scope: around, use: uses.other, into };
  state.expression(node.context_item?.raw_expr, spot);
  state.expressions(node.passing, spot);
  state.expressions(node.columns, spot);
  state.expression(node.pathspec?.string, spot);
  state.expression(node.on_error?.expr, spot);
  const sources = [...into];
  const names: string[] = [];
  jsonColumns(node.columns, names);
  const shape = new Shape(names.map((name) => plainColumn(name, sources)));
  return makeItem(node.alias?.aliasname ?? 'json_table', renamed(shape, namesOf(node.alias?.colnames) ?? []));
}

/** NESTED columns stand in the same row as the others. */
function jsonColumns(list: readonly Node[] | undefined, names: string[]): void {
  for (const each of list ?? []) {
    const column: JsonTableColumn = each.JsonTableColumn ?? {};
    if (column.coltype === 'JTC_NESTED') jsonColumns(column.columns, names);
    else names.push(column.name ?? '');
  }
}

function join(state: State, node: JoinExpr, around: Scope): readonly Sight[] {
  const left = node.larg === undefined ? [] : fromItem(state, node.larg, around);
  const beside = { ...around, sights: [...around.sights, ...left] };
  const right = node.rarg === undefined ? [] : fromItem(state, node.rarg, beside);
  // ON sees the two sides and what is outside the query, not its neighbours in FROM.
  const inside: Scope = { sights: [...left, ...right], outer: around.outer, withs: around.withs };
  state.expression(node.quals, { scope: inside, use: uses.join, into: undefined });
  const merges = node.isNatural === true || (node.usingClause ?? []).length > 0;
  if (!merges && node.alias === undefined) return inside.sights;
  const { shape, merged } = joined(state, node, { left: shown(left), right: shown(right) });
  if (node.alias !== undefined) {
    const item = makeItem(node.alias.aliasname, renamed(shape, namesOf(node.alias.colnames) ?? []));
    return [inSight(item)];
  }
  const sights: Sight[] = inside.sights.map((sight) => ({ ...sight, unqualified: false }));
  sights.push({ item: makeItem(undefined, shape), qualified: false, unqualified: true });
  const usingAlias = node.join_using_alias?.aliasname;
  if (usingAlias !== undefined) {
    sights.push({ item: makeItem(usingAlias, new Shape(merged)), qualified: true, unqualified: false });
  }
  return sights;
}

/** Everything that `*` would show of one side. */
function shown(sights: readonly Sight[]): Shape {
  const items = sights.filter((sight) => sight.unqualified).map((sight) => sight.item.shape);
  const sole = items.length === 1 ? items[0] : undefined;
  if (sole !== undefined) return sole;
  const rest = [...new Set(items.flatMap((shape) => shape.rest ?? []))];
  const hasRest = items.some((shape) => shape.rest !== undefined);
  return new Shape(
    items.flatMap((shape) => shape.columns),
    hasRest ? rest : undefined,
  );
}

/** USING and NATURAL read both sides of each merged column, and show it once, before the others. */
function joined(
  state: State,
  node: JoinExpr,
  sides: { readonly left: Shape; readonly right: Shape },
): { readonly shape: Shape; readonly merged: readonly Column[] } {
  const { left, right } = sides;
  const names = node.isNatural === true ? common(state, left, right) : (namesOf(node.usingClause) ?? []);
  const merged = names.map((name) => {
    const [a, b] = [left.find(name), right.find(name)];
    for (const side of [a?.sources ?? left.rest, b?.sources ?? right.rest]) state.mark(side ?? [], uses.join);
    if ((a === undefined && left.rest === undefined) || (b === undefined && right.rest === undefined)) {
      state.unresolved(`the join column "${name}" is not on both sides in the schema that was read`);
    }
    const sources = [...new Set([...(a?.sources ?? left.rest ?? []), ...(b?.sources ?? right.rest ?? [])])];
    // Of unlike types the server takes the side that needs no turning, or computes: neither is the column itself.
    const alike = a !== undefined && b !== undefined && a.type === b.type && a.type !== 0;
    const kept = node.jointype === 'JOIN_RIGHT' ? b?.origin : a?.origin;
    const origin = node.jointype === 'JOIN_FULL' || !alike ? undefined : kept;
    return { name, sources, origin, type: a?.type ?? 0, row: a?.row };
  });
  const others = [...left.columns, ...right.columns].filter((each) => !names.includes(each.name));
  const rest =
    left.rest === undefined && right.rest === undefined
      ? undefined
      : [...new Set([...(left.rest ?? []), ...(right.rest ?? [])])];
  return { shape: new Shape([...merged, ...others], rest), merged };
}

function common(state: State, left: Shape, right: Shape): readonly string[] {
  if (left.rest !== undefined || right.rest !== undefined) {
    // Any column may be merged with one whose name we do not know.
    state.mark([...left.sources(), ...right.sources()], uses.join);
    state.unresolved('a NATURAL JOIN with columns whose names are not known');
  }
  return left.columns.map((each) => each.name).filter((name) => right.find(name) !== undefined);
}
