// Where a write to a view ends: views that select from one relation pass it on, down to a table, or to a trigger in its place.
// Whether the server would take such a write at all is not looked at: what it refuses is refused, and said to touch more is safe.
import type { RelationName } from './analysis.ts';
import type { Openings } from './columns-opened.ts';
import { nameOf, type Relation } from './schema.ts';
import type { SchemaIndex } from './schema-index.ts';

export type Command = 'select' | 'insert' | 'update' | 'delete';

/** pg_trigger.tgtype. */
const insteadBit = 64;
const eventBits: Readonly<Record<Command, number>> = { select: 0, insert: 4, delete: 8, update: 16 };

export interface Passed {
  /** The view that passes it on. */
  readonly above: Relation;
  readonly below: Relation;
  /** The views on the way to it, the outermost first. */
  readonly via: readonly RelationName[];
}

/** Everything under a view that a write to it comes to, the nearest first; nothing for a table. */
export function throughViews(
  relation: Relation,
  command: Command,
  index: SchemaIndex,
  openings: Openings,
): readonly Passed[] {
  const list: Passed[] = [];
  let via: readonly RelationName[] = [];
  let above = relation;
  while (above.kind === 'v' && !firesInstead(above, command, index)) {
    const below = openings.view(above)?.base;
    if (below === undefined) break;
    via = [...via, nameOf(above)];
    list.push({ above, below, via });
    above = below;
  }
  return list;
}

/** A trigger stands in the place of the write; one that is switched off keeps nothing from anybody here. */
export function firesInstead(relation: Relation, command: Command, index: SchemaIndex): boolean {
  if (relation.kind !== 'v') return false;
  const wanted = insteadBit | eventBits[command];
  return index.snapshot.triggers.some(
    (each) => each.relation === relation.oid && each.enabled && (each.bits & wanted) === wanted,
  );
}

export function hasTriggers(relation: Relation, index: SchemaIndex): boolean {
  return index.snapshot.triggers.some((each) => each.relation === relation.oid);
}
