// The facts of a server's tree in names, as an analysis has them. Its oids are looked up in the schema that was read and among the
// session's own temporary relations; one that is in neither makes all of it not known, since nobody could say what it stands for.
import { known, notKnown, type Known } from '../core/known.ts';
import type { ColumnName, ColumnRead, ColumnWrite, Flow, OutputColumn, RelationName } from './analysis.ts';
import { kinOf } from './kin.ts';
import type { SchemaIndex } from './schema-index.ts';
import { columnOf, isSystemSchema, nameOf, type Relation } from './schema.ts';
import type { TreeColumn, TreeFacts, TreeRead } from './tree.ts';

export interface NamedTree {
  readonly reads: readonly ColumnRead[];
  readonly writes: readonly ColumnWrite[];
  readonly flows: readonly Flow[];
  readonly outputs: readonly OutputColumn[];
  /** Everything in any range table, views left out: they are opened. */
  readonly relations: readonly RelationName[];
  /** Targets of an UPDATE or DELETE without any condition. */
  readonly unfiltered: readonly RelationName[];
}

export function namedTree(facts: TreeFacts, index: SchemaIndex, temporary: readonly Relation[]): Known<NamedTree> {
  const namer = new Namer(index, temporary);
  const isOwn = (relid: number): boolean => isSystemSchema(namer.relation(relid)?.schema ?? '');
  // A view of users is opened where it is read; as itself it stands only where it is written to, and the static witness names what is
  // under its columns. The server's own views stand for themselves, as in the static witness.
  const isTarget = (relid: number): boolean => namer.relation(relid)?.kind === 'v' && !isOwn(relid);
  const reads = [
    ...facts.reads.filter((read) => !read.via.some(isOwn) && !isTarget(read.relid)),
    ...facts.viewReads.filter((read) => isOwn(read.relid) && !read.via.some(isOwn)),
  ];
  const named: NamedTree = {
    reads: reads.flatMap((read) => namer.reads(read)),
    writes: facts.writes.flatMap((write) => namer.columns(write).map((column) => ({ column, how: write.how }))),
    flows: facts.flows.flatMap(({ from, to }) =>
      namer.columns(from).flatMap((source) => namer.columns(to).map((target) => ({ from: source, to: target }))),
    ),
    outputs: facts.outputs.map((output): OutputColumn => {
      const sources = output.sources.flatMap((source) => namer.columns(source));
      const origin = output.origin === undefined ? undefined : namer.columns(output.origin)[0];
      const bare = { name: output.name, sources, plain: output.plain };
      return origin === undefined ? bare : { ...bare, origin };
    }),
    relations: facts.relations.map((relid) => namer.name(relid)),
    unfiltered: facts.unfiltered.map((relid) => namer.name(relid)),
  };
  if (namer.lost) return notKnown('the server reads a relation that is not in the schema that was read');
  return known(named);
}

const nowhere: RelationName = { schema: '', name: '' };

class Namer {
  readonly #index: SchemaIndex;
  readonly #temporary: ReadonlyMap<number, Relation>;
  lost = false;

  constructor(index: SchemaIndex, temporary: readonly Relation[]) {
    this.#index = index;
    this.#temporary = new Map(temporary.map((each) => [each.oid, each]));
  }

  relation(oid: number): Relation | undefined {
    return this.#index.relation(oid) ?? this.#temporary.get(oid);
  }

  name(oid: number): RelationName {
    const relation = this.relation(oid);
    if (relation !== undefined) return nameOf(relation);
    this.lost = true;
    return nowhere;
  }

  /** Attribute number 0 is every column. System columns hold nobody's data. */
  columns({ relid, attnum }: TreeColumn): readonly ColumnName[] {
    return this.#attributes(relid, attnum).map(({ relation, attribute }) => columnOf(relation, attribute));
  }

  reads({ relid, attnum, uses, via }: TreeRead): readonly ColumnRead[] {
    const views = via.map((oid) => this.name(oid));
    return this.#attributes(relid, attnum).map(({ relation, attribute }) => {
      return { column: columnOf(relation, attribute), uses, via: views, kin: kinOf(relation, attribute, this.#index) };
    });
  }

  #attributes(
    relid: number,
    attnum: number,
  ): readonly { readonly relation: Relation; readonly attribute: Relation['attributes'][number] }[] {
    const relation = this.relation(relid);
    const found = relation?.attributes.filter((each) => attnum === 0 || each.num === attnum) ?? [];
    if (relation === undefined || (found.length === 0 && attnum > 0)) this.lost = true;
    return relation === undefined ? [] : found.map((attribute) => ({ relation, attribute }));
  }
}
