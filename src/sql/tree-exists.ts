// EXISTS (SELECT * FROM …) in the server's tree: whether a row is there, with a list that nobody looks at.
import { commandOf, nodeOf, nodesOf, numberOf } from './tree-nodes.ts';
import type { TreeNode } from './node-text.ts';

/** enum SubLinkType. */
const existsSublink = 0;

const counting = [
  'groupClause',
  'groupingSets',
  'havingQual',
  'windowClause',
  'distinctClause',
  'limitOffset',
  'setOperations',
];

/** The query inside; as in the static witness, only when its list is bare columns and nothing could make their values matter. */
export function existsOnly(link: TreeNode): TreeNode | undefined {
  const query = nodeOf(link.get('subselect'));
  if (query === undefined || numberOf(link.get('subLinkType')) !== existsSublink) return undefined;
  const plain = commandOf(query) === 'select' && counting.every((field) => (query.get(field) ?? null) === null);
  // What ORDER BY adds to the list is not part of it; that is read like every ORDER BY.
  const list = nodesOf(query.get('targetList')).filter((entry) => entry.get('resjunk') !== 'true');
  const bare = list.every((entry) => nodeOf(entry.get('expr'))?.tag === 'VAR');
  return plain && bare ? query : undefined;
}
