// The server's own functions that do more than compute from their arguments: they run SQL that they are handed, read tables, files,
// large objects or other sessions, or leave something behind. Everything else in pg_catalog reads what it is given and the catalogs'
// names, types and definitions, no more. A test asks every supported server for its volatile functions and holds this list to them.

const patterns: readonly RegExp[] = [
  // SQL in a string, or a table by name.
  /^(?:query|table|cursor|schema|database)_to_xml(?:schema|_and_xmlschema)?$/,
  /^ts_stat$/,
  /^ts_rewrite$/,
  /^currtid2?$/,
  // Input functions of a type named by text: a domain's checks run.
  /^pg_input_(?:is_valid|error_info|error_message)$/,
  // Large objects: side storage that no column entry covers.
  /^lo_/,
  /^lo(?:read|write)$/,
  // Server files, configuration files, WAL.
  /^pg_(?:read|ls)_/,
  /^pg_(?:stat_file|current_logfile|hba_file_rules|ident_file_mappings|show_all_file_settings|config|get_loaded_modules)$/,
  /^pg_(?:wal|walfile)_|^pg_(?:available_wal_summaries|get_wal_summarizer_state)$|^pg_(?:switch_wal|promote|rotate_logfile|rotate_logfile_old|reload_conf)$/,
  /^pg_(?:create|drop|copy)_.*(?:slot|restore_point)$|^pg_(?:logical|replication|sync_replication)_|^pg_show_replication_origin_status$/,
  /^pg_(?:start_backup|stop_backup|backup_.*|log_standby_snapshot|log_backend_memory_contexts|import_system_collations)$/,
  // Other sessions: what they run, wait for and send; stopping them.
  /^pg_stat_get_(?:activity|backend_activity|backend_client_addr|wal_senders|wal_receiver|subscription)$/,
  /^pg_(?:terminate|cancel)_backend$/,
  /^pg_(?:notify|listening_channels|prepared_xact|lock_status|prepared_statement|cursor)$/,
  // Signals and clocks that one session can write and another read, or that hold the server up.
  /^pg_(?:try_)?advisory_/,
  /^pg_sleep/,
  /^setval$/,
  /^pg_get_sequence_data$/,
  // Statistics are values: the most common ones, and what resets or plants them.
  /^pg_stat_(?:reset|have_stats|force)/,
  /^pg_(?:clear|restore)_(?:attribute|relation)_stats$/,
  /^pg_mcv_list_items$/,
  // Maintenance and upgrade machinery.
  /^binary_upgrade_/,
  /^(?:brin_(?:summarize|desummarize)_.*|gin_clean_pending_list|amvalidate)$/,
  /^pg_(?:nextoid|stop_making_pinned_objects|extension_config_dump|isolation_test_session_is_blocked)$/,
  /^pg_get_(?:shmem_allocations.*|backend_memory_contexts|aios|multixact_members|replication_slots)$/,
];

/** Volatile, and yet harmless: clocks, dice, counters and facts about the server or one's own transaction. */
const harmless: readonly RegExp[] = [
  /^(?:clock_timestamp|statement_timestamp|timeofday|random|random_normal|setseed|gen_random_uuid|uuidv[47]|array_(?:sample|shuffle))$/,
  // Sequence numbers are handed to every client that inserts.
  /^(?:nextval|currval|lastval|pg_sequence_last_value)$/,
  // SET in other clothes: judged as a setting (settings.ts).
  /^set_config$/,
  /^(?:txid_|pg_xact_|pg_last_committed_xact$|pg_current_xact)/,
  /^pg_(?:database|tablespace|table|relation|total_relation|indexes)_size$/,
  /^pg_(?:is_in_recovery|is_wal_replay_paused|get_wal_replay_pause_state|last_wal_.*|last_xact_.*|current_wal_.*|get_wal_resource_managers)$/,
  /^pg_(?:partition_tree|partition_ancestors|blocking_pids|safe_snapshot_blocking_pids|jit_available|notification_queue_usage)$/,
  /^pg_(?:control_.*|collation_actual_version|database_collation_actual_version|get_wait_events)$/,
  /^pg_stat_get_|^pg_stat_clear_snapshot$/,
  /^current_query$/,
  // Another session may read what this one sees, and is judged as this one is.
  /^pg_export_snapshot$/,
  /^pg_xml/,
  // Handlers and parts of dictionaries and access methods: called by the server, refuse to be called by a query.
  /^(?:.*handler|plpgsql_.*|dsnowball_.*|bernoulli|system)$/,
];

/** Whether a function of pg_catalog needs somebody's word before it runs. */
export function needsWord(name: string): boolean {
  return patterns.some((pattern) => pattern.test(name));
}

/** Whether a volatile function of pg_catalog is known to be harmless. */
export function isHarmless(name: string): boolean {
  return !needsWord(name) && harmless.some((pattern) => pattern.test(name));
}

/**
 * Extensions whose compiled functions compute from their arguments: types, operators, indexes, hashes. Not here: whatever runs SQL
 * from a string or reaches out (tablefunc, dblink, postgres_fdw, file_fdw, xml2, lo, adminpack, pageinspect, pg_stat_statements, …).
 */
const computing: ReadonlySet<string> = new Set(
  (
    'citext hstore pg_trgm ltree cube earthdistance intarray intagg isn seg btree_gin btree_gist fuzzystrmatch unaccent pgcrypto ' +
    'uuid-ossp dict_int dict_xsyn bloom vector'
  ).split(' '),
);

/** Those of them that are not immutable only for a setting, a dictionary or for dice. */
const notImmutable =
  /^(?:uuid_generate_v\w+|uuid_nil|uuid_ns_\w+|gen_random_(?:uuid|bytes)|gen_salt|crypt|pgp_(?:sym|pub)_encrypt(?:_bytea)?|(?:set|show)_limit|(?:strict_)?(?:word_)?similarity(?:_dist)?(?:_commutator)?(?:_dist)?_op|unaccent|hstore_populate_record|populate_record)$/;

export function computesOnly(callee: {
  readonly extension: string;
  readonly name: string;
  readonly volatility: string;
}): boolean {
  return computing.has(callee.extension) && (callee.volatility === 'immutable' || notImmutable.test(callee.name));
}
