// Definitions that look at what is there. ALTER TABLE … ADD CHECK, SET NOT NULL, TYPE … USING, unique indexes and kin go over every row,
// and say by failing, or in their error, what stands in it: a definition is a reading then. And definitions after which a column's data
// is called otherwise, or is nobody's kin any more: the data flows from what it was called to what it will be.
//
// The attack: with definitions allowed, ADD CHECK (salary > 100) answers for every number, TYPE text USING ssn copies a column, and a
// partition that is detached is a table that no file names.
import { namesOf, type Node } from './ast.ts';
import type { AlterTableCmd, AlterTableStmt, Constraint, IndexStmt, RenameStmt } from './ast-ddl.ts';
import type { ColumnDef, RangeVar } from './ast-query.ts';
import type { ClusterStmt } from './ast-utility.ts';
import { uses, type Spot, type State } from './columns-state.ts';
import { nameOf, type Attribute, type Relation } from './schema.ts';
import { inSight, makeItem, plainColumn, Shape, type Source } from './scope.ts';

export function looking(state: State, node: Node): void {
  if (node.AlterTableStmt !== undefined) altered(state, node.AlterTableStmt);
  else if (node.IndexStmt !== undefined) indexed(state, node.IndexStmt);
  else if (node.ClusterStmt !== undefined) clustered(state, node.ClusterStmt);
  else if (node.RenameStmt !== undefined) renamedTo(state, node.RenameStmt);
  else if (node.AlterObjectSchemaStmt !== undefined) {
    const { relation, newschema } = node.AlterObjectSchemaStmt;
    for (const each of stored(meant(state, relation)))
      moved(state, each, (column) => ({ relation: { schema: newschema ?? '', name: each.name }, column }));
  } else if (node.AlterDomainStmt !== undefined) domainChecked(state, node.AlterDomainStmt.typeName);
  else {
    const policy = node.CreatePolicyStmt ?? node.AlterPolicyStmt;
    // Which rows there are is asked in the words of whoever wrote the policy.
    for (const each of meant(state, policy?.table))
      for (const expr of [policy?.qual, policy?.with_check]) examined(state, each, expr);
  }
}

const meant = (state: State, node: RangeVar | undefined): readonly Relation[] =>
  node === undefined ? [] : state.names.relations(node.relname ?? '', node.schemaname);

/** Kinds with rows of their own; a view's columns are what it selects, whatever it is called. */
const stored = (relations: readonly Relation[]): readonly Relation[] =>
  relations.filter(({ kind }) => kind === 'r' || kind === 'p' || kind === 'f');

function altered(state: State, { relation, cmds }: AlterTableStmt): void {
  for (const each of meant(state, relation)) {
    for (const { AlterTableCmd: cmd } of cmds ?? []) if (cmd !== undefined) command(state, each, cmd);
  }
}

function command(state: State, relation: Relation, cmd: AlterTableCmd): void {
  const { subtype, name = '', def } = cmd;
  switch (subtype) {
    case 'AT_SetNotNull':
      marked(state, relation, [name]);
      return;
    case 'AT_AlterColumnType':
      retyped(state, relation, name, def?.ColumnDef);
      return;
    case 'AT_SetExpression':
      examined(state, relation, def);
      return;
    case 'AT_AddColumn':
      for (const each of def?.ColumnDef?.constraints ?? [])
        constrained(state, relation, {
          keys: [{ String: { sval: def?.ColumnDef?.colname ?? '' } }],
          ...each.Constraint,
        });
      return;
    case 'AT_AddConstraint':
      constrained(state, relation, def?.Constraint ?? {});
      return;
    case 'AT_ValidateConstraint':
      validated(state, relation, name);
      return;
    case 'AT_AttachPartition':
      // Its rows are compared with the bound, which the asker gives.
      for (const each of meant(state, def?.PartitionCmd?.name))
        state.mark(state.shapes.of(each).sources(), uses.filter);
      return;
    case 'AT_DetachPartition':
      for (const each of meant(state, def?.PartitionCmd?.name)) cutOff(state, each);
      return;
    case 'AT_DropInherit':
      cutOff(state, relation);
      return;
    case 'AT_DropExpression':
      frozen(state, relation, name);
      return;
    default:
  }
}

