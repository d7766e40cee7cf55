// Whether a statement can give many rows as one value: `string_agg` and its kin, `ARRAY(SELECT …)`, JSON_ARRAYAGG. Counting rows says
// nothing about such a value, so the planner is asked what goes into it, and its bytes count for more.
import { stringOf, walk, type Node } from './ast.ts';
import type { FunctionUse } from './analysis.ts';

/** By name alone, whoever's they are: a wrong guess costs a question to the planner. */
const folding =
  /^(?:(?:string|array|json|jsonb|json_object|jsonb_object|xml|range)_?agg(?:_strict|_unique|_unique_strict)?|array_to_json|(?:table|query|cursor|schema|database)_to_xml.*|array_accum|hstore_agg|group_concat)$/;

export function foldsRows(node: Node, functions: readonly FunctionUse[]): boolean {
  if (functions.some((use) => folding.test(use.name))) return true;
  let found = false;
  walk(node, (each) => {
    found ||= isFolding(each);
    return found ? 'skip' : 'deeper';
  });
  return found;
}

function isFolding(node: Node): boolean {
  if (node.SubLink?.subLinkType === 'ARRAY_SUBLINK') return true;
  if (node.FuncCall !== undefined) return folding.test(stringOf(node.FuncCall.funcname?.at(-1)) ?? '');
  return (
    node.JsonArrayAgg !== undefined || node.JsonObjectAgg !== undefined || node.JsonArrayQueryConstructor !== undefined
  );
}
