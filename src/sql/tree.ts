// The server's own analysed and rewritten tree of one statement, boiled down to the facts a verdict needs, in OIDs and attribute
// numbers. This is the authority for names: the server resolved them in the asker's own session, with its search_path, role,
// temporary tables and uncommitted DDL. What it cannot show (bodies of functions, triggers, checks) is functions.ts's business.
import type { ColumnUse } from './analysis.ts';
import { known, notKnown, type Known } from '../core/known.ts';
import { readNodeText, TreeNode, type NodeValue } from './node-text.ts';
import { commandOf, listOf, type TreeCommand } from './tree-nodes.ts';
import { gather, type Gathered } from './tree-gather.ts';
import { Marker } from './tree-marks.ts';

/** `attnum` 0 is the whole row. */
export interface TreeColumn {
  readonly relid: number;
  readonly attnum: number;
}

export interface TreeRead extends TreeColumn {
  readonly uses: readonly ColumnUse[];
  /** Views opened on the way, outermost first. */
  readonly via: readonly number[];
}

export interface TreeWrite extends TreeColumn {
  readonly how: 'insert' | 'update' | 'delete';
}

export interface TreeFlow {
  readonly from: TreeColumn;
  readonly to: TreeColumn;
}

export interface TreeOutput {
  readonly name: string;
  readonly sources: readonly TreeColumn[];
  readonly plain: boolean;
  /** What RowDescription will say: table (or outermost view) and column number; undefined for a computed value. */
  readonly origin: TreeColumn | undefined;
}

export interface TreeFacts extends Gathered {
  /** One a query: rules make several of one statement. */
  readonly commands: readonly TreeCommand[];
  readonly reads: readonly TreeRead[];
  /** Columns of opened views as they were asked for: for views that stand for themselves. */
  readonly viewReads: readonly TreeRead[];
  readonly writes: readonly TreeWrite[];
  readonly flows: readonly TreeFlow[];
  readonly outputs: readonly TreeOutput[];
  /** Targets of an UPDATE or DELETE without any condition. */
  readonly unfiltered: readonly number[];
}

/** The bytes of the notice's DETAIL, from `debug_print_rewritten` with `debug_pretty_print` off. */
export function readTree(detail: Uint8Array, recoding: 'same' | 'recoded'): Known<TreeFacts> {
  const text = readNodeText(detail, recoding);
  return text.known ? factsOf(text.value) : text;
}

export function factsOf(tree: NodeValue): Known<TreeFacts> {
  const queries: TreeNode[] = [];
  for (const item of listOf(tree)) {
    if (!(item instanceof TreeNode) || item.tag !== 'QUERY')
      return notKnown('the server’s tree is not a list of queries');
    // EXPLAIN, CREATE TABLE AS and kin: the query inside is not rewritten yet (16 to 18) or not printed at all (15). Whoever asks
    // unwraps it by the parser's tree and probes it on its own.
    if (commandOf(item) === 'utility') return notKnown('the server shows no rewritten tree of this kind of statement');
    queries.push(item);
  }
  // A rule DO INSTEAD NOTHING leaves no query at all, printed as `<>`.
  if (tree !== null && queries.length === 0) return notKnown('the server’s tree is empty');
  const gathered = gather(queries);
  const lacking = gathered.unknowns[0];
  if (lacking !== undefined) return notKnown(lacking);
  const marker = new Marker();
  for (const query of queries) marker.statement(query);
  if (marker.lost !== undefined) return notKnown(`the server’s tree leads nowhere: ${marker.lost}`);
  return known({ ...gathered, ...marker.facts(), commands: queries.map(commandOf) });
}
