// The coverage of the classification as the console shows it: each table of the live schema with the level of each column and the line
// that says so, and what `countersign check` would find. Made anew only when schema or classification changed.
import { levelOfRead } from '../catalog/levels.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { ShownColumn, ShownDatabase, ShownTable } from '../channels/console/ports.ts';
import { noFloors, raised, type Floors } from '../policy/floors.ts';
import { isSystemSchema, type Relation, type Snapshot } from '../sql/schema.ts';
import { coverageText, driftOf } from './drift.ts';
import { kinOf } from './schema-kin.ts';

export interface DatabaseNow {
  readonly name: string;
  readonly snapshot: Snapshot | undefined;
  /** Why the schema is not there, or is not the newest. */
  readonly trouble: string | undefined;
}

export class ShownDatabases {
  readonly #catalog: () => Catalog;
  readonly #databases: () => readonly DatabaseNow[];
  readonly #floors: Floors;
  readonly #made = new Map<string, { readonly of: string; readonly shown: ShownDatabase }>();

  constructor(catalog: () => Catalog, databases: () => readonly DatabaseNow[], floors: Floors = noFloors) {
    this.#floors = floors;
    this.#catalog = catalog;
    this.#databases = databases;
  }

  now(): readonly ShownDatabase[] {
    return this.#databases().map((one) => this.#shown(one));
  }

  #shown({ name, snapshot, trouble = 'It has not been read yet.' }: DatabaseNow): ShownDatabase {
    if (snapshot === undefined) return { name, trouble, summary: '', tables: [], findings: [] };
    const catalog = this.#catalog();
    const of = `${snapshot.schemaVersion} ${catalog.version} ${this.#floors.version}`;
    const known = this.#made.get(name);
    if (known?.of === of) return known.shown;
    const shown = shownOf(name, { catalog, floors: this.#floors.version < 0 ? noFloors : this.#floors }, snapshot);
    this.#made.set(name, { of, shown });
    return shown;
  }
}

function shownOf(name: string, inForce: InForce, live: Snapshot): ShownDatabase {
  const { catalog } = inForce;
  const { findings, coverage } = driftOf({ catalog, database: name, live, before: undefined });
  const kin = kinOf(live);
  const tables = live.relations
    .filter(({ schema, kind, persistence }) => !isSystemSchema(schema) && kind in kinds && persistence !== 'temporary')
    .map((relation): ShownTable => {
      const columns = relation.attributes.map((attribute) =>
        columnOf(inForce, { database: name, relation, column: attribute.name, kin }),
      );
      return { schema: relation.schema, name: relation.name, kind: kinds[relation.kind] ?? '', columns };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { name, trouble: undefined, summary: `${coverageText(coverage)}.`, tables, findings };
}

const kinds: Readonly<Record<string, string>> = {
  r: 'table',
  p: 'partitioned table',
  m: 'materialized view',
  f: 'foreign table',
};

interface InForce {
  readonly catalog: Catalog;
  readonly floors: Floors;
}

interface ColumnAsked {
  readonly database: string;
  readonly relation: Relation;
  readonly column: string;
  readonly kin: ReturnType<typeof kinOf>;
}

function columnOf({ catalog, floors }: InForce, { database, relation, column, kin }: ColumnAsked): ShownColumn {
  const read = { column: { relation, column }, uses: [], via: [], kin: kin(relation, column) };
  // As judging sees it: what was carried into it keeps its level.
  const { level, category, place, by } = raised(levelOfRead(catalog, database, read), [read.column, ...read.kin], {
    ...{ catalog, database, floors },
  });
  return { name: column, level: level.name, rank: level.rank, category, place, by };
}
