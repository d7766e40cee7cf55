// Which columns a row's partition tells of: reading a partition by its own name, or `tableoid`, is reading between which bounds the key lies.
import type { Relation } from './schema.ts';
import type { SchemaIndex } from './schema-index.ts';
import type { Shape, Source } from './scope.ts';

/** Columns of the relation itself, by the keys of everything above and below it. */
export function partitionKeys(relation: Relation, shape: Shape, index: SchemaIndex): readonly Source[] {
  if (relation.kind !== 'p' && !relation.isPartition) return [];
  const names = new Set([relation, ...index.kin(relation.oid)].flatMap((each) => keyNames(each, index)));
  return shape.columns.flatMap((column) => (names.has(column.name) ? column.sources : []));
}

function keyNames({ oid, kind, attributes }: Relation, index: SchemaIndex): readonly string[] {
  // A key stands under its table's own oid (schema-queries.ts). Of an expression every column counts whose name is in it.
  const key = kind === 'p' ? index.indexesOf(oid).find((each) => each.oid === oid) : undefined;
  if (key === undefined) return [];
  const text = key.expressions ?? '';
  return attributes.filter(({ num, name }) => key.columns.includes(num) || text.includes(name)).map(({ name }) => name);
}
