// What the server printed before and need not print again. Printing a definition takes locks on what it names: whoever has emptied or locked
// a table in an open transaction would keep the schema from being read by anybody, for as long as he likes and whatever else was defined.
//
// A definition is kept by the server as a tree of numbers and printed with the names of the moment. So what was printed for a version of
// a row holds as long as that version does, and as no name moves: every object that is still there is called what it was called, and
// nothing was added inside a relation that was there, or to what is found without a schema. That is looked at first; printing is the other way.
import type { GroupText, GroupTexts } from './schema-build.ts';
import { groupQueries, groupsOf, type Group } from './schema-groups.ts';
import { nothingKept, type SnapshotPart } from './schema-queries.ts';

/** A version as `schema-queries.ts` makes it: numbers, and places in brackets. */
const version = /^[0-9:(),]+$/;

/** Asks for a group; of the rows that stand in `lent` as they are, only the version comes. */
export function queryKeeping(group: Group, lent: GroupText | undefined): string {
  const versions = lent?.versions.filter((each) => version.test(each)) ?? [];
  if (versions.length === 0) return groupQueries[group];
  const list = `'{${versions.map((each) => `"${each}"`).join(',')}}'::pg_catalog.text[]`;
  return groupQueries[group].replaceAll(nothingKept, list);
}

/** The answer as it would have come without keeping anything. */
export function withKept(text: string, lent: GroupText | undefined): string {
  if (text === '' || lent === undefined) return text;
  const kept = new Map(lent.versions.map((each, at) => [each, lent.lines[at]]));
  const rows = text.split('\n').map((row) => {
    if (row.startsWith('[') || row.includes('\t')) return row;
    const line = kept.get(row);
    if (line === undefined) throw new Error('the schema query gave a version of a row that it was not asked for');
    return `${row}\t${line}`;
  });
  return rows.join('\n');
}

/** Groups whose rows say what things are called: the leading fields that tell a thing, and those that it is printed by. */
const naming = {
  schemas: { key: 1, names: 2 },
  relations: { key: 1, names: 4 },
  attributes: { key: 2, names: 4 },
  types: { key: 1, names: 4 },
  functions: { key: 1, names: 6 },
  operators: { key: 1, names: 6 },
} as const satisfies Partial<Record<SnapshotPart, { readonly key: number; readonly names: number }>>;
type Naming = keyof typeof naming;
const namingParts: readonly Naming[] = ['schemas', 'relations', 'attributes', 'types', 'functions', 'operators'];
const namingGroups: ReadonlySet<Group> = new Set(namingParts.flatMap((part) => groupsOf(part)));

/** They are asked for first: whether the others may be kept stands in them. */
export function isNaming(group: Group): boolean {
  return namingGroups.has(group);
}

/** Whether all that was printed with the names of `before` would be printed the same with those of `now`. */
export function namesStand(before: GroupTexts, now: GroupTexts): boolean {
  return namingParts.every((part) =>
    groupsOf(part).every((group) => stands(part, before.get(group), now.get(group), before)),
  );
}

function stands(part: Naming, before: GroupText | undefined, now: GroupText | undefined, all: GroupTexts): boolean {
  if (before === now || before === undefined || now === undefined) return before === now;
  const moved = without(now.lines, before.lines).map(fieldsOf);
  if (moved.length === 0) return true;
  const { key, names } = naming[part];
  const keyOf = (row: readonly unknown[]): string => String(row.slice(0, key));
  const was = new Map(without(before.lines, now.lines).map((line) => [keyOf(fieldsOf(line)), fieldsOf(line)]));
  const relations = part === 'attributes' ? relationsIn(all) : undefined;
  return moved.every((row) => {
    const old = was.get(keyOf(row));
    if (old !== undefined) return JSON.stringify(old.slice(0, names)) === JSON.stringify(row.slice(0, names));
    // Found by its name alone, before all others.
    return relations === undefined ? row[1] !== 'pg_catalog' : !relations.has(Number(row[0]));
  });
}

/** Nearly every line stands: only the others are worth looking into. */
function without(lines: readonly string[], others: readonly string[]): readonly string[] {
  const there = new Set(others);
  return lines.filter((line) => !there.has(line));
}

function relationsIn(texts: GroupTexts): ReadonlySet<number> {
  const lines = groupsOf('relations').flatMap((group) => texts.get(group)?.lines ?? []);
  return new Set(lines.map((line) => Number.parseInt(line.slice(1), 10)));
}

function fieldsOf(line: string): readonly unknown[] {
  const row: unknown = JSON.parse(line);
  return Array.isArray(row) ? row : [];
}
