// What relations and columns were called before the open transaction called them otherwise. The files and the lineage know the names that
// everybody sees: so what is read, written or carried under a new name counts under each name it had as well, until the transaction is over.
import type { Analysis, ColumnName, ColumnRead, Flow, RelationName } from './analysis.ts';
import type { SchemaIndex } from './schema-index.ts';
import { columnOf, nameOf, type Relation } from './schema.ts';

/** By oid, and by oid and column number: what is the same whatever it is called. */
export interface FormerNames {
  readonly relations: ReadonlyMap<number, readonly Relation[]>;
}

export const noFormerNames: FormerNames = { relations: new Map() };

/** One step further: relations as they stood in `before`, where they are called otherwise in `now` or hold other names. */
export function formerNames(earlier: FormerNames, before: SchemaIndex, now: SchemaIndex): FormerNames {
  const relations = new Map(earlier.relations);
  for (const relation of now.snapshot.relations) {
    const was = before.relation(relation.oid);
    if (was === undefined || was === relation || isCalledSame(was, relation)) continue;
    relations.set(relation.oid, [...(relations.get(relation.oid) ?? []), was]);
  }
  return { relations };
}

function isCalledSame(was: Relation, now: Relation): boolean {
  if (was.schema !== now.schema || was.name !== now.name) return false;
  return was.attributes.every(({ num, name }) => {
    const attribute = now.attributes.find((each) => each.num === num);
    return attribute === undefined || attribute.name === name;
  });
}

/** What the analysis says of a name holds for its former names too. */
export function withFormerNames(analysis: Analysis, former: FormerNames | undefined, index: SchemaIndex): Analysis {
  if (former === undefined || former.relations.size === 0) return analysis;
  const names = new Names(former, index);
  const also = (column: ColumnName): readonly ColumnName[] => names.columns(column);
  const all = (columns: readonly ColumnName[]): readonly ColumnName[] => [...columns, ...columns.flatMap(also)];
  const relations = (list: readonly RelationName[]): readonly RelationName[] => [
    ...list,
    ...list.flatMap((each) => names.relations(each)),
  ];
  return {
    ...analysis,
    reads: analysis.reads.flatMap((read): readonly ColumnRead[] => {
      const kin = all(read.kin);
      const here = also(read.column).map((column): ColumnRead => ({ ...read, kin, column }));
      return [{ ...read, kin }, ...here];
    }),
    writes: analysis.writes.flatMap((write) => [write, ...also(write.column).map((column) => ({ ...write, column }))]),
    flows: analysis.flows.flatMap(({ from, to, ...how }): readonly Flow[] =>
      all([from]).flatMap((source) => all([to]).map((target) => ({ from: source, to: target, ...how }))),
    ),
    wholeTables: relations(analysis.wholeTables),
    relations: relations(analysis.relations),
    outputs: analysis.outputs.map((output) => ({ ...output, sources: all(output.sources) })),
  };
}

class Names {
  readonly #former: FormerNames;
  readonly #index: SchemaIndex;

  constructor(former: FormerNames, index: SchemaIndex) {
    this.#former = former;
    this.#index = index;
  }

  relations(name: RelationName): readonly RelationName[] {
    return this.#of(name).flatMap(({ was }) => was.map(nameOf).filter((each) => !isSame(each, name)));
  }

  columns({ relation, column }: ColumnName): readonly ColumnName[] {
    return this.#of(relation).flatMap(({ now, was }) => {
      const num = now.attributes.find((each) => each.name === column)?.num;
      return was.flatMap((each) =>
        each.attributes
          .filter((attribute) => attribute.num === num && !(attribute.name === column && isSame(each, relation)))
          .map((attribute) => columnOf(each, attribute)),
      );
    });
  }

  #of(name: RelationName): readonly { readonly now: Relation; readonly was: readonly Relation[] }[] {
    return this.#index
      .relationsNamed(name.name)
      .filter((each) => each.schema === name.schema)
      .flatMap((now) => {
        const was = this.#former.relations.get(now.oid);
        return was === undefined ? [] : [{ now, was }];
      });
  }
}

const isSame = (one: RelationName, other: RelationName): boolean =>
  one.schema === other.schema && one.name === other.name;
