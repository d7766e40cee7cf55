// What WHEN of a trigger tells: whether it fires is seen by what it does, and so the condition answers a question about the row that stood there.
import type { Node } from './ast.ts';
import { stringOf } from './ast.ts';

/**
 * Nothing but `OLD.a IS DISTINCT FROM NEW.a` and `OLD.* IS DISTINCT FROM NEW.*`, and what AND, OR and NOT make of them: of a column that the
 * write leaves as it is they say nothing. Most triggers that keep a time or a history are written so.
 */
export function asksForChange(node: Node | undefined): boolean {
  if (node?.BoolExpr !== undefined) return (node.BoolExpr.args ?? []).every(asksForChange);
  const test = node?.A_Expr;
  if (test?.kind !== 'AEXPR_DISTINCT' && test?.kind !== 'AEXPR_NOT_DISTINCT') return false;
  const [left, right] = [fieldOf(test.lexpr), fieldOf(test.rexpr)];
  if (left === undefined || right === undefined || left.column !== right.column) return false;
  return left.row !== right.row && /^(?:old|new)$/.test(left.row) && /^(?:old|new)$/.test(right.row);
}

function fieldOf(node: Node | undefined): { readonly row: string; readonly column: string } | undefined {
  if (node?.TypeCast !== undefined) return fieldOf(node.TypeCast.arg);
  const [row, column, ...more] = node?.ColumnRef?.fields ?? [];
  const name = row === undefined ? undefined : stringOf(row);
  if (name === undefined || column === undefined || more.length > 0) return undefined;
  return { row: name, column: column.A_Star === undefined ? (stringOf(column) ?? '') : '*' };
}
