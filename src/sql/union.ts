// Two witnesses become one analysis. What each rules: the server's tree says what names mean; the static witness says what is done,
// and what runs that no text names (bodies, triggers, checks). Reads are the union of both.
//
// - Only the server saw a column: one of the two is wrong, and the statement is not known; the report says where, in names only.
// - Only the server saw a write: likewise. What that write sets off (triggers, foreign keys, checks) nobody would have looked at.
// - Only the static witness saw a column: as a filter, a whole row, another role's row security, that is too much said and so safe.
//   As a plain result column it is not: the two then do not agree about what the statement gives out, so a name was taken for
//   another, and what else was misread with it nobody knows. Not known.
// - Which of several functions a name or operator means only types decide: the server's tree does.
// - The static witness did not resolve a name (`settledBy: 'tree'`): the tree decides, and what hung on that name (results, writes,
//   flows, functions, checks of types) is taken from the tree as well. What a write sets off no tree shows, so a write that only the
//   tree saw must set off nothing.
import type { Known } from '../core/known.ts';
import { dotted } from '../core/names.ts';
import type {
  Analysis,
  ColumnName,
  ColumnWrite,
  FunctionUse,
  OutputColumn,
  RelationName,
  StatementKind,
  Unknown,
} from './analysis.ts';
import { natureByCatalog, signatureOf } from './functions.ts';
import { firstUserOid, type SchemaIndex } from './schema-index.ts';
import type { FunctionInfo, Relation } from './schema.ts';
import { namedTree, type NamedTree } from './tree-named.ts';
import type { TreeFacts } from './tree.ts';
import { closureOf } from './writes-closure.ts';
import { toldReads } from './writes-telling.ts';

export interface United {
  readonly analysis: Analysis;
  /** A defect of ours, without literals; undefined: the witnesses agree. */
  readonly disagreement: string | undefined;
}

/** `temporary`: the session's own relations, which no snapshot has. */
export function unite(
  analysis: Analysis,
  tree: Known<TreeFacts>,
  index: SchemaIndex,
  temporary: readonly Relation[] = [],
): United {
  if (!tree.known) return { analysis: withUnknown(analysis, tree.why), disagreement: undefined };
  const named = namedTree(tree.value, index, temporary);
  if (!named.known) return { analysis: withUnknown(analysis, named.why), disagreement: undefined };
  const functions = functionsOf(tree.value, index, analysis);
  const stated = withoutBrought(analysis, functions);
  const said = new Set(stated.map((read) => keyOf(read.column)));
  const more = named.value.reads.filter((read) => !said.has(keyOf(read.column)));
  const reads = [...stated, ...more];
  // How a value is computed only the text says: where it was not understood, any that is computed may tell of what it is made of.
  const isExposed = analysis.unknowns.length > 0 && named.value.outputs.some((output) => !output.plain);
  const united: Analysis = {
    ...analysis,
    reads: isExposed ? reads.map((read) => ({ ...read, exposed: true as const })) : reads,
    functions,
    unknowns: [...analysis.unknowns, ...uncheckedTypes(tree.value, index, analysis)],
  };
  if (analysis.unknowns.length > 0)
    return { analysis: settled(united, named.value, tree.value, index), disagreement: undefined };
  const words = disagreementOf(
    more.map((read) => read.column),
    united,
    named.value,
  );
  if (words === undefined) return { analysis: united, disagreement: undefined };
  return {
    analysis: withUnknown(united, 'the two witnesses disagree about the columns'),
    disagreement: `${analysis.command}: ${words}`,
  };
}

/**
 * Reads without those of bodies that the server does not call. The same objects stand in both lists (a clone keeps that); one that a
 * body which is called brings as well stays, and what the statement itself reads was never brought by any.
 */
function withoutBrought(analysis: Analysis, functions: readonly FunctionUse[]): Analysis['reads'] {
  const called = new Set(functions);
  const gone = analysis.functions.flatMap((use) => (called.has(use) ? [] : (use.brought ?? [])));
  if (gone.length === 0) return analysis.reads;
  // One object may be brought by several bodies: it goes only when all that bring it do.
  const times = (list: readonly Analysis['reads'][number][]): Map<Analysis['reads'][number], number> => {
    const counts = new Map<Analysis['reads'][number], number>();
    for (const read of list) counts.set(read, (counts.get(read) ?? 0) + 1);
    return counts;
  };
  const dropped = times(gone);
  const all = times(analysis.reads);
  return analysis.reads.filter((read) => (all.get(read) ?? 0) > (dropped.get(read) ?? 0));
}

