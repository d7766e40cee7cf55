// From the rows of `schema-queries.ts` to a Snapshot. Every field is checked: a row of another shape is an error, not a guess.
import { createHash } from 'node:crypto';
import { known, notKnown, type Known } from '../core/known.ts';
import type { ArgumentMode, Attribute, FunctionArgument, FunctionInfo, Relation, Snapshot } from './schema.ts';
import {
  beginSnapshot,
  endSnapshot,
  rowsMax,
  snapshotQueries,
  temporaryQueries,
  type Query,
  type SnapshotPart,
  type SnapshotRows,
} from './schema-queries.ts';
import { SchemaRow } from './schema-row.ts';

/** Reads the whole schema in one transaction. On any error the transaction is ended and the error passed on. */
export async function readSnapshot(query: Query): Promise<Snapshot> {
  for (const text of beginSnapshot) await query(text);
  try {
    const rows: Partial<Record<SnapshotPart, string>> = {};
    for (const [part, sql] of Object.entries(snapshotQueries)) {
      const text = (await query(sql))[0]?.[0];
      if (typeof text !== 'string') throw new Error(`the schema query ${part} gave no row`);
      rows[part as SnapshotPart] = text;
    }
    return buildSnapshot(rows as SnapshotRows);
  } finally {
    await query(endSnapshot);
  }
}

export function buildSnapshot(rows: SnapshotRows): Snapshot {
  const of = <T>(part: SnapshotPart, make: (row: SchemaRow) => T): readonly T[] => parse(part, rows[part]).map(make);
  const server = of('server', (row) => ({
    serverMajor: Math.floor(row.number() / 10_000),
    database: row.text(),
    databaseOid: row.number(),
  }))[0];
  if (server === undefined) throw new Error('the schema query server gave no row');
  const attributes = attributesByRelation(of('attributes', attributeOf));
  const sizes = new Map(of('sizes', (row) => [row.number(), row.number()] as const));
  return Object.freeze({
    ...server,
    schemaVersion: versionOf(rows),
    schemas: of('schemas', (row) => ({ oid: row.number(), name: row.text() })),
    relations: of('relations', (row) => relationOf(row, attributes, sizes)),
    functions: of('functions', functionOf),
    ...typeParts(of),
    ...ruleParts(of),
    ...constraintParts(of),
    ...roleParts(of),
  });
}

