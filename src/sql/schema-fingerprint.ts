// A cheap query whose answer moves with every DDL that matters: polled every few seconds, so its cost is everything.
// Each catalog row's identity and xmin are hashed and summed: a new row version has a new xmin. VACUUM, ANALYZE and freezing
// change statistics in place and leave xmin alone, so they do not move it. Temporary relations of sessions are left out.

const temporary = "SELECT oid FROM pg_catalog.pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_[0-9]+$'";
const named = `SELECT oid FROM pg_catalog.pg_class WHERE relpersistence <> 't' AND relkind IN ('r','p','f','v','m','c','S')`;

/** Count and sum of hashes of one catalog's rows. `key` tells rows apart, xmin their versions. */
function part(catalog: string, key: string, where = 'true'): string {
  return (
    `(SELECT concat(count(*), ':', sum(pg_catalog.hashint8(((${key})::bigint << 32) # x.xmin::text::bigint)::bigint)) ` +
    `FROM pg_catalog.${catalog} x WHERE ${where})`
  );
}

/** Columns of the server's own relations (oids below 16384) come and go with the server's version only. */
const parts: readonly string[] = [
  part('pg_namespace', 'x.oid', "x.nspname !~ '^pg_(toast_)?temp_[0-9]+$'"),
  part('pg_class', 'x.oid', "x.relpersistence <> 't'"),
  part(
    'pg_attribute',
    'x.attrelid::bigint # (x.attnum::bigint << 20)',
    `x.attnum > 0 AND x.attrelid >= 16384 AND x.attrelid IN (${named})`,
  ),
  part('pg_attrdef', 'x.oid', `x.adrelid IN (${named})`),
  part('pg_type', 'x.oid', `x.typnamespace NOT IN (${temporary})`),
  part('pg_proc', 'x.oid', `x.pronamespace NOT IN (${temporary})`),
  part('pg_operator', 'x.oid'),
  part('pg_cast', 'x.oid'),
  part('pg_rewrite', 'x.oid', `x.ev_class IN (${named})`),
  part('pg_policy', 'x.oid'),
  part('pg_trigger', 'x.oid', `x.tgrelid IN (${named})`),
  part('pg_event_trigger', 'x.oid'),
  part('pg_constraint', 'x.oid', `x.connamespace NOT IN (${temporary})`),
  part('pg_inherits', 'x.inhrelid::bigint # (x.inhparent::bigint << 16)', `x.inhrelid IN (${named})`),
  part('pg_index', 'x.indexrelid', `x.indrelid IN (${named})`),
  part('pg_aggregate', 'x.aggfnoid::oid'),
  part('pg_amproc', 'x.oid'),
  part('pg_db_role_setting', 'x.setrole::bigint # (x.setdatabase::bigint << 16)'),
  part('pg_extension', 'x.oid'),
  // pg_authid cannot be read by everybody, and its view has no xmin.
  `(SELECT pg_catalog.md5(coalesce(string_agg(concat(r.oid, r.rolname, r.rolsuper, r.rolbypassrls), ',' ORDER BY r.oid), ''))
     FROM pg_catalog.pg_roles r)`,
];

/** One row, one text. */
export const fingerprintQuery = `SELECT pg_catalog.md5(concat_ws(',', ${parts.join(', ')}))`;
