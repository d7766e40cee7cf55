// Statements that run what is stored on a relation over rows that no text names: ANALYZE, VACUUM, REINDEX, CLUSTER and definitions that
// write a table anew evaluate the expressions of its indexes, partition keys and statistics; TRUNCATE fires triggers, and CASCADE takes
// tables along that it does not name. All from the snapshot; no tree of the server's shows any of it.
//
// The attack: an index over a harmless function, the function replaced by one that reads and says what it read, and then ANALYZE.
import { namesOf, type Node } from './ast.ts';
import type { AlterTableStmt } from './ast-ddl.ts';
import type { RangeVar } from './ast-query.ts';
import type { ReindexStmt, TruncateStmt, VacuumStmt } from './ast-utility.ts';
import { relationOf } from './columns-from.ts';
import type { State } from './columns-state.ts';
import { isSystemSchema, nameOf, type Relation } from './schema.ts';

export function vacuumed(state: State, { rels = [] }: VacuumStmt): void {
  if (rels.length === 0) evaluated(state, everyOne(state), 'indexes');
  for (const each of rels) {
    const range = each.VacuumRelation?.relation;
    if (range === undefined) continue;
    relationOf(state, range, 'select');
    evaluated(state, meant(state, range), 'indexes');
  }
}

export function maintained(state: State, node: Node): void {
  if (node.ReindexStmt !== undefined) reindexed(state, node.ReindexStmt);
  else if (node.TruncateStmt !== undefined) emptied(state, node.TruncateStmt);
  else if (node.AlterTableStmt !== undefined) rewritten(state, node.AlterTableStmt);
  else if (node.AlterDomainStmt !== undefined) {
    // Its checks are made again for the values that are there.
    const name = namesOf(node.AlterDomainStmt.typeName)?.at(-1) ?? '';
    for (const { oid } of state.names.index.typesNamed(name)) state.types.add(oid);
  } else {
    // A new partition's rows may stand in the default one, which is looked through by the parent's key.
    const { partbound, inhRelations = [] } = node.CreateStmt ?? {};
    const parents = partbound === undefined ? [] : inhRelations.map((each) => each.RangeVar);
    for (const range of [node.ClusterStmt?.relation, node.IndexStmt?.relation, ...parents])
      evaluated(state, meant(state, range), 'indexes');
  }
}

export function refilled(state: State, relation: Relation): void {
  evaluated(state, [relation], 'indexes');
}

function evaluated(state: State, relations: readonly Relation[], what: 'indexes' | 'all'): void {
  for (const relation of relations) {
    if (state.evaluated.get(relation) !== 'all') state.evaluated.set(relation, what);
  }
}

const meant = (state: State, node: RangeVar | undefined): readonly Relation[] =>
  node === undefined ? [] : state.names.relations(node.relname ?? '', node.schemaname);

const everyOne = (state: State): readonly Relation[] =>
  state.names.index.snapshot.relations.filter(({ kind, schema }) => /[rpm]/.test(kind) && !isSystemSchema(schema));

function reindexed(state: State, { kind, relation, name }: ReindexStmt): void {
  const { index } = state.names;
  switch (kind) {
    case 'REINDEX_OBJECT_TABLE':
      evaluated(state, meant(state, relation), 'indexes');
      return;
    case 'REINDEX_OBJECT_INDEX': {
      const named = index.snapshot.indexes.filter((each) => each.name === relation?.relname);
      evaluated(
        state,
        named.flatMap((each) => index.relation(each.relation) ?? []),
        'indexes',
      );
      return;
    }
    case 'REINDEX_OBJECT_SCHEMA':
      evaluated(
        state,
        everyOne(state).filter(({ schema }) => schema === name),
        'indexes',
      );
      return;
    default:
      evaluated(state, everyOne(state), 'indexes');
  }
}

/** What these change is said of the table, and no row is looked at. Whatever is not here may write it anew. */
const quiet =
  /^AT_(?:ColumnDefault|DropNotNull|SetStatistics|SetOptions|ResetOptions|SetStorage|SetCompression|DropColumn|DropConstraint|ChangeOwner|ClusterOn|DropCluster|(?:Set|Reset|Replace)RelOptions|(?:Enable|Disable)(?:Always|Replica)?(?:Trig|Rule)(?:All|User)?|AddInherit|DropInherit|ReplicaIdentity|(?:Enable|Disable|Force|NoForce)RowSecurity|DetachPartition(?:Finalize)?|DropExpression|GenericOptions)$/;

function rewritten(state: State, { relation, cmds = [] }: AlterTableStmt): void {
  const loud = cmds.flatMap(({ AlterTableCmd: cmd }) => (quiet.test(cmd?.subtype ?? '') ? [] : [cmd]));
  if (loud.length === 0) return;
  evaluated(state, meant(state, relation), 'all');
  // The rows of what is attached are compared by the key of what it is attached to.
  for (const cmd of loud) evaluated(state, meant(state, cmd?.def?.PartitionCmd?.name), 'all');
}

function emptied(state: State, { relations = [], behavior }: TruncateStmt): void {
  const { index } = state.names;
  const due = relations.flatMap((each) => meant(state, each.RangeVar));
  for (const relation of due) {
    if (state.truncated.has(relation)) continue;
    state.truncated.add(relation);
    state.whole(nameOf(relation));
    due.push(...index.childrenOf(relation.oid));
    if (behavior !== 'DROP_CASCADE') continue;
    for (const key of index.snapshot.constraints) {
      const other = key.kind === 'foreign key' && key.foreignRelation === relation.oid ? key.relation : 0;
      const more = index.relation(other);
      if (more !== undefined) due.push(more);
    }
  }
}
