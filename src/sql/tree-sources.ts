// The base columns that a value was computed from, for outputs and flows. Unlike marks it knows no uses and looks into the
// conditions of scalar sub-selects: whether a row was found there is part of the value.
import type { TreeColumn } from './tree.ts';
import { TreeNode, type NodeValue } from './node-text.ts';
import { listOf, nodesOf, numberOf } from './tree-nodes.ts';
import { lead, resultColumn, type Lead, type Scope, type ScopedExpr } from './tree-scope.ts';

/** Steps of one look-up; a value made of more expressions than this is not traced, and the tree is then not known. */
const stepsMax = 500_000;

export class Sources {
  /** Something was not traced to its end. */
  lost: string | undefined;

  /** Each expression once a look-up: recursive CTEs end, and shared sub-selects cost their size. */
  of(exprs: readonly ScopedExpr[]): readonly TreeColumn[] {
    const found = new Map<string, TreeColumn>();
    const seen = new Set<NodeValue>();
    const open: ScopedExpr[] = [...exprs];
    let steps = 0;
    for (let item = open.pop(); item !== undefined; item = open.pop()) {
      const { scope, expr } = item;
      if (typeof expr !== 'object' || expr === null || seen.has(expr)) continue;
      seen.add(expr);
      if (++steps > stepsMax) this.lost = 'a value made of too many expressions';
      if (this.lost !== undefined) break;
      if (expr instanceof TreeNode) this.#step(found, open, { scope, node: expr });
      else for (const each of listOf(expr)) open.push({ scope, expr: each });
    }
    return [...found.values()];
  }

  /** Whether a value is one base column passed on unchanged. */
  isPlain(exprs: readonly ScopedExpr[]): boolean {
    return exprs.length === 1 && exprs.every((item) => isPlain(item, 0));
  }

  #step(
    found: Map<string, TreeColumn>,
    open: ScopedExpr[],
    { scope, node }: { readonly scope: Scope; readonly node: TreeNode },
  ): void {
    const arg = node.tag === 'FIELDSELECT' ? node.get('arg') : undefined;
    const row = arg instanceof TreeNode && arg.tag === 'VAR' && arg.get('varattno') === '0' ? arg : undefined;
    if (node.tag === 'VAR' || row !== undefined) {
      const way = leadOf(scope, row ?? node, numberOf(node.get(row === undefined ? 'varattno' : 'fieldnum')));
      if (way.kind === 'lost') this.lost ??= way.why;
      if (way.kind === 'exprs') for (const each of way.exprs) open.push(each);
      if (way.kind === 'column' && way.attnum >= 0) {
        found.set(`${way.relid}.${way.attnum}`, { relid: way.relid, attnum: way.attnum });
      }
    } else if (node.tag === 'QUERY') {
      const inner = scope.child(node);
      for (const each of resultColumn(inner, 0)) open.push(each);
      for (const field of ['jointree', 'havingQual']) open.push({ scope: inner, expr: node.get(field) ?? null });
    } else {
      if (node.tag === 'WINDOWFUNC') open.push(...windowKeys(scope, node));
      for (const each of node.values) open.push({ scope, expr: each });
    }
  }
}

/** What a window is cut and ordered by: a rank is nothing but that. */
function windowKeys(scope: Scope, node: TreeNode): readonly ScopedExpr[] {
  const window = nodesOf(scope.query.get('windowClause')).find((each) => each.get('winref') === node.get('winref'));
  const refs = ['partitionClause', 'orderClause']
    .flatMap((field) => nodesOf(window?.get(field)))
    .map((clause) => clause.get('tleSortGroupRef'));
  return nodesOf(scope.query.get('targetList'))
    .filter((entry) => refs.includes(entry.get('ressortgroupref')))
    .map((entry) => ({ scope, expr: entry.get('expr') ?? null }));
}

/** Deeper than any honest nest of views; recursive CTEs end here. */
const plainDepthMax = 100;

function isPlain({ scope, expr }: ScopedExpr, depth: number): boolean {
  if (depth > plainDepthMax || !(expr instanceof TreeNode) || expr.tag !== 'VAR') return false;
  const way = leadOf(scope, expr, numberOf(expr.get('varattno')));
  if (way.kind === 'column') return way.attnum > 0;
  return way.kind === 'exprs' && way.exprs.length === 1 && way.exprs.every((next) => isPlain(next, depth + 1));
}

function leadOf(scope: Scope, node: TreeNode, attnum: number): Lead {
  const level = scope.up(numberOf(node.get('varlevelsup')));
  return level === undefined
    ? { kind: 'lost', why: 'a level that is not there' }
    : lead(level, numberOf(node.get('varno')), attnum);
}
