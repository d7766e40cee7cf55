// `ADD COLUMN … DEFAULT` leaves the rows that are there untouched and keeps their value in pg_attribute.attmissingval: a value of the
// table, in a catalog. Every pg_dump reads that column. So it is judged as the columns whose values it shows: those that carry one.
import type { Analysis, ColumnName, ColumnRead } from './analysis.ts';
import type { Relation } from './schema.ts';
import type { SchemaIndex } from './schema-index.ts';

/** Reads of pg_attribute.attmissingval say whose values they show; without this the policy takes it for the leak that it may be. */
export function withOldRows(analysis: Analysis, index: SchemaIndex, temporary: readonly Relation[]): Analysis {
  if (!analysis.reads.some(showsOldRows)) return analysis;
  const standsFor = [...index.snapshot.relations, ...temporary].flatMap(carriersOf);
  return {
    ...analysis,
    reads: analysis.reads.map((read) => (showsOldRows(read) ? { ...read, standsFor } : read)),
  };
}

function showsOldRows({ column: { relation, column } }: ColumnRead): boolean {
  return column === 'attmissingval' && relation.name === 'pg_attribute' && relation.schema === 'pg_catalog';
}

function carriersOf({ schema, name, attributes }: Relation): readonly ColumnName[] {
  return attributes
    .filter((attribute) => attribute.oldRows === 'value')
    .map((attribute) => ({ relation: { schema, name }, column: attribute.name }));
}
