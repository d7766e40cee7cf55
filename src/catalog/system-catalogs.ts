// Which of the server's own catalogs show what tables hold, secrets, or other people's statements. The rest of pg_catalog and
// information_schema is what every driver and psql read at their start: it has the least sensitive level.
import type { Catalog, Level } from './catalog.ts';
import type { ColumnName } from '../sql/analysis.ts';

/** Whole relations, or the columns of one that leak; every name is in pg_catalog unless it has a schema. */
const leaky: Readonly<Record<string, 'all' | readonly string[]>> = {
  // Most common values and histogram bounds are values of columns.
  pg_stats: 'all',
  pg_stats_ext: 'all',
  pg_stats_ext_exprs: 'all',
  pg_statistic: 'all',
  pg_statistic_ext: ['stxexprs'],
  pg_statistic_ext_data: 'all',
  // Password verifiers and secrets of links to other servers.
  pg_authid: 'all',
  pg_shadow: 'all',
  pg_user_mapping: ['umoptions'],
  pg_user_mappings: ['umoptions'],
  pg_subscription: ['subconninfo'],
  pg_stat_wal_receiver: ['conninfo'],
  pg_hba_file_rules: 'all',
  pg_ident_file_mappings: 'all',
  pg_file_settings: 'all',
  'information_schema._pg_user_mappings': ['umoptions'],
  'information_schema.user_mapping_options': 'all',
  // Contents of large objects, and the value that a column's old rows have.
  pg_largeobject: 'all',
  pg_attribute: ['attmissingval'],
  // Other sessions' statements, with their literals.
  pg_stat_activity: ['query'],
  pg_stat_statements: ['query'],
  pg_prepared_xacts: ['gid'],
};

const leakySets = new Map(
  Object.entries(leaky).map(([name, what]) => [name, what === 'all' ? ('all' as const) : new Set(what)]),
);

/** The level of a column of the server's own catalogs; undefined for everybody else's columns. */
export function systemWord(
  catalog: Catalog,
  { relation, column }: ColumnName,
): { readonly level: Level; readonly category: undefined; readonly place: undefined } | undefined {
  const { schema, name } = relation;
  // pg_stat_statements is an extension's view and lies in any schema.
  const isSystem = schema === 'pg_catalog' || schema === 'information_schema' || schema === 'pg_toast';
  if (!isSystem && name !== 'pg_stat_statements') return undefined;
  const what = leakySets.get(schema === 'information_schema' ? `information_schema.${name}` : name);
  const isLeaky = schema === 'pg_toast' || (what !== undefined && (what === 'all' || what.has(column)));
  if (!isLeaky && !isSystem) return undefined;
  const level = isLeaky ? leakyLevel(catalog) : catalog.levels[0];
  return level === undefined ? undefined : { level, category: undefined, place: undefined };
}

/** `restricted`; where no level has that name, the strictest one that people are asked about, else the strictest. */
export function leakyLevel(catalog: Pick<Catalog, 'levels' | 'levelByName' | 'unclassified'>): Level {
  return (
    catalog.levelByName.get('restricted') ??
    catalog.levels.findLast((level) => level.read === 'hold') ??
    catalog.levels.at(-1) ??
    catalog.unclassified
  );
}
