// The kinds of queries and of writes: what they do beyond reading, wherever in the tree it is done (a DELETE in a WITH, a SELECT INTO,
// a set_config in a filter). Columns are the resolver's question.
import { foldAscii } from '../core/names.ts';
import { bodyOf, childrenOf, namesOf, walk, type Node } from './ast.ts';
import type { DeleteStmt, InsertStmt, MergeStmt, SelectStmt, UpdateStmt } from './ast-query.ts';
import type { StatementKind, Unknown } from './analysis.ts';
import { isFolding } from './folding.ts';
import { parseNameList, settingJudged } from './settings.ts';
import { constantText, type SessionEffect } from './statement-effects.ts';
import { calledName, isEscape, isSetConfig } from './statement-functions.ts';

export interface QueryFacts {
  readonly kinds: ReadonlySet<StatementKind>;
  readonly effects: readonly SessionEffect[];
  readonly unknowns: readonly Unknown[];
  /** See folding.ts. Looked for here because the tree is gone over here. */
  readonly folds: boolean;
}

interface Gathering {
  readonly kinds: Set<StatementKind>;
  readonly effects: SessionEffect[];
  readonly unknowns: Unknown[];
  folds: boolean;
}

/** `node` is a query or a write; everything below it counts, to any depth. */
export function queryFacts(node: Node): QueryFacts {
  const facts: Gathering = { kinds: new Set(), effects: [], unknowns: [], folds: false };
  const plain = plainSetConfigs(node);
  const guarded = guardedSetConfig(node);
  gather(node, guarded === undefined ? plain : [guarded.call], facts);
  for (const call of plain) applySetConfig(call, facts);
  if (guarded !== undefined) applySetConfig(guarded.meant, facts);
  if (facts.kinds.size === 0) facts.kinds.add('read');
  return facts;
}

/** What stands in a statement that is no query: DEFAULT, CHECK, USING, arguments. `apart` is judged on its own and left out. */
export function expressionFacts(node: Node, apart: readonly Node[]): QueryFacts {
  const facts: Gathering = { kinds: new Set(), effects: [], unknowns: [], folds: false };
  childrenOf(bodyOf(node), (child) => {
    if (!apart.includes(child)) gather(child, [], facts);
  });
  return facts;
}

function gather(from: Node, plain: readonly Node[], facts: Gathering): void {
  walk(from, (node, tag) => {
    facts.folds ||= isFolding(node, tag);
    if (tag === 'FuncCall') callKinds(node, plain, facts);
    else if (queryTags.has(tag)) queryKinds(node, facts);
    return 'deeper';
  });
}

const queryTags: ReadonlySet<string> = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

function queryKinds(node: Node, facts: Gathering): void {
  if (node.SelectStmt !== undefined) selectKinds(node.SelectStmt, facts);
  else if (node.InsertStmt !== undefined) insertKinds(node.InsertStmt, facts);
  else if (node.UpdateStmt !== undefined) updateKinds(node.UpdateStmt, facts);
  else if (node.DeleteStmt !== undefined) deleteKinds(node.DeleteStmt, facts);
  else if (node.MergeStmt !== undefined) mergeKinds(node.MergeStmt, facts);
}

function callKinds(node: Node, plain: readonly Node[], facts: Gathering): void {
  const name = calledName(node.FuncCall ?? {});
  if (isEscape(name)) facts.kinds.add('escape');
  if (isSetConfig(node) && !plain.includes(node)) unsureSetting('set_config inside an expression', node, facts);
}

function selectKinds(select: SelectStmt, facts: Gathering): void {
  // Rows of constants read nothing; what is asked inside them is met below.
  if (select.valuesLists === undefined) facts.kinds.add('read');
  if (select.intoClause !== undefined) addExport(facts, select.intoClause.rel);
  for (const arm of [select.larg, select.rarg]) if (arm !== undefined) selectKinds(arm, facts);
}