function withUnknown(analysis: Analysis, why: string): Analysis {
  const unknown: Unknown = { why, at: undefined };
  return { ...analysis, unknowns: [...analysis.unknowns, unknown] };
}

function disagreementOf(more: readonly ColumnName[], analysis: Analysis, tree: NamedTree): string | undefined {
  if (more.length > 0) return `the server reads ${more.map(wordsOf).join(', ')}, the static witness does not`;
  const said = new Set(analysis.writes.map(writeKey));
  const unsaid = tree.writes.filter((write) => !said.has(writeKey(write)));
  if (unsaid.length > 0) {
    const list = unsaid.map(({ column, how }) => `${how} ${wordsOf(column)}`);
    return `the server writes ${list.join(', ')}, the static witness does not`;
  }
  // EXPLAIN and CREATE TABLE AS give nothing out of what their query gives.
  if (analysis.outputs.length === 0 || analysis.outputs.some((output) => output.name === '*')) return undefined;
  if (analysis.outputs.length !== tree.outputs.length)
    return `the server gives ${tree.outputs.length} columns, the static witness says ${analysis.outputs.length}`;
  const place = analysis.outputs.findIndex((output, at) => !agrees(output, tree.outputs[at]));
  const [ours, theirs] = [analysis.outputs[place]?.origin, tree.outputs[place]?.origin];
  if (ours === undefined) return undefined;
  const server = theirs === undefined ? 'a computed value' : wordsOf(theirs);
  return `result column ${place + 1} is ${wordsOf(ours)} to the static witness, ${server} to the server`;
}

/** The static witness may know less (a computed value where the server still names a column), never something else. */
function agrees(ours: OutputColumn, theirs: OutputColumn | undefined): boolean {
  if (ours.origin === undefined) return true;
  return theirs?.origin !== undefined && keyOf(ours.origin) === keyOf(theirs.origin);
}

/** The tree's word where only names were in question; everything else that is not known stays so. */
function settled(analysis: Analysis, tree: NamedTree, facts: TreeFacts, index: SchemaIndex): Analysis {
  const lasting = analysis.unknowns.filter((each) => each.settledBy !== 'tree');
  const unsaid = tree.writes.filter(
    (write) => !analysis.writes.some((each) => each.how === write.how && keyOf(each.column) === keyOf(write.column)),
  );
  const closure = closureOf(index, unsaid);
  const quiet =
    closure.complete === 'yes' &&
    closure.triggers.length === 0 &&
    closure.expressions.length === 0 &&
    closure.types.every((type) => index.domainsIn(type).length === 0 && index.comparedBy(type).length === 0);
  const off: readonly Unknown[] = quiet
    ? []
    : [{ why: 'what the write sets off is not in the server’s tree', at: undefined }];
  const touched = new Set(
    [...analysis.reads, ...tree.writes, ...analysis.writes].map(({ column }) => relationKey(column.relation)),
  );
  const seen = new Set(analysis.relations.map(relationKey));
  return {
    ...analysis,
    kinds: kindsOf(analysis, tree, facts),
    writes: [...analysis.writes, ...unsaid, ...closure.writes],
    flows: unique([...analysis.flows, ...tree.flows]),
    outputs: analysis.outputs.length === 0 ? [] : tree.outputs,
    relations: [
      ...analysis.relations,
      ...tree.relations.filter((each) => !touched.has(relationKey(each)) && !seen.has(relationKey(each))),
    ],
    ...(closure.tells.length === 0 ? {} : { tells: [...(analysis.tells ?? []), ...toldReads(closure.tells, index)] }),
    wholeTables: unique([...analysis.wholeTables, ...tree.unfiltered]),
    unknowns: [...lasting, ...off],
  };
}

