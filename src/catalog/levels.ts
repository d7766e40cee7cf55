// The level of a column, a relation or a function, and which line said so. Everything unknown has the unclassified level: there is
// no column without one.
import type { Place } from '../core/place.ts';
import {
  relationKey,
  type Catalog,
  type DatabaseWords,
  type FunctionWord,
  type Level,
  type TableWords,
  type Word,
} from './catalog.ts';
import { systemWord } from './system-catalogs.ts';
import { normalSignature } from './function-name.ts';
import type { ColumnName, ColumnRead, FunctionUse, RelationName } from '../sql/analysis.ts';

export interface FoundLevel {
  readonly level: Level;
  readonly category: string | undefined;
  readonly owner: string | undefined;
  readonly place: Place | undefined;
  readonly by: 'entry' | 'table' | 'pattern' | 'view' | 'kin' | 'system' | 'unclassified' | 'lineage';
}

/**
 * Own entry, else the stricter of the table's default and the first pattern that matches, else unclassified. A table's default
 * is said about columns that nobody looked at one by one; a pattern that knows one of them better is not overruled by it.
 */
export function levelOf(catalog: Catalog, database: string, column: ColumnName): FoundLevel {
  return ownWord(catalog, database, column) ?? unclassified(catalog);
}

/** The level of a read: with its kin (strictest of the family that anybody spoke of), and with the views it came through. */
export function levelOfRead(catalog: Catalog, database: string, read: ColumnRead): FoundLevel {
  const words = catalog.databases.get(database);
  // A materialized view is a relation of its own; its entry speaks for it as an ordinary view's does.
  const spoken =
    words === undefined ? undefined : (viewWord(words, read.via) ?? matviewWord(words, read.column.relation));
  if (spoken !== undefined) return spoken;
  let strictest = ownWord(catalog, database, read.column);
  if (read.standsFor !== undefined && strictest?.by === 'system') return shownLevel(catalog, database, read.standsFor);
  for (const kin of read.kin) {
    const other = ownWord(catalog, database, kin);
    if (other === undefined) continue;
    if (strictest === undefined || other.level.rank > strictest.level.rank) strictest = { ...other, by: 'kin' };
  }
  return strictest ?? unclassified(catalog);
}

/** Of a catalog's column that shows values of these; one that nobody classified is unclassified here too. */
function shownLevel(catalog: Catalog, database: string, shown: readonly ColumnName[]): FoundLevel {
  const [least] = catalog.levels;
  const none: FoundLevel = { ...unclassified(catalog), level: least ?? catalog.unclassified, by: 'system' };
  return shown.reduce((strictest, column) => {
    const word = levelOf(catalog, database, column);
    return word.level.rank > strictest.level.rank ? word : strictest;
  }, none);
}

/**
 * The level of knowing that rows are there (`select count(*)`, `exists`): as `count(column)` of its least sensitive column would
 * tell the same. A relation that no file names is unclassified.
 */
export function levelOfRelation(catalog: Catalog, database: string, relation: RelationName): FoundLevel {
  return extremeOf(catalog, database, relation, 'least');
}

/** The level of a relation as a whole: its strictest column, as far as anybody said. */
export function levelOfWhole(catalog: Catalog, database: string, relation: RelationName): FoundLevel {
  return extremeOf(catalog, database, relation, 'most');
}

/** The catalog's word about a function; undefined: nobody said anything. An exact overload beats a word for all of them. */
export function functionWordOf(catalog: Catalog, database: string, use: FunctionUse): FunctionWord | undefined {
  const overloads = catalog.databases.get(database)?.functions.get(relationKey(use));
  if (overloads === undefined) return undefined;
  const signature = normalSignature(use.signature);
  const exact =
    use.signature === '' && overloads.length > 1 ? undefined : overloads.find((one) => one.signature === signature);
  return exact ?? overloads.find((one) => one.signature === undefined);
}

/** Owners of a relation as a whole: its own, else its files'. */
export function ownersOf(catalog: Catalog, database: string, relation: RelationName): readonly string[] {
  const words = catalog.databases.get(database);
  const table = words?.tables.get(relationKey(relation));
  const owner = table?.owner ?? words?.views.get(relationKey(relation))?.owner;
  return owner === undefined ? (words?.owners ?? []) : [owner];
}

function unclassified(catalog: Catalog): FoundLevel {
  return { level: catalog.unclassified, category: undefined, owner: undefined, place: undefined, by: 'unclassified' };
}

function found(word: Word, by: FoundLevel['by']): FoundLevel {
  return { level: word.level, category: word.category, owner: word.owner, place: word.place, by };
}

function ownWord(catalog: Catalog, database: string, column: ColumnName): FoundLevel | undefined {
  return catalog.memo.get(database, column, () => findWord(catalog, catalog.databases.get(database), column));
}

function findWord(catalog: Catalog, words: DatabaseWords | undefined, column: ColumnName): FoundLevel | undefined {
  const table = words?.tables.get(relationKey(column.relation));
  const spoken = spokenWord(catalog, table, column);
  if (spoken === undefined || spoken.owner !== undefined || table?.owner === undefined) return spoken;
  return { ...spoken, owner: table.owner };
}

function spokenWord(catalog: Catalog, table: TableWords | undefined, column: ColumnName): FoundLevel | undefined {
  const entry = table?.columns.get(column.column);
  if (entry !== undefined) return found(entry, 'entry');
  const rest = table?.default;
  const system = rest === undefined ? systemWord(catalog, column) : undefined;
  if (system !== undefined) return { ...system, owner: undefined, by: 'system' };
  const pattern = catalog.patterns.find((one) => one.matches(column.column))?.word;
  if (rest === undefined) return pattern === undefined ? undefined : found(pattern, 'pattern');
  return pattern === undefined || pattern.level.rank <= rest.level.rank
    ? found(rest, 'table')
    : found(pattern, 'pattern');
}

/** Outermost first: a view over a labelled view shows what the inner one's word allows. */
function viewWord(words: DatabaseWords, via: readonly RelationName[]): FoundLevel | undefined {
  for (const view of via) {
    const key = relationKey(view);
    const word = words.views.get(key);
    if (word !== undefined) return found(word, 'view');
    const table = words.tables.get(key);
    // A view under `tables:` in one word says the same as an entry under `views:`.
    if (table?.isWhole === true && table.default !== undefined) return found(table.default, 'view');
  }
  return undefined;
}

function matviewWord(words: DatabaseWords, relation: RelationName): FoundLevel | undefined {
  if (words.views.size === 0) return undefined;
  const word = words.views.get(relationKey(relation));
  return word === undefined ? undefined : found(word, 'view');
}

function extremeOf(catalog: Catalog, database: string, relation: RelationName, which: 'least' | 'most'): FoundLevel {
  const words = catalog.databases.get(database);
  const key = relationKey(relation);
  const view = words?.views.get(key);
  if (view !== undefined) return found(view, 'view');
  const table = words?.tables.get(key);
  const system = systemWord(catalog, { relation, column: '' });
  if (table === undefined)
    return system === undefined ? unclassified(catalog) : { ...system, owner: undefined, by: 'system' };
  let extreme: Word | undefined = table.default;
  for (const word of table.columns.values()) {
    const isBeyond =
      extreme === undefined ||
      (which === 'least' ? word.level.rank < extreme.level.rank : word.level.rank > extreme.level.rank);
    if (isBeyond) extreme = word;
  }
  return extreme === undefined ? unclassified(catalog) : found(extreme, 'table');
}
