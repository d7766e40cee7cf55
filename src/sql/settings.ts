// What it means when a statement sets a setting: which settings change how text is read or would blind the witness (escape), which
// are about rights or belong to operators (privilege), and which are the session's own business. Shared by SET, set_config, start-up
// options, ALTER ROLE … SET and function definitions, so that no way in is judged more mildly than another.
import { foldAscii } from '../core/names.ts';
import type { StatementKind } from './analysis.ts';
import { isReadable } from './encodings.ts';

export interface SettingChange {
  readonly name: string;
  /** What it is set to; `reset`: back to the start-up value (RESET, SET … TO DEFAULT); undefined: cannot be told from the text. */
  readonly value: readonly string[] | 'reset' | undefined;
}

export interface SettingJudged {
  readonly kind: Extract<StatementKind, 'session' | 'privilege' | 'escape' | 'notKnown'>;
  readonly why: string | undefined;
}

const harmless: SettingJudged = { kind: 'session', why: undefined };

/** Settings whose meaning depends on the value. Names in small letters: Postgres compares them without regard to case. */
const byValue: Readonly<Record<string, (value: string) => boolean>> = {
  standard_conforming_strings: (value) => /^(?:on|true|yes|1)$/i.test(value),
  backslash_quote: (value) => /^safe_encoding$/i.test(value),
  client_encoding: isReadable,
  // At these levels the server tells a client what it is told to log, trees and constants included.
  client_min_messages: (value) => !/^(?:log|debug[1-5]?)$/i.test(value),
};

/** The witness switches these itself; an agent who could would read constants inside functions, or blind the witness. */
const witnessed = /^debug_(?:print_(?:parse|rewritten|plan)|pretty_print)$/;

/** Code that loads into the server. */
const loaded = /^(?:session_preload_libraries|local_preload_libraries|shared_preload_libraries|dynamic_library_path)$/;

/** Rights, or matters of operators: most need a superuser, or a GRANT SET that an agent should not have been given. */
const privileged =
  /^(?:session_replication_role|allow_system_table_mods|lo_compat_privileges|zero_damaged_pages|ignore_(?:checksum_failure|system_indexes)|createrole_self_grant|event_triggers|log_.*|trace_.*|track_(?!functions$|io_timing$).*|compute_query_id|jit_(?:debugging_support|dump_bitcode|profiling_support)|wal_.*|commit_delay|backtrace_functions|(?:plpgsql|plperl|plperlu|plpython|plpython3u?|pltcl|pltclu|auto_explain|pgaudit|pg_hint_plan|pg_stat_statements|postgres_fdw|dblink)\..*)$/;

const roles = /^(?:role|session_authorization)$/;

export function settingJudged(change: SettingChange): SettingJudged {
  const name = foldAscii(change.name);
  if (witnessed.test(name)) return { kind: 'escape', why: `${name} is the witness’s own switch` };
  if (loaded.test(name)) return { kind: 'escape', why: `${name} loads code into the server` };
  if (privileged.test(name)) return { kind: 'privilege', why: `${name} is a matter of rights` };
  if (roles.test(name)) return roleJudged(change);
  const safe = Object.hasOwn(byValue, name) ? byValue[name] : undefined;
  if (safe === undefined || change.value === 'reset') return harmless;
  if (change.value === undefined) return { kind: 'notKnown', why: `${name} is set to a value that cannot be told` };
  const fine = change.value.length === 1 && safe(change.value[0] ?? '');
  return fine ? harmless : { kind: 'escape', why: `${name} would change how text is read or what is told` };
}

/** Going back to the role of the login is what pools do between borrowers; anything else is a change of rights. */
function roleJudged(change: SettingChange): SettingJudged {
  if (change.value === 'reset') return harmless;
  if (change.value?.length === 1 && change.value[0] === 'none' && foldAscii(change.name) === 'role') return harmless;
  return { kind: 'privilege', why: `${foldAscii(change.name)} changes whose rights apply` };
}

/**
 * A list of names as Postgres reads it from one string (`SplitIdentifierString`): what set_config('search_path', …) and start-up
 * options carry. Undefined: Postgres would refuse it.
 */
export function parseNameList(text: string): readonly string[] | undefined {
  if (/^[ \t\n\r\f\v]*$/.test(text)) return [];
  const names: string[] = [];
  const item = /[ \t\n\r\f\v]*(?:"((?:[^"]|"")*)"|([^,"\s]+))[ \t\n\r\f\v]*(,|$)/y;
  for (let at = 0; ; at = item.lastIndex) {
    item.lastIndex = at;
    const match = item.exec(text);
    if (match === null) return undefined;
    const name = match[1] === undefined ? foldAscii(match[2] ?? '') : match[1].replaceAll('""', '"');
    names.push(cutName(name));
    if (match[3] === '') return names;
  }
}

/** Names longer than 63 bytes are cut on a character boundary, as the server does in UTF8. */
function cutName(name: string): string {
  const bytes = Buffer.from(name);
  if (bytes.length <= 63) return name;
  let end = 63;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

const ofNames = /^(?:search_path|role|session_authorization|client_min_messages|standard_conforming_strings)$/;

/** Whether names, or how texts are read, hang on a setting; every other changes neither. */
export const namesDependOn = (name: string): boolean => ofNames.test(name);
