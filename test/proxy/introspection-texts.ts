// What tools ask of a database before they show it, in the form in which each asks: its joins, casts, regclass literals and parameters.
// Written after what the tools are documented to send (Prisma's schema engine, DBeaver's navigator, pgAdmin's browser, pg_dump 18's
// getTableAttrs, Rails and Hibernate at their start); introspection-tour.ts asks for the rest. Real tools run in `npm run test:look`.

export interface AskedText {
  readonly sql: string;
  readonly values?: readonly unknown[];
}

const schemas = [['public', 'hr', 'billing']];

export const introspection: Readonly<Record<string, readonly AskedText[]>> = {
  'Prisma db pull': [
    {
      sql: 'SELECT EXISTS(SELECT 1 FROM pg_namespace WHERE nspname = $1), version(), current_setting($2)::integer as numeric_version',
      values: ['public', 'server_version_num'],
    },
    {
      sql: 'SELECT namespace.nspname as namespace_name FROM pg_namespace as namespace WHERE namespace.nspname = ANY ( $1 ) ORDER BY namespace_name',
      values: schemas,
    },
    {
      sql: `SELECT tbl.relname AS table_name, namespace.nspname as namespace,
        (tbl.relhassubclass and tbl.relkind = 'p') as is_partition, (tbl.relhassubclass and tbl.relkind = 'r') as has_subclass,
        tbl.relrowsecurity as has_row_level_security, reloptions, obj_description(tbl.oid, 'pg_class') as description
        FROM pg_class AS tbl INNER JOIN pg_namespace AS namespace ON namespace.oid = tbl.relnamespace
        WHERE ((tbl.relkind = 'r' AND tbl.relispartition = 'f') OR tbl.relkind = 'p') AND namespace.nspname = ANY ( $1 ) ORDER BY namespace, table_name`,
      values: schemas,
    },
    {
      sql: `SELECT oid.namespace, info.table_name, info.column_name, format_type(att.atttypid, att.atttypmod) as formatted_type,
        info.numeric_precision, info.numeric_scale, info.numeric_precision_radix, info.datetime_precision, info.data_type, info.udt_schema as type_schema_name,
        info.udt_name as full_data_type, pg_get_expr(attdef.adbin, attdef.adrelid) AS column_default, info.is_nullable, info.is_identity,
        info.character_maximum_length, col_description(att.attrelid, ordinal_position) AS description
        FROM information_schema.columns info
        JOIN pg_attribute att ON att.attname = info.column_name
        JOIN (SELECT pg_class.oid, relname, pg_namespace.nspname as namespace FROM pg_class JOIN pg_namespace on pg_namespace.oid = pg_class.relnamespace
              AND pg_namespace.nspname = ANY ( $1 ) WHERE reltype > 0) as oid ON oid.oid = att.attrelid AND relname = info.table_name AND namespace = info.table_schema
        LEFT OUTER JOIN pg_attrdef attdef ON attdef.adrelid = att.attrelid AND attdef.adnum = att.attnum AND table_schema = namespace
        WHERE table_schema = ANY ( $1 ) ORDER BY namespace, table_name, ordinal_position`,
      values: schemas,
    },
    {
      sql: `SELECT con.oid AS "con_id", att2.attname AS "child_column", cl.relname AS "parent_table", att.attname AS "parent_column", con.confdeltype, con.confupdtype,
        rel_ns.nspname AS "referenced_schema_name", conname AS constraint_name, child, parent, table_name, namespace, condeferrable, condeferred
        FROM (SELECT ns.nspname AS "namespace", unnest(con1.conkey) AS "parent", unnest(con1.confkey) AS "child", cl.relname AS table_name, ns.nspname AS schema_name,
                generate_subscripts(con1.conkey, 1) AS colidx, con1.oid, con1.confrelid, con1.conrelid, con1.conname, con1.confdeltype, con1.confupdtype, con1.condeferrable, con1.condeferred
              FROM pg_class cl JOIN pg_constraint con1 ON con1.conrelid = cl.oid JOIN pg_namespace ns ON cl.relnamespace = ns.oid
              WHERE ns.nspname = ANY ( $1 ) AND con1.contype = 'f' ORDER BY colidx) con
        JOIN pg_attribute att ON att.attrelid = con.conrelid AND att.attnum = con.parent
        JOIN pg_class cl ON cl.oid = con.confrelid
        JOIN pg_attribute att2 ON att2.attrelid = con.confrelid AND att2.attnum = con.child
        JOIN pg_class rel_cl ON con.confrelid = rel_cl.oid JOIN pg_namespace rel_ns ON rel_cl.relnamespace = rel_ns.oid ORDER BY namespace, table_name, constraint_name, con_id, con.colidx`,
      values: schemas,
    },
    {
      sql: `WITH rawindex AS (SELECT indrelid, indexrelid, indisunique, indisprimary, unnest(indkey) AS indkeyid,
          generate_subscripts(indkey, 1) AS indkeyidx, unnest(indclass) AS indclass, unnest(indoption) AS indoption
          FROM pg_index WHERE indpred IS NULL AND NOT indisexclusion)
        SELECT schemainfo.nspname AS namespace, indexinfo.relname AS index_name, tableinfo.relname AS table_name, columninfo.attname AS column_name,
          rawindex.indisunique AS is_unique, rawindex.indisprimary AS is_primary_key, rawindex.indkeyidx AS column_index, opclass.opcname, opcdefault, indexaccess.amname,
          CASE rawindex.indoption & 1 WHEN 1 THEN 'DESC' ELSE 'ASC' END AS column_order,
          pc.condeferrable, pc.condeferred, pg_get_constraintdef(pc.oid) LIKE '%WITHOUT%' AS odd
        FROM rawindex INNER JOIN pg_class AS tableinfo ON tableinfo.oid = rawindex.indrelid INNER JOIN pg_class AS indexinfo ON indexinfo.oid = rawindex.indexrelid
        INNER JOIN pg_namespace AS schemainfo ON schemainfo.oid = tableinfo.relnamespace
        LEFT JOIN pg_attribute AS columninfo ON columninfo.attrelid = tableinfo.oid AND columninfo.attnum = rawindex.indkeyid
        INNER JOIN pg_am AS indexaccess ON indexaccess.oid = indexinfo.relam LEFT JOIN pg_opclass AS opclass ON opclass.oid = rawindex.indclass
        LEFT JOIN pg_constraint pc ON rawindex.indexrelid = pc.conindid AND pc.contype <> 'f'
        WHERE schemainfo.nspname = ANY ( $1 ) ORDER BY namespace, table_name, index_name, column_index`,
      values: schemas,
    },
    {
      sql: "SELECT t.typname as name, e.enumlabel as value, n.nspname as namespace, obj_description(t.oid, 'pg_type') as description FROM pg_type t JOIN pg_enum e ON t.oid = e.enumtypid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = ANY ( $1 ) ORDER BY e.enumsortorder",
      values: schemas,
    },
    {
      sql: 'SELECT sequencename AS sequence_name, schemaname AS namespace, start_value, min_value, max_value, increment_by, cycle, cache_size FROM pg_sequences WHERE schemaname = ANY ( $1 )',
      values: schemas,
    },
    {
      sql: "SELECT viewname AS view_name, definition AS view_sql, schemaname as namespace, obj_description(format('%I.%I', schemaname, viewname)::regclass, 'pg_class') AS description FROM pg_catalog.pg_views WHERE schemaname = ANY ( $1 )",
      values: schemas,
    },
    {
      sql: "SELECT p.proname AS name, n.nspname as namespace, CASE WHEN l.lanname = 'internal' THEN p.prosrc ELSE pg_get_functiondef(p.oid) END as definition FROM pg_proc p LEFT JOIN pg_namespace n ON p.pronamespace = n.oid LEFT JOIN pg_language l ON p.prolang = l.oid WHERE n.nspname = ANY ( $1 ) AND p.prokind = 'f'",
      values: schemas,
    },
    {
      sql: 'SELECT ext.extname AS extension_name, ext.extversion AS extension_version, ext.extrelocatable AS extension_relocatable, pn.nspname AS extension_schema FROM pg_extension ext INNER JOIN pg_namespace pn ON ext.extnamespace = pn.oid ORDER BY ext.extname ASC',
    },
    {
      sql: "SELECT conname constraint_name, contype::text, relname, nspname, pg_get_constraintdef(pg_constraint.oid) AS constraint_definition FROM pg_constraint JOIN pg_class ON pg_constraint.conrelid = pg_class.oid JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE contype IN ('c', 'x') AND nspname = ANY ( $1 ) ORDER BY 1",
      values: schemas,
    },
  ],
  DBeaver: [
    { sql: 'SELECT current_schema(), session_user' },
    {
      sql: 'SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE datallowconn AND NOT datistemplate ORDER BY db.datname',
    },
    {
      sql: "SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=n.oid AND d.objsubid=0 AND d.classoid='pg_namespace'::regclass ORDER BY nspname",
    },
    {
      sql: "SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name, d.description FROM pg_catalog.pg_type t LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid=t.typelem LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid=t.typrelid LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid WHERE t.typname IS NOT NULL AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C')",
    },
    {
      sql: "SELECT c.oid,c.*,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr, pg_catalog.pg_get_partkeydef(c.oid) as partition_key FROM pg_catalog.pg_class c INNER JOIN pg_catalog.pg_namespace n ON n.oid=c.relnamespace LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_class'::regclass WHERE n.nspname = $1 AND c.relkind not in ('i','I','c')",
      values: ['public'],
    },
    {
      sql: "SELECT c.relname,a.attname,a.attnum,a.atttypid,a.atttypmod,a.attnotnull,a.attidentity,a.attgenerated,a.attislocal,a.attacl,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description,dep.objid FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid) LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum) LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid) LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i' and dep.refobjsubid = a.attnum and dep.classid = dep.refclassid WHERE NOT a.attisdropped AND c.relkind not in ('i','I','c') ORDER BY a.attnum",
    },
    {
      sql: 'SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid) LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum) LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid) WHERE NOT a.attisdropped AND c.oid=$1 ORDER BY a.attnum',
      values: [1259],
    },
    {
      sql: "SELECT c.oid,c.*,t.relname as tabrelname,rt.relnamespace as refnamespace,d.description,null as consrc_copy, case c.contype when 'c' then \"substring\"(pg_get_constraintdef(c.oid), 7) else null end consrc_copy2 FROM pg_catalog.pg_constraint c INNER JOIN pg_catalog.pg_class t ON t.oid=c.conrelid LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_constraint'::regclass WHERE t.relkind='r' ORDER BY c.oid",
    },
    {
      sql: 'SELECT i.*,i.indkey as keys,c.relname,c.relnamespace,c.relam,c.reltablespace,tc.relname as tabrelname,dsc.description,pg_catalog.pg_get_expr(i.indpred, i.indrelid) as pred_expr,pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) as expr,pg_catalog.pg_relation_size(i.indexrelid) as index_rel_size,pg_catalog.pg_stat_get_numscans(i.indexrelid) as index_num_scans FROM pg_catalog.pg_index i INNER JOIN pg_catalog.pg_class c ON c.oid=i.indexrelid INNER JOIN pg_catalog.pg_class tc ON tc.oid=i.indrelid LEFT OUTER JOIN pg_catalog.pg_description dsc ON i.indexrelid=dsc.objoid ORDER BY tabrelname, c.relname',
    },
    {
      sql: "SELECT r.oid,r.ev_class,r.rulename,r.ev_type FROM pg_catalog.pg_rewrite r WHERE r.ev_class = 'pg_class'::regclass::oid",
    },
    {
      sql: "SELECT p.oid as poid,p.*,pg_catalog.pg_get_expr(p.proargdefaults, 0) as arg_defaults,d.description FROM pg_catalog.pg_proc p LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=p.oid AND d.objsubid = 0 WHERE p.prokind <> 'a' ORDER BY p.proname",
    },
    {
      sql: 'SELECT x.oid,x.*,p.pronamespace as func_schema_id,d.description FROM pg_catalog.pg_trigger x LEFT OUTER JOIN pg_catalog.pg_proc p ON p.oid=x.tgfoid LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=x.oid AND d.objsubid=0 WHERE NOT x.tgisinternal',
    },
    {
      sql: 'SELECT a.oid,a.*,pd.description FROM pg_catalog.pg_roles a left join pg_catalog.pg_shdescription pd on a.oid = pd.objoid ORDER BY a.rolname',
    },
    {
      sql: 'SELECT e.oid,e.extname,e.extversion,n.nspname FROM pg_catalog.pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace',
    },
    { sql: 'SELECT * FROM pg_catalog.pg_enum' },
    { sql: 'SELECT * FROM pg_catalog.pg_settings' },
    {
      sql: 'SELECT i.*, c.relnamespace FROM pg_catalog.pg_inherits i, pg_catalog.pg_class c WHERE i.inhparent=$1 AND c.oid=i.inhrelid ORDER BY i.inhseqno',
      values: [1259],
    },
    { sql: 'SHOW search_path' },
  ],
  pgAdmin: [
    {
      sql: "SET DateStyle=ISO; SET client_min_messages=notice; SELECT set_config('bytea_output','hex',false) FROM pg_show_all_settings() WHERE name = 'bytea_output'; SET client_encoding='UTF8';",
    },
    { sql: 'SELECT version()' },
    {
      sql: "SELECT db.oid as did, db.datname, db.datallowconn, pg_encoding_to_char(db.encoding) AS serverencoding, has_database_privilege(db.oid, 'CREATE') as cancreate, datistemplate FROM pg_catalog.pg_database db WHERE db.datname = current_database()",
    },
    {
      sql: "SELECT roles.oid as id, roles.rolname as name, roles.rolsuper as is_superuser, CASE WHEN roles.rolsuper THEN true ELSE roles.rolcreaterole END as can_create_role, CASE WHEN roles.rolsuper THEN true ELSE roles.rolcreatedb END as can_create_db, CASE WHEN 'pg_signal_backend'=ANY(ARRAY(WITH RECURSIVE cte AS (SELECT pg_roles.oid,pg_roles.rolname FROM pg_roles WHERE pg_roles.oid = roles.oid UNION ALL SELECT m.roleid, pgr.rolname FROM cte cte_1 JOIN pg_auth_members m ON m.member = cte_1.oid JOIN pg_roles pgr ON pgr.oid = m.roleid) SELECT rolname FROM cte)) THEN True ELSE False END as can_signal_backend FROM pg_catalog.pg_roles as roles WHERE rolname = current_user",
    },
    {
      sql: 'SELECT CASE WHEN usesuper THEN pg_catalog.pg_is_in_recovery() ELSE FALSE END as inrecovery, CASE WHEN usesuper AND pg_catalog.pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE FALSE END as isreplaypaused FROM pg_catalog.pg_user WHERE usename=current_user',
    },
    { sql: 'SELECT gss_authenticated, encrypted FROM pg_catalog.pg_stat_gssapi WHERE pid = pg_backend_pid()' },
    {
      sql: "SELECT DISTINCT dep.deptype, dep.refclassid, cl.relkind, ad.adbin, pg_catalog.pg_get_expr(ad.adbin, ad.adrelid), CASE WHEN cl.relkind IS NOT NULL THEN cl.relkind::text || COALESCE(dep.refobjsubid::text, '') WHEN tg.oid IS NOT NULL THEN 'T'::text WHEN ty.oid IS NOT NULL THEN 'y'::text WHEN ns.oid IS NOT NULL THEN 'n'::text ELSE '' END AS type, COALESCE(coc.relname, clrw.relname) AS ownertable FROM pg_catalog.pg_depend dep LEFT JOIN pg_catalog.pg_class cl ON dep.refobjid=cl.oid LEFT JOIN pg_catalog.pg_namespace ns ON dep.refobjid=ns.oid LEFT JOIN pg_catalog.pg_trigger tg ON dep.refobjid=tg.oid LEFT JOIN pg_catalog.pg_type ty ON dep.refobjid=ty.oid LEFT JOIN pg_catalog.pg_constraint co ON dep.refobjid=co.oid LEFT JOIN pg_catalog.pg_class coc ON co.conrelid=coc.oid LEFT JOIN pg_catalog.pg_rewrite rw ON dep.refobjid=rw.oid LEFT JOIN pg_catalog.pg_class clrw ON clrw.oid=rw.ev_class LEFT JOIN pg_catalog.pg_attrdef ad ON ad.adrelid=cl.oid AND ad.adnum=dep.refobjsubid WHERE dep.objid=1259::oid",
    },
    {
      sql: "SELECT rel.oid, rel.relname AS name, (SELECT count(*) FROM pg_catalog.pg_trigger WHERE tgrelid=rel.oid AND tgisinternal = FALSE) AS triggercount, (SELECT count(*) FROM pg_catalog.pg_trigger WHERE tgrelid=rel.oid AND tgisinternal = FALSE AND tgenabled = 'O') AS has_enable_triggers, (CASE WHEN rel.relkind = 'p' THEN true ELSE false END) AS is_partitioned, (SELECT count(1) FROM pg_catalog.pg_inherits WHERE inhrelid=rel.oid LIMIT 1) as is_inherits, des.description FROM pg_catalog.pg_class rel LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid=rel.oid AND des.objsubid=0 AND des.classoid='pg_class'::regclass) WHERE rel.relkind IN ('r','s','t','p') AND NOT rel.relispartition ORDER BY rel.relname",
    },
    {
      sql: "SELECT att.attname as name, att.atttypid, att.attlen, att.attnum, att.attndims, att.atttypmod, att.attacl, att.attnotnull, att.attoptions, att.attstattarget, att.attstorage, att.attidentity, pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS defval, pg_catalog.format_type(ty.oid,NULL) AS typname, pg_catalog.format_type(ty.oid,att.atttypmod) AS displaytypname, CASE WHEN ty.typelem > 0 THEN ty.typelem ELSE ty.oid END as elemoid, tn.nspname as typnspname, et.typname as elemtypname, cl.relname, na.nspname, col.collname, (SELECT count(1) FROM pg_catalog.pg_type t2 WHERE t2.typname=ty.typname) > 1 AS isdup, CASE WHEN length(coll.collname::text) > 0 THEN pg_catalog.concat(pg_catalog.quote_ident(nspc.nspname),'.',pg_catalog.quote_ident(coll.collname)) ELSE '' END AS collspcname, pg_catalog.format_type(ty.oid,att.atttypmod) AS cltype FROM pg_catalog.pg_attribute att JOIN pg_catalog.pg_type ty ON ty.oid=atttypid LEFT OUTER JOIN pg_catalog.pg_namespace tn ON tn.oid=ty.typnamespace LEFT OUTER JOIN pg_catalog.pg_class cl ON cl.oid=att.attrelid LEFT OUTER JOIN pg_catalog.pg_namespace na ON na.oid=cl.relnamespace LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid=ty.typelem LEFT OUTER JOIN pg_catalog.pg_attrdef def ON adrelid=att.attrelid AND adnum=att.attnum LEFT OUTER JOIN pg_catalog.pg_collation col ON att.attcollation=col.oid LEFT OUTER JOIN pg_catalog.pg_collation coll ON att.attcollation=coll.oid LEFT OUTER JOIN pg_catalog.pg_namespace nspc ON coll.collnamespace=nspc.oid WHERE att.attnum > 0 AND att.attisdropped IS FALSE ORDER BY att.attnum",
    },
    {
      sql: "SELECT pg_catalog.pg_get_viewdef(c.oid, true) AS definition, pg_catalog.array_to_string(c.relacl::text[], ', ') AS acl, pg_catalog.pg_get_userbyid(c.relowner) AS owner FROM pg_catalog.pg_class c WHERE c.relkind = 'v' AND c.relnamespace = 2200",
    },
    {
      sql: "SELECT pr.oid, pr.proname || '(' || COALESCE(pg_catalog.pg_get_function_identity_arguments(pr.oid), '') || ')' AS name, lanname, pg_catalog.pg_get_userbyid(proowner) AS funcowner, description FROM pg_catalog.pg_proc pr JOIN pg_catalog.pg_type typ ON typ.oid=prorettype JOIN pg_catalog.pg_language lng ON lng.oid=prolang LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid=pr.oid AND des.classoid='pg_proc'::regclass) WHERE pr.prokind IN ('f', 'w') AND typname NOT IN ('trigger', 'event_trigger') ORDER BY proname LIMIT 100",
    },
    {
      sql: '/*pga4dash*/ SELECT \'session_stats\' AS chart_name, pg_catalog.row_to_json(t) AS chart_data FROM (SELECT (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = current_database()) AS "Total", (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE state = \'active\') AS "Active", (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE state = \'idle\') AS "Idle") t UNION ALL SELECT \'tps_stats\' AS chart_name, pg_catalog.row_to_json(t) FROM (SELECT (SELECT sum(xact_commit) + sum(xact_rollback) FROM pg_catalog.pg_stat_database) AS "Transactions", (SELECT sum(xact_commit) FROM pg_catalog.pg_stat_database) AS "Commits") t',
    },
    {
      sql: "SELECT nsp.oid, nsp.nspname as name, pg_catalog.has_schema_privilege(nsp.oid, 'CREATE') as can_create, pg_catalog.has_schema_privilege(nsp.oid, 'USAGE') as has_usage FROM pg_catalog.pg_namespace nsp WHERE nspname NOT LIKE E'pg\\\\_%' AND NOT ((nsp.nspname = 'information_schema' AND EXISTS (SELECT 1 FROM pg_catalog.pg_class WHERE relname = 'tables' AND relnamespace = nsp.oid LIMIT 1))) ORDER BY nspname",
    },
  ],
  'Rails and Hibernate': [
    {
      sql: 'SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull, a.atttypid, a.atttypmod, c.collname, col_description(a.attrelid, a.attnum) AS comment, attidentity AS identity, attgenerated as attgenerated FROM pg_attribute a LEFT JOIN pg_attrdef d ON a.attrelid = d.adrelid AND a.attnum = d.adnum LEFT JOIN pg_type t ON a.atttypid = t.oid LEFT JOIN pg_collation c ON a.attcollation = c.oid AND a.attcollation <> t.typcollation WHERE a.attrelid = \'"customers"\'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum',
    },
    {
      sql: "SELECT t.oid, t.typname, t.typelem, t.typdelim, t.typinput, r.rngsubtype, t.typtype, t.typbasetype FROM pg_type as t LEFT JOIN pg_range as r ON oid = rngtypid WHERE t.typname IN ('int2', 'int4', 'text', 'json')",
    },
    {
      sql: "SELECT distinct i.relname, d.indisunique, d.indkey, pg_get_indexdef(d.indexrelid), t.oid, pg_catalog.obj_description(i.oid, 'pg_class') AS comment, d.indisvalid FROM pg_class t INNER JOIN pg_index d ON t.oid = d.indrelid INNER JOIN pg_class i ON d.indexrelid = i.oid LEFT JOIN pg_namespace n ON n.oid = t.relnamespace WHERE i.relkind IN ('i', 'I') AND d.indisprimary = 'f' AND t.relname = 'orders' AND n.nspname = ANY (current_schemas(false)) ORDER BY i.relname",
    },
    {
      sql: 'select tc.table_name, tc.constraint_name, kcu.column_name, ccu.table_name as other from information_schema.table_constraints tc join information_schema.key_column_usage kcu using (constraint_schema, constraint_name) left join information_schema.constraint_column_usage ccu using (constraint_schema, constraint_name)',
    },
    { sql: 'select * from information_schema.sequences' },
    { sql: 'select * from information_schema.tables' },
    { sql: 'select * from information_schema.columns where table_schema = $1', values: ['hr'] },
    { sql: 'select * from information_schema.referential_constraints' },
    { sql: 'select * from information_schema.routines' },
    { sql: 'select * from information_schema.views' },
    { sql: 'select * from information_schema.triggers' },
  ],
};
