// Names in sight: columns, FROM items and the query levels around them, by the rules of Postgres's parse_relation.c.
// What a column's value is made of is carried as `Source`s: columns of relations that the statement names, views not yet opened.
import type { Attribute, Relation } from './schema.ts';

/** One column of a relation; one object per relation and column, compared by identity. */
export interface Source {
  readonly relation: Relation;
  readonly attribute: Attribute;
}

/** What is known of a value's type: enough to find the columns inside a row. */
export interface Typed {
  /** Type oid; 0 when it was not needed or not found. */
  readonly type: number;
  /** Columns inside a row that has no named type. */
  readonly row: Shape | undefined;
}

/** A column of a FROM item or of a result. */
export interface Column extends Typed {
  readonly name: string;
  readonly sources: readonly Source[];
  /** The relation's column whose value this is, unchanged; what RowDescription will name. */
  readonly origin: Source | undefined;
}

export const untyped: Typed = { type: 0, row: undefined };

/** Columns in order. With `rest` there are more, of unknown names, all computed from these sources, which are read already. */
export class Shape {
  readonly columns: readonly Column[];
  readonly rest: readonly Source[] | undefined;
  #byName: Map<string, Column> | undefined;

  constructor(columns: readonly Column[], rest?: readonly Source[]) {
    this.columns = columns;
    this.rest = rest;
  }

  /** Naming a doubled column is an error on the server; where it is not (a row's field), either may be meant, so both are. */
  find(name: string): Column | undefined {
    if (this.#byName === undefined) {
      this.#byName = new Map();
      for (const each of this.columns) {
        const before = this.#byName.get(each.name);
        this.#byName.set(each.name, before === undefined ? each : both(before, each));
      }
    }
    return this.#byName.get(name);
  }

  /** Everything that any column is made of. */
  sources(): readonly Source[] {
    const all = new Set(this.rest);
    for (const each of this.columns) for (const source of each.sources) all.add(source);
    return [...all];
  }
}

export interface Item {
  /** The name that qualifies; undefined for a join or sub-select without one. */
  readonly name: string | undefined;
  /** A relation with no alias: `schema.name.column` works only then. */
  readonly unaliased: Relation | undefined;
  readonly shape: Shape;
  /** Whether `ctid` and its kin can be named. */
  readonly system: boolean;
  readonly rowType: number;
}

/** An item as it is in sight at one place. */
export interface Sight {
  readonly item: Item;
  /** `item.column` works. */
  readonly qualified: boolean;
  /** `column` works, and `*` shows it. */
  readonly unqualified: boolean;
}

/** WITH queries in sight, nearest first. A name hides a table only from here inwards, and not in its own query unless recursive. */
export interface WithScope {
  readonly queries: ReadonlyMap<string, WithQuery>;
  readonly outer: WithScope | undefined;
}

/** A WITH query's columns, made when they are first asked for: a recursive list may be in any order. */
export type WithQuery = () => Shape;

/** One query level. */
export interface Scope {
  readonly sights: readonly Sight[];
  readonly outer: Scope | undefined;
  readonly withs: WithScope | undefined;
  /** What the windows of a WINDOW clause are made of, by name. */
  readonly windows?: ReadonlyMap<string, readonly Source[]>;
}

const systemColumns = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid']);
const none: readonly Source[] = [];

export function plainColumn(name: string, sources: readonly Source[] = none, type = 0): Column {
  return { name, sources, origin: undefined, type, row: undefined };
}

function both(a: Column, b: Column): Column {
  return {
    name: a.name,
    sources: [...new Set([...a.sources, ...b.sources])],
    origin: undefined,
    type: 0,
    row: undefined,
  };
}

export function makeItem(name: string | undefined, shape: Shape, rowType = 0): Item {
  return { name, unaliased: undefined, shape, system: false, rowType };
}

export function inSight(item: Item): Sight {
  return { item, qualified: item.name !== undefined, unqualified: true };
}

/** `AS alias(a, b)`: the first columns get new names. With unknown columns about, a name may be any of them. */
export function renamed(shape: Shape, names: readonly string[]): Shape {
  if (names.length === 0) return shape;
  if (shape.rest !== undefined) {
    const all = shape.sources();
    return new Shape(
      names.map((name) => plainColumn(name, all)),
      all,
    );
  }
  const columns = shape.columns.map((each, at) => {
    const name = names[at];
    return name === undefined || name === each.name ? each : { ...each, name };
  });
  return new Shape(columns);
}

export type Found =
  | { readonly kind: 'column'; readonly column: Column }
  | { readonly kind: 'system' }
  /** No known column here, but an item with unknown columns is in sight: it is one of those, or the one further out. */
  | { readonly kind: 'rest'; readonly sources: readonly Source[]; readonly beyond: Column | undefined };

/** `name` alone. `here` looks at this level only. */
export function findColumn(scope: Scope | undefined, name: string, reach: 'here' | 'outwards'): Found | undefined {
  let rest: Source[] | undefined;
  for (let level = scope; level !== undefined; level = reach === 'here' ? undefined : level.outer) {
    const found = findHere(level, name);
    if (found !== undefined) {
      if (rest === undefined) return found;
      return { kind: 'rest', sources: rest, beyond: found.kind === 'column' ? found.column : undefined };
    }
    for (const { item, unqualified } of level.sights) {
      if (unqualified && item.shape.rest !== undefined) rest = [...(rest ?? []), ...item.shape.rest];
    }
  }
  return rest === undefined ? undefined : { kind: 'rest', sources: rest, beyond: undefined };
}

function findHere(level: Scope, name: string): Found | undefined {
  let found: Column | undefined;
  let system = false;
  for (const { item, unqualified } of level.sights) {
    if (!unqualified) continue;
    const hit = item.shape.find(name);
    if (hit !== undefined) found = found === undefined ? hit : both(found, hit);
    system ||= item.system;
  }
  if (found !== undefined) return { kind: 'column', column: found };
  return system && systemColumns.has(name) ? { kind: 'system' } : undefined;
}

/** `item` or `schema.item`, for `item.column`, `item.*` and whole rows. */
export function findItem(scope: Scope | undefined, name: string, schema: string | undefined): Item | undefined {
  for (let level = scope; level !== undefined; level = level.outer) {
    for (const { item, qualified } of level.sights) {
      if (qualified && item.name === name && (schema === undefined || isIn(item.unaliased, schema))) return item;
    }
  }
  return undefined;
}

function isIn(relation: Relation | undefined, schema: string): boolean {
  if (relation === undefined) return false;
  return relation.schema === schema || (schema === 'pg_temp' && relation.persistence === 'temporary');
}

export function isSystemColumn(name: string): boolean {
  return systemColumns.has(name);
}

export function findWith(scope: WithScope | undefined, name: string): WithQuery | undefined {
  for (let level = scope; level !== undefined; level = level.outer) {
    const found = level.queries.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}
