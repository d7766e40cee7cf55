// Functions that are known by name alone to reach out of the database or into its machinery, whatever they are given. Only names: who
// they resolve to is the witness's question. A function of a user's own that carries such a name is treated the same.
import type { Node } from './ast.ts';
import { namesOf } from './ast.ts';
import type { FuncCall } from './ast-expr.ts';

/** Server files, large objects from and to files, replication slots and origins, code and configuration of the server. */
const escapes =
  /^(?:lo_import|lo_export|be_lo_import|be_lo_export|pg_read_file|pg_read_file_old|pg_read_file_v2|pg_read_binary_file|pg_file_.*|pg_ls_.*|pg_stat_file|pg_logdir_ls|pg_logical_slot_.*|pg_create_(?:physical|logical)_replication_slot|pg_copy_(?:physical|logical)_replication_slot|pg_drop_replication_slot|pg_replication_slot_advance|pg_replication_origin_.*|pg_logical_emit_message|pg_sync_replication_slots|pg_reload_conf|pg_rotate_logfile.*|pg_promote|pg_backup_.*|pg_start_backup|pg_stop_backup|pg_switch_wal|pg_create_restore_point|pg_wal_replay_.*|pg_walfile_.*|pg_hba_file_rules|pg_ident_file_mappings|pg_show_all_file_settings|pg_current_logfile|binary_upgrade_.*|pg_nextoid|pg_stop_making_pinned_objects|pg_terminate_backend|pg_cancel_backend|pg_log_backend_memory_contexts)$/;

export function isEscape(name: string): boolean {
  return escapes.test(name);
}

/** The last part of a call's name: `pg_catalog.set_config` is `set_config`. */
export function calledName(call: FuncCall): string {
  return namesOf(call.funcname)?.at(-1) ?? '';
}

/** set_config is SET in other clothes. Only a constant call as a plain output of a query without FROM is as good as SET. */
export function isSetConfig(node: Node): boolean {
  return node.FuncCall !== undefined && calledName(node.FuncCall) === 'set_config';
}
