// Whether columns of a relation may be shown as they are: for what the server says about rows without being asked.
import { levelOfRead } from '../catalog/levels.ts';
import { kinOf } from '../sql/kin.ts';
import { columnOf, type Attribute, type Relation } from '../sql/schema.ts';
import type { SchemaIndex } from '../sql/schema-index.ts';
import type { Classification } from './classification.ts';
import { noFloors, raised } from './floors.ts';

export interface RelationAt {
  readonly classification: Classification;
  readonly database: string;
  readonly index: SchemaIndex;
}

/** `numbers`: of the columns that are shown; one that the relation does not have (0 stands for an expression) means all of them. */
export interface ShownColumns {
  readonly relation: Relation;
  readonly numbers: readonly number[];
}

/** By the levels alone: a rule that allows one statement to read a column is not looked for, so this may say no too often, never yes. */
export function isOpen(shown: ShownColumns, { classification, database, index }: RelationAt): boolean {
  const { catalog, floors = noFloors } = classification;
  return attributesOf(shown).every((attribute) => {
    const column = columnOf(shown.relation, attribute);
    const kin = kinOf(shown.relation, attribute, index);
    const found = levelOfRead(catalog, database, { column, uses: [], via: [], kin });
    return raised(found, [column, ...kin], { catalog, database, floors }).level.read === 'allow';
  });
}

function attributesOf({ relation, numbers }: ShownColumns): readonly Attribute[] {
  const some = relation.attributes.filter((each) => numbers.includes(each.num));
  return some.length > 0 && some.length === numbers.length ? some : relation.attributes;
}
