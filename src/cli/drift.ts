// Files against the live schema: what nobody named, what names nothing any more, what was renamed or changed its type. Pure.
import { dotted, quoteName } from '../core/names.ts';
import { nearest } from '../core/nearest.ts';
import { placeText, type Place } from '../core/place.ts';
import { relationKey, type Catalog, type DatabaseWords, type TableWords, type Word } from '../catalog/catalog.ts';
import { levelOfRead } from '../catalog/levels.ts';
import { normalSignature } from '../catalog/function-name.ts';
import { kinOf } from './schema-kin.ts';
import { isSystemSchema, type FunctionInfo, type Relation, type Snapshot } from '../sql/schema.ts';

export interface DriftFinding {
  readonly kind:
    'unclassified' | 'dangling' | 'renamed' | 'type' | 'view' | 'function' | 'downgrade' | 'scan' | 'lineage';
  /** `fails`: exit code 1. `note`: worth a look. */
  readonly weight: 'fails' | 'note';
  readonly what: string;
  readonly words: string;
  readonly place: Place | undefined;
}

export interface Coverage {
  readonly tables: number;
  readonly tablesNamed: number;
  readonly columns: number;
  readonly columnsNamed: number;
}

export interface Drift {
  readonly findings: readonly DriftFinding[];
  readonly coverage: Coverage;
}

export interface DriftInput {
  readonly catalog: Catalog;
  readonly database: string;
  readonly live: Snapshot;
  /** How the schema was when it was last pictured. */
  readonly before: Snapshot | undefined;
}

export function driftOf(input: DriftInput): Drift {
  const schema = new LiveSchema(input.live);
  const words = input.catalog.databases.get(input.database);
  const { findings, coverage } = unclassified(input, schema);
  return {
    findings: [
      ...findings,
      ...(words === undefined ? [] : dangling(words, schema, renamesOf(input))),
      ...typeChanges(input),
      ...withoutWord(input, words),
    ],
    coverage,
  };
}

class LiveSchema {
  readonly relations: readonly Relation[];
  readonly byKey: ReadonlyMap<string, Relation>;
  readonly functions: readonly FunctionInfo[];
  readonly #typeNames: ReadonlyMap<number, string>;
  readonly kin: ReturnType<typeof kinOf>;

  constructor(snapshot: Snapshot) {
    this.relations = snapshot.relations.filter((one) => !isSystemSchema(one.schema) && one.persistence !== 'temporary');
    this.byKey = new Map(snapshot.relations.map((one) => [relationKey(one), one]));
    this.functions = snapshot.functions;
    this.#typeNames = new Map(snapshot.types.map((type) => [type.oid, type.name]));
    this.kin = kinOf(snapshot);
  }

  typeName(oid: number): string {
    return this.#typeNames.get(oid) ?? String(oid);
  }
}

const labelledKinds: ReadonlySet<string> = new Set(['r', 'p', 'm', 'f']);

function unclassified({ catalog, database }: DriftInput, schema: LiveSchema): Drift {
  const findings: DriftFinding[] = [];
  const counts = { tables: 0, tablesNamed: 0, columns: 0, columnsNamed: 0 };
  for (const relation of schema.relations) {
    if (!labelledKinds.has(relation.kind)) continue;
    const missing = relation.attributes.filter((attribute) => {
      const column = { relation, column: attribute.name };
      const found = levelOfRead(catalog, database, {
        column,
        uses: [],
        via: [],
        kin: schema.kin(relation, attribute.name),
      });
      return found.by === 'unclassified';
    });
    counts.tables += 1;
    counts.columns += relation.attributes.length;
    counts.columnsNamed += relation.attributes.length - missing.length;
    if (missing.length === 0) counts.tablesNamed += 1;
    const isWholeTable = missing.length === relation.attributes.length && missing.length > 0;
    const table = dotted(relation.schema, relation.name);
    const words = `no entry, so ${catalog.unclassified.name}`;
    if (isWholeTable)
      findings.push({
        kind: 'unclassified',
        weight: 'fails',
        what: `${table} (${missing.length} columns)`,
        words,
        place: undefined,
      });
    else {
      for (const { name } of missing)
        findings.push({
          kind: 'unclassified',
          weight: 'fails',
          what: `${table}.${quoteName(name)}`,
          words,
          place: undefined,
        });
    }
  }
  return { findings, coverage: counts };
}

/** `schema\0table` or `schema\0table\0column` as it was → as it is, by the numbers that the server keeps through a rename. */
function renamesOf({ live, before }: DriftInput): ReadonlyMap<string, string> {
  const renames = new Map<string, string>();
  if (before === undefined || before.databaseOid !== live.databaseOid) return renames;
  const byOid = new Map(live.relations.map((one) => [one.oid, one]));
  for (const was of before.relations) {
    const is = byOid.get(was.oid);
    if (is === undefined || isSystemSchema(was.schema)) continue;
    if (relationKey(was) !== relationKey(is)) renames.set(relationKey(was), dotted(is.schema, is.name));
    const names = new Map(is.attributes.map((each) => [each.num, each.name]));
    for (const { num, name } of was.attributes) {
      const now = names.get(num);
      if (now !== undefined && now !== name)
        renames.set(`${relationKey(was)}\0${name}`, dotted(is.schema, is.name, now));
    }
  }
  return renames;
}

