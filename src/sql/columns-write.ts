// INSERT, UPDATE, DELETE and MERGE: what is written, what flows into it, and the scopes of SET, WHERE, ON CONFLICT, WHEN and
// RETURNING, which differ from each other.
import { mergeMatch, namesOf, returningOf, stringOf, type Node } from './ast.ts';
import type { DeleteStmt, InsertStmt, MergeStmt, MergeWhenClause, OnConflictClause, UpdateStmt } from './ast-query.ts';
import { expression } from './columns-expr.ts';
import { fromList, relationItem } from './columns-from.ts';
import { targets } from './columns-query.ts';
import { uses, type QuerySpot, type Spot, type State } from './columns-state.ts';
import { firesInstead } from './columns-through.ts';
import { withScope } from './columns-with.ts';
import type { ColumnWrite } from './analysis.ts';
import { nameOf, type Attribute, type Relation } from './schema.ts';
import { inSight, Shape, type Item, type Scope, type Sight, type Source } from './scope.ts';

type Target = Item & { readonly relation: Relation | undefined };
type How = ColumnWrite['how'];

export function insert(state: State, node: InsertStmt, around: QuerySpot): Shape {
  const spot = { ...around, withs: withScope(state, node.withClause, around) };
  const target = relationItem(state, node.relation ?? {}, 'insert');
  const names = (node.cols ?? []).map((each) => each.ResTarget?.name ?? '');
  const columns = insertColumns(target, names);
  const scope: Scope = { sights: [inSight(target)], outer: spot.outer, withs: spot.withs };
  // A subscript in the column list is an expression of its own.
  for (const each of node.cols ?? []) subscripts(state, each.ResTarget?.indirection, scope);
  if (node.selectStmt === undefined) {
    for (const name of columns) written(state, target, name, 'insert', []);
  } else {
    const shape = state.query(node.selectStmt, { ...spot, use: uses.other });
    const count = names.length > 0 || shape.rest !== undefined ? columns.length : shape.columns.length;
    for (const [at, name] of columns.slice(0, count).entries()) {
      const sources = shape.rest === undefined ? shape.columns[at]?.sources : shape.sources();
      written(state, target, name, 'insert', sources ?? []);
    }
  }
  if (node.onConflictClause !== undefined) onConflict(state, node.onConflictClause, target, scope);
  return returning(state, node, scope, target, spot);
}

function insertColumns(target: Target, names: readonly string[]): readonly string[] {
  if (names.length > 0) return names;
  return (target.relation?.attributes ?? []).map((each) => each.name);
}

/** The arbiter is read; EXCLUDED is a row of the target's columns, and the server counts naming one as reading it. */
function onConflict(state: State, clause: OnConflictClause, target: Target, scope: Scope): void {
  const updates = clause.action === 'ONCONFLICT_UPDATE';
  if (updates && target.relation !== undefined) state.touch(target.relation, 'update');
  const spot: Spot = { scope, use: uses.other, into: undefined };
  for (const each of clause.infer?.indexElems ?? []) {
    const { name, expr } = each.IndexElem ?? {};
    if (name !== undefined) expression(state, { ColumnRef: { fields: [{ String: { sval: name } }] } }, spot);
    state.expression(expr, spot);
  }
  state.expression(clause.infer?.whereClause, { ...spot, use: uses.filter });
  if (clause.infer?.conname !== undefined) arbiterConstraint(state, clause.infer.conname, target);
  const excluded: Item = { ...target, name: 'excluded', unaliased: undefined };
  const sights: readonly Sight[] = [...scope.sights, { item: excluded, qualified: true, unqualified: false }];
  const inside: Spot = { scope: { ...scope, sights }, use: uses.other, into: undefined };
  assignments(state, clause.targetList, target, inside);
  state.expression(clause.whereClause, { ...inside, use: uses.filter });
}

