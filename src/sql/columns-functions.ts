// What functions give back, as far as names of columns go: for functions in FROM and for `(f(x)).field`. Overloads that disagree
// give a shape of unknown names; since everything such a function was given is marked as read already, nothing is lost by it.
import type { FunctionInfo } from './schema.ts';
import type { State } from './columns-state.ts';
import { plainColumn, Shape, untyped, type Column, type Source, type Typed } from './scope.ts';

/** `columns`: a row of these. `scalar`: one value, named by its parameter or by whoever writes it. */
type Result =
  | { readonly kind: 'columns'; readonly columns: readonly Column[]; readonly type: number }
  | { readonly kind: 'scalar'; readonly name: string | undefined; readonly type: number }
  | { readonly kind: 'notKnown'; readonly type: 0 };

const notKnown: Result = { kind: 'notKnown', type: 0 };

export function returnOf(state: State, candidates: readonly FunctionInfo[], argument: Typed): Typed {
  const result = agreed(state, candidates, argument);
  if (result.kind === 'columns') return { type: result.type, row: new Shape(result.columns) };
  return result.kind === 'scalar' ? { type: result.type, row: undefined } : untyped;
}

/** The columns of a function in FROM. `name` is what a scalar result is called. */
export function shapeOf(
  state: State,
  call: { readonly candidates: readonly FunctionInfo[]; readonly argument: Typed },
  name: { readonly alias: string | undefined; readonly written: string },
  sources: readonly Source[],
): Shape {
  const result = agreed(state, call.candidates, call.argument);
  switch (result.kind) {
    case 'columns':
      return new Shape(result.columns.map((each) => ({ ...each, sources })));
    case 'scalar':
      return new Shape([plainColumn(result.name ?? name.alias ?? name.written, sources, result.type)]);
    case 'notKnown':
      return new Shape([plainColumn(name.alias ?? name.written, sources)], sources);
  }
}

function agreed(state: State, candidates: readonly FunctionInfo[], argument: Typed): Result {
  let first: Result | undefined;
  for (const candidate of candidates) {
    const result = resultOf(state, candidate, argument);
    if (result.kind === 'notKnown') return result;
    if (first === undefined) first = result;
    else if (!same(first, result)) return notKnown;
    else if (first.type !== result.type) first = anyType(first);
  }
  return first ?? notKnown;
}

function anyType(result: Result): Result {
  return result.type === 0 ? result : { ...result, type: 0 };
}

function same(a: Result, b: Result): boolean {
  if (a.kind === 'scalar' && b.kind === 'scalar') return a.name === b.name;
  if (a.kind !== 'columns' || b.kind !== 'columns' || a.columns.length !== b.columns.length) return false;
  return a.columns.every((each, at) => each.name === b.columns[at]?.name);
}

const record = 2249;

function resultOf(state: State, callee: FunctionInfo, argument: Typed): Result {
  const outs = callee.arguments.filter(({ mode }) => mode === 'out' || mode === 'inout' || mode === 'table');
  const sole = outs.length === 1 ? outs[0] : undefined;
  if (outs.length > 1) {
    const columns = outs.map((each, at) =>
      plainColumn(each.name === '' ? `column${at + 1}` : each.name, [], each.type),
    );
    return { kind: 'columns', columns, type: 0 };
  }
  const relation = state.names.index.rowRelation(callee.returns);
  if (relation !== undefined) {
    const columns = relation.attributes.map((each) => plainColumn(each.name, [], each.type));
    return { kind: 'columns', columns, type: callee.returns };
  }
  if (callee.returns === record) return notKnown;
  const type = state.names.index.type(callee.returns);
  const name = sole === undefined || sole.name === '' ? undefined : sole.name;
  if (type?.kind === 'p' && type.name.startsWith('any')) return polymorphic(state, callee, argument, name);
  return { kind: 'scalar', name, type: callee.returns };
}

/** `unnest(rows)` and kin: what comes out depends on what went in. With several arguments we do not know which one decides. */
function polymorphic(state: State, callee: FunctionInfo, argument: Typed, name: string | undefined): Result {
  const { index } = state.names;
  const info = index.type(argument.type);
  const input = callee.arguments[0];
  if (info === undefined || input === undefined || callee.arguments.length > 1) return notKnown;
  const opens = index.type(input.type)?.name === 'anyarray' && index.type(callee.returns)?.name === 'anyelement';
  const type = opens ? info.element : info.oid;
  const relation = index.rowRelation(type);
  if (relation === undefined) return { kind: 'scalar', name, type };
  return { kind: 'columns', columns: relation.attributes.map((each) => plainColumn(each.name, [], each.type)), type };
}
