// Levels that were found before: a column's level stands as long as its catalog does. Keyed part by part, since joining names costs
// more than looking them up.
import type { ColumnName } from '../sql/analysis.ts';
import type { FoundLevel } from './levels.ts';

/** Names come from the live schema, so their number is bounded by it; this bounds an odd one. */
const columnsMax = 200_000;

type ByColumn = Map<string, FoundLevel | undefined>;

export class LevelMemo {
  readonly #databases = new Map<string, Map<string, Map<string, ByColumn>>>();
  #count = 0;

  /** `find` is asked once per column; undefined (nobody said anything) is remembered too. */
  get(database: string, column: ColumnName, find: () => FoundLevel | undefined): FoundLevel | undefined {
    const columns = this.#columnsOf(database, column);
    const known = columns.get(column.column);
    if (known !== undefined || columns.has(column.column)) return known;
    const found = find();
    this.#count += 1;
    if (this.#count > columnsMax) {
      this.#databases.clear();
      this.#count = 0;
    }
    columns.set(column.column, found);
    return found;
  }

  #columnsOf(database: string, { relation }: ColumnName): ByColumn {
    const schemas = inner(this.#databases, database, () => new Map<string, Map<string, ByColumn>>());
    const tables = inner(schemas, relation.schema, () => new Map<string, ByColumn>());
    return inner(tables, relation.name, () => new Map());
  }
}

function inner<T>(map: Map<string, T>, key: string, make: () => T): T {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = make();
  map.set(key, made);
  return made;
}
