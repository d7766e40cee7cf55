// Two witnesses become one analysis. Columns are the union of what they saw. The static witness may see more (whole rows, row
// security of another role): that is safe. Where the server saw a column or a user's function that the static witness was sure not to
// see, one of them is wrong, and the statement is not known; the report says where, in names only.
import type { Known } from '../core/known.ts';
import { dotted } from '../core/names.ts';
import type { Analysis, ColumnName, ColumnRead, FunctionUse, RelationName, Unknown } from './analysis.ts';
import { firstUserOid, type SchemaIndex } from './schema-index.ts';
import { columnOf, isSystemSchema, nameOf } from './schema.ts';
import type { TreeFacts, TreeRead } from './tree.ts';

export interface United {
  readonly analysis: Analysis;
  /** A defect of ours, without literals; undefined: the witnesses agree. */
  readonly disagreement: string | undefined;
}

export function unite(analysis: Analysis, tree: Known<TreeFacts>, index: SchemaIndex): United {
  if (!tree.known) return { analysis: withUnknown(analysis, tree.why), disagreement: undefined };
  const seen = treeReads(tree.value, index);
  if (!seen.known) return { analysis: withUnknown(analysis, seen.why), disagreement: undefined };
  const sure = new Set(analysis.reads.map((read) => keyOf(read.column)));
  const more = seen.value.filter((read) => !sure.has(keyOf(read.column)));
  const functions = userFunctions(tree.value, index, analysis.functions);
  const united: Analysis = {
    ...analysis,
    reads: [...analysis.reads, ...more],
    functions: [...analysis.functions, ...functions],
  };
  if (more.length === 0 || analysis.unknowns.length > 0) return { analysis: united, disagreement: undefined };
  const names = more.map(({ column: { relation, column } }) => dotted(relation.schema, relation.name, column));
  const words = `${analysis.command}: the server reads ${names.join(', ')}, the static witness does not`;
  return { analysis: withUnknown(united, 'the two witnesses disagree about the columns'), disagreement: words };
}

function withUnknown(analysis: Analysis, why: string): Analysis {
  const unknown: Unknown = { why, at: undefined };
  return { ...analysis, unknowns: [...analysis.unknowns, unknown] };
}

/** In names. The server's own views stand for themselves, as in the static witness. */
function treeReads(facts: TreeFacts, index: SchemaIndex): Known<readonly ColumnRead[]> {
  const isOwn = (relid: number): boolean => isSystemSchema(index.relation(relid)?.schema ?? '');
  const wanted = [
    ...facts.reads.filter((read) => !read.via.some(isOwn)),
    ...facts.viewReads.filter((read) => isOwn(read.relid) && !read.via.some(isOwn)),
  ];
  const reads: ColumnRead[] = [];
  for (const read of wanted) {
    const named = namedRead(read, index);
    if (named === undefined)
      return { known: false, why: 'the server reads a relation that is not in the schema that was read' };
    reads.push(...named);
  }
  return { known: true, value: reads };
}

function namedRead(read: TreeRead, index: SchemaIndex): readonly ColumnRead[] | undefined {
  const relation = index.relation(read.relid);
  const via: RelationName[] = [];
  for (const oid of read.via) {
    const view = index.relation(oid);
    if (view === undefined) return undefined;
    via.push(nameOf(view));
  }
  const found = relation?.attributes.filter((each) => read.attnum === 0 || each.num === read.attnum) ?? [];
  if (relation === undefined || (found.length === 0 && read.attnum !== 0)) return undefined;
  return found.map((attribute) => {
    const kin: ColumnName[] = [];
    for (const other of index.kin(relation.oid)) {
      const same = other.attributes.find((each) => each.name === attribute.name);
      if (same !== undefined) kin.push(columnOf(other, same));
    }
    for (const each of relation.attributes) {
      if (attribute.generatedFrom.includes(each.num)) kin.push(columnOf(relation, each));
    }
    return { column: columnOf(relation, attribute), uses: read.uses, via, kin };
  });
}

/** Implicit casts and operators run functions that no text names. The server's own are computed from their arguments. */
function userFunctions(facts: TreeFacts, index: SchemaIndex, said: readonly FunctionUse[]): readonly FunctionUse[] {
  const oids = new Set(facts.functions.filter((oid) => oid >= firstUserOid));
  for (const operator of index.snapshot.operators) {
    if (operator.oid >= firstUserOid && facts.operators.includes(operator.oid)) oids.add(operator.function);
  }
  const known = new Set(said.map((use) => `${use.schema}.${use.name}`));
  const uses: FunctionUse[] = [];
  for (const oid of oids) {
    const callee = index.function(oid);
    if (callee !== undefined && known.has(`${callee.schema}.${callee.name}`)) continue;
    uses.push({
      schema: callee?.schema ?? '',
      name: callee?.name ?? `function ${oid}`,
      signature: '',
      nature: 'unknown',
    });
  }
  return uses;
}

const keyOf = ({ relation, column }: ColumnName): string => JSON.stringify([relation.schema, relation.name, column]);
