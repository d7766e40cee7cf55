// From the rows of `schema-queries.ts` to a Snapshot. Every field is checked: a row of another shape is an error, not a guess.
import { createHash } from 'node:crypto';
import type { ArgumentMode, Attribute, FunctionArgument, FunctionInfo, Relation, Snapshot } from './schema.ts';
import { groupNames, groupsOf, type Group } from './schema-groups.ts';
import { rowsMax, type SnapshotPart } from './schema-queries.ts';
import { SchemaRow } from './schema-row.ts';

/** Lists whose lines are the same as before are the same objects as before, and so is every row at the head or the tail of others. */
export function buildSnapshot(texts: GroupTexts, before?: Built): Snapshot {
  const was = before?.snapshot;
  const of: Of = (part, old, make) => {
    const groups = groupsOf(part);
    const lines = groups.flatMap((group) => texts.get(group)?.lines ?? []);
    if (old === undefined || before === undefined) return lines.map((line) => make(rowOf(part, line)));
    if (groups.every((group) => texts.get(group) === before.texts.get(group))) return old;
    const oldLines = groups.flatMap((group) => before.texts.get(group)?.lines ?? []);
    return remade({ lines, oldLines, old }, (line) => make(rowOf(part, line)));
  };
  const server = of('server', undefined, (row) => ({
    serverMajor: Math.floor(row.number() / 10_000),
    database: row.text(),
    databaseOid: row.number(),
  }))[0];
  if (server === undefined) throw new Error('the schema query server gave no row');
  return Object.freeze({
    ...server,
    schemaVersion: versionOf(texts),
    schemas: of('schemas', was?.schemas, (row) => ({ oid: row.number(), name: row.text() })),
    relations: relationsOf(texts, before),
    functions: of('functions', was?.functions, functionOf),
    ...typeParts(of, was),
    ...ruleParts(of, was),
    ...constraintParts(of, was),
    ...roleParts(of, was),
  });
}

/** What one group's query gave. */
export interface GroupText {
  readonly text: string;
  /** One for each row. */
  readonly lines: readonly string[];
  /** Of each row that the server printed something in; else nothing. They do not make another schema. */
  readonly versions: readonly string[];
  readonly hash: string;
}
export type GroupTexts = ReadonlyMap<Group, GroupText>;
export interface Built {
  readonly snapshot: Snapshot;
  readonly texts: GroupTexts;
}

export function groupText(group: string, text: string): GroupText {
  const rows = text === '' ? [] : text.split('\n');
  if (rows.length > rowsMax)
    throw new Error(`more than ${rowsMax} rows of ${group}: this schema is too large to be known`);
  const versions = rows.map(versionBefore);
  const lines = rows.map((row, at) => row.slice(lineAt(versions[at])));
  return { text, lines, versions, hash: createHash('sha256').update(lines.join('\n')).digest('hex') };
}

const versionBefore = (row: string): string => (row.startsWith('[') ? '' : row.slice(0, row.indexOf('\t')));
const lineAt = (version: string | undefined): number => (version ? version.length + 1 : 0);

/** Rows are in the order of their oids, so nearly every change leaves a long head and a long tail. */
function remade<T>(
  list: { readonly lines: readonly string[]; readonly oldLines: readonly string[]; readonly old: readonly T[] },
  make: (line: string) => T,
): readonly T[] {
  const { lines, oldLines, old } = list;
  const shorter = Math.min(lines.length, oldLines.length);
  let head = 0;
  while (head < shorter && lines[head] === oldLines[head]) head++;
  let tail = 0;
  while (tail < shorter - head && lines[lines.length - 1 - tail] === oldLines[oldLines.length - 1 - tail]) tail++;
  const made = lines.slice(head, lines.length - tail).map(make);
  if (made.length === 0 && lines.length === oldLines.length) return old;
  return [...old.slice(0, head), ...made, ...old.slice(old.length - tail)];
}

/** A relation and its columns are one object, so they are one text. */
function relationsOf(texts: GroupTexts, before: Built | undefined): readonly Relation[] {
  const lines = relationTexts(texts);
  const old = before?.snapshot.relations ?? [];
  const list = remade({ lines, oldLines: before === undefined ? [] : relationTexts(before.texts), old }, relationIn);
  const sizes = new Map(
    (texts.get('sizes')?.lines ?? []).map((line) => {
      const row = rowOf('sizes', line);
      return [row.number(), row.number()] as const;
    }),
  );
  const sizeOf = ({ oid }: Relation): number => sizes.get(oid) ?? -1;
  if (list.every((one) => one.rowsEstimate === sizeOf(one))) return list;
  return list.map((one) => (one.rowsEstimate === sizeOf(one) ? one : { ...one, rowsEstimate: sizeOf(one) }));
}