function addExport(facts: Gathering, target: { readonly relpersistence?: string } | undefined): void {
  facts.kinds.add('export');
  facts.effects.push({ kind: 'definitions' });
  if (target?.relpersistence === 't') facts.effects.push({ kind: 'temporaryObjects' });
}

/** Values that come out of other tables into this one are an export of them, also through a sub-select in VALUES. */
function insertKinds(insert: InsertStmt, facts: Gathering): void {
  facts.kinds.add('write');
  if (insert.selectStmt !== undefined && readsTables(insert.selectStmt)) facts.kinds.add('export');
  settingsView(insert.relation?.relname, facts);
}

function updateKinds(update: UpdateStmt, facts: Gathering): void {
  facts.kinds.add('write');
  if (isUnfiltered(update.whereClause)) facts.kinds.add('destructive');
  settingsView(update.relation?.relname, facts);
}

function deleteKinds(statement: DeleteStmt, facts: Gathering): void {
  facts.kinds.add('write');
  if (isUnfiltered(statement.whereClause)) facts.kinds.add('destructive');
}

/** MERGE … ON true WHEN MATCHED THEN DELETE is a DELETE without WHERE; so is WHEN NOT MATCHED BY SOURCE without a condition. */
function mergeKinds(merge: MergeStmt, facts: Gathering): void {
  facts.kinds.add('write');
  for (const node of merge.mergeWhenClauses ?? []) {
    const clause = node.MergeWhenClause;
    if (clause === undefined || !isUnfiltered(clause.condition)) continue;
    if (clause.commandType === 'CMD_INSERT' || clause.commandType === 'CMD_NOTHING') continue;
    const bySource = clause.matchKind === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE';
    if (bySource || isUnfiltered(merge.joinCondition)) facts.kinds.add('destructive');
  }
}

/** A rule on this view turns UPDATE into set_config with a computed value. */
function settingsView(relation: string | undefined, facts: Gathering): void {
  if (relation !== 'pg_settings') return;
  facts.kinds.add('notKnown');
  facts.unknowns.push({ why: 'a write to pg_settings changes settings of the session', at: undefined });
  facts.effects.push({ kind: 'unsure', why: 'pg_settings was written' });
}

function readsTables(node: Node): boolean {
  let found = false;
  const look = (child: Node): void => {
    found ||= child.RangeVar !== undefined || child.RangeFunction !== undefined;
    if (!found) childrenOf(bodyOf(child), look);
  };
  look(node);
  return found;
}

/** No filter, or one that no row can fail by its text: `WHERE true`, `1 = 1`, `x = x OR …`. Parameters alone filter no rows. */
function isUnfiltered(where: Node | undefined): boolean {
  return where === undefined || alwaysTrue(where);
}

function alwaysTrue(node: Node): boolean {
  const bool = node.BoolExpr;
  if (bool?.boolop === 'OR_EXPR') return (bool.args ?? []).some(alwaysTrue);
  if (bool?.boolop === 'AND_EXPR') return (bool.args ?? []).every(alwaysTrue);
  const comparison = node.A_Expr;
  if (comparison?.lexpr?.ColumnRef !== undefined && comparison.rexpr?.ColumnRef !== undefined) {
    return sameColumn(comparison.lexpr, comparison.rexpr);
  }
  return !dependsOnRow(node);
}

function sameColumn(left: Node, right: Node): boolean {
  return JSON.stringify(left.ColumnRef?.fields) === JSON.stringify(right.ColumnRef?.fields);
}

function dependsOnRow(node: Node): boolean {
  if (node.ColumnRef !== undefined || node.SubLink !== undefined || node.CurrentOfExpr !== undefined) return true;
  let found = false;
  childrenOf(bodyOf(node), (child) => {
    found ||= dependsOnRow(child);
  });
  return found;
}

/**
 * The calls `select set_config('a', 'b', false), …` of a query that has nothing but outputs: pg_dump and drivers speak so. Behind a FROM
 * only rows say whether and how often it is set (pgAdmin's `… FROM pg_show_all_settings() WHERE name = 'bytea_output'`): where name and
 * value are constants, and the session is not mirrored by that setting, it does not matter.
 */