function arbiterConstraint(state: State, name: string, target: Target): void {
  const { relation } = target;
  if (relation === undefined) return;
  const found = state.names.index.constraintsOf(relation.oid).find((each) => each.name === name);
  if (found === undefined) state.unresolved(`no constraint "${name}" is in the schema that was read`);
  const numbers = found?.columns ?? [];
  const columns = state.shapes.of(relation).columns;
  for (const column of columns) {
    // 0 stands for an expression, which may be over any column.
    const used = column.sources.some((source) => numbers.includes(source.attribute.num));
    if (used || numbers.includes(0)) state.mark(column.sources, uses.other);
  }
}

export function update(state: State, node: UpdateStmt, around: QuerySpot): Shape {
  const spot = { ...around, withs: withScope(state, node.withClause, around) };
  const target = relationItem(state, node.relation ?? {}, 'update');
  const scope = fromList(state, node.fromClause, spot, [inSight(target)]);
  assignments(state, node.targetList, target, { scope, use: uses.other, into: undefined });
  insteadOf(state, target, 'update');
  where(state, node.whereClause, scope, target);
  return returning(state, node, scope, target, spot);
}

export function remove(state: State, node: DeleteStmt, around: QuerySpot): Shape {
  const spot = { ...around, withs: withScope(state, node.withClause, around) };
  const target = relationItem(state, node.relation ?? {}, 'delete');
  const scope = fromList(state, node.usingClause, spot, [inSight(target)]);
  removed(state, target);
  insteadOf(state, target, 'delete');
  where(state, node.whereClause, scope, target);
  return returning(state, node, scope, target, spot);
}

/** A trigger in the place of a write to a view is handed the whole row that was there. */
function insteadOf(state: State, target: Target, event: 'update' | 'delete'): void {
  const { relation } = target;
  if (relation !== undefined && firesInstead(relation, event, state.names.index))
    state.mark(state.shapes.of(relation).sources(), uses.other);
}

function removed(state: State, target: Target): void {
  for (const each of target.relation?.attributes ?? []) written(state, target, each.name, 'delete', []);
}

function where(state: State, clause: Node | undefined, scope: Scope, target: Target): void {
  if (clause === undefined && target.relation !== undefined) state.whole(nameOf(target.relation));
  state.expression(clause, { scope, use: uses.filter, into: undefined });
}

/** SET a = …, (b, c) = (…), (b, c) = (SELECT …), d[1].e = … */
function assignments(state: State, list: readonly Node[] | undefined, target: Target, spot: Spot): void {
  let multiple: readonly (readonly Source[])[] = [];
  for (const node of list ?? []) {
    const { name, val, indirection } = node.ResTarget ?? {};
    subscripts(state, indirection, spot.scope);
    if (val === undefined) continue;
    const multi = val.MultiAssignRef;
    if (multi === undefined) {
      const into = new Set<Source>();
      state.expression(val, { ...spot, into });
      written(state, target, name ?? '', 'update', [...into]);
      continue;
    }
    if ((multi.colno ?? 1) === 1) multiple = multiSources(state, multi.source, spot);
    written(state, target, name ?? '', 'update', multiple[(multi.colno ?? 1) - 1] ?? multiple.flat());
  }
}

/** What each column of a row on the right is made of; when it cannot be told apart, one list for all. */
function multiSources(state: State, source: Node | undefined, spot: Spot): readonly (readonly Source[])[] {
  const query = source?.SubLink?.subselect;
  if (query !== undefined) {
    const shape = state.query(query, { outer: spot.scope, withs: spot.scope.withs, use: spot.use });
    return shape.rest === undefined ? shape.columns.map((column) => column.sources) : [shape.sources()];
  }
  const parts = source?.RowExpr?.args;
  const stars = parts?.some((part) => part.ColumnRef?.fields?.at(-1)?.A_Star !== undefined) ?? true;
  if (parts !== undefined && !stars) return parts.map((part) => sourcesOf(state, part, spot));
  return source === undefined ? [] : [sourcesOf(state, source, spot)];
}

function sourcesOf(state: State, node: Node, spot: Spot): readonly Source[] {
  const into = new Set<Source>();
  state.expression(node, { ...spot, into });
  return [...into];
}

function subscripts(state: State, indirection: readonly Node[] | undefined, scope: Scope): void {
  const spot: Spot = { scope, use: uses.other, into: undefined };
  for (const step of indirection ?? []) {
    if (stringOf(step) === undefined) state.expression(step, spot);
  }
}