function relationTexts(texts: GroupTexts): readonly string[] {
  const columns = new Map<number, string>();
  for (const group of groupsOf('attributes')) {
    for (const line of texts.get(group)?.lines ?? []) {
      const oid = Number.parseInt(line.slice(1), 10);
      columns.set(oid, `${columns.get(oid) ?? ''}\n${line}`);
    }
  }
  return groupsOf('relations').flatMap((group) =>
    (texts.get(group)?.lines ?? []).map((line) => line + (columns.get(Number.parseInt(line.slice(1), 10)) ?? '')),
  );
}

function relationIn(text: string): Relation {
  const [line = '', ...columns] = text.split('\n');
  const attributes = columns.map((each) => attributeOf(rowOf('attributes', each)).attribute);
  return relationOf(rowOf('relations', line), attributes);
}

/** Estimates of row counts move all the time and name nothing: they are not part of the version. */
function versionOf(texts: GroupTexts): string {
  const hash = createHash('sha256');
  for (const group of groupNames) {
    if (group !== 'sizes') hash.update(`${group} ${texts.get(group)?.hash ?? ''} `);
  }
  return hash.digest('hex').slice(0, 32);
}

function rowOf(part: string, line: string): SchemaRow {
  const row: unknown = JSON.parse(line);
  return new SchemaRow(part, row);
}

export function rowsOf(part: string, text: string): readonly SchemaRow[] {
  return groupText(part, text).lines.map((line) => rowOf(part, line));
}

type Of = <T>(part: SnapshotPart, old: readonly T[] | undefined, make: (row: SchemaRow) => T) => readonly T[];

export function attributeOf(row: SchemaRow): { readonly relation: number; readonly attribute: Attribute } {
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

const kinds = { r: 'r', p: 'p', f: 'f', v: 'v', m: 'm', c: 'c', S: 'S', t: 't', i: 'i', I: 'I' } as const;

export function relationOf(row: SchemaRow, attributes: readonly Attribute[]): Relation {
  const head = {
    oid: row.number(),
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
    rowsEstimate: -1,
    attributes,
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

function typeParts(
  of: Of,
  was: Snapshot | undefined,
): Pick<Snapshot, 'types' | 'operators' | 'casts' | 'aggregates' | 'supportFunctions'> {
  return {
    types: of('types', was?.types, (row) => ({
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
    operators: of('operators', was?.operators, (row) => ({
      oid: row.number(),
      schema: row.text(),
      name: row.text(),
      left: row.number(),
      right: row.number(),
      result: row.number(),
      function: row.number(),
    })),
    casts: of('casts', was?.casts, (row) => ({
      source: row.number(),
      target: row.number(),
      function: row.number(),
      context: row.word({ e: 'explicit', a: 'assignment', i: 'implicit' } as const),
      method: row.word({ f: 'function', i: 'inout', b: 'binary' } as const),
    })),
    aggregates: of('aggregates', was?.aggregates, (row) => ({ function: row.number(), functions: row.numbers() })),
    supportFunctions: of('supportFunctions', was?.supportFunctions, (row) => ({
      left: row.number(),
      right: row.number(),
      function: row.number(),
    })),
  };
}

function ruleParts(
  of: Of,
  was: Snapshot | undefined,
): Pick<Snapshot, 'rules' | 'policies' | 'triggers' | 'eventTriggers'> {
  return {
    rules: of('rules', was?.rules, (row) => ({
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
    policies: of('policies', was?.policies, (row) => ({
      relation: row.number(),
      name: row.text(),
      command: row.word({ '*': 'all', r: 'select', a: 'insert', w: 'update', d: 'delete' } as const),
      permissive: row.yes(),
      roles: row.numbers(),
      using: row.maybeText(),
      check: row.maybeText(),
    })),
    triggers: of('triggers', was?.triggers, (row) => ({
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
    eventTriggers: of('eventTriggers', was?.eventTriggers, (row) => ({
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

function constraintParts(of: Of, was: Snapshot | undefined): Pick<Snapshot, 'constraints' | 'inheritance' | 'indexes'> {
  return {
    constraints: of('constraints', was?.constraints, (row) => ({
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
    inheritance: of('inheritance', was?.inheritance, (row) => ({ child: row.number(), parent: row.number() })),
    indexes: of('indexes', was?.indexes, (row) => ({
      oid: row.number(),
      name: row.text(),
      relation: row.number(),
      unique: row.yes(),
      primary: row.yes(),
      columns: row.numbers(),
      expressions: row.maybeText(),
      predicate: row.maybeText(),
      nullsAlike: row.yes(),
    })),
  };
}

function roleParts(of: Of, was: Snapshot | undefined): Pick<Snapshot, 'roles' | 'settings' | 'extensions'> {
  return {
    roles: of('roles', was?.roles, (row) => ({
      oid: row.number(),
      name: row.text(),
      superuser: row.yes(),
      bypassRowSecurity: row.yes(),
    })),
    settings: of('settings', was?.settings, (row) => ({
      database: row.number(),
      role: row.number(),
      settings: row.texts(),
    })),
    extensions: of('extensions', was?.extensions, (row) => ({
      name: row.text(),
      schema: row.text(),
      version: row.text(),
    })),
  };
}
