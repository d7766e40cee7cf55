// Named parameters in the body of an SQL function look like columns: `id`, `fn.id`. Where nothing else can be meant by the name they
// are turned into `$n`, so that the body resolves; where a column could be meant the body is left alone, and does not resolve.
import type { Node } from './ast.ts';
import type { FunctionInfo, Snapshot } from './schema.ts';

/** Names of columns anywhere: a parameter that is called like one of them may be hidden by it. */
export function columnNames(snapshot: Snapshot): ReadonlySet<string> {
  return new Set(snapshot.relations.flatMap((relation) => relation.attributes.map((attribute) => attribute.name)));
}

export function withParameters(
  nodes: readonly Node[],
  callee: FunctionInfo,
  columns: ReadonlySet<string>,
): readonly Node[] {
  const names = callee.arguments.map((argument) => argument.name).filter((name) => name !== '');
  if (names.length === 0) return nodes;
  const used = new Set<string>();
  for (const node of nodes) collect(node, used);
  const bare = new Set(names.filter((name) => !columns.has(name) && !used.has(name)));
  const qualified = used.has(callee.name) ? new Set<string>() : new Set(names);
  return nodes.map((node) => replaced(node, { callee, bare, qualified }));
}

/** Every name that the body itself gives: aliases, result columns, WITH names, relations. */
function collect(value: unknown, used: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    if (typeof item === 'string') {
      if (key === 'aliasname' || key === 'name' || key === 'ctename' || key === 'relname') used.add(item);
    } else if (key === 'colnames' || key === 'aliascolnames') {
      for (const each of JSON.stringify(item).matchAll(/"sval":"((?:[^"\\]|\\.)*)"/g)) used.add(each[1] ?? '');
    } else collect(item, used);
  }
}

interface Wanted {
  readonly callee: FunctionInfo;
  readonly bare: ReadonlySet<string>;
  readonly qualified: ReadonlySet<string>;
}

function replaced<T>(value: T, wanted: Wanted): T {
  return JSON.parse(JSON.stringify(value), (_key, item: unknown) =>
    isParameter(item, wanted) ? { ParamRef: { number: 1 } } : item,
  );
}

function isParameter(value: unknown, { callee, bare, qualified }: Wanted): boolean {
  if (typeof value !== 'object' || value === null || !('ColumnRef' in value)) return false;
  const fields =
    /^\{"fields":\[\{"String":\{"sval":"([a-z_][a-z0-9_]*)"\}\}(?:,\{"String":\{"sval":"([a-z_][a-z0-9_]*)"\}\})?\]/.exec(
      JSON.stringify(value.ColumnRef),
    );
  const [, first, second] = fields ?? [];
  if (first === undefined) return false;
  return second === undefined ? bare.has(first) : first === callee.name && qualified.has(second);
}