function plainSetConfigs(node: Node): readonly Node[] {
  const select = node.SelectStmt;
  if (select === undefined) return [];
  const others = Object.keys(select).filter((key) => !['targetList', 'limitOption', 'op'].includes(key));
  const outputs = (select.targetList ?? []).map((target) => target.ResTarget?.val);
  return outputs.filter((value): value is Node => {
    return value !== undefined && isSetConfig(value) && (others.length === 0 || setsAside(value));
  });
}

function setsAside(call: Node): boolean {
  const [name, value] = (call.FuncCall?.args ?? []).map(constantText);
  return name !== undefined && value !== undefined && !mirrored.test(name);
}

/**
 * `set_config(name, 'x', false) FROM pg_settings WHERE name = 'y'`: pg_dump sets what only some servers have. Whatever pg_settings
 * is there, its `name` is the constant. The constant takes the column's place, and what is left is a plain call.
 */
function guardedSetConfig(node: Node): { readonly call: Node; readonly meant: Node } | undefined {
  const { targetList, fromClause, whereClause, ...others } = node.SelectStmt ?? {};
  if (Object.keys(others).some((key) => !['limitOption', 'op'].includes(key))) return undefined;
  const [target, ...targets] = targetList ?? [];
  const [from, ...froms] = fromClause ?? [];
  const call = target?.ResTarget?.val;
  const condition = whereClause?.A_Expr;
  if (call === undefined || !isSetConfig(call) || targets.length > 0 || froms.length > 0) return undefined;
  if (from?.RangeVar?.relname !== 'pg_settings' || condition?.kind !== 'AEXPR_OP') return undefined;
  const equals = namesOf(condition.name)?.join('.') === '=' && isColumnName(condition.lexpr);
  const [first, ...rest] = call.FuncCall?.args ?? [];
  if (!equals || condition.rexpr === undefined || constantText(condition.rexpr) === undefined) return undefined;
  // Whether it is set at all, only the server's settings say: nothing that the session is mirrored by may hang on it.
  if (!isColumnName(first) || mirrored.test(constantText(condition.rexpr) ?? '')) return undefined;
  return { call, meant: { FuncCall: { ...call.FuncCall, args: [condition.rexpr, ...rest] } } };
}

const mirrored =
  /^(?:search_path|role|session_authorization|row_security|client_encoding|standard_conforming_strings|client_min_messages)$/i;

function isColumnName(node: Node | undefined): boolean {
  return namesOf(node?.ColumnRef?.fields)?.join('.') === 'name';
}

function applySetConfig(node: Node, facts: Gathering): void {
  const [first, second, third, ...more] = node.FuncCall?.args ?? [];
  const name = first === undefined ? undefined : constantText(first);
  const text = second === undefined ? undefined : constantText(second);
  const local = third?.A_Const?.boolval;
  if (name === undefined || text === undefined || local === undefined || more.length > 0) {
    unsureSetting('set_config with arguments that cannot be told', node, facts);
    return;
  }
  const value = foldAscii(name) === 'search_path' ? parseNameList(text) : [text];
  if (value === undefined) {
    unsureSetting('set_config with a list of names that cannot be read', node, facts);
    return;
  }
  const change = { name: foldAscii(name), value };
  const judged = settingJudged(change);
  facts.kinds.add(judged.kind);
  if (judged.why !== undefined)
    facts.unknowns.push(...(judged.kind === 'notKnown' ? [unknownAt(judged.why, node)] : []));
  facts.effects.push({ kind: 'setting', ...change, scope: local.boolval === true ? 'local' : 'session' });
}

function unsureSetting(why: string, node: Node, facts: Gathering): void {
  facts.kinds.add('notKnown');
  facts.unknowns.push(unknownAt(why, node));
  facts.effects.push({ kind: 'unsure', why });
}

function unknownAt(why: string, node: Node): Unknown {
  return { why, at: node.FuncCall?.location };
}
