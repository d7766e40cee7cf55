// Statements that are no query: those that hold one are looked into, those that name tables as a whole say so, those about the
// session touch nothing here. What is done is the kinds table's to say; a statement in none of these lists is not known.
import { bodyOf, namesOf, tagOf, type Node } from './ast.ts';
import type { CopyStmt, CreateTableAsStmt, RefreshMatViewStmt, ViewStmt } from './ast-utility.ts';
import type { IntoClause, RangeVar, SelectStmt } from './ast-query.ts';
import { callSite } from './columns-expr.ts';
import { typeOf } from './columns-types.ts';
import { relationOf } from './columns-from.ts';
import { created, createdTable } from './columns-created.ts';
import { alteredAlong, dropped, ownedDropped } from './columns-dropped.ts';
import { looking } from './columns-looking.ts';
import { maintained, refilled, vacuumed } from './columns-maintained.ts';
import { copyColumns } from './columns-write.ts';
import { uses, type State } from './columns-state.ts';
import { nameOf, type Relation } from './schema.ts';
import { inSight, makeItem, renamed, Shape, type Scope } from './scope.ts';

const empty: Scope = { sights: [], outer: undefined, withs: undefined };
const nothing = new Shape([]);

/** The columns of the statement's result, as far as they are columns of relations. */
export function statement(state: State, node: Node): Shape {
  const tag = tagOf(node);
  const into = intoOf(node.SelectStmt);
  if (into !== undefined) {
    createdTable(state, into, state.query(node, { outer: undefined, withs: undefined, use: uses.other }));
    return nothing;
  }
  if (queries.has(tag)) return state.query(node, { outer: state.around, withs: undefined, use: uses.output });
  if (node.ExplainStmt?.query !== undefined) {
    // A plan is text, but it answers questions about what it explains: the planner runs functions and reads statistics.
    // How many rows each partition gave: where a row is.
    if ((node.ExplainStmt.options ?? []).some((each) => /^analy[sz]e$/.test(each.DefElem?.defname ?? '')))
      state.counted = 'by partition';
    statement(state, node.ExplainStmt.query);
    return nothing;
  }
  for (const each of node.PrepareStmt?.argtypes ?? []) typeOf(state, each.TypeName);
  const inner = node.PrepareStmt?.query ?? node.DeclareCursorStmt?.query;
  if (inner !== undefined) return statement(state, inner);
  if (node.CopyStmt !== undefined) return copy(state, node.CopyStmt);
  if (node.CreateTableAsStmt !== undefined) return createAs(state, node.CreateTableAsStmt);
  if (node.ViewStmt !== undefined) return createView(state, node.ViewStmt);
  if (node.RefreshMatViewStmt !== undefined) return refresh(state, node.RefreshMatViewStmt);
  if (node.CallStmt !== undefined) return call(state, node);
  if (node.ExecuteStmt !== undefined) {
    state.expressions(node.ExecuteStmt.params, { scope: empty, use: uses.other, into: undefined });
    return nothing;
  }
  return other(state, node, tag);
}

const queries = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

/** INTO stands in the first arm of a set operation, and means the whole of it. */
function intoOf(select: SelectStmt | undefined): IntoClause | undefined {
  let arm = select;
  while (arm?.larg !== undefined) arm = arm.larg;
  return arm?.intoClause;
}

/** Nothing of any table is named in them. */
const session = new Set([
  'CheckPointStmt',
  'ClosePortalStmt',
  'ConstraintsSetStmt',
  'DeallocateStmt',
  'DiscardStmt',
  'FetchStmt',
  'ListenStmt',
  'LoadStmt',
  'NotifyStmt',
  'TransactionStmt',
  'UnlistenStmt',
  'VariableSetStmt',
  'VariableShowStmt',
]);

