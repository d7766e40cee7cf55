// Where a Var of an analysed tree leads: scopes (one a query level), and the way from a column of a sub-select, view, join, CTE,
// set operation, VALUES list or function down to the expressions behind it. Pure look-ups; what to do there is tree.ts's.
import { TreeNode, nameText, type NodeValue } from './node-text.ts';
import { commandOf, listOf, nodeOf, nodesOf, numberOf, rteKinds, type RteKind } from './tree-nodes.ts';

/** One query level. Levels are found once per query node, so that a mark made on one is seen by all. */
export class Scope {
  readonly query: TreeNode;
  readonly parent: Scope | undefined;
  readonly rtable: readonly TreeNode[];
  /** OIDs of the views opened on the way here, outermost first. */
  readonly via: readonly number[];
  /** Result columns that somebody asked for. */
  readonly touched = new Set<number>();
  readonly #children = new Map<TreeNode, Scope>();

  constructor(query: TreeNode, parent: Scope | undefined, via: readonly number[]) {
    this.query = query;
    this.parent = parent;
    this.via = via;
    this.rtable = nodesOf(query.get('rtable'));
  }

  child(query: TreeNode): Scope {
    const made = this.#children.get(query) ?? new Scope(query, this, [...this.via, ...this.#viewOf(query)]);
    this.#children.set(query, made);
    return made;
  }

  /** The view whose definition this sub-select is, if it is one. */
  #viewOf(query: TreeNode): readonly number[] {
    const entry = this.rtable.find((rte) => rte.get('subquery') === query);
    const relid = numberOf(entry?.get('relid'));
    if (relid !== 0) return [relid];
    // Postgres 15 clears relid; it leaves the view as the definition's first two entries, OLD and NEW. A select's own range
    // table can hold no unopened view otherwise.
    const [old, fresh] = nodesOf(query.get('rtable'));
    const isView = (rte: TreeNode | undefined): rte is TreeNode =>
      rte !== undefined && rteKind(rte) === 'relation' && rte.get('relkind') === 'v' && rte.get('inFromCl') === 'false';
    if (commandOf(query) !== 'select' || !isView(old) || !isView(fresh) || old.get('relid') !== fresh.get('relid'))
      return [];
    return [numberOf(old.get('relid'))];
  }

  up(levels: number): Scope | undefined {
    let scope: Scope | undefined = this;
    for (let level = 0; level < levels; level++) scope = scope?.parent;
    return scope;
  }

  rte(index: number): TreeNode | undefined {
    return this.rtable[index - 1];
  }
}

export function rteKind(rte: TreeNode): RteKind | undefined {
  return rteKinds[numberOf(rte.get('rtekind'))];
}

/** An expression together with the level its Vars count from. */
export interface ScopedExpr {
  readonly scope: Scope;
  readonly expr: NodeValue;
}

export type Lead =
  | { readonly kind: 'column'; readonly relid: number; readonly attnum: number; readonly via: readonly number[] }
  | { readonly kind: 'exprs'; readonly exprs: readonly ScopedExpr[] }
  | { readonly kind: 'lost'; readonly why: string };

/** Where column `attnum` (0: the whole row) of entry `varno` comes from. */
export function lead(scope: Scope, varno: number, attnum: number): Lead {
  const rte = scope.rte(varno);
  if (rte === undefined) return lost(`range table entry ${varno}`);
  const kind = rteKind(rte);
  switch (kind) {
    case 'relation':
      return { kind: 'column', relid: numberOf(rte.get('relid')), attnum, via: scope.via };
    case 'subquery': {
      const query = nodeOf(rte.get('subquery'));
      return query === undefined ? lost('a sub-select') : exprs(resultColumn(scope.child(query), attnum));
    }
    case 'join':
      return exprs(pick(scope, rte.get('joinaliasvars'), attnum));
    case 'group':
      return exprs(pick(scope, rte.get('groupexprs'), attnum));
    case 'values':
      return exprs(listOf(rte.get('values_lists')).flatMap((row) => pick(scope, row, attnum)));
    case 'function':
      // A row of a function is made from all of its arguments.
      return exprs(nodesOf(rte.get('functions')).map((item) => ({ scope, expr: item })));
    case 'tablefunc':
      return exprs([{ scope, expr: rte.get('tablefunc') ?? null }]);
    case 'cte':
      return cte(scope, rte, attnum);
    case 'result':
      return exprs([]);
    case 'tuplestore':
    case undefined:
    default:
      return lost(`range table entry kind ${String(rte.get('rtekind'))}`);
  }
}

/** Expressions behind result column `resno` (0: all) of a query, through all arms of a set operation. Marks them as asked for. */
export function resultColumn(scope: Scope, resno: number): readonly ScopedExpr[] {
  scope.touched.add(resno);
  const { query } = scope;
  const own = resultEntries(query)
    .filter((entry) => resno === 0 || numberOf(entry.get('resno')) === resno)
    .map((entry) => ({ scope, expr: entry.get('expr') ?? null }));
  return [...own, ...armsOf(query).flatMap((arm) => armColumn(scope, arm, resno))];
}

/** The target entries that a query gives out: its list, or what it returns when it writes. */
export function resultEntries(query: TreeNode): readonly TreeNode[] {
  const list = commandOf(query) === 'select' ? query.get('targetList') : query.get('returningList');
  return nodesOf(list).filter((entry) => entry.get('resjunk') !== 'true');
}

/** The sub-selects that a set operation joins. */
function armsOf(query: TreeNode): readonly number[] {
  const arms: number[] = [];
  const open: NodeValue[] = [query.get('setOperations') ?? null];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    if (!(item instanceof TreeNode)) continue;
    if (item.tag === 'RANGETBLREF') arms.push(numberOf(item.get('rtindex')));
    else open.push(item.get('larg') ?? null, item.get('rarg') ?? null);
  }
  return arms;
}

function armColumn(scope: Scope, arm: number, resno: number): readonly ScopedExpr[] {
  const query = nodeOf(scope.rte(arm)?.get('subquery'));
  return query === undefined ? [] : resultColumn(scope.child(query), resno);
}

/** The CTE query that an entry refers to, and the level that it is written on. */
function cteScope(scope: Scope, rte: TreeNode): Scope | undefined {
  const owner = scope.up(numberOf(rte.get('ctelevelsup')));
  const name = rte.get('ctename');
  const found = nodesOf(owner?.query.get('cteList')).find((item) => item.get('ctename') === name);
  const query = nodeOf(found?.get('ctequery'));
  return query === undefined ? undefined : owner?.child(query);
}

function cte(scope: Scope, rte: TreeNode, attnum: number): Lead {
  const inner = cteScope(scope, rte);
  if (inner === undefined) return lost(`WITH ${nameText(rte.get('ctename')) ?? ''}`);
  const direct = resultColumn(inner, attnum);
  // SEARCH and CYCLE add columns behind the query's own; they are made of the columns that the clauses name.
  const width = resultEntries(inner.query).length;
  return exprs(attnum > width ? resultColumn(inner, 0) : direct);
}

function pick(scope: Scope, list: NodeValue | undefined, attnum: number): readonly ScopedExpr[] {
  const all = listOf(list);
  const wanted = attnum === 0 ? all : all.slice(attnum - 1, attnum);
  return wanted.map((expr) => ({ scope, expr }));
}

const exprs = (list: readonly ScopedExpr[]): Lead => ({ kind: 'exprs', exprs: list });
const lost = (why: string): Lead => ({ kind: 'lost', why });
