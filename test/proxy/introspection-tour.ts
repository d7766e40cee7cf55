// A tour of the catalogs that browsers of databases open node by node: every catalog, view and function that pgAdmin's and DBeaver's own
// statements use beyond those of introspection-texts.ts, in statements of our own that join and cast them as those do.
import type { AskedText } from './introspection-texts.ts';

const customers = `'public.customers'::regclass`;
const acl = (column: string, kind: string): string =>
  `(SELECT array_agg(COALESCE(r.rolname, 'PUBLIC') || '=' || x.privilege_type ORDER BY 1)
    FROM aclexplode(COALESCE(${column}, acldefault('${kind}', 10))) AS x LEFT JOIN pg_catalog.pg_roles r ON r.oid = x.grantee)`;

export const tour: Readonly<Record<string, readonly AskedText[]>> = {
  'the nodes of a server': [
    {
      sql: `SELECT t.oid, t.spcname, pg_catalog.pg_tablespace_location(t.oid), ${acl('t.spcacl', 't')}, pg_catalog.shobj_description(t.oid, 'pg_tablespace'),
        array_to_string(t.spcoptions, ','), (SELECT array_agg(l.provider || '=' || l.label) FROM pg_catalog.pg_shseclabel l WHERE l.objoid = t.oid)
        FROM pg_catalog.pg_tablespace t ORDER BY 2`,
    },
    {
      sql: `SELECT r.rolname, split_part(s.setting, '=', 1) AS name, replace(s.setting, split_part(s.setting, '=', 1) || '=', '') AS value, d.datname
        FROM (SELECT setrole, setdatabase, unnest(setconfig) AS setting FROM pg_catalog.pg_db_role_setting) s
        LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase`,
    },
    {
      sql: `SELECT DISTINCT s.deptype, s.classid, s.objid, d.datname FROM pg_catalog.pg_shdepend s LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
        JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid WHERE r.rolname = $1`,
      values: ['gate'],
    },
    {
      sql: `SELECT s.slot_name, s.plugin, s.slot_type, s.active, a.application_name, host(a.client_addr), a.state, a.sync_state
        FROM pg_catalog.pg_replication_slots s LEFT JOIN pg_catalog.pg_stat_replication a ON a.pid = s.active_pid`,
    },
    {
      sql: `SELECT l.pid, l.locktype, d.datname, l.relation::regclass, l.mode, l.granted, l.fastpath FROM pg_catalog.pg_locks l
        LEFT JOIN pg_catalog.pg_database d ON d.oid = l.database WHERE l.pid <> pg_backend_pid() AND d.datname = current_database() || 'x'`,
    },
    {
      sql: 'SELECT d.datname, pg_size_pretty(pg_database_size(d.oid)) <> $1 FROM pg_catalog.pg_database d WHERE d.datname = current_database()',
      values: ['0'],
    },
    {
      sql: 'SELECT name, default_version, installed_version, comment FROM pg_catalog.pg_available_extensions ORDER BY name',
    },
    {
      sql: `SELECT a.name, (SELECT array_agg(DISTINCT v.version::text || '/' || COALESCE(v.schema::text, '')) FROM pg_catalog.pg_available_extension_versions v WHERE v.name = a.name)
        FROM pg_catalog.pg_available_extensions() a LEFT JOIN pg_catalog.pg_extension x ON x.extname = a.name WHERE x.oid IS NULL`,
    },
    {
      sql: 'SELECT c.contoencoding, pg_encoding_to_char(c.contoencoding) FROM pg_catalog.pg_conversion c GROUP BY 1 ORDER BY 2',
    },
  ],
  'the nodes of a database': [
    {
      sql: `SELECT c.oid, c.castsource::regtype, c.casttarget::regtype, CASE WHEN c.castfunc = 0 THEN NULL ELSE c.castfunc::regproc END, upper(c.castcontext::text)::bpchar
        FROM pg_catalog.pg_cast c LEFT JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc WHERE c.oid > $1::oid`,
      values: [16383],
    },
    {
      sql: `SELECT e.oid, e.evtname, e.evtfoid::regproc, upper(e.evtevent), array_to_string(array(SELECT quote_literal(unnest(e.evttags))), ', '),
        obj_description(e.oid, 'pg_event_trigger') FROM pg_catalog.pg_event_trigger e`,
    },
    {
      sql: `SELECT w.fdwname, w.fdwhandler::regproc, s.srvname, array_to_string(s.srvoptions, ','), t.ftrelid::regclass, array_to_string(t.ftoptions, ','), ${acl('s.srvacl', 'S')}
        FROM pg_catalog.pg_foreign_data_wrapper w LEFT JOIN pg_catalog.pg_foreign_server s ON s.srvfdw = w.oid LEFT JOIN pg_catalog.pg_foreign_table t ON t.ftserver = s.oid`,
    },
    {
      sql: `SELECT p.pubname, p.puballtables, n.nspname, quote_ident(t.schemaname) || '.' || quote_ident(t.tablename) FROM pg_catalog.pg_publication p
        LEFT JOIN pg_catalog.pg_publication_namespace pn ON pn.pnpubid = p.oid LEFT JOIN pg_catalog.pg_namespace n ON n.oid = pn.pnnspid
        LEFT JOIN pg_catalog.pg_publication_tables t ON t.pubname = p.pubname`,
    },
    {
      sql: `SELECT s.oid, s.subname, s.subenabled, s.subslotname, array_to_string(s.subpublications, ','), st.received_lsn, st.latest_end_time
        FROM pg_catalog.pg_subscription s LEFT JOIN pg_catalog.pg_stat_subscription st ON st.subid = s.oid`,
    },
    {
      sql: `SELECT a.defaclrole::regrole, a.defaclobjtype, x.grantee, array_agg(x.privilege_type) FROM pg_catalog.pg_default_acl a, aclexplode(a.defaclacl) x
        WHERE a.defaclnamespace = 'public'::regnamespace GROUP BY 1, 2, 3`,
    },
    {
      sql: 'SELECT o.oprname, o.oprcode::regproc, o.oprleft::regtype, o.oprright::regtype FROM pg_catalog.pg_operator o WHERE o.oprname = $1',
      values: ['='],
    },
    {
      sql: 'SELECT f.opfname, c.opcname, a.amname FROM pg_catalog.pg_opfamily f JOIN pg_catalog.pg_opclass c ON c.opcfamily = f.oid JOIN pg_catalog.pg_am a ON a.oid = f.opfmethod',
    },
  ],
  'the nodes of a schema': [
    {
      sql: `SELECT c.cfgname, p.prsname, (SELECT array_agg(t.alias || ':' || d.dictname ORDER BY m.maptokentype, m.mapseqno)
          FROM pg_catalog.pg_ts_config_map m JOIN pg_catalog.ts_token_type(p.oid) t ON t.tokid = m.maptokentype JOIN pg_catalog.pg_ts_dict d ON d.oid = m.mapdict WHERE m.mapcfg = c.oid)
        FROM pg_catalog.pg_ts_config c JOIN pg_catalog.pg_ts_parser p ON p.oid = c.cfgparser WHERE c.cfgname = 'simple'`,
    },
    {
      sql: `SELECT d.dictname, d.dictinitoption, t.tmplname, t.tmpllexize::regproc, obj_description(d.oid, 'pg_ts_dict')
        FROM pg_catalog.pg_ts_dict d JOIN pg_catalog.pg_ts_template t ON t.oid = d.dicttemplate`,
    },
    {
      sql: `SELECT p.oid, p.proname, oidvectortypes(p.proargtypes), pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), pg_get_function_sqlbody(p.oid),
        btrim(p.prosrc), ${acl('p.proacl', 'f')}, (SELECT array_agg(s.label) FROM pg_catalog.pg_seclabels s WHERE s.objoid = p.oid AND s.objsubid = 0)
        FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'public'::regnamespace`,
    },
    {
      sql: `SELECT (pg_identify_object('pg_proc'::regclass, a.aggfnoid, 0)).identity, a.aggtransfn::regproc, a.agginitval, o.oprname
        FROM pg_catalog.pg_aggregate a LEFT JOIN pg_catalog.pg_operator o ON o.oid = a.aggsortop WHERE a.aggfnoid::oid = $1`,
      values: [2147],
    },
    {
      sql: `SELECT s.seqrelid::regclass, s.seqstart, s.seqmax, d.refobjid::regclass, a.attname, x.blks_read FROM pg_catalog.pg_sequence s
        LEFT JOIN pg_catalog.pg_depend d ON d.objid = s.seqrelid AND d.deptype IN ('a', 'i') LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        LEFT JOIN pg_catalog.pg_statio_all_sequences x ON x.relid = s.seqrelid`,
    },
    {
      sql: `SELECT f.funcname, f.calls, f.total_time FROM pg_catalog.pg_stat_user_functions f WHERE f.schemaname = 'public'`,
    },
    {
      sql: 'SELECT * FROM information_schema.table_privileges WHERE table_catalog = $1 AND grantee = $2',
      values: ['shop', 'gate'],
    },
    {
      sql: 'SELECT * FROM information_schema.routine_privileges WHERE specific_catalog = $1 AND grantee = $2',
      values: ['shop', 'gate'],
    },
  ],
  'the nodes of a table': [
    {
      sql: `SELECT st.seq_scan IS NULL, st.n_live_tup IS NULL, io.heap_blks_hit IS NULL, pg_total_relation_size(st.relid) > 0, st.last_autoanalyze IS NULL OR true
        FROM pg_catalog.pg_stat_all_tables st JOIN pg_catalog.pg_statio_all_tables io ON io.relid = st.relid WHERE st.relid = ${customers}`,
    },
    {
      sql: `SELECT i.indexrelname, i.idx_scan IS NULL, x.idx_blks_hit IS NULL, pg_size_pretty(pg_relation_size(i.indexrelid)) FROM pg_catalog.pg_stat_all_indexes i
        JOIN pg_catalog.pg_statio_all_indexes x ON x.indexrelid = i.indexrelid WHERE i.relid = ${customers}`,
    },
    {
      sql: `SELECT t.tgname, pg_get_triggerdef(t.oid, true), encode(t.tgargs, 'escape'), regexp_replace(pg_get_triggerdef(t.oid), '^.* WHEN ', ''), array_length(t.tgattr, 1)
        FROM pg_catalog.pg_trigger t WHERE NOT t.tgisinternal`,
    },
    {
      sql: `SELECT r.rulename, pg_get_ruledef(r.oid, true), r.ev_type, r.is_instead FROM pg_catalog.pg_rewrite r WHERE r.ev_class >= 16384`,
    },
    {
      sql: `SELECT p.polname, p.polcmd, pg_get_expr(p.polqual, p.polrelid), v.qual, v.with_check, string_to_array(array_to_string(v.roles, ','), ',')
        FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_policies v ON v.policyname = p.polname`,
    },
    {
      sql: 'SELECT p.partrelid::regclass, p.partstrat, pg_get_partkeydef(p.partrelid) FROM pg_catalog.pg_partitioned_table p',
    },
    {
      sql: `WITH parents AS (SELECT i.inhparent, i.inhseqno FROM pg_catalog.pg_inherits i WHERE i.inhrelid = ${customers})
        SELECT a.*, row_number() OVER (ORDER BY a.attnum), dep.objid, (SELECT array_agg(l.provider || '=' || l.label) FROM pg_catalog.pg_seclabel l WHERE l.objoid = a.attrelid AND l.objsubid = a.attnum),
          EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k, generate_series(1, array_length(k.conkey, 1)) n WHERE k.conrelid = a.attrelid AND k.contype = 'p' AND k.conkey[n] = a.attnum)
        FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_depend dep ON dep.refobjid = a.attrelid AND dep.refobjsubid = a.attnum AND dep.deptype = 'i' LEFT JOIN parents ON true
        WHERE a.attrelid = ${customers} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    },
    {
      sql: `SELECT c.relname, 'v' FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND c.relnamespace = ANY ($1::regnamespace[]::oid[])
          AND (c.relname ILIKE $2 OR obj_description(c.oid, 'pg_class') ILIKE $2 OR (c.relkind = 'v' AND pg_get_viewdef(c.oid) ILIKE $2))
        UNION ALL SELECT p.proname, 'f' FROM pg_catalog.pg_proc p WHERE p.prokind <> 'a' AND pg_get_functiondef(p.oid) ILIKE $2 AND p.oid >= 16384 ORDER BY 1 LIMIT 100`,
      values: [['public', 'hr'], '%email%'],
    },
  ],
};

/** What the same tools show of other people's statements and values, when somebody opens that node: asked about, as anywhere. */
export const shown: readonly string[] = [
  'SELECT sa.* FROM pg_catalog.pg_stat_activity sa',
  'SELECT gid, database, owner, prepared FROM pg_catalog.pg_prepared_xacts',
  `SELECT null_frac, most_common_vals, histogram_bounds FROM pg_catalog.pg_stats WHERE schemaname = 'public' AND tablename = 'customers' AND attname = 'email'`,
  `SELECT u.umid, u.usename, array_to_string(u.umoptions, ',') FROM pg_catalog.pg_user_mappings u`,
];