function other(state: State, node: Node, tag: string): Shape {
  if (session.has(tag)) return nothing;
  if (tag === 'DoStmt') {
    state.unknown('DO runs code that is not read here');
    return nothing;
  }
  if (node.VacuumStmt !== undefined) {
    vacuumed(state, node.VacuumStmt);
    return nothing;
  }
  if (node.AlterTableStmt !== undefined) alteredAlong(state, node.AlterTableStmt);
  if (node.DropOwnedStmt !== undefined) ownedDropped(state, node.DropOwnedStmt);
  if (node.DropStmt !== undefined) dropped(state, node.DropStmt);
  else if (
    !/^(Create|Alter|Drop|Rename|Grant|Comment|Define|Index|Rule|SecLabel|Truncate|Lock|Cluster|Reindex|Import|Reassign|Composite)/.test(
      tag,
    )
  )
    state.unknown(`a statement of a kind that is not known: ${tag}`);
  looking(state, node);
  maintained(state, node);
  mentioned(state, bodyOf(node));
  return nothing;
}

function copy(state: State, node: CopyStmt): Shape {
  if (node.query !== undefined) return statement(state, node.query);
  if (node.relation === undefined) return nothing;
  const from = node.is_from === true;
  const relation = relationOf(state, node.relation, from ? 'insert' : 'select');
  if (relation === undefined) return nothing;
  const shape = state.shapes.of(relation);
  const columns = copyColumns(relation, node.attlist).map((each) => each.name);
  if (!from) {
    const shown = columns.flatMap((name) => shape.find(name) ?? []);
    for (const column of shown) state.mark(column.sources, uses.output);
    return new Shape(shown);
  }
  for (const name of columns) state.write({ relation: nameOf(relation), column: name, how: 'copy' });
  const item = { ...makeItem(relation.name, shape, relation.rowType), unaliased: relation, system: true };
  state.expression(node.whereClause, {
    scope: { ...empty, sights: [inSight(item)] },
    use: uses.filter,
    into: undefined,
  });
  return nothing;
}

function createAs(state: State, node: CreateTableAsStmt): Shape {
  if (node.query === undefined) return nothing;
  if (node.query.ExecuteStmt !== undefined) {
    state.unknown('CREATE TABLE AS EXECUTE: the prepared statement is not read here');
    statement(state, node.query);
    return nothing;
  }
  const shape = state.query(node.query, { outer: undefined, withs: undefined, use: uses.other });
  const { rel, colNames } = node.into ?? {};
  if (rel !== undefined) created(state, rel, renamed(shape, namesOf(colNames) ?? []));
  return nothing;
}

function createView(state: State, node: ViewStmt): Shape {
  if (node.query === undefined) return nothing;
  const shape = state.query(node.query, { outer: undefined, withs: undefined, use: uses.other });
  if (node.view !== undefined) created(state, node.view, renamed(shape, namesOf(node.aliases) ?? []));
  return nothing;
}

/** Runs the view's own query again, and puts the result where readers of the view will see it. */
function refresh(state: State, node: RefreshMatViewStmt): Shape {
  if (node.relation === undefined) return nothing;
  const relation = relationOf(state, node.relation, 'select');
  if (relation !== undefined) {
    state.whole(nameOf(relation));
    state.mark(state.shapes.of(relation).sources(), uses.other);
    refilled(state, relation);
  }
  return nothing;
}

function call(state: State, node: Node): Shape {
  const body = node.CallStmt?.funccall ?? {};
  state.expressions(body.args, { scope: empty, use: uses.other, into: undefined });
  const site = callSite(state, 'function', namesOf(body.funcname) ?? [], body.args?.length ?? 0, body.location);
  if (site.candidates.length === 0) state.unknown('a procedure that is not in the schema that was read', body.location);
  return nothing;
}

/** Every relation that a definition names, wherever it stands in it: CHECKs, policies, rules, foreign keys, bodies. */
function mentioned(state: State, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (isRangeVar(value)) {
    const found: readonly Relation[] = state.names.relations(value.relname ?? '', value.schemaname);
    for (const relation of found) state.whole(nameOf(relation));
  }
  if ('funcname' in value && 'location' in value && Array.isArray(value.funcname)) {
    callSite(state, 'function', namesOf(value.funcname) ?? [], argumentCount(value), undefined);
  }
  for (const item of Object.values(value)) mentioned(state, item);
}

function isRangeVar(value: object): value is RangeVar {
  return 'relname' in value && typeof value.relname === 'string';
}

function argumentCount(value: object): number {
  return 'args' in value && Array.isArray(value.args) ? value.args.length : 0;
}
