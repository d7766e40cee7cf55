// Types as far as they run something: what a cast may call, and which types values are turned into.
import { namesOf } from './ast.ts';
import type { TypeCast, TypeName } from './ast-expr.ts';
import type { State } from './columns-state.ts';
import type { Column, Typed } from './scope.ts';

/** Functions of users that a cast may run. The text of a string and NULL are read by the type's own input. */
export function castCalls(state: State, cast: TypeCast, type: number, value: Typed | Column): void {
  const constant = cast.arg?.A_Const;
  if (constant?.sval !== undefined || constant?.isnull === true) return;
  const { index } = state.names;
  // Of an array the elements are cast one by one.
  const to = type === 0 ? elementOf(state, cast.typeName) : type;
  const from = type === 0 ? 0 : sourceOf(cast, value);
  const sources = from === 0 ? undefined : index.basesOf(from);
  for (const target of index.basesOf(to)) {
    for (const each of index.userCastsTo(target)) {
      const callee = index.function(each.function);
      if (callee === undefined || sources?.includes(each.source) === false) continue;
      state.calls.push({ how: 'cast', names: [callee.schema, callee.name], candidates: [callee], at: cast.location });
    }
  }
}

/** The type of a relation's own column and of another cast is sure; of anything else it may be another than it seems. 0: any. */
function sourceOf(cast: TypeCast, value: Typed | Column): number {
  const isColumn = 'origin' in value && value.origin !== undefined;
  return isColumn || cast.arg?.TypeCast !== undefined ? value.type : 0;
}

function elementOf(state: State, typeName: TypeName | undefined): number {
  const names = namesOf(typeName?.names);
  return names === undefined ? 0 : (state.names.types(names)[0]?.oid ?? 0);
}

/** The oid of a type as written; 0 when it is an array or not found. A value becomes one of this type: its checks will run. */
export function typeOf(state: State, typeName: TypeName | undefined): number {
  const names = namesOf(typeName?.names);
  if (typeName === undefined || names === undefined || typeName.pct_type === true) return 0;
  const found = state.names.types(names);
  if (found.length === 0)
    state.unresolved(`no type ${names.join('.')} is in the schema that was read`, typeName.location);
  const isArray = (typeName.arrayBounds ?? []).length > 0;
  for (const each of found) {
    state.types.add(each.oid);
    if (isArray && each.array !== 0) state.types.add(each.array);
  }
  return isArray ? 0 : (found[0]?.oid ?? 0);
}
