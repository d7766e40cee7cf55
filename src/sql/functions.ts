// What a function does beyond its arguments, by the snapshot alone: the server's own by a list, code in C by its label (only a
// superuser can make it), everybody else's by reading its body (function-bodies.ts) or by the catalog's word.
import type { FunctionUse } from './analysis.ts';
import { isHarmless, needsWord } from './functions-list.ts';
import type { FunctionInfo } from './schema.ts';
import type { SchemaIndex } from './schema-index.ts';

export type Nature = FunctionUse['nature'];

/**
 * `body`: only its body can say. A volatile function of the server's that neither list knows (a newer minor, a fork of Postgres)
 * is not taken for harmless.
 */
export function natureByCatalog(callee: FunctionInfo, index: SchemaIndex): Nature | 'body' {
  if (callee.kind === 'aggregate') return aggregateNature(callee, index);
  if (callee.schema === 'pg_catalog') {
    if (needsWord(callee.name)) return 'listed';
    return callee.volatility !== 'volatile' || isHarmless(callee.name) ? 'pure' : 'listed';
  }
  if (callee.schema === 'information_schema') return 'pure';
  if (callee.language === 'c' || callee.language === 'internal') {
    // An immutable C function computes: similarity(), digest(). Others reach somewhere: dblink(), get_raw_page().
    return callee.volatility === 'immutable' || isKnownExtension(callee.name) ? 'pure' : 'listed';
  }
  return 'body';
}

/** Functions of contrib modules that are not immutable only for a setting or for dice. */
const extension =
  /^(?:uuid_generate_v\w+|uuid_nil|uuid_ns_\w+|gen_random_(?:uuid|bytes)|gen_salt|crypt|pgp_(?:sym|pub)_encrypt(?:_bytea)?|show_limit|(?:strict_)?(?:word_)?similarity(?:_commutator)?(?:_dist)?(?:_commutator)?_op|unaccent|citext\w*|hstore_populate_record|populate_record)$/;

function isKnownExtension(name: string): boolean {
  return extension.test(name);
}

/** As pure as its parts. Those of the server's own are what they are made of internally. */
function aggregateNature(callee: FunctionInfo, index: SchemaIndex): Nature {
  if (callee.schema === 'pg_catalog') return 'pure';
  const parts = index.snapshot.aggregates.find((each) => each.function === callee.oid)?.functions ?? [];
  const natures = parts.map((oid) => {
    const part = index.function(oid);
    return part === undefined || part.kind === 'aggregate' ? 'unknown' : natureByCatalog(part, index);
  });
  return parts.length > 0 && natures.every((nature) => nature === 'pure') ? 'pure' : 'unknown';
}
