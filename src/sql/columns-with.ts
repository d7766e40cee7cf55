// WITH: each query sees the ones before it; in a recursive list all see all, and a query that names itself has the columns of its
// first arm until both are known. SEARCH and CYCLE add columns. Every WITH query is read, used or not, as the server does.
import { namesOf, stringOf, type Node } from './ast.ts';
import type { CommonTableExpr, SelectStmt, WithClause } from './ast-query.ts';
import { uses, type QuerySpot, type State } from './columns-state.ts';
import { plainColumn, renamed, Shape, type Column, type Source, type WithQuery, type WithScope } from './scope.ts';

export function withScope(state: State, clause: WithClause | undefined, spot: QuerySpot): WithScope | undefined {
  if (clause === undefined) return spot.withs;
  const list = (clause.ctes ?? []).map((node) => node.CommonTableExpr ?? {});
  if (clause.recursive === true) return recursiveList(state, list, spot);
  let withs = spot.withs;
  for (const each of list) {
    const shape = named(state, each, queryOf(state, each, { outer: spot.outer, withs, use: uses.other }));
    withs = { queries: new Map([[each.ctename ?? '', () => shape]]), outer: withs };
  }
  return withs;
}

function queryOf(state: State, each: CommonTableExpr, spot: QuerySpot): Shape {
  return each.ctequery === undefined ? new Shape([]) : state.query(each.ctequery, spot);
}

/** Queries of a recursive list are worked out when first named, so that they may stand in any order. */
function recursiveList(state: State, list: readonly CommonTableExpr[], spot: QuerySpot): WithScope {
  const queries = new Map<string, WithQuery>();
  const withs: WithScope = { queries, outer: spot.withs };
  for (const each of list) queries.set(each.ctename ?? '', recursive(state, each, { ...spot, withs }));
  for (const query of queries.values()) query();
  return withs;
}

/** Passes over the recursive arm until its columns are made of nothing new; more than this and every column is made of all. */
const passesMax = 6;

function recursive(state: State, each: CommonTableExpr, spot: QuerySpot): WithQuery {
  let done: Shape | undefined;
  let provisional: Shape | undefined;
  let working = false;
  let named = false;
  const self = {
    publish: (shape: Shape): void => {
      provisional = finish(state, each, shape);
    },
    named: (): boolean => named,
  };
  return () => {
    if (done !== undefined) return done;
    if (working) {
      named = true;
      if (provisional === undefined) {
        state.unresolved(
          `WITH RECURSIVE ${each.ctename ?? ''} names itself before its columns are known`,
          each.location,
        );
      }
      return provisional ?? finish(state, each, new Shape([], []));
    }
    working = true;
    done = finish(state, each, recursiveQuery(state, each, spot, self));
    return done;
  };
}

interface Self {
  readonly publish: (shape: Shape) => void;
  readonly named: () => boolean;
}

function recursiveQuery(state: State, each: CommonTableExpr, spot: QuerySpot, self: Self): Shape {
  const query = each.ctequery?.SelectStmt;
  const inner: QuerySpot = { ...spot, use: uses.other };
  if (query?.larg === undefined || query.rarg === undefined) return queryOf(state, each, inner);
  const withs = withScope(state, query.withClause, inner);
  const arm: QuerySpot = { ...inner, withs, use: query.all === true ? uses.other : uses.other | uses.group };
  const left = state.query(selectNode(query.larg), arm);
  self.publish(left);
  let shape = left;
  for (let pass = 0; pass < passesMax; pass += 1) {
    if (!state.pass()) {
      state.unresolved('recursive queries too deep inside each other', each.location);
      return shape;
    }
    const next = union(shape, state.query(selectNode(query.rarg), arm));
    const settled = sizeOf(next) === sizeOf(shape) && pass > 0;
    shape = next;
    self.publish(shape);
    if (!self.named() || settled) return tail(state, query, shape, arm);
  }
  const everything = shape.sources();
  shape = new Shape(
    shape.columns.map((column) => plainColumn(column.name, everything)),
    shape.rest,
  );
  return tail(state, query, shape, arm);
}

function tail(state: State, query: SelectStmt, shape: Shape, arm: QuerySpot): Shape {
  state.parts.sorted(state, query, shape, arm);
  return shape;
}

const selectNode = (select: SelectStmt): Node => ({ SelectStmt: select });

function union(left: Shape, right: Shape): Shape {
  if (left.rest !== undefined || right.rest !== undefined) {
    const all = [...new Set([...left.sources(), ...right.sources()])];
    return new Shape(
      left.columns.map((column) => plainColumn(column.name, all)),
      all,
    );
  }
  return new Shape(
    left.columns.map((column, at) => ({
      ...column,
      sources: [...new Set([...column.sources, ...(right.columns[at]?.sources ?? [])])],
      origin: undefined,
    })),
  );
}

function sizeOf(shape: Shape): number {
  let size = shape.rest?.length ?? 0;
  for (const column of shape.columns) size += column.sources.length;
  return size;
}

const finish = named;

/** `WITH name (a, b)`, then the columns of SEARCH and CYCLE. */
function named(state: State, each: CommonTableExpr, query: Shape): Shape {
  const shape = renamed(query, namesOf(each.aliascolnames) ?? []);
  const { search_clause: search, cycle_clause: cycle } = each;
  if (search === undefined && cycle === undefined) return shape;
  const extra: Column[] = [];
  if (search !== undefined) {
    const sources = listed(state, shape, search.search_col_list, uses.order);
    extra.push(plainColumn(search.search_seq_column ?? '', sources));
  }
  if (cycle !== undefined) {
    const sources = listed(state, shape, cycle.cycle_col_list, uses.group);
    extra.push(plainColumn(cycle.cycle_mark_column ?? '', sources));
    extra.push(plainColumn(cycle.cycle_path_column ?? '', sources));
  }
  return new Shape([...shape.columns, ...extra], shape.rest);
}

function listed(state: State, shape: Shape, list: readonly Node[] | undefined, use: number): readonly Source[] {
  const sources = (list ?? []).flatMap((node) => shape.find(stringOf(node) ?? '')?.sources ?? shape.rest ?? []);
  state.mark(sources, use);
  return sources;
}
