// The raw parse tree of libpg-query, majors 15 to 18, as data: one `Node` type, its scalars, and the few accessors that everybody
// uses. Where majors differ, the difference ends here. Nothing in here decides what a node means.
import type { DeleteStmt, InsertStmt, MergeStmt, MergeWhenClause, UpdateStmt } from './ast-query.ts';
import type { NodeTypes } from './ast-tags.ts';

/**
 * A tagged node: an object with exactly one key, its tag. `node.ColumnRef` is the body when it is one. Tags that the house does not
 * name are still there at run time: `tagOf` and `childrenOf` see them.
 */
export type Node = { readonly [Tag in keyof NodeTypes]?: NodeTypes[Tag] };

export type Tag = keyof NodeTypes;

/** Protobuf's JSON leaves out the empty string and zero: `''` is `{}`. */
export interface StringNode {
  readonly sval?: string;
}
export interface IntegerNode {
  readonly ival?: number;
}
export interface FloatNode {
  readonly fval?: string;
}
export interface BooleanNode {
  readonly boolval?: boolean;
}
export interface BitStringNode {
  readonly bsval?: string;
}
export interface ListNode {
  readonly items?: readonly Node[];
}

/** The tag of a node, also of one that `NodeTypes` does not name; the empty string for an empty node. */
export function tagOf(node: Node): string {
  for (const tag in node) return tag;
  return '';
}

/** The text of a String node: an identifier, a key word or a string; undefined for any other node. */
export function stringOf(node: Node | undefined): string | undefined {
  return node?.String === undefined ? undefined : (node.String.sval ?? '');
}

/** A list of String nodes as names: `['pg_catalog', 'int4']`. A part that is not a name makes the whole undefined. */
export function namesOf(list: readonly Node[] | undefined): readonly string[] | undefined {
  const names: string[] = [];
  for (const node of list ?? []) {
    const name = stringOf(node);
    if (name === undefined) return undefined;
    names.push(name);
  }
  return names;
}

/** The body of a node whatever its tag, for walking. */
export function bodyOf(node: Node): unknown {
  const fields: unknown = node;
  if (hasFields(fields)) for (const tag in fields) return fields[tag];
  return undefined;
}

/** What fields are gone over by in all walks: `for … in` makes no list, and a tree is gone over several times for each statement. */
export interface Fields {
  readonly [field: string]: unknown;
}

export function hasFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/**
 * Calls `visit` for each tagged node below `value`, nearest first; going deeper is the visitor's choice (call again with the body).
 * Bodies that the grammar holds without a tag (`relation`, `larg`, `withClause`) are opened on the way. Unknown nodes are met like
 * any other: whoever switches over tags must have a default.
 */
export function childrenOf(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) {
      if (isNode(item)) visit(item);
      else childrenOf(item, visit);
    }
    return;
  }
  if (!hasFields(value)) return;
  for (const field in value) {
    const item = value[field];
    if (!hasFields(item)) continue;
    if (isNode(item)) visit(item);
    else childrenOf(item, visit);
  }
}

/** Every node below and including `node`, in document order of the tree. Does not go below a node for which `visit` says `skip`. */
export function walk(node: Node, visit: Visit): void {
  walkFrom(node, visit);
}

/** The tag is given because asking a node for one tag after another takes longer than going to it. */
export type Visit = (node: Node, tag: string) => 'deeper' | 'skip';

/** One function for nodes, bodies and lists: a third of the time of one that goes from node to node by `childrenOf`. */
function walkFrom(value: unknown, visit: Visit): void {
  if (Array.isArray(value)) {
    for (const item of value) walkFrom(item, visit);
    return;
  }
  if (!hasFields(value)) return;
  const whole: unknown = value;
  let isFirst = true;
  for (const field in value) {
    if (isFirst && isTagged(whole, field) && visit(whole, field) === 'skip') return;
    isFirst = false;
    const item = value[field];
    if (hasFields(item)) walkFrom(item, visit);
  }
}

/** By its first key alone: what has a tag has nothing beside it. */
function isTagged(_value: unknown, key: string): _value is Node {
  const first = key.charCodeAt(0);
  return first >= 65 && first <= 90;
}

/** A tagged node has exactly one key, in capitals; fields of bodies are in small letters. */
export function isNode(value: unknown): value is Node {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  let count = 0;
  for (const key in value) {
    const first = key.charCodeAt(0);
    if (++count > 1 || first < 65 || first > 90) return false;
  }
  return count === 1;
}

/** RETURNING is a list up to 17 and a clause with `WITH (OLD AS …)` from 18. */
export function returningOf(
  statement: InsertStmt | UpdateStmt | DeleteStmt | MergeStmt,
): { readonly targets: readonly Node[]; readonly options: readonly Node[] } | undefined {
  const clause = statement.returningClause;
  if (clause !== undefined) return { targets: clause.exprs ?? [], options: clause.options ?? [] };
  return statement.returningList === undefined ? undefined : { targets: statement.returningList, options: [] };
}

/** 15 and 16 say only whether the row matched; NOT MATCHED BY SOURCE came with 17. */
export function mergeMatch(clause: MergeWhenClause): 'matched' | 'notMatchedBySource' | 'notMatchedByTarget' {
  if (clause.matchKind === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE') return 'notMatchedBySource';
  if (clause.matchKind === 'MERGE_WHEN_MATCHED' || clause.matched === true) return 'matched';
  return 'notMatchedByTarget';
}
