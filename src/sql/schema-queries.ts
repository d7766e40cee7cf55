// The SQL that reads a snapshot. Texts only; the caller owns the connection.
// Each query gives one row with one text: a line for each row of the catalog, which is a JSON array. So any driver fits, no driver's type
// parsing is trusted, and a line that is as it was before need not be read again.

/** Rows of a simple query in text format. */
export type Query = (sql: string) => Promise<readonly (readonly (string | null)[])[]>;

/** More rows than this in one catalog and the schema is not read at all: statements are then not known, which holds them. */
export const rowsMax = 1_000_000;

/**
 * Sent first. REPEATABLE READ so that all texts see one schema; an empty search_path so that the server prints every name
 * outside pg_catalog qualified: an attacker could otherwise shadow a name between our reading and our resolving.
 */
export const beginSnapshot = [
  'BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY',
  "SET LOCAL search_path = ''",
  'SET LOCAL quote_all_identifiers = off',
  "SET LOCAL statement_timeout = '30s'",
  // Printing a definition takes a lock: nobody's DDL may keep everybody waiting.
  "SET LOCAL lock_timeout = '250ms'",
] as const;
export const endSnapshot = 'COMMIT';

/** Schemas whose relations no statement can name for long, or that belong to one session. */
const foreign = String.raw`n.nspname ~ '^pg_(toast_)?temp_[0-9]+$'`;
const ours = `NOT (${foreign})`;
const userMade = `n.nspname NOT IN ('pg_catalog','information_schema','pg_toast') AND ${ours}`;

/** One text of all rows. LIMIT bounds what an odd database can make us hold; whoever reads it refuses a full one. */
function rows(fields: readonly string[], from: string): string {
  return lines(`pg_catalog.json_build_array(${fields.join(', ')})`, from);
}

function lines(line: string, from: string): string {
  return (
    `SELECT coalesce(pg_catalog.string_agg(j::pg_catalog.text, E'\\n'), '') FROM (SELECT ${line} AS j ` +
    `FROM ${from} LIMIT ${rowsMax + 1}) AS bounded`
  );
}

/** Where the versions go whose rows we have (`schema-kept.ts`). */
export const nothingKept = "'{}'::pg_catalog.text[]";

/**
 * Rows in which the server prints an expression or a query. That takes locks, and time: so each row has its version before it, and where
 * we have that one, the version stands alone. `version`: what moves whenever the row does; each key, xmin and ctid of what it is made of.
 */
function printed(version: readonly string[], fields: readonly string[], from: string): string {
  const key = `pg_catalog.concat_ws(':', ${version.join(', ')})`;
  const row = `pg_catalog.concat(${key}, E'\\t', pg_catalog.json_build_array(${fields.join(', ')}))`;
  return lines(`CASE WHEN ${key} = ANY (${nothingKept}) THEN ${key} ELSE ${row} END`, from);
}

const versionOf = (row: string): readonly string[] => [`${row}.xmin`, `${row}.ctid`];

const oid = (field: string): string => `${field}::bigint`;
const oids = (field: string): string => `pg_catalog.to_json(${field}::bigint[])`;

/** Which extension a function came with stands in pg_depend alone. */
const ofExtension = (what: string): string =>
  `coalesce((SELECT ${what} FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
      AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass LIMIT 1), '')`;