function dangling(
  words: DatabaseWords,
  schema: LiveSchema,
  renames: ReadonlyMap<string, string>,
): readonly DriftFinding[] {
  const findings: DriftFinding[] = [];
  const names = schema.relations.map((one) => dotted(one.schema, one.name));
  const add = (what: string, place: Place, key: string, near: readonly string[]): void => {
    const now = renames.get(key);
    const guess = nearest(what, near);
    const kind = now === undefined ? 'dangling' : 'renamed';
    const mend =
      now !== undefined
        ? `is called ${now} now`
        : guess === undefined
          ? 'is not there any more'
          : `is not there; is ${guess} meant?`;
    findings.push({ kind, weight: 'fails', what, words: mend, place });
  };
  for (const [key, table] of words.tables) {
    const relation = schema.byKey.get(key);
    const name = dotted(table.relation.schema, table.relation.name);
    if (relation === undefined) {
      add(name, table.place, key, names);
      continue;
    }
    const columns = relation.attributes.map((each) => dotted(relation.schema, relation.name, each.name));
    for (const [column, word] of danglingColumns(table, relation)) {
      add(dotted(relation.schema, relation.name, column), word.place, `${key}\0${column}`, columns);
    }
  }
  for (const [key, view] of words.views) {
    if (!schema.byKey.has(key)) add(dotted(view.relation.schema, view.relation.name), view.place, key, names);
  }
  for (const word of [...words.functions.values()].flat()) {
    const there = schema.functions.filter((one) => one.schema === word.schema && one.name === word.name);
    const isThere = there.some((one) => word.signature === undefined || signatureOf(one, schema) === word.signature);
    const signature = word.signature === undefined ? '' : `(${word.signature})`;
    if (!isThere)
      add(
        `${dotted(word.schema, word.name)}${signature}`,
        word.place,
        '',
        there.map((one) => `${dotted(one.schema, one.name)}(${signatureOf(one, schema)})`),
      );
  }
  return findings;
}

function danglingColumns(table: TableWords, relation: Relation): readonly (readonly [string, Word])[] {
  const live = new Set(relation.attributes.map((each) => each.name));
  return [...table.columns].filter(([column]) => !live.has(column));
}

function signatureOf(callee: FunctionInfo, schema: LiveSchema): string {
  const inputs = callee.arguments.filter(({ mode }) => mode !== 'out' && mode !== 'table');
  return normalSignature(inputs.map(({ type }) => arrayName(schema.typeName(type))).join(','));
}

const arrayName = (name: string): string => (name.startsWith('_') ? `${name.slice(1)}[]` : name);

function typeChanges({ live, before, catalog, database }: DriftInput): readonly DriftFinding[] {
  const words = catalog.databases.get(database);
  if (before === undefined || before.databaseOid !== live.databaseOid || words === undefined) return [];
  const [was, is] = [new LiveSchema(before), new LiveSchema(live)];
  const byOid = new Map(is.relations.map((one) => [one.oid, one]));
  return was.relations.flatMap((relation) => {
    const now = byOid.get(relation.oid);
    const table = words.tables.get(relationKey(relation));
    return relation.attributes.flatMap((attribute): readonly DriftFinding[] => {
      const same = now?.attributes.find((each) => each.num === attribute.num);
      const [from, to] = [was.typeName(attribute.type), same === undefined ? '' : is.typeName(same.type)];
      if (same === undefined || from === to) return [];
      const place = table?.columns.get(attribute.name)?.place;
      return [
        {
          kind: 'type',
          weight: 'note',
          what: dotted(relation.schema, relation.name, same.name),
          words: `was ${from}, is ${to}: can it hold something else now?`,
          place,
        },
      ];
    });
  });
}

/** Views are read through and bodies are read; what has no word and cannot be read is held at each use. */
function withoutWord(
  { live, database, catalog }: DriftInput,
  words: DatabaseWords | undefined,
): readonly DriftFinding[] {
  const extensions = new Set(live.extensions.map((one) => one.schema));
  const views = live.relations
    .filter((one) => one.kind === 'v' && !isSystemSchema(one.schema))
    .filter((one) => words?.views.has(relationKey(one)) !== true && words?.tables.has(relationKey(one)) !== true)
    .map((one): DriftFinding => ({
      kind: 'view',
      weight: 'note',
      what: dotted(one.schema, one.name),
      words: 'no entry: has the levels of the columns under it',
      place: undefined,
    }));
  const functions = live.functions
    .filter((one) => !isSystemSchema(one.schema) && !(one.language === 'c' && extensions.has(one.schema)))
    .filter((one) => catalog.databases.get(database)?.functions.has(relationKey(one)) !== true && isUnreadable(one))
    .map((one): DriftFinding => ({
      kind: 'function',
      weight: 'note',
      what: dotted(one.schema, one.name),
      words: `no entry, and ${one.language} with SQL put together at run time or not SQL: its calls are held`,
      place: undefined,
    }));
  return [...views, ...functions];
}

function isUnreadable(callee: FunctionInfo): boolean {
  if (callee.language === 'sql') return false;
  return callee.language !== 'plpgsql' || /\bexecute\b/i.test(callee.body);
}

export function findingText({ kind, what, words, place }: DriftFinding): string {
  return `${place === undefined ? '' : `${placeText(place)}: `}${kind}: ${what}: ${words}`;
}

export function coverageText({ tables, tablesNamed, columns, columnsNamed }: Coverage): string {
  return `${percent(tablesNamed, tables)} of ${tables} tables and ${percent(columnsNamed, columns)} of ${columns} columns are classified`;
}

/** Never rounded up to all of it. */
function percent(part: number, whole: number): string {
  return `${whole === 0 ? 100 : Math.floor((part * 1000) / whole) / 10} %`;
}