/** Without USING the column is its own source, and an error shows what could not be made another type. */
function retyped(state: State, relation: Relation, column: string, to: ColumnDef | undefined): void {
  if (to?.raw_default === undefined) {
    marked(state, relation, [column]);
    return;
  }
  const into = examined(state, relation, to.raw_default);
  state.flow(into, { relation: nameOf(relation), column, how: 'update' });
}

function constrained(state: State, relation: Relation, constraint: Constraint): void {
  const { contype, keys, exclusions, raw_expr, where_clause, pktable } = constraint;
  if (contype === 'CONSTR_DEFAULT' || contype === 'CONSTR_IDENTITY') return;
  examined(state, relation, raw_expr);
  examined(state, relation, where_clause);
  for (const each of exclusions ?? []) element(state, relation, each.List?.items?.[0]);
  marked(state, relation, namesOf(constraint.fk_attrs ?? keys) ?? []);
  for (const other of meant(state, pktable)) {
    const named = constraint.pk_attrs === undefined ? undefined : namesOf(constraint.pk_attrs);
    const key = state.names.index.constraintsOf(other.oid).find(({ kind }) => kind === 'primary key');
    if (named === undefined) numbered(state, other, key?.columns ?? [0]);
    else marked(state, other, named);
  }
}

/** The rows that are there are looked at now. */
function validated(state: State, relation: Relation, name: string): void {
  const found = state.names.index.constraintsOf(relation.oid).find((each) => each.name === name);
  numbered(state, relation, found?.columns ?? [0]);
  const other = found === undefined ? undefined : state.names.index.relation(found.foreignRelation);
  if (found !== undefined && other !== undefined) numbered(state, other, found.foreignColumns);
}

/** Whether values are there twice; and whatever an expression says by failing. */
function indexed(state: State, { relation, unique, indexParams, whereClause }: IndexStmt): void {
  for (const each of meant(state, relation)) {
    for (const param of indexParams ?? []) {
      if (unique === true) element(state, each, param);
      else examined(state, each, param.IndexElem?.expr);
    }
    examined(state, each, whereClause);
  }
}

function element(state: State, relation: Relation, node: Node | undefined): void {
  const { name, expr } = node?.IndexElem ?? {};
  if (name !== undefined) marked(state, relation, [name]);
  examined(state, relation, expr);
}

/** Rows lie in the order of the index from then on, and a SELECT without ORDER BY shows it. */
function clustered(state: State, { relation, indexname }: ClusterStmt): void {
  if (relation === undefined) state.unknown('CLUSTER of every table that has an order');
  for (const each of meant(state, relation)) {
    const indexes = state.names.index.snapshot.indexes.filter((one) => one.relation === each.oid);
    const by = indexes.filter(({ name }) => name !== '' && (indexname === undefined || name === indexname));
    numbered(state, each, by.length === 0 ? [0] : by.flatMap(({ columns }) => columns), uses.order);
  }
}

function renamedTo(state: State, { renameType, relationType, relation, subname, newname = '' }: RenameStmt): void {
  if (renameType === 'OBJECT_SCHEMA') {
    const { relations } = state.names.index.snapshot;
    for (const each of stored(relations.filter(({ schema }) => schema === subname)))
      moved(state, each, (column) => ({ relation: { schema: newname, name: each.name }, column }));
  } else if (renameType === 'OBJECT_COLUMN' && relationType !== 'OBJECT_TYPE') {
    for (const each of stored(meant(state, relation)).flatMap((one) => [one, ...state.names.index.kin(one.oid)]))
      moved(state, each, (column) => (column === subname ? { relation: nameOf(each), column: newname } : undefined));
  } else {
    for (const each of stored(meant(state, relation)))
      moved(state, each, (column) => ({ relation: { schema: each.schema, name: newname }, column }));
  }
}

