// What stands in the tables: the same rows twice, in which only some columns differ. Loaded past triggers, keys to other tables and row
// security, anew for each run and in the same order, so that nothing but the values of these columns is another.
import type { Dice } from './dice.ts';
import { literals, type Kind } from './words.ts';
import type { Stored, World } from './world.ts';

export type Value = number | string | null;

/** By `table.column`, the values of its rows from the first on. */
export type Data = ReadonlyMap<string, readonly Value[]>;

const rowsMax = 6;

export const columnKey = (table: string, column: string): string => `${table}.${column}`;

export function firstData(world: World, dice: Dice): Data {
  const data = new Map<string, readonly Value[]>();
  for (const table of world.tables)
    for (const column of table.stored)
      data.set(
        columnKey(table.name, column.name),
        column.name === 'id' ? idsOf(table.name) : valuesOf(column, dice, 0),
      );
  return data;
}

/** The same, but for some columns. */
export function otherData(world: World, data: Data, keys: ReadonlySet<string>, dice: Dice): Data {
  const other = new Map(data);
  for (const table of world.tables)
    for (const column of table.stored) {
      const key = columnKey(table.name, column.name);
      if (keys.has(key)) other.set(key, valuesOf(column, dice, 1 + dice.below(3)));
    }
  return other;
}

/** A child's ids are not its parent's: together they are looked up by them. */
const idsOf = (table: string): readonly Value[] =>
  Array.from({ length: rowsMax }, (_, at) => (table === 'kid' ? 10 : 0) + at + 1);

function valuesOf(column: Stored, dice: Dice, round: number): readonly Value[] {
  if (round === 3 && !column.needed) return Array.from({ length: rowsMax }, () => null);
  return Array.from({ length: rowsMax }, (_, at) => {
    if (column.unique)
      return column.kind === 'int' ? at + 1 + round * 6 * dice.below(2) + round : `${round}${literals[at] ?? at}`;
    if (column.pointsTo !== undefined) return dice.chance(0.15) ? null : 1 + dice.below(rowsMax);
    if (!column.needed && dice.chance(0.15)) return null;
    return value(column.kind, dice);
  });
}

function value(kind: Kind, dice: Dice): Value {
  return kind === 'int' ? dice.below(8) : dice.pick([...literals, '7', 'ab', 'zz9']);
}

/** One text for the whole, within a transaction. */
export function loadSql(world: World, data: Data, present: ReadonlySet<string>): string {
  const tables = world.tables.filter((table) => present.has(table.name));
  const loaded = tables.filter((table) => table.stored.length > 0);
  const names = tables.map((table) => table.name).join(', ');
  const inserts = loaded.map((table) => {
    const columns = table.stored.map((each) => each.name);
    const rows = Array.from({ length: rowsMax }, (_, at) => {
      const values = columns.map((column) => literalOf(data.get(columnKey(table.name, column))?.[at] ?? null));
      return `(${values.join(', ')})`;
    });
    return `INSERT INTO ${table.name} (${columns.join(', ')}) VALUES ${rows.join(', ')}`;
  });
  return [
    'SET LOCAL session_replication_role = replica',
    `TRUNCATE ${names} CASCADE`,
    ...inserts,
    'SET LOCAL session_replication_role = origin',
  ].join(';\n');
}

const literalOf = (given: Value): string =>
  given === null ? 'NULL' : typeof given === 'number' ? String(given) : `'${given}'`;
