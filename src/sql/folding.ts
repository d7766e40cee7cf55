// Whether a statement can give many rows as one value: `string_agg` and its kin, `ARRAY(SELECT …)`, JSON_ARRAYAGG. Counting rows says
// nothing about such a value, so the planner is asked what goes into it, and its bytes count for more.
import { stringOf, walk, type Node } from './ast.ts';
import type { FunctionUse } from './analysis.ts';

/** By name alone, whoever's they are: a wrong guess costs a question to the planner. */
const folding =
  /^(?:(?:string|array|json|jsonb|json_object|jsonb_object|xml|range)_?agg(?:_strict|_unique|_unique_strict)?|array_to_json|(?:table|query|cursor|schema|database)_to_xml.*|array_accum|hstore_agg|group_concat)$/;

/** `said`: what the table of statements found of it in the text, for a query. */
export function foldsRows(node: Node, said: boolean | undefined, functions: readonly FunctionUse[]): boolean {
  return (said ?? isFoldingWithin(node)) || functions.some((use) => folding.test(use.name));
}

function isFoldingWithin(node: Node): boolean {
  let found = false;
  walk(node, (each, tag) => {
    found ||= isFolding(each, tag);
    return found ? 'skip' : 'deeper';
  });
  return found;
}

export function isFolding(node: Node, tag: string): boolean {
  switch (tag) {
    case 'SubLink':
      return node.SubLink?.subLinkType === 'ARRAY_SUBLINK';
    case 'FuncCall':
      return folding.test(stringOf(node.FuncCall?.funcname?.at(-1)) ?? '');
    case 'JsonArrayAgg':
    case 'JsonObjectAgg':
    case 'JsonArrayQueryConstructor':
      return true;
    default:
      return false;
  }
}