export const snapshotQueries = {
  server: rows(
    ["current_setting('server_version_num')::int", 'd.datname', oid('d.oid')],
    'pg_catalog.pg_database d WHERE d.datname = current_database()',
  ),
  schemas: rows([oid('n.oid'), 'n.nspname'], `pg_catalog.pg_namespace n WHERE ${ours} ORDER BY n.oid`),
  relations: rows(
    [
      oid('c.oid'),
      'n.nspname',
      'c.relname',
      'c.relkind',
      oid('c.reltype'),
      oid('c.relowner'),
      'c.relpersistence',
      'c.relrowsecurity',
      'c.relforcerowsecurity',
      "coalesce(c.reloptions::pg_catalog.text[] && ARRAY['security_invoker=true','security_invoker=on','security_invoker=1','security_invoker=yes'], false)",
      'c.relispartition',
    ],
    `pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE ${ours} AND (c.relkind IN ('r','p','f','v','m','c','S') OR c.relkind = 't' AND c.oid < 16384) ORDER BY c.oid`,
  ),
  /** Apart from the relations, so that the version does not move with every ANALYZE. */
  sizes: rows([oid('c.oid'), 'c.reltuples::bigint'], "pg_catalog.pg_class c WHERE c.relkind IN ('r','p','f','m')"),
  attributes: printed(
    ['a.attrelid', 'a.attnum', ...versionOf('a'), 'd.oid', ...versionOf('d')],
    [
      oid('a.attrelid'),
      'a.attnum',
      'a.attname',
      oid('a.atttypid'),
      'a.attnotnull',
      'a.attgenerated',
      'a.attidentity',
      'CASE WHEN a.atthasdef THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END',
      `CASE WHEN a.attgenerated <> '' THEN (SELECT pg_catalog.json_agg(DISTINCT x.refobjsubid) FROM pg_catalog.pg_depend x
        WHERE x.classid IN ('pg_catalog.pg_attrdef'::pg_catalog.regclass, 'pg_catalog.pg_class'::pg_catalog.regclass)
          AND (x.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND x.objid = d.oid
            OR x.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.objid = a.attrelid AND x.objsubid = a.attnum)
          AND x.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.refobjid = a.attrelid
          AND x.refobjsubid > 0 AND x.refobjsubid <> a.attnum) END`,
      'a.atthasmissing',
    ],
    `pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_catalog.pg_attrdef d ON a.atthasdef AND d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE ${ours} AND a.attnum > 0 AND NOT a.attisdropped
       AND (c.relkind IN ('r','p','f','v','m','c','S') OR c.relkind = 't' AND c.oid < 16384)
     ORDER BY a.attrelid, a.attnum`,
  ),
  types: rows(
    [
      oid('t.oid'),
      'n.nspname',
      't.typname',
      't.typtype',
      't.typcategory',
      oid('t.typrelid'),
      oid('t.typelem'),
      oid('t.typarray'),
      oid('t.typbasetype'),
      `coalesce((SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)), 0)::bigint`,
    ],
    `pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE ${ours} ORDER BY t.oid`,
  ),
  functions: printed(
    ['p.oid', ...versionOf('p'), 'l.oid', ...versionOf('l'), ofExtension('d.refobjid::pg_catalog.text')],
    [
      oid('p.oid'),
      'n.nspname',
      'p.proname',
      'p.prokind',
      'l.lanname',
      oids('p.proargtypes::pg_catalog.oid[]'),
      oids('p.proallargtypes'),
      'pg_catalog.to_json(p.proargmodes::pg_catalog.text[])',
      'pg_catalog.to_json(p.proargnames)',
      'p.pronargdefaults',
      oid('p.provariadic'),
      oid('p.prorettype'),
      'p.proretset',
      'p.provolatile',
      'p.prosecdef',
      'p.proisstrict',
      oid('p.proowner'),
      'pg_catalog.to_json(p.proconfig)',
      "CASE WHEN l.lanname IN ('internal','c') THEN '' ELSE p.prosrc END",
      `CASE WHEN p.prosqlbody IS NOT NULL AND n.nspname <> 'pg_catalog' THEN pg_catalog.pg_get_function_sqlbody(p.oid)
         WHEN p.prosqlbody IS NOT NULL THEN '' END`,
      "CASE WHEN p.pronargdefaults > 0 AND n.nspname <> 'pg_catalog' THEN pg_catalog.pg_get_expr(p.proargdefaults, 0) ELSE '' END",
      'p.xmin::pg_catalog.text::bigint',
      ofExtension('e.extname'),
    ],
    `pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
       JOIN pg_catalog.pg_language l ON l.oid = p.prolang WHERE ${ours} ORDER BY p.oid`,
  ),
  operators: rows(
    [
      oid('o.oid'),
      'n.nspname',
      'o.oprname',
      oid('o.oprleft'),
      oid('o.oprright'),
      oid('o.oprresult'),
      oid('o.oprcode::pg_catalog.oid'),
    ],
    `pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace WHERE ${ours} ORDER BY o.oid`,
  ),
  casts: rows(
    [oid('c.castsource'), oid('c.casttarget'), oid('c.castfunc'), 'c.castcontext', 'c.castmethod'],
    'pg_catalog.pg_cast c ORDER BY c.castsource, c.casttarget',
  ),
  rules: printed(
    ['r.oid', ...versionOf('r')],
    [
      oid('r.oid'),
      oid('r.ev_class'),
      'r.rulename',
      'r.ev_type',
      'r.is_instead',
      'r.ev_enabled',
      `CASE WHEN r.rulename = '_RETURN' THEN pg_catalog.pg_get_viewdef(r.ev_class) ELSE pg_catalog.pg_get_ruledef(r.oid) END`,
      'r.ev_action::pg_catalog.text',
    ],
    `pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ${userMade} ORDER BY r.oid`,
  ),
  policies: printed(
    ['p.oid', ...versionOf('p')],
    [
      oid('p.polrelid'),
      'p.polname',
      'p.polcmd',
      'p.polpermissive',
      oids('p.polroles'),
      'pg_catalog.pg_get_expr(p.polqual, p.polrelid)',
      'pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)',
    ],
    'pg_catalog.pg_policy p ORDER BY p.oid',
  ),
  triggers: printed(
    ['t.oid', ...versionOf('t')],
    [
      oid('t.oid'),
      oid('t.tgrelid'),
      't.tgname',
      oid('t.tgfoid'),
      't.tgtype',
      't.tgenabled',
      't.tgisinternal',
      'pg_catalog.to_json(t.tgattr::pg_catalog.int2[])',
      "CASE WHEN t.tgisinternal THEN '' ELSE pg_catalog.pg_get_triggerdef(t.oid) END",
    ],
    `pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ${ours} ORDER BY t.oid`,
  ),
  eventTriggers: rows(
    ['e.evtname', 'e.evtevent', oid('e.evtfoid'), 'e.evtenabled'],
    'pg_catalog.pg_event_trigger e ORDER BY e.oid',
  ),
  constraints: printed(
    ['k.oid', ...versionOf('k')],
    [
      oid('k.oid'),
      'k.conname',
      oid('k.conrelid'),
      oid('k.contypid'),
      'k.contype',
      'pg_catalog.to_json(k.conkey)',
      oid('k.confrelid'),
      'pg_catalog.to_json(k.confkey)',
      'k.confupdtype',
      'k.confdeltype',
      oid('k.conindid'),
      'pg_catalog.pg_get_constraintdef(k.oid)',
    ],
    `pg_catalog.pg_constraint k JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
     WHERE ${ours} AND k.contype IN ('c','f','p','u','x','n','t') AND n.nspname <> 'pg_catalog' ORDER BY k.oid`,
  ),
  inheritance: rows(
    [oid('i.inhrelid'), oid('i.inhparent')],
    `pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE ${ours} AND c.relkind IN ('r','p','f') ORDER BY i.inhrelid, i.inhseqno`,
  ),
  /** And what is evaluated in the same way: partition keys, and extended statistics over expressions. */
  indexes: printed(
    ['i.version'],
    [
      oid('i.id'),
      'i.name',
      oid('i.relation'),
      'i.uniq',
      'i.prim',
      'pg_catalog.to_json(i.columns)',
      `CASE WHEN i.is_statistics THEN pg_catalog.array_to_string(pg_catalog.pg_get_statisticsobjdef_expressions(i.id), ', ')
        ELSE pg_catalog.pg_get_expr(i.expressions, i.relation) END`,
      'pg_catalog.pg_get_expr(i.predicate, i.relation)',
      'i.nulls_alike',
    ],
    `(SELECT x.indexrelid AS id, x.indrelid AS relation, c.relname AS name, x.indisunique AS uniq, x.indisprimary AS prim,
         x.indkey::pg_catalog.int2[] AS columns, x.indexprs AS expressions, x.indpred AS predicate, false AS is_statistics,
         x.indnullsnotdistinct AS nulls_alike,
         c.relnamespace AS namespace, pg_catalog.concat_ws(':', x.indexrelid, x.xmin, x.ctid, c.xmin, c.ctid) AS version
       FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
       UNION ALL SELECT k.partrelid, k.partrelid, '', false, false, k.partattrs::pg_catalog.int2[], k.partexprs, NULL, false, false,
         c.relnamespace, pg_catalog.concat_ws(':', 1, k.partrelid, k.xmin, k.ctid)
       FROM pg_catalog.pg_partitioned_table k JOIN pg_catalog.pg_class c ON c.oid = k.partrelid
       UNION ALL SELECT s.oid, s.stxrelid, '', false, false, ARRAY[]::pg_catalog.int2[], NULL, NULL, true, false,
         c.relnamespace, pg_catalog.concat_ws(':', 2, s.oid, s.xmin, s.ctid)
       FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_class c ON c.oid = s.stxrelid WHERE s.stxexprs IS NOT NULL) AS i
       JOIN pg_catalog.pg_namespace n ON n.oid = i.namespace WHERE ${userMade} ORDER BY i.id`,
  ),
  aggregates: rows(
    [
      oid('a.aggfnoid::pg_catalog.oid'),
      `(SELECT pg_catalog.json_agg(f::bigint) FROM unnest(ARRAY[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn,
        a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]::pg_catalog.oid[]) AS f WHERE f <> 0)`,
    ],
    'pg_catalog.pg_aggregate a WHERE a.aggfnoid::pg_catalog.oid >= 16384 ORDER BY a.aggfnoid::pg_catalog.oid',
  ),
  /** And what a range was made with: its canonical form, and the difference that indexes and statistics of it take. */
  supportFunctions: rows(
    [oid('p.left_type'), oid('p.right_type'), oid('p.function')],
    `(SELECT a.amproclefttype AS left_type, a.amprocrighttype AS right_type, a.amproc::pg_catalog.oid AS function, a.oid AS id FROM pg_catalog.pg_amproc a
       UNION ALL SELECT t, t, f, r.rngtypid FROM pg_catalog.pg_range r, unnest(ARRAY[r.rngtypid, r.rngmultitypid]) AS t,
         unnest(ARRAY[r.rngcanonical, r.rngsubdiff]::pg_catalog.oid[]) AS f) AS p
     WHERE p.function >= 16384 ORDER BY p.id, p.left_type, p.function`,
  ),
  roles: rows([oid('r.oid'), 'r.rolname', 'r.rolsuper', 'r.rolbypassrls'], 'pg_catalog.pg_roles r ORDER BY r.oid'),
  settings: rows(
    [oid('s.setdatabase'), oid('s.setrole'), 'pg_catalog.to_json(s.setconfig)'],
    `pg_catalog.pg_db_role_setting s
     WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
     ORDER BY s.setdatabase, s.setrole`,
  ),
  extensions: rows(
    ['e.extname', 'n.nspname', 'e.extversion'],
    'pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace ORDER BY e.oid',
  ),
} as const;

