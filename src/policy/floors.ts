// The level under which a column does not fall because of what was carried into it. A statement that people let through may copy data
// into a column that nobody has classified, or that is classified as less; it stays what it was until somebody who writes the catalog
// has looked at the column. Pure; who keeps the floors is lineage.ts.
import type { Catalog, Level, Word } from '../catalog/catalog.ts';
import { relationKey } from '../catalog/catalog.ts';
import type { FoundLevel } from '../catalog/levels.ts';
import type { ColumnName } from '../sql/analysis.ts';

/** Where data of a column came from. */
export interface Origin {
  /** The hold that let it through; absent: a rule did. */
  readonly hold: string | undefined;
  /** Columns that it was read from: `public.customers.email`. */
  readonly from: readonly string[];
}

export interface Floor extends Origin {
  readonly level: string;
  /** Who is asked about the data. */
  readonly owner: string | undefined;
  /** What the catalog said about the column when the data came; '' for nothing. Anything else since then is the catalog's own word. */
  readonly said: string;
}

export interface Floors {
  /** Moves whenever an answer may have changed; 0 before there was any; below, nobody knows yet. */
  readonly version: number;
  of(database: string, column: ColumnName): Floor | undefined;
}

export const noFloors: Floors = { version: 0, of: () => undefined };

export interface RaisedLevel extends FoundLevel {
  readonly origin?: Origin;
}

/** The strictest of what was found and what lies under any of these columns: one column and its kin. */
export function raised(
  found: FoundLevel,
  columns: readonly ColumnName[],
  on: { readonly catalog: Catalog; readonly database: string; readonly floors: Floors },
): RaisedLevel {
  let highest: RaisedLevel = found;
  for (const column of columns) {
    const floor = on.floors.of(on.database, column);
    if (floor === undefined || isNamedSince(floor, column, on)) continue;
    const level = levelNamed(on.catalog, floor.level);
    if (level.rank <= highest.level.rank) continue;
    const { hold, from, owner } = floor;
    highest = { level, category: undefined, owner, place: undefined, by: 'lineage', origin: { hold, from } };
  }
  return highest;
}

/** `data of public.customers.email, let through by h_…`. Names are made visible where they are kept. */
export function originText({ hold, from }: Origin): string {
  const shown = from.slice(0, originsMax).join(', ');
  const more = from.length > originsMax ? ` and ${from.length - originsMax} more` : '';
  return `data of ${shown}${more}, let through by ${hold ?? 'a rule'}`;
}

const originsMax = 3;

/** A pattern or a default does not know the column; an entry, or a table in one word, was written by somebody who does. */
export function wordSaid(catalog: Catalog, database: string, { relation, column }: ColumnName): string {
  const table = catalog.databases.get(database)?.tables.get(relationKey(relation));
  const word: Word | undefined = table?.columns.get(column) ?? (table?.isWhole === true ? table.default : undefined);
  if (word === undefined) return '';
  return JSON.stringify([word.level.name, word.category ?? '', word.reason ?? '', word.owner ?? '']);
}

function isNamedSince(
  { said }: Floor,
  column: ColumnName,
  { catalog, database }: { readonly catalog: Catalog; readonly database: string },
): boolean {
  const now = wordSaid(catalog, database, column);
  return now !== '' && now !== said;
}

/** A level that is gone from the files: nobody knows how much it was, so it is the most that people can be asked about. */
function levelNamed(catalog: Catalog, name: string): Level {
  const level = catalog.levelByName.get(name);
  if (level !== undefined) return level;
  const asking = catalog.levels.findLast(({ approvers }) => approvers.length > 0) ?? catalog.unclassified;
  return asking.rank > catalog.unclassified.rank ? asking : catalog.unclassified;
}
