// Data that a statement carries from one column into another of a lower level, or into one that nobody has classified: whoever reads it
// there later is judged by less than what it is. INSERT … SELECT, UPDATE … FROM, CREATE TABLE AS, SELECT INTO, materialized views.
import { levelOf } from '../catalog/levels.ts';
import { visible } from '../core/visible.ts';
import { dottedVisible } from '../sql/canonical.ts';
import type { ColumnName } from '../sql/analysis.ts';
import type { Classification } from './classification.ts';
import { noFloors, raised, wordSaid } from './floors.ts';
import type { Facts, Touch } from './facts.ts';

export interface Lowered {
  readonly level: string;
  /** Where it goes, as in SQL. */
  readonly into: string;
  readonly touches: readonly Touch[];
  readonly columns: readonly Carried[];
}

/** One column that takes data of another's level with it. */
export interface Carried {
  readonly to: ColumnName;
  readonly from: ColumnName;
  readonly level: string;
  /** Who is asked about the data where it comes from. */
  readonly owner: string | undefined;
  /** What the catalog says about the target by now; see floors.ts. */
  readonly said: string;
  /** The statement makes the relation: one that has the name by now is another. */
  readonly isMade?: true;
}

export const makers: ReadonlySet<string> = new Set(['CREATE TABLE AS', 'SELECT INTO', 'CREATE MATERIALIZED VIEW']);

/** By the level that leaves and the relation that it goes into. */
export function loweredFlows(
  facts: Facts,
  { catalog, floors = noFloors }: Pick<Classification, 'catalog' | 'floors'>,
): readonly Lowered[] {
  if (facts.analysis.flows.length === 0) return [];
  const reads = new Map(facts.reads.map((touch) => [keyOf(touch.relation, touch.column ?? '*'), touch]));
  const made: Pick<Carried, 'isMade'> = makers.has(facts.analysis.command) ? { isMade: true } : {};
  // What the lineage says of a name is about the relation that had it before.
  const isOther = made.isMade === true || facts.analysis.inOwnSchema === true;
  const on = { catalog, floors: isOther ? noFloors : floors, database: facts.asker.database };
  const groups = new Map<string, { level: string; into: string; touches: Set<Touch>; columns: Carried[] }>();
  for (const { from, to, stays } of facts.analysis.flows) {
    const touch = reads.get(keyOf(from.relation, from.column));
    if (touch === undefined || !isLowered(touch, to, on)) continue;
    const into = visible(dottedVisible(to.relation.schema, to.relation.name), 200);
    const level = touch.found.level.name;
    const key = `${level}\0${into}`;
    const group = groups.get(key) ?? { level, into, touches: new Set(), columns: [] };
    group.touches.add(touch);
    const said = wordSaid(catalog, facts.asker.database, to);
    // Under its name of now, by which it is found; what is said of it then is said of the other.
    group.columns.push({ to: stays === true ? from : to, from, level, owner: touch.found.owner, said, ...made });
    groups.set(key, group);
  }
  return [...groups.values()].map((group) => ({ ...group, touches: [...group.touches] }));
}

/** Into a column without a word of its own, whatever is not free to read counts as lowered: tomorrow's default is not today's. */
function isLowered({ found }: Touch, to: ColumnName, on: Parameters<typeof raised>[2]): boolean {
  const target = raised(levelOf(on.catalog, on.database, to), [to], on);
  return found.level.rank > target.level.rank || (target.by === 'unclassified' && found.level.read !== 'allow');
}

function keyOf(relation: ColumnName['relation'], column: string): string {
  return JSON.stringify([relation.schema, relation.name, column]);
}