export type SnapshotPart = keyof typeof snapshotQueries;

/**
 * The session's own temporary relations, to be asked in that session: nobody else sees those it has not committed. Expressions in
 * them are printed by its search_path and are not to be resolved.
 */
const mine = 'n.oid = pg_catalog.pg_my_temp_schema()';
export const temporaryQueries = {
  relations: snapshotQueries.relations.replace(ours, mine),
  attributes: snapshotQueries.attributes.replace(ours, mine),
  /** What hangs on them beyond columns: queries, code and conditions that are not read. */
  unread: rows(
    [
      oid('c.oid'),
      `CASE WHEN c.relkind IN ('v','m') THEN 'is a view' WHEN c.relkind IN ('f','p','c') THEN 'is no plain table'
        WHEN c.relhasrules THEN 'has rules' WHEN c.relrowsecurity THEN 'has row security' WHEN c.relchecks > 0 THEN 'has checks'
        WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) THEN 'has triggers'
        WHEN EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)) THEN 'is a parent or child'
        WHEN EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL))
          THEN 'has an index over an expression'
        WHEN EXISTS (SELECT FROM pg_catalog.pg_statistic_ext s WHERE s.stxrelid = c.oid AND s.stxexprs IS NOT NULL)
          THEN 'has statistics over an expression'
        WHEN EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef e ON e.oid = d.objid
          WHERE e.adrelid = c.oid AND d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
            AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass) THEN 'has a default that calls a function' END`,
    ],
    `pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ${mine} AND c.relkind IN ('r','p','f','v','m','c')`,
  ),
  /** Functions, operators and types of the session alone: nobody could say what they do. */
  others: rows(
    ['found.what'],
    `(SELECT 'function' AS what FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE ${mine}
      UNION ALL SELECT 'operator' FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace WHERE ${mine}
      UNION ALL SELECT 'type' FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
        WHERE ${mine} AND t.typtype IN ('d','e','r')) AS found`,
  ),
} as const;