/** A default that computes nothing of anybody's: a number of a sequence, a clock, a constant. */
const plainDefault =
  /^(?:nextval\('[^']*'::regclass\)|now\(\)|CURRENT_[A-Z]+|NULL|true|false|-?[\d.]+|'(?:[^']|'')*')(?:::[a-z ]+(?:\([\d,]+\))?(?:\[\])?)?$/;

/**
 * The asking session's temporary relations. A few questions, outside any transaction of ours: it is the session's own. Not known when
 * the session made functions, operators or types for itself: names may then mean those.
 */
export async function readTemporary(query: Query): Promise<Known<readonly Relation[]>> {
  const text = async (part: keyof typeof temporaryQueries): Promise<string> => {
    const found = (await query(temporaryQueries[part]))[0]?.[0];
    if (typeof found !== 'string') throw new Error(`the question for temporary ${part} gave no row`);
    return found;
  };
  const relations = parse('relations', await text('relations'));
  const attributes = attributesByRelation(parse('attributes', await text('attributes')).map(attributeOf));
  const unread = new Map(
    parse('temporary relations', await text('unread')).map((row) => [row.number(), row.maybeText()]),
  );
  const others = parse('temporary objects', await text('others')).map((row) => row.text());
  if (others[0] !== undefined) return notKnown(`the session made a temporary ${others[0]}`);
  return known(
    relations.map((row) => {
      const relation = relationOf(row, attributes, new Map());
      const computed = relation.attributes.some(
        ({ expression }) => expression !== undefined && !plainDefault.test(expression),
      );
      const why = unread.get(relation.oid) ?? (computed ? 'has a computed default' : undefined);
      return why === undefined ? relation : { ...relation, unread: why };
    }),
  );
}

/** Estimates of row counts move all the time and name nothing: they are not part of the version. */
function versionOf(rows: SnapshotRows): string {
  const hash = createHash('sha256');
  for (const [part, text] of Object.entries(rows)) {
    if (part !== 'sizes') hash.update(part).update(text);
  }
  return hash.digest('hex').slice(0, 32);
}

function parse(part: string, text: string): readonly SchemaRow[] {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) throw new Error(`the schema query ${part} gave no list`);
  if (value.length > rowsMax)
    throw new Error(`more than ${rowsMax} rows of ${part}: this schema is too large to be known`);
  return value.map((row: unknown) => new SchemaRow(part, row));
}

type Of = <T>(part: SnapshotPart, make: (row: SchemaRow) => T) => readonly T[];

function attributeOf(row: SchemaRow): { readonly relation: number; readonly attribute: Attribute } {
  return {
    relation: row.number(),
    attribute: {
      num: row.number(),
      name: row.text(),
      type: row.number(),
      notNull: row.yes(),
      generated: row.word({ '': 'no', s: 'stored', v: 'virtual' } as const),
      identity: row.word({ '': 'no', a: 'always', d: 'by default' } as const),
      expression: row.maybeText(),
      generatedFrom: row.numbers(),
      oldRows: row.yes() ? 'value' : 'none',
    },
  };
}

function attributesByRelation(
  list: readonly { readonly relation: number; readonly attribute: Attribute }[],
): ReadonlyMap<number, readonly Attribute[]> {
  const found = new Map<number, Attribute[]>();
  for (const { relation, attribute } of list) {
    const attributes = found.get(relation);
    if (attributes === undefined) found.set(relation, [attribute]);
    else attributes.push(attribute);
  }
  return found;
}

const kinds = { r: 'r', p: 'p', f: 'f', v: 'v', m: 'm', c: 'c', S: 'S', t: 't', i: 'i', I: 'I' } as const;

function relationOf(
  row: SchemaRow,
  attributes: ReadonlyMap<number, readonly Attribute[]>,
  sizes: ReadonlyMap<number, number>,
): Relation {
  const oid = row.number();
  const head = {
    oid,
    schema: row.text(),
    name: row.text(),
    kind: row.word(kinds),
    rowType: row.number(),
    owner: row.number(),
    persistence: row.word({ p: 'permanent', u: 'unlogged', t: 'temporary' } as const),
  };
  const rowSecurity = row.yes();
  const forced = row.yes();
  return {
    ...head,
    rowSecurity: !rowSecurity ? 'no' : forced ? 'forced' : 'on',
    securityInvoker: row.yes(),
    isPartition: row.yes(),
    rowsEstimate: sizes.get(oid) ?? -1,
    attributes: attributes.get(oid) ?? [],
  };
}

const modes: Readonly<Record<string, ArgumentMode>> = { i: 'in', o: 'out', b: 'inout', v: 'variadic', t: 'table' };

function functionOf(row: SchemaRow): FunctionInfo {
  const head = {
    oid: row.number(),
    schema: row.text(),
    name: row.text(),
    kind: row.word({ f: 'function', p: 'procedure', a: 'aggregate', w: 'window' } as const),
    language: row.text(),
    arguments: argumentsOf(row.numbers(), row.maybeNumbers(), row.texts(), row.texts()),
    defaults: row.number(),
    variadic: row.number(),
    returns: row.number(),
    returnsSet: row.yes(),
    volatility: row.word({ i: 'immutable', s: 'stable', v: 'volatile' } as const),
    securityDefiner: row.yes(),
    strict: row.yes(),
    owner: row.number(),
    config: row.texts(),
    body: row.text(),
    atomicBody: row.maybeText(),
  };
  return { ...head, defaultsText: row.text(), xmin: row.number(), extension: row.text() };
}

/** proallargtypes is null when all arguments are IN; names and modes may be missing altogether. */
function argumentsOf(
  inTypes: readonly number[],
  allTypes: readonly number[] | undefined,
  argumentModes: readonly string[],
  names: readonly string[],
): readonly FunctionArgument[] {
  return (allTypes ?? inTypes).map((type, at) => {
    const mode = modes[argumentModes[at] ?? 'i'];
    if (mode === undefined) throw new Error(`an argument of mode ${argumentModes[at]} is not known`);
    return { name: names[at] ?? '', type, mode };
  });
}

function typeParts(of: Of): Pick<Snapshot, 'types' | 'operators' | 'casts' | 'aggregates' | 'supportFunctions'> {
  return {
    types: of('types', (row) => ({
      oid: row.number(),
      schema: row.text(),
      name: row.text(),
      kind: row.word({ b: 'b', c: 'c', d: 'd', e: 'e', p: 'p', r: 'r', m: 'm' } as const),
      category: row.text(),
      relation: row.number(),
      element: row.number(),
      array: row.number(),
      base: row.number(),
      subtype: row.number(),
    })),
    operators: of('operators', (row) => ({
      oid: row.number(),
      schema: row.text(),
      name: row.text(),
      left: row.number(),
      right: row.number(),
      result: row.number(),
      function: row.number(),
    })),
    casts: of('casts', (row) => ({
      source: row.number(),
      target: row.number(),
      function: row.number(),
      context: row.word({ e: 'explicit', a: 'assignment', i: 'implicit' } as const),
      method: row.word({ f: 'function', i: 'inout', b: 'binary' } as const),
    })),
    aggregates: of('aggregates', (row) => ({ function: row.number(), functions: row.numbers() })),
    supportFunctions: of('supportFunctions', (row) => ({
      left: row.number(),
      right: row.number(),
      function: row.number(),
    })),
  };
}

function ruleParts(of: Of): Pick<Snapshot, 'rules' | 'policies' | 'triggers' | 'eventTriggers'> {
  return {
    rules: of('rules', (row) => ({
      oid: row.number(),
      relation: row.number(),
      name: row.text(),
      event: row.word({ 1: 'select', 2: 'update', 3: 'insert', 4: 'delete' } as const),
      instead: row.yes(),
      enabled: row.text() !== 'D',
      // The server prints nothing for a definition that it cannot: then it cannot be opened, and is not known.
      definition: row.maybeText() ?? '',
      tree: row.text(),
    })),
    policies: of('policies', (row) => ({
      relation: row.number(),
      name: row.text(),
      command: row.word({ '*': 'all', r: 'select', a: 'insert', w: 'update', d: 'delete' } as const),
      permissive: row.yes(),
      roles: row.numbers(),
      using: row.maybeText(),
      check: row.maybeText(),
    })),
    triggers: of('triggers', (row) => ({
      oid: row.number(),
      relation: row.number(),
      name: row.text(),
      function: row.number(),
      bits: row.number(),
      enabled: row.text() !== 'D',
      internal: row.yes(),
      columns: row.numbers(),
      definition: row.text(),
    })),
    eventTriggers: of('eventTriggers', (row) => ({
      name: row.text(),
      event: row.text(),
      function: row.number(),
      enabled: row.text() !== 'D',
    })),
  };
}

const constraintKinds = {
  c: 'check',
  f: 'foreign key',
  p: 'primary key',
  u: 'unique',
  x: 'exclusion',
  n: 'not null',
  t: 'trigger',
} as const;

function constraintParts(of: Of): Pick<Snapshot, 'constraints' | 'inheritance' | 'indexes'> {
  return {
    constraints: of('constraints', (row) => ({
      oid: row.number(),
      name: row.text(),
      relation: row.number(),
      domain: row.number(),
      kind: row.word(constraintKinds),
      columns: row.numbers(),
      foreignRelation: row.number(),
      foreignColumns: row.numbers(),
      onUpdate: row.text(),
      onDelete: row.text(),
      index: row.number(),
      definition: row.text(),
    })),
    inheritance: of('inheritance', (row) => ({ child: row.number(), parent: row.number() })),
    indexes: of('indexes', (row) => ({
      oid: row.number(),
      name: row.text(),
      relation: row.number(),
      unique: row.yes(),
      primary: row.yes(),
      columns: row.numbers(),
      expressions: row.maybeText(),
      predicate: row.maybeText(),
    })),
  };
}

function roleParts(of: Of): Pick<Snapshot, 'roles' | 'settings' | 'extensions'> {
  return {
    roles: of('roles', (row) => ({
      oid: row.number(),
      name: row.text(),
      superuser: row.yes(),
      bypassRowSecurity: row.yes(),
    })),
    settings: of('settings', (row) => ({ database: row.number(), role: row.number(), settings: row.texts() })),
    extensions: of('extensions', (row) => ({ name: row.text(), schema: row.text(), version: row.text() })),
  };
}
