// Reads samples of a live database for the scan: a read-only transaction, a short statement timeout, a few rows of each table, each value
// cut. The values stay in this process and are counted, nothing else.
import { quoteName, dotted } from '../../core/names.ts';
import { isSystemSchema, type Attribute, type Relation, type Snapshot } from '../../sql/schema.ts';
import type { Query } from '../../sql/schema-queries.ts';
import type { ColumnSample } from './judge-column.ts';
import { typeClassOf, type TypeClass } from './name-hints.ts';

export interface SampledColumn extends ColumnSample {
  readonly attribute: Attribute;
  readonly typeName: string;
}

export interface SampledTable {
  readonly relation: Relation;
  readonly columns: readonly SampledColumn[];
  /** Why values could not be read; names alone were looked at. */
  readonly trouble: string | undefined;
}

const rowsPerTable = 200;
const valueCharacters = 128;
const jsonCharacters = 2000;
/** Above this a sample is taken from pages, since `limit` alone shows only the oldest rows. */
const largeRows = 20_000;

/** Tables and materialized views that can be labelled; of a partitioned table its parent speaks. */
function labelledRelations(snapshot: Snapshot): readonly Relation[] {
  const children = new Set(snapshot.inheritance.map((one) => one.child));
  return snapshot.relations.filter(
    ({ kind, schema, persistence, oid }) =>
      (kind === 'r' || kind === 'p' || kind === 'm' || kind === 'f') &&
      persistence !== 'temporary' &&
      !isSystemSchema(schema) &&
      !schema.startsWith('pg_') &&
      !children.has(oid),
  );
}

export async function sampleTables(query: Query, snapshot: Snapshot): Promise<readonly SampledTable[]> {
  const typeNames = new Map(snapshot.types.map((type) => [type.oid, type]));
  const baseName = (oid: number): string => {
    let type = typeNames.get(oid);
    for (let steps = 0; type !== undefined && type.kind === 'd' && steps < 32; steps += 1)
      type = typeNames.get(type.base);
    return type?.name ?? '';
  };
  const tables: SampledTable[] = [];
  await query('begin transaction read only');
  try {
    await query("set local statement_timeout = '2s'; set local lock_timeout = '200ms'; set local search_path = ''");
    for (const relation of labelledRelations(snapshot)) {
      const columns = relation.attributes.map((attribute) => {
        const typeName = baseName(attribute.type);
        return { attribute, name: attribute.name, typeName, type: typeClassOf(typeName) };
      });
      tables.push(await sampleTable(query, relation, columns));
    }
  } finally {
    await query('rollback');
  }
  return tables;
}

type Bare = Omit<SampledColumn, 'values'>;

async function sampleTable(query: Query, relation: Relation, columns: readonly Bare[]): Promise<SampledTable> {
  const wanted = columns.filter((column) => isSampled(column.type));
  const without = (trouble: string | undefined): SampledTable => ({
    relation,
    columns: columns.map((column) => ({ ...column, values: [] })),
    trouble,
  });
  // Reading another server's table for a guess would be its load, not ours.
  if (relation.kind === 'f') return without('a foreign table: names only');
  if (wanted.length === 0) return without(undefined);
  await query('savepoint table_sample');
  try {
    const rows = await query(sampleSql(relation, wanted));
    return {
      relation,
      columns: columns.map((column) => ({ ...column, values: valuesOf(rows, wanted.indexOf(column)) })),
      trouble: undefined,
    };
  } catch {
    // No right to read it, locked by somebody, or too slow: the server's words could hold a value, so they are not repeated.
    await query('rollback to savepoint table_sample');
    return without('could not be read in time, or may not be: names only');
  } finally {
    await query('release savepoint table_sample');
  }
}

function isSampled(type: TypeClass): boolean {
  return type === 'text' || type === 'json' || type === 'date' || type === 'number';
}

function sampleSql(relation: Relation, columns: readonly Bare[]): string {
  const fields = columns.map(
    ({ name, type }) => `left(${quoteName(name)}::text, ${type === 'json' ? jsonCharacters : valueCharacters})`,
  );
  const rows = relation.rowsEstimate;
  const isLarge = rows > largeRows && relation.kind !== 'p';
  const percent = Math.max(0.01, Math.min(100, (rowsPerTable * 10 * 100) / Math.max(rows, 1)));
  const sample = isLarge ? ` tablesample system (${percent.toFixed(4)})` : '';
  return `select ${fields.join(', ')} from ${dotted(relation.schema, relation.name)}${sample} limit ${rowsPerTable}`;
}

function valuesOf(rows: readonly (readonly (string | null)[])[], index: number): readonly string[] {
  if (index < 0) return [];
  return rows.map((row) => row[index] ?? '').filter((value) => value !== '');
}
