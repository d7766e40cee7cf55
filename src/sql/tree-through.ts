// Writes to views that the server sees through: it leaves the view's own entry behind, beside that of the table where the write ends.
import type { TreeNode } from './node-text.ts';
import { numberOf } from './tree-nodes.ts';
import { rteKind, type Scope } from './tree-scope.ts';

export function isTarget(scope: Scope, rte: TreeNode): boolean {
  return scope.rte(numberOf(scope.query.get('resultRelation'))) === rte;
}

/** Then it may be a query of the view's own condition, which asks for the whole row where it was written `(t).a`. */
export function isInThroughView(scope: Scope): boolean {
  for (let above = scope.parent; above !== undefined; above = above.parent) if (throughView(above)) return true;
  return false;
}

/** Writing to a view that Postgres can see through leaves the view's own entry behind, beside the table's. */
export function throughView(scope: Scope): boolean {
  return scope.rtable.some((rte) => rteKind(rte) === 'relation' && rte.get('relkind') === 'v');
}