function written(state: State, target: Target, column: string, how: How, sources: readonly Source[]): void {
  if (target.relation === undefined) return;
  const known: Attribute | undefined = target.relation.attributes.find((each) => each.name === column);
  if (known === undefined)
    state.unresolved(`${target.relation.name} has no column "${column}" in the schema that was read`);
  const write = { relation: nameOf(target.relation), column, how };
  state.write(write);
  state.flow(sources, write);
}

/** RETURNING sees the target, and from 18 its row before and after under `old` and `new`, or names of one's own. */
function returning(
  state: State,
  node: InsertStmt | UpdateStmt | DeleteStmt | MergeStmt,
  scope: Scope,
  target: Target,
  spot: QuerySpot,
): Shape {
  const clause = returningOf(node);
  if (clause === undefined) return new Shape([]);
  const names = ['old', 'new', ...clause.options.map((each) => each.ReturningOption?.value ?? '')];
  const rows = names.map((name) => ({
    item: { ...target, name, unaliased: undefined },
    qualified: true,
    unqualified: false,
  }));
  return targets(state, clause.targets, { ...scope, sights: [...scope.sights, ...rows] }, spot.use);
}

export function merge(state: State, node: MergeStmt, around: QuerySpot): Shape {
  const spot = { ...around, withs: withScope(state, node.withClause, around) };
  const target = relationItem(state, node.relation ?? {}, 'update');
  // The server looks at the policies of all three, whatever the actions are.
  for (const each of ['insert', 'delete'] as const)
    if (target.relation !== undefined) state.touch(target.relation, each);
  const list = node.sourceRelation === undefined ? [] : [node.sourceRelation];
  const source = fromList(state, list, spot);
  const both: Scope = { ...source, sights: [...source.sights, inSight(target)] };
  state.expression(node.joinCondition, { scope: both, use: uses.join, into: undefined });
  insteadOf(state, target, 'update');
  insteadOf(state, target, 'delete');
  for (const each of node.mergeWhenClauses ?? []) {
    if (each.MergeWhenClause !== undefined) action(state, each.MergeWhenClause, target, { source, both });
  }
  return returning(state, node, both, target, spot);
}

interface MergeScopes {
  readonly source: Scope;
  readonly both: Scope;
}

/** A row that did not match has no target; one that matched no source has no source. */
function action(state: State, clause: MergeWhenClause, target: Target, scopes: MergeScopes): void {
  const match = mergeMatch(clause);
  const scope =
    match === 'matched'
      ? scopes.both
      : match === 'notMatchedByTarget'
        ? scopes.source
        : { ...scopes.both, sights: [inSight(target)] };
  state.expression(clause.condition, { scope, use: uses.filter, into: undefined });
  const spot: Spot = { scope, use: uses.other, into: undefined };
  if (clause.commandType === 'CMD_INSERT') mergeInsert(state, clause, target, spot);
  else if (clause.commandType === 'CMD_UPDATE') assignments(state, clause.targetList, target, spot);
  else if (clause.commandType === 'CMD_DELETE') removed(state, target);
}

function mergeInsert(state: State, clause: MergeWhenClause, target: Target, spot: Spot): void {
  const names = (clause.targetList ?? []).map((each) => each.ResTarget?.name ?? '');
  for (const each of clause.targetList ?? []) subscripts(state, each.ResTarget?.indirection, spot.scope);
  const columns = insertColumns(target, names);
  for (const [at, value] of (clause.values ?? []).entries()) {
    written(state, target, columns[at] ?? '', 'insert', sourcesOf(state, value, spot));
  }
}

/** COPY: columns of a table by name, all that are not generated when none is named. */
export function copyColumns(target: Relation, names: readonly Node[] | undefined): readonly Attribute[] {
  const wanted = namesOf(names) ?? [];
  if (wanted.length === 0) return target.attributes.filter((each) => each.generated === 'no');
  // In the order of the list, which is the order of the values.
  return wanted.flatMap((name) => target.attributes.find((each) => each.name === name) ?? []);
}
