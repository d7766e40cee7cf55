// Columns that share a column's data, and so its class.
import type { ColumnName } from './analysis.ts';
import { columnOf, type Attribute, type Relation } from './schema.ts';
import type { SchemaIndex } from './schema-index.ts';

/** Partitions and children share their parents' rows, both ways; a generated column shows what it is made of. */
export function kinOf(relation: Relation, attribute: Attribute, index: SchemaIndex): readonly ColumnName[] {
  const shared = index.kin(relation.oid).flatMap((other) => {
    const same = other.attributes.find((each) => each.name === attribute.name);
    return same === undefined ? [] : [columnOf(other, same)];
  });
  const sources = relation.attributes.filter((each) => attribute.generatedFrom.includes(each.num));
  return [...shared, ...sources.map((each) => columnOf(relation, each))];
}