/** The same columns, called otherwise. */
function moved(
  state: State,
  relation: Relation,
  calledThen: (
    column: string,
  ) => { readonly relation: { schema: string; name: string }; readonly column: string } | undefined,
): void {
  for (const attribute of relation.attributes) {
    const to = calledThen(attribute.name);
    if (to !== undefined) state.flow(sourcesOf(state, relation, attribute), { ...to, how: 'update', stays: true });
  }
}

/** What its relatives are, it is no longer by being theirs. */
function cutOff(state: State, relation: Relation): void {
  for (const other of state.names.index.kin(relation.oid)) {
    for (const attribute of relation.attributes) {
      const same = other.attributes.find(({ name }) => name === attribute.name);
      if (same === undefined) continue;
      state.flow(sourcesOf(state, other, same), { relation: nameOf(relation), column: attribute.name, how: 'update' });
    }
  }
}

/** A generated column becomes one of its own, with what was made from others in it. */
function frozen(state: State, relation: Relation, column: string): void {
  for (const each of [relation, ...state.names.index.kin(relation.oid)]) {
    const from = each.attributes.find(({ name }) => name === column)?.generatedFrom ?? [];
    for (const attribute of each.attributes.filter(({ num }) => from.includes(num)))
      state.flow(sourcesOf(state, each, attribute), { relation: nameOf(each), column, how: 'update' });
  }
}

/** Whatever the new check says of them, it says of every column of that type. */
function domainChecked(state: State, names: readonly Node[] | undefined): void {
  const written = namesOf(names) ?? [];
  const { index } = state.names;
  const domains = new Set(index.typesNamed(written.at(-1) ?? '').map(({ oid }) => oid));
  if (domains.size === 0) return;
  for (const relation of stored(index.snapshot.relations)) {
    const within = relation.attributes.filter(({ type }) => index.basesOf(type).some((oid) => domains.has(oid)));
    marked(
      state,
      relation,
      within.map(({ name }) => name),
    );
  }
}

function sourcesOf(state: State, relation: Relation, attribute: Attribute): readonly Source[] {
  return state.shapes.of(relation).find(attribute.name)?.sources ?? [];
}

function marked(state: State, relation: Relation, names: readonly string[]): void {
  const shape = state.shapes.of(relation);
  for (const name of names) state.mark(shape.find(name)?.sources ?? [], uses.filter);
}

/** By number; 0 stands for an expression, which may be over any column. */
function numbered(state: State, relation: Relation, numbers: readonly number[], use: number = uses.filter): void {
  for (const attribute of relation.attributes) {
    if (numbers.includes(0) || numbers.includes(attribute.num)) state.mark(sourcesOf(state, relation, attribute), use);
  }
}

/** An expression over one row; names that are no column yet are those of columns that the statement itself adds. */
function examined(state: State, relation: Relation, expr: Node | undefined): ReadonlySet<Source> {
  const into = new Set<Source>();
  if (expr === undefined) return into;
  const shape = state.shapes.of(relation);
  const added = [...namesIn(expr)].filter((name) => shape.find(name) === undefined && name !== relation.name);
  const all = new Shape([...shape.columns, ...added.map((name) => plainColumn(name))]);
  const item = { ...makeItem(relation.name, all, relation.rowType), unaliased: relation, system: true };
  const spot: Spot = { scope: { sights: [inSight(item)], outer: undefined, withs: undefined }, use: uses.filter, into };
  state.expression(expr, spot);
  return into;
}

function namesIn(value: unknown, found = new Set<string>()): ReadonlySet<string> {
  if (typeof value !== 'object' || value === null) return found;
  if ('ColumnRef' in value && isNode(value)) {
    const name = namesOf(value.ColumnRef?.fields)?.at(-1);
    if (name !== undefined) found.add(name);
  }
  for (const item of Object.values(value)) namesIn(item, found);
  return found;
}

const isNode = (value: object): value is Node => 'ColumnRef' in value;
