// The schema in groups that move apart from each other: what is asked of each, and the cheap mark by which it is seen that a group has
// moved. Most of a schema came with the server and never moves; a new table moves a few groups, and only those are read again.
//
// A mark is a count and a sum of hashes over the catalog's rows, of each its key, its xmin and its place (ctid). Together they tell every
// version of a row from every other: by xmin alone two changes of one transaction look alike to a session that looks in between.
// VACUUM, ANALYZE and freezing change statistics in place and leave all three alone. Temporary relations of sessions are left out.
import { snapshotQueries, type SnapshotPart } from './schema-queries.ts';
import { firstUserOid } from './schema-index.ts';

/** Parts of which most came with the server: those rows are a group of their own. */
const halved = {
  relations: 'c.oid',
  attributes: 'a.attrelid',
  types: 't.oid',
  functions: 'p.oid',
  operators: 'o.oid',
} as const satisfies Partial<Record<SnapshotPart, string>>;
type HalvedPart = keyof typeof halved;
export type Group = SnapshotPart | `system ${HalvedPart}`;

const half = (part: HalvedPart, sign: '<' | '>='): string =>
  snapshotQueries[part].replace(/(?=ORDER BY)/, `AND ${halved[part]} ${sign} ${firstUserOid} `);

const systemHalves = {
  'system relations': half('relations', '<'),
  'system attributes': half('attributes', '<'),
  'system types': half('types', '<'),
  'system functions': half('functions', '<'),
  'system operators': half('operators', '<'),
} as const;

export const groupQueries: Readonly<Record<Group, string>> = {
  ...systemHalves,
  ...snapshotQueries,
  relations: half('relations', '>='),
  attributes: half('attributes', '>='),
  types: half('types', '>='),
  functions: half('functions', '>='),
  operators: half('operators', '>='),
};

const temporary = "SELECT oid FROM pg_catalog.pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_[0-9]+$'";
const named = `SELECT oid FROM pg_catalog.pg_class WHERE relpersistence <> 't' AND relkind IN ('r','p','f','v','m','c','S')`;

function mark(catalog: string, key: string, where = 'true'): string {
  return (
    `(SELECT pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.sum(pg_catalog.hashint8extended((${key})::bigint, ` +
    `pg_catalog.hashtidextended(x.ctid, x.xmin::pg_catalog.text::bigint)))) FROM pg_catalog.${catalog} x WHERE ${where})`
  );
}

const system = `x.oid < ${firstUserOid}`;
const users = `x.oid >= ${firstUserOid}`;
const lasting = "x.relpersistence <> 't'";

/** Of each group that is watched. System columns come and go with the server's version; sizes are estimates, and name nothing. */
const marks = {
  schemas: mark('pg_namespace', 'x.oid', "x.nspname !~ '^pg_(toast_)?temp_[0-9]+$'"),
  'system relations': mark('pg_class', 'x.oid', system),
  relations: mark('pg_class', 'x.oid', `${users} AND ${lasting} AND x.relkind NOT IN ('i','I')`),
  attributes: `pg_catalog.concat(${mark(
    'pg_attribute',
    'x.attrelid::bigint # (x.attnum::bigint << 32)',
    `x.attnum > 0 AND x.attrelid >= ${firstUserOid} AND x.attrelid IN (${named})`,
  )}, '/', ${mark('pg_attrdef', 'x.oid', `x.adrelid IN (${named})`)})`,
  'system types': mark('pg_type', 'x.oid', system),
  types: mark('pg_type', 'x.oid', `${users} AND x.typnamespace NOT IN (${temporary})`),
  'system functions': mark('pg_proc', 'x.oid', system),
  // Which extension one came with stands in pg_depend alone, and counts where its code cannot be read.
  functions: `pg_catalog.concat(${mark('pg_proc', 'x.oid', `${users} AND x.pronamespace NOT IN (${temporary})`)}, '/', ${mark(
    'pg_language',
    'x.oid',
  )}, '/', ${mark(
    'pg_depend',
    'x.objid',
    `x.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass`,
  )})`,
  'system operators': mark('pg_operator', 'x.oid', system),
  operators: mark('pg_operator', 'x.oid', users),
  casts: mark('pg_cast', 'x.oid'),
  rules: mark('pg_rewrite', 'x.oid', `x.ev_class IN (${named})`),
  policies: mark('pg_policy', 'x.oid'),
  triggers: mark('pg_trigger', 'x.oid', `x.tgrelid IN (${named})`),
  eventTriggers: mark('pg_event_trigger', 'x.oid'),
  constraints: mark('pg_constraint', 'x.oid', `x.connamespace NOT IN (${temporary})`),
  inheritance: mark('pg_inherits', 'x.inhrelid::bigint # (x.inhparent::bigint << 32)', `x.inhrelid IN (${named})`),
  indexes: `pg_catalog.concat(${mark('pg_index', 'x.indexrelid', `x.indrelid IN (${named})`)}, '/', ${mark(
    'pg_class',
    'x.oid',
    `${users} AND ${lasting} AND x.relkind IN ('i','I')`,
  )}, '/', ${mark('pg_partitioned_table', 'x.partrelid', `x.partrelid IN (${named})`)}, '/', ${mark('pg_statistic_ext', 'x.oid')})`,
  aggregates: mark('pg_aggregate', 'x.aggfnoid::pg_catalog.oid'),
  supportFunctions: `pg_catalog.concat(${mark('pg_amproc', 'x.oid')}, '/', ${mark('pg_range', 'x.rngtypid')})`,
  settings: mark('pg_db_role_setting', 'x.setrole::bigint # (x.setdatabase::bigint << 32)'),
  extensions: mark('pg_extension', 'x.oid'),
  // pg_authid cannot be read by everybody, and its view has no xmin.
  roles: `(SELECT pg_catalog.md5(coalesce(pg_catalog.string_agg(pg_catalog.concat(r.oid, r.rolname, r.rolsuper, r.rolbypassrls), ',' ORDER BY r.oid), ''))
     FROM pg_catalog.pg_roles r)`,
} as const satisfies Partial<Record<Group, string>>;
type Watched = keyof typeof marks;

