// The table of node types that an analysed query tree of Postgres 15 to 18 can hold (primnodes.h, parsenodes.h), and small readers
// of their fields. A tag that is not here was never seen by us: the tree then counts as not known.
import { TreeNode, type NodeValue } from './node-text.ts';

/**
 * `expression`: has a type and is walked field by field. `clause`: part of a query, not a value by itself. `query`, `relation` and
 * `utility` are handled one by one in tree.ts. Two names stand for one node where majors print it differently.
 */
type NodeKind = 'expression' | 'clause' | 'query' | 'utility';

interface NodeRow {
  readonly kind: NodeKind;
  /** Field that holds the type of the value, for casts through text. */
  readonly type?: string;
}

const expression = (type?: string): NodeRow =>
  type === undefined ? { kind: 'expression' } : { kind: 'expression', type };
const clause: NodeRow = { kind: 'clause' };

export const nodeTable: Readonly<Record<string, NodeRow>> = {
  QUERY: { kind: 'query' },
  // Range table and from.
  RANGETBLENTRY: clause,
  RTE: clause,
  RTEPERMISSIONINFO: clause,
  RANGETBLFUNCTION: clause,
  RANGETBLREF: clause,
  TABLESAMPLECLAUSE: clause,
  ALIAS: clause,
  FROMEXPR: clause,
  JOINEXPR: clause,
  TABLEFUNC: clause,
  COMMONTABLEEXPR: clause,
  CTESEARCHCLAUSE: clause,
  CTECYCLECLAUSE: clause,
  // Clauses of a query.
  TARGETENTRY: clause,
  SORTGROUPCLAUSE: clause,
  GROUPINGSET: clause,
  WINDOWCLAUSE: clause,
  ROWMARKCLAUSE: clause,
  SETOPERATIONSTMT: clause,
  WITHCHECKOPTION: clause,
  ONCONFLICTEXPR: clause,
  INFERENCEELEM: clause,
  MERGEACTION: clause,
  // Values.
  VAR: expression('vartype'),
  CONST: expression('consttype'),
  PARAM: expression('paramtype'),
  AGGREF: expression('aggtype'),
  GROUPINGFUNC: expression(),
  WINDOWFUNC: expression('wintype'),
  MERGESUPPORTFUNC: expression('msftype'),
  SUBSCRIPTINGREF: expression('refrestype'),
  FUNCEXPR: expression('funcresulttype'),
  NAMEDARGEXPR: expression(),
  OPEXPR: expression('opresulttype'),
  DISTINCTEXPR: expression('opresulttype'),
  NULLIFEXPR: expression('opresulttype'),
  SCALARARRAYOPEXPR: expression(),
  BOOLEXPR: expression(),
  SUBLINK: expression(),
  FIELDSELECT: expression('resulttype'),
  FIELDSTORE: expression('resulttype'),
  RELABELTYPE: expression('resulttype'),
  COERCEVIAIO: expression('resulttype'),
  ARRAYCOERCEEXPR: expression('resulttype'),
  CONVERTROWTYPEEXPR: expression('resulttype'),
  COLLATEEXPR: expression(),
  COLLATE: expression(),
  CASEEXPR: expression('casetype'),
  CASE: expression('casetype'),
  CASEWHEN: expression(),
  WHEN: expression(),
  CASETESTEXPR: expression('typeId'),
  ARRAYEXPR: expression('array_typeid'),
  ARRAY: expression('array_typeid'),
  ROWEXPR: expression('row_typeid'),
  ROW: expression('row_typeid'),
  ROWCOMPAREEXPR: expression(),
  ROWCOMPARE: expression(),
  COALESCEEXPR: expression('coalescetype'),
  COALESCE: expression('coalescetype'),
  MINMAXEXPR: expression('minmaxtype'),
  MINMAX: expression('minmaxtype'),
  SQLVALUEFUNCTION: expression('type'),
  XMLEXPR: expression('type'),
  JSONFORMAT: expression(),
  JSONRETURNING: expression('typid'),
  JSONVALUEEXPR: expression(),
  JSONCONSTRUCTOREXPR: expression(),
  JSONISPREDICATE: expression(),
  JSONBEHAVIOR: expression(),
  JSONEXPR: expression(),
  JSONTABLEPATH: clause,
  JSONTABLEPATHSCAN: clause,
  JSONTABLESIBLINGJOIN: clause,
  JSONTABLEPLAN: clause,
  NULLTEST: expression(),
  BOOLEANTEST: expression(),
  COERCETODOMAIN: expression('resulttype'),
  COERCETODOMAINVALUE: expression('typeId'),
  SETTODEFAULT: expression('typeId'),
  CURRENTOFEXPR: expression(),
  NEXTVALUEEXPR: expression('typeId'),
  RETURNINGEXPR: expression(),
  // A NOTIFY in a rule's action is the only utility that rewriting can add.
  NOTIFYSTMT: { kind: 'utility' },
};

/** enum RTEKind. */
export const rteKinds = [
  'relation',
  'subquery',
  'join',
  'function',
  'tablefunc',
  'values',
  'cte',
  'tuplestore',
  'result',
  'group',
] as const;
export type RteKind = (typeof rteKinds)[number];

/** enum CmdType, without those that never reach a tree. */
export const commands = ['unknown', 'select', 'update', 'insert', 'delete', 'merge', 'utility', 'nothing'] as const;
export type TreeCommand = (typeof commands)[number];

/** 15 and 16 have no MERGE-less numbering: CMD_MERGE came with 15, so the numbers are the same in all four majors. */
export function commandOf(query: TreeNode): TreeCommand {
  return commands[numberOf(query.get('commandType'))] ?? 'unknown';
}

export function numberOf(value: NodeValue | undefined): number {
  return typeof value === 'string' ? Number(value) : 0;
}

export function listOf(value: NodeValue | undefined): readonly NodeValue[] {
  return isList(value) ? value : [];
}

export function nodesOf(value: NodeValue | undefined): readonly TreeNode[] {
  return listOf(value).filter((item): item is TreeNode => item instanceof TreeNode);
}

export function nodeOf(value: NodeValue | undefined): TreeNode | undefined {
  return value instanceof TreeNode ? value : undefined;
}

/** `(b 8 9)`, `(i 1 2)`, `(o 16384)`: the letter says what the numbers are. */
export function numbersOf(value: NodeValue | undefined): readonly number[] {
  return listOf(value).slice(1).map(numberOf);
}

/** -FirstLowInvalidHeapAttributeNumber: column bitmaps are shifted by it, so that system columns fit. The same in 15 to 18. */
const attnumShift = 7;

/** Attribute numbers of a column bitmap: 0 is the whole row, below it system columns. */
export function attnumsOf(value: NodeValue | undefined): readonly number[] {
  return numbersOf(value).map((member) => member - attnumShift);
}

function isList(value: NodeValue | undefined): value is readonly NodeValue[] {
  return Array.isArray(value);
}
