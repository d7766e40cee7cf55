// What was carried where, by the record alone: the levels under which columns stood at a moment, for judging what is on record again. By
// the names of then: a relation that was renamed since is not followed, and one that was dropped is not forgotten.
import type { Catalog } from '../catalog/catalog.ts';
import { wordSaid, type Floor, type Floors } from '../policy/floors.ts';
import { isTemporarySchema } from '../policy/lineage-temporary.ts';
import type { ColumnName } from '../sql/analysis.ts';
import { columnText } from './bodies.ts';
import { recordsOfAll } from './joint-records.ts';
import type { LoggedRecord } from './record.ts';
import { linesContaining } from './search.ts';

type CarriedRecord = Extract<LoggedRecord, { readonly kind: 'carried' }>;

interface Carried {
  readonly record: CarriedRecord;
  /** The classification by which it was let through. */
  readonly catalog: string | undefined;
}

/** A moment in a session; undefined: all that is on record. */
export type Moment = Pick<LoggedRecord, 'at'> & { readonly session: string };

export class CarriedLog {
  readonly #carried: readonly Carried[];

  private constructor(carried: readonly Carried[]) {
    this.#carried = carried;
  }

  /** Reads all of the record only where something was carried at all. */
  static async read(dirs: readonly string[]): Promise<CarriedLog> {
    for (const dir of dirs)
      for await (const _line of linesContaining(dir, '"kind":"carried"')) return new CarriedLog(await allOf(dirs));
    return new CarriedLog([]);
  }

  /** Equal for moments between which nothing was carried. */
  count(moment: Moment | undefined): number {
    return this.#before(moment).length;
  }

  /** `catalogThen`: the classification of a version; undefined: it was not kept. */
  floors(
    moment: Moment | undefined,
    on: { readonly catalog: Catalog; readonly catalogThen: (version: string) => Catalog | undefined },
  ): Floors {
    const before = this.#before(moment);
    const rankOf = (level: string): number => on.catalog.levelByName.get(level)?.rank ?? Infinity;
    const of = (database: string, column: ColumnName): Floor | undefined => {
      const text = columnText({ column });
      const isOwn = !isTemporarySchema(column.relation.schema);
      let floor: Floor | undefined;
      for (const { record, catalog } of before) {
        if (record.database !== database || (!isOwn && record.session !== moment?.session)) continue;
        const taken = record.columns.find((one) => one.column === text);
        if (taken === undefined) continue;
        const then = catalog === undefined ? undefined : on.catalogThen(catalog);
        // Where nobody knows what the files said then, they are taken to have said what they say now: on the strict side.
        const said = wordSaid(then ?? on.catalog, database, column);
        const level = floor !== undefined && rankOf(floor.level) > rankOf(taken.level) ? floor.level : taken.level;
        floor = { level, owner: undefined, said, hold: record.hold, from: record.from };
      }
      return floor;
    };
    return { version: before.length, of };
  }

  #before(moment: Moment | undefined): readonly Carried[] {
    return moment === undefined ? this.#carried : this.#carried.filter(({ record }) => record.at < moment.at);
  }
}

async function allOf(dirs: readonly string[]): Promise<readonly Carried[]> {
  const found: Carried[] = [];
  const judged = new Map<string, Extract<LoggedRecord, { readonly kind: 'judged' }>>();
  for await (const { record } of recordsOfAll(dirs)) {
    if (record.kind === 'judged') judged.set(record.session, record);
    else if (record.kind === 'logout') judged.delete(record.session);
    else if (record.kind === 'carried') {
      const by = judged.get(record.session);
      found.push({ record, catalog: by?.statement === record.statement ? by.catalog : undefined });
    }
  }
  return found;
}
