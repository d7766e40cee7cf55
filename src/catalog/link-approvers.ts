// approvers.yaml → people and groups, and the checks that somebody can really say yes: a hold that nobody can decide is a refusal
// that takes an hour.
import { placeOf, type YamlDocument } from '../core/yaml.ts';
import { visible } from '../core/visible.ts';
import { placeText, type Place } from '../core/place.ts';
import type { Approver, DatabaseWords, TableWords } from './catalog.ts';
import type { ApproversShape } from './file-schemas.ts';
import type { DatabaseFile } from './link-databases.ts';
import type { Mistakes } from './link-state.ts';
import type { Taxonomy } from './link-taxonomy.ts';

export interface People {
  readonly approvers: ReadonlyMap<string, Approver>;
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

export const nobody: People = { approvers: new Map(), groups: new Map() };

export function linkApprovers(document: YamlDocument, shape: ApproversShape, mistakes: Mistakes): People {
  const approvers = new Map<string, Approver>();
  const groups = new Map<string, string[]>();
  const handles = new Map<string, Place>();
  for (const [name, person] of Object.entries(shape.approvers)) {
    const place = placeOf(document, ['approvers', name], 'key');
    const ways = [person.slack, person.email?.toLowerCase(), person.token_sha256, person.oidc].filter(
      (way) => way !== undefined,
    );
    if (ways.length === 0) {
      mistakes.add(place, `'${name}' has no way to be asked`, 'add email:, slack:, token_sha256: or oidc:');
    }
    for (const way of ways) {
      const first = handles.get(way);
      const mend = first === undefined ? undefined : `the first is ${placeText(first)}; one person has one entry`;
      // Two names for one person would be two votes of one person.
      if (first !== undefined) mistakes.add(place, `'${visible(way)}' belongs to somebody else already`, mend);
      handles.set(way, place);
    }
    for (const group of new Set(person.groups)) groups.set(group, [...(groups.get(group) ?? []), name]);
    approvers.set(name, {
      name,
      email: person.email,
      slack: person.slack,
      tokenSha256: person.token_sha256,
      ...(person.oidc === undefined ? {} : { oidc: person.oidc }),
      groups: [...new Set(person.groups)],
      place,
    });
  }
  return { approvers, groups };
}

/** Everything that names a group: levels with their quorum, owners of files, tables and columns. */
export function checkGroups(input: {
  readonly taxonomy: Taxonomy;
  readonly files: readonly DatabaseFile[];
  readonly databases: ReadonlyMap<string, DatabaseWords>;
  readonly people: People;
  readonly taxonomyDocument: YamlDocument;
  readonly mistakes: Mistakes;
}): void {
  const { taxonomy, files, databases, people, taxonomyDocument, mistakes } = input;
  for (const level of taxonomy.levels) {
    const at = (key: string): Place => placeOf(taxonomyDocument, ['levels', level.rank, key]);
    for (const group of level.approvers) checkGroup(people, mistakes, group, at('approvers'));
    const isKnown = level.approvers.every((group) => people.groups.has(group));
    const count = new Set(level.approvers.flatMap((group) => people.groups.get(group) ?? [])).size;
    if (isKnown && level.approvers.length > 0 && level.quorum > count) {
      const words = `a quorum of ${level.quorum}, but ${level.approvers.join(' and ')} ${count === 1 ? 'has one person' : `have ${count} people`}`;
      mistakes.add(at('quorum'), words, 'lower the quorum or add people in approvers.yaml');
    }
    const isOrphan = level.read === 'hold' && level.approvers.length === 0;
    if (isOrphan && !(files.length > 0 && files.every((file) => file.shape.owner !== undefined))) {
      mistakes.add(level.place, `the level '${level.name}' asks, but nobody`, 'add approvers: [group]');
    }
  }
  for (const file of files) for (const [owner, place] of ownersOf(file)) checkGroup(people, mistakes, owner, place);
  for (const words of databases.values())
    for (const table of words.tables.values()) checkQuorums(table, people, mistakes);
}

/** An owner is asked instead of the level's approvers, with the level's quorum. */
function checkQuorums(table: TableWords, people: People, mistakes: Mistakes): void {
  for (const word of [table.default, ...table.columns.values()]) {
    const owner = word?.owner ?? table.owner;
    const size = owner === undefined ? undefined : people.groups.get(owner)?.length;
    if (word === undefined || size === undefined || word.level.read !== 'hold' || word.level.quorum <= size) continue;
    const words = `${word.level.name} needs ${word.level.quorum} people, its owner ${owner ?? ''} has ${size}`;
    mistakes.add(word.place, words, 'add people in approvers.yaml or take the owner out');
  }
}

export function checkGroup(people: People, mistakes: Mistakes, group: string, place: Place): void {
  if (people.groups.has(group)) return;
  mistakes.unknownName(place, 'group', group, people.groups.keys());
}

function* ownersOf({ document, shape }: DatabaseFile): Generator<readonly [string, Place]> {
  const at = (...path: readonly string[]): Place => placeOf(document, path);
  if (shape.owner !== undefined) yield [shape.owner, at('owner')];
  for (const [name, table] of Object.entries(shape.tables ?? {})) {
    if (typeof table === 'string') continue;
    if (table.owner !== undefined) yield [table.owner, at('tables', name, 'owner')];
    for (const [column, entry] of Object.entries(table.columns ?? {})) {
      if (typeof entry !== 'string' && entry.owner !== undefined) {
        yield [entry.owner, at('tables', name, 'columns', column, 'owner')];
      }
    }
  }
  for (const section of ['views', 'functions'] as const) {
    for (const [name, entry] of Object.entries(shape[section] ?? {})) {
      if (typeof entry !== 'string' && entry.owner !== undefined) yield [entry.owner, at(section, name, 'owner')];
    }
  }
}
