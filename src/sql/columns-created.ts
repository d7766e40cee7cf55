// Relations that a statement makes from a query: CREATE TABLE AS, SELECT INTO, views. Every column of the query flows into the
// column of the same place; the new relation has the class of what flows into it.
import { namesOf } from './ast.ts';
import type { IntoClause, RangeVar } from './ast-query.ts';
import type { State } from './columns-state.ts';
import { renamed, type Shape } from './scope.ts';
import type { RelationName } from './analysis.ts';

export function createdTable(state: State, into: IntoClause, shape: Shape): void {
  created(state, into.rel ?? {}, renamed(shape, namesOf(into.colNames) ?? []));
}

export function created(state: State, target: RangeVar, shape: Shape): void {
  const relation = createdName(state, target);
  if (relation === undefined) return;
  for (const column of shape.columns) {
    const written = { relation, column: column.name, how: 'insert' } as const;
    state.write(written);
    state.flow(column.sources, written);
  }
  if (shape.rest !== undefined) {
    state.unknown('a relation is made from columns whose names are not known');
  }
}

/** Where a new relation will stand. */
function createdName(state: State, target: RangeVar): RelationName | undefined {
  const temporary = target.relpersistence === 't' || target.schemaname === 'pg_temp';
  const schema = temporary ? 'pg_temp' : (target.schemaname ?? state.names.creationSchema());
  if (schema !== undefined) return { schema, name: target.relname ?? '' };
  state.unknown(`it is not known in which schema ${target.relname ?? ''} will be made`, target.location);
  return undefined;
}