/** One row, one text: moves with every DDL that matters. Polled every few seconds, so its cost is everything. */
export const fingerprintQuery = `SELECT pg_catalog.concat_ws(',', ${Object.values(marks).join(', ')})`;

export type Fingerprint = ReadonlyMap<string, string>;

export function fingerprintOf(text: string | null | undefined): Fingerprint {
  const parts = (text ?? '').split(',');
  const names = Object.keys(marks);
  if (parts.length !== names.length) throw new Error('the fingerprint of the schema has another shape');
  return new Map(names.map((name, at) => [name, parts[at] ?? '']));
}

/** Their rows hold or print no names but their own. */
const nameless: ReadonlySet<string> = new Set<Group>([
  ...(['server', 'casts', 'eventTriggers', 'aggregates', 'supportFunctions', 'roles', 'settings'] as const),
]);

/** What definitions are printed with: when one of these moves, everything that prints names is printed anew. */
const naming: readonly Watched[] = [
  ...(['schemas', 'system relations', 'relations', 'attributes', 'system types', 'types'] as const),
  ...(['system functions', 'functions', 'system operators', 'operators'] as const),
];

/** The groups that have to be read again; without a fingerprint from before, all. */
export function movedGroups(now: Fingerprint, before: Fingerprint | undefined): readonly Group[] {
  return groupNames.filter(
    (group) => before === undefined || watchedBy(group).some((mark) => now.get(mark) !== before.get(mark)),
  );
}

/** The marks of which each makes a group read again. A schema's name stands in everything that lies in it. */
function watchedBy(group: Group): readonly Watched[] {
  const own = Object.keys(marks).filter((name): name is Watched => name === group);
  if (group === 'system attributes') return ['schemas', 'system relations'];
  if (Object.hasOwn(systemHalves, group) || nameless.has(group)) return ['schemas', ...own];
  return [...naming, ...own];
}

const marksSetting = 'countersign.marks';

/** It comes as one row through the agent's own connection, where rows are bounded. */
const ownTextBytesMax = 4 << 20;
export const tooLarge = '!';

/** Puts the fingerprint of now where the questions behind it find it, until the savepoint or transaction is taken back. */
export const noteFingerprint = `SELECT pg_catalog.set_config('${marksSetting}', (${fingerprintQuery}), true)`;

/** Asks for a group only where it has moved since `before`, else for nothing (NULL): so all that moved comes by one exchange. */
export function groupIfMoved(group: Group, before: Fingerprint | undefined): string {
  const bounded = `SELECT CASE WHEN pg_catalog.octet_length(g.t) > ${ownTextBytesMax} THEN '${tooLarge}' ELSE g.t END FROM (${groupQueries[group]}) AS g (t)`;
  if (before === undefined) return bounded;
  const names = Object.keys(marks);
  const same = watchedBy(group).map((mark) => {
    const text = before.get(mark) ?? '';
    if (!/^[0-9a-f:/-]*$/.test(text)) throw new Error('a mark of the schema that is none');
    const place = names.indexOf(mark) + 1;
    return `pg_catalog.split_part(pg_catalog.current_setting('${marksSetting}'), ',', ${place}) = '${text}'`;
  });
  return `SELECT CASE WHEN ${same.join(' AND ')} THEN NULL ELSE (${bounded}) END`;
}

const isGroup = (name: string): name is Group => Object.hasOwn(groupQueries, name);
export const groupNames: readonly Group[] = Object.keys(groupQueries).filter(isGroup);

/** What came with the server has lower oids and so stands first. */
export function groupsOf(part: SnapshotPart): readonly Group[] {
  return isHalved(part) ? [`system ${part}`, part] : [part];
}

function isHalved(part: SnapshotPart): part is HalvedPart {
  return Object.hasOwn(halved, part);
}
