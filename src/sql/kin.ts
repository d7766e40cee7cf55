// Columns that share a column's data, and so its class.
import type { ColumnName } from './analysis.ts';
import { columnOf, type Attribute, type Relation } from './schema.ts';
import type { SchemaIndex } from './schema-index.ts';

/**
 * Partitions and children share their parents' rows, both ways; a generated column shows what it is made of, in each of them: a child may
 * make it of others, and its columns may have a class of their own.
 */
export function kinOf(relation: Relation, attribute: Attribute, index: SchemaIndex): readonly ColumnName[] {
  const shared = index.kin(relation.oid).flatMap((other) => {
    const same = other.attributes.find((each) => each.name === attribute.name);
    return same === undefined ? [] : [columnOf(other, same), ...sourcesOf(other, same)];
  });
  return [...shared, ...sourcesOf(relation, attribute)];
}

const sourcesOf = (relation: Relation, made: Attribute): readonly ColumnName[] =>
  relation.attributes.filter((each) => made.generatedFrom.includes(each.num)).map((each) => columnOf(relation, each));
