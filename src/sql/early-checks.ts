// A literal of an array or a row is made while the server parses the text, and the checks of domains inside it run then: before anybody
// has judged it, also when the server is only asked what the text means. A check that calls a function of users may write, raise or
// read. Here: where that could be, so that such a text is not sent anywhere before people have seen it.
//
// Only constants in quotes are made so early; parameters are made at Bind, and everything else when it runs.
import type { RelationName } from './analysis.ts';
import type { Callees } from './callees.ts';
import type { Node } from './ast.ts';
import type { StaticFindings } from './columns.ts';
import type { SchemaIndex } from './schema-index.ts';
import type { FunctionInfo, Relation } from './schema.ts';

const calling = new WeakMap<SchemaIndex, boolean>();

/** Whether any domain's check names something outside pg_catalog: in nearly every database none does, and all of this costs nothing. */
export function hasCallingChecks(index: SchemaIndex): boolean {
  const before = calling.get(index);
  if (before !== undefined) return before;
  const found = index.snapshot.constraints.some(
    (each) => each.kind === 'check' && each.domain !== 0 && namesUsers(each.definition),
  );
  calling.set(index, found);
  return found;
}

/** Printed by an empty search_path: what is not the server's own has its schema before it. A dot inside of quotes is no such thing. */
function namesUsers(definition: string): boolean {
  return /[\w"$\u0080-\uffff]\./.test(definition.replace(/'(?:[^']|'')*'/g, "''").replace(/\b\d+\.\d*/g, '0'));
}

export interface EarlyTools {
  readonly index: SchemaIndex;
  readonly callees: Callees;
  /** Reads its arguments and does nothing else, by its body. */
  isHarmless(callee: FunctionInfo): boolean;
}

/** Whether a constant in this text could become a value whose checks call what is not harmless. */
export function runsEarly(
  node: Node,
  found: StaticFindings,
  temporary: readonly Relation[],
  { index, callees, isHarmless }: EarlyTools,
): boolean {
  if (!hasCallingChecks(index) || !contains(node, isQuoted)) return false;
  // A name that was not resolved may be of such a type.
  if (found.unknowns.length > 0) return true;
  const touched = typesTouched(node, found, temporary, index);
  // A constant for the domain itself is checked when it runs. What makes arrays makes one of the domain, for another constant to become.
  const isMaking = contains(node, isArray) || found.calls.some((call) => call.candidates.some(isArrayMaker(index)));
  const early = isMaking ? touched : touched.filter((type) => isMadeOf(index.basesOf(type).at(-1) ?? type, index));
  const checking = callees.checking(early);
  return checking === 'not known' || !checking.every(isHarmless);
}

/** Domains stand inside of it, and not only over it. */
function isMadeOf(base: number, index: SchemaIndex): boolean {
  return index.domainsIn(base).length > 0;
}

/** Every type that a constant beside it could be taken for. */
function typesTouched(
  node: Node,
  found: StaticFindings,
  temporary: readonly Relation[],
  index: SchemaIndex,
): readonly number[] {
  const read = new Set(found.reads.map(({ column: { relation, column } }) => keyOf(relation, column)));
  // Whichever of that name is meant.
  const relations = [...namesIn(node)].flatMap((name) => [
    ...index.relationsNamed(name),
    ...temporary.filter((each) => each.name === name),
  ]);
  const called = found.calls.flatMap((call) => call.candidates);
  return [
    ...found.types,
    ...relations.flatMap(({ attributes }) => attributes.map((each) => each.type)),
    // Only a row that is named as a whole can stand beside a constant.
    ...relations
      .filter((each) => each.kind === 'v' || each.attributes.every(({ name }) => read.has(keyOf(each, name))))
      .map((each) => each.rowType),
    ...called.flatMap((callee) => [callee.returns, ...callee.arguments.map((argument) => argument.type)]),
  ];
}

const keyOf = ({ schema, name }: RelationName, column: string): string => `${schema}\0${name}\0${column}`;

function namesIn(node: Node): ReadonlySet<string> {
  const names = new Set<string>();
  contains(node, (_tag, body) => {
    if ('relname' in body && typeof body.relname === 'string') names.add(body.relname);
    return false;
  });
  return names;
}

/** `array_append(anycompatiblearray, …)`, `array_agg(…)` and kin. */
function isArrayMaker(index: SchemaIndex): (callee: FunctionInfo) => boolean {
  return ({ returns }) => /^any(?:compatible)?array$/.test(index.type(returns)?.name ?? '');
}

function contains(value: unknown, wanted: (tag: string, body: object) => boolean): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(
    ([tag, body]) => typeof body === 'object' && body !== null && (wanted(tag, body) || contains(body, wanted)),
  );
}

const isQuoted = (tag: string, body: object): boolean => tag === 'A_Const' && 'sval' in body;
const isArray = (tag: string, body: object): boolean =>
  tag === 'A_ArrayExpr' || (tag === 'SubLink' && 'subLinkType' in body && body.subLinkType === 'ARRAY_SUBLINK');
