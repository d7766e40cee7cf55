// What was carried into temporary relations: they live with their session and only it can name them, so this lives with it too, in this
// process. The server names their schema after the session (`pg_temp_3`), so a name is one thing in one database at any time.
import type { ColumnName } from '../sql/analysis.ts';
import type { Relation } from '../sql/schema.ts';
import type { Floor } from './floors.ts';
import { keyOfName } from './lineage-documents.ts';

interface TemporaryColumn {
  readonly relation: string;
  readonly column: string;
  readonly floor: Floor;
  /** 0: not known yet. */
  readonly oid: number;
  readonly num: number;
}

interface OfSession {
  readonly database: string;
  columns: readonly TemporaryColumn[];
  relations: readonly Relation[];
}

export function isTemporarySchema(schema: string): boolean {
  return /^pg_temp(?:_\d+)?$/.test(schema);
}

export class TemporaryLineage {
  readonly #sessions = new Map<string, OfSession>();
  #floors = new Map<string, Floor>();
  #version = 0;

  get version(): number {
    return this.#version;
  }

  of(database: string, column: ColumnName): Floor | undefined {
    return this.#floors.get(`${database}\0${keyOfName(column)}`);
  }

  carry(session: string, database: string, to: ColumnName, floor: Floor): void {
    const own = this.#sessions.get(session) ?? { database, columns: [], relations: [] };
    this.#sessions.set(session, own);
    const fresh = { relation: to.relation.name, column: to.column, floor, oid: 0, num: 0 };
    // One that is about to be made again is not the one of this name that is there.
    const isNew = to.relation.schema === 'pg_temp';
    own.columns = [...own.columns, isNew ? fresh : found(fresh, own.relations)];
    this.#refresh();
  }

  /** The session's temporary relations as the server names them now; all of them. */
  learn(session: string, relations: readonly Relation[]): void {
    const own = this.#sessions.get(session);
    if (own === undefined) return;
    own.relations = relations;
    own.columns = own.columns
      .map((one) => found(one, relations))
      .filter(({ oid }) => oid !== 0 && relations.some((one) => one.oid === oid));
    this.#refresh();
  }

  end(session: string): void {
    if (this.#sessions.delete(session)) this.#refresh();
  }

  #refresh(): void {
    const floors = new Map<string, Floor>();
    for (const { database, columns, relations } of this.#sessions.values()) {
      for (const { oid, num, floor } of columns) {
        const relation = relations.find((one) => one.oid === oid);
        const column = relation?.attributes.find((one) => one.num === num)?.name;
        if (relation === undefined || column === undefined) continue;
        floors.set(`${database}\0${keyOfName({ relation, column })}`, floor);
      }
    }
    this.#floors = floors;
    this.#version += 1;
  }
}

function found(one: TemporaryColumn, relations: readonly Relation[]): TemporaryColumn {
  if (one.oid !== 0) return one;
  const relation = relations.find(({ name }) => name === one.relation);
  const num = relation?.attributes.find(({ name }) => name === one.column)?.num;
  return relation === undefined || num === undefined ? one : { ...one, oid: relation.oid, num };
}