/** A rule makes other statements of this one: what they do, it does. */
function kindsOf(analysis: Analysis, tree: NamedTree, facts: TreeFacts): Analysis['kinds'] {
  const more: StatementKind[] = [];
  if (facts.writes.length > 0) more.push('write');
  if (tree.unfiltered.length > 0) more.push('destructive');
  if (tree.flows.some(({ from, to }) => relationKey(from.relation) !== relationKey(to.relation))) more.push('export');
  return [...new Set([...analysis.kinds, ...more])];
}

/**
 * Of what the text could call, what the server says it calls; and what it calls by implicit casts, operators and sorts. The server's
 * own functions count only where the static witness lacks a name: those of its own views stand in the tree too, and are its business.
 */
function functionsOf(facts: TreeFacts, index: SchemaIndex, analysis: Analysis): readonly FunctionUse[] {
  const oids = new Set(facts.functions);
  const operators = facts.operators.filter((oid) => oid >= firstUserOid);
  for (const operator of operators.length === 0 ? [] : index.snapshot.operators) {
    if (!operators.includes(operator.oid)) continue;
    oids.add(operator.function);
    for (const oid of index.comparedBy(operator.left)) oids.add(oid);
  }
  const lacking = analysis.unknowns.length > 0;
  const [called, more] = [new Set<string>(), [] as FunctionUse[]];
  const said = new Set(analysis.functions.map(useKey));
  for (const oid of oids) {
    const use = useOf(oid, index);
    called.add(useKey(use));
    const counts = use.nature !== 'pure' && (oid >= firstUserOid || lacking);
    if (counts && !said.has(useKey(use))) more.push(use);
  }
  return [...analysis.functions.filter((use) => use.settledBy !== 'tree' || called.has(useKey(use))), ...more];
}

const usesByIndex = new WeakMap<SchemaIndex, Map<number, FunctionUse>>();

/** What the snapshot says of a function does not change; the lists of functions are dozens of patterns. */
function useOf(oid: number, index: SchemaIndex): FunctionUse {
  let uses = usesByIndex.get(index);
  if (uses === undefined) usesByIndex.set(index, (uses = new Map()));
  const before = uses.get(oid);
  if (before !== undefined) return before;
  const callee = index.function(oid);
  if (callee === undefined) return { schema: '', name: `function ${oid}`, signature: '', nature: 'unknown' };
  const made = madeUse(callee, index);
  uses.set(oid, made);
  return made;
}

function madeUse(callee: FunctionInfo, index: SchemaIndex): FunctionUse {
  const nature = natureByCatalog(callee, index);
  const { schema, name } = callee;
  // Its body is read in the worker; here nobody read it.
  return { schema, name, signature: signatureOf(callee, index), nature: nature === 'body' ? 'unknown' : nature };
}

/** Names of Postgres hold no NUL. */
const useKey = (use: FunctionUse): string => `${use.schema}\0${use.name}\0${use.signature}`;

/** A value turned into a domain runs its checks: of a parameter, of an argument. Which of them were looked at, the static witness says. */
function uncheckedTypes(facts: TreeFacts, index: SchemaIndex, analysis: Analysis): readonly Unknown[] {
  const unknowns: Unknown[] = [];
  for (const oid of facts.types) {
    if (oid < firstUserOid) continue;
    const type = index.type(oid);
    if (type === undefined) unknowns.push({ why: `type ${oid} is not in the schema that was read`, at: undefined });
    for (const domain of index.domainsIn(oid)) {
      if (analysis.domains?.includes(domain) === true) continue;
      unknowns.push({ why: `the checks of the domain ${index.type(domain)?.name ?? ''} were not read`, at: undefined });
    }
  }
  return unknowns;
}

function unique<T>(list: readonly T[]): readonly T[] {
  return [...new Map(list.map((each) => [JSON.stringify(each), each])).values()];
}

/** An INSERT makes whole rows: which columns of it the text names, and which are defaults, the tree does not tell apart for a view. */
const writeKey = ({ column, how }: ColumnWrite): string =>
  how === 'insert' ? `insert ${relationKey(column.relation)}` : `${how} ${keyOf(column)}`;
const wordsOf = ({ relation, column }: ColumnName): string => dotted(relation.schema, relation.name, column);
const relationKey = (name: RelationName): string => `${name.schema}\0${name.name}`;
const keyOf = ({ relation, column }: ColumnName): string => `${relation.schema}\0${relation.name}\0${column}`;
