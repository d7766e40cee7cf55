// What a function does beyond its arguments, by the snapshot alone: the server's own by a list, code in C by the extension it came
// with, everybody else's by reading its body (function-bodies.ts) or by the catalog's word.
import type { FunctionUse } from './analysis.ts';
import { computesOnly, isHarmless, needsWord } from './functions-list.ts';
import type { FunctionInfo } from './schema.ts';
import { firstUserOid, type SchemaIndex } from './schema-index.ts';

export type Nature = FunctionUse['nature'];

/**
 * `body`: only its body can say. A volatile function of the server's that neither list knows (a newer minor, a fork of Postgres)
 * is not taken for harmless.
 */
export function natureByCatalog(callee: FunctionInfo, index: SchemaIndex): Nature | 'body' {
  const isOwn = callee.oid < firstUserOid;
  if (callee.kind === 'aggregate') return isOwn ? 'pure' : aggregateNature(callee, index);
  if (isOwn && callee.schema === 'pg_catalog') {
    if (needsWord(callee.name)) return 'listed';
    return callee.volatility !== 'volatile' || isHarmless(callee.name) ? 'pure' : 'listed';
  }
  if (isOwn && callee.schema === 'information_schema') return 'pure';
  if (callee.language !== 'c' && callee.language !== 'internal') return 'body';
  // Compiled code cannot be read, and its volatility is only what its maker said of it: a function that answers from a table can
  // be labelled IMMUTABLE. Extensions that only compute are known by name; the others say what they are, and somebody vouches.
  if (callee.extension === '') return 'unknown';
  return computesOnly(callee) ? 'pure' : 'listed';
}

/** As pure as its parts. */
function aggregateNature(callee: FunctionInfo, index: SchemaIndex): Nature {
  const parts = index.snapshot.aggregates.find((each) => each.function === callee.oid)?.functions ?? [];
  const natures = parts.map((oid) => {
    const part = index.function(oid);
    return part === undefined || part.kind === 'aggregate' ? 'unknown' : natureByCatalog(part, index);
  });
  return parts.length > 0 && natures.every((nature) => nature === 'pure') ? 'pure' : 'unknown';
}

/** Types of the inputs by their names in pg_type; the catalog knows the spellings people use. */
export function signatureOf(callee: FunctionInfo, index: SchemaIndex): string {
  const inputs = callee.arguments.filter((argument) => argument.mode !== 'out' && argument.mode !== 'table');
  return inputs.map((argument) => index.type(argument.type)?.name ?? String(argument.type)).join(',');
}
