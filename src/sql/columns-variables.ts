// Variables of a function's body as the outermost names in sight: a column of the same name comes first, as under
// plpgsql.variable_conflict = use_column. Where the server decides otherwise it reads less, or refuses.
import type { State } from './columns-state.ts';
import type { Relation } from './schema.ts';
import { makeItem, plainColumn, Shape, type Column, type Scope, type Sight, type Source } from './scope.ts';

export interface Variables {
  readonly scalars: readonly string[];
  /** What may stand before a name: blocks, the function itself. */
  readonly qualifiers: readonly string[];
  /** Rows of tables: NEW and OLD. Their fields are the tables' columns. */
  readonly rows: readonly { readonly name: string; readonly relations: readonly Relation[] }[];
}

export function scopeOf(state: State, { scalars, qualifiers, rows }: Variables): Scope {
  const ofRows = rows.map(({ name, relations }) => rowItem(state, name, relations));
  const named = new Set(rows.map((row) => row.name));
  const plain = scalars.filter((name) => !named.has(name)).map((name) => plainColumn(name));
  const bare: Sight = { item: makeItem(undefined, new Shape(plain)), qualified: false, unqualified: true };
  // A record has fields of names that nobody knows before it runs; they hold what was read to fill it.
  const records = [...new Set([...qualifiers, ...scalars])].filter((name) => !named.has(name));
  const open = records.map((name) => beside(makeItem(name, new Shape([], []))));
  return { sights: [bare, ...open, ...ofRows.map(beside)], outer: undefined, withs: undefined };
}

/** `name.field` works, `field` alone does not. */
function beside(item: Sight['item']): Sight {
  return { item, qualified: true, unqualified: false };
}

function rowItem(state: State, name: string, relations: readonly Relation[]): Sight['item'] {
  // On one table a field is its column, type and all.
  const [only, ...others] = relations;
  if (only !== undefined && others.length === 0) return makeItem(name, state.shapes.of(only), only.rowType);
  const columns = new Map<string, Set<Source>>();
  for (const relation of relations) {
    for (const column of state.shapes.of(relation).columns) {
      const sources = columns.get(column.name) ?? new Set<Source>();
      for (const source of column.sources) sources.add(source);
      columns.set(column.name, sources);
    }
  }
  const list = [...columns].map(([column, sources]): Column => plainColumn(column, [...sources]));
  return makeItem(name, new Shape(list));
}
