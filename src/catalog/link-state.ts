// What linking carries along: the mistakes found so far, and where things stand. A mistake never stops the rest from being read,
// so that a person mends a file once, not once per mistake.
import type { Mistake, Place } from '../core/place.ts';
import { nearest } from '../core/nearest.ts';
import { placeOf, type Path, type YamlDocument } from '../core/yaml.ts';
import { visible } from '../core/visible.ts';
import type { Category, Level, Word } from './catalog.ts';
import type { EntryShape } from './file-schemas.ts';

export class Mistakes {
  readonly list: Mistake[] = [];

  add(place: Place, words: string, mend?: string): void {
    this.list.push({ place, words, mend });
  }

  /** Names come from files: nothing in them may write on the terminal of whoever checks. */
  unknownName(place: Place, what: string, name: string, candidates: Iterable<string>): void {
    const list = [...candidates];
    const near = nearest(name, list);
    const mend = near === undefined ? `known: ${list.slice(0, 20).join(', ')}` : `did you mean '${near}'?`;
    this.add(place, `no ${what} named '${visible(name)}'`, list.length === 0 ? undefined : mend);
  }
}

/** What an entry's text can mean: the names of the taxonomy. */
export interface Names {
  readonly levelByName: ReadonlyMap<string, Level>;
  readonly categories: ReadonlyMap<string, Category>;
}

export interface EntryAt {
  readonly document: YamlDocument;
  readonly path: Path;
}

/** An entry in words → its level. Undefined when it has a mistake, which is then on the list. */
export function linkEntry(names: Names, mistakes: Mistakes, entry: EntryShape, at: EntryAt): Word | undefined {
  const place = placeOf(at.document, at.path, 'key');
  if (typeof entry === 'string') return linkOneWord(names, mistakes, entry, { place, at });
  const category = entry.category === undefined ? undefined : names.categories.get(entry.category);
  const own = entry.level === undefined ? undefined : names.levelByName.get(entry.level);
  const there = (key: string): Place => placeOf(at.document, [...at.path, key]);
  if (entry.category !== undefined && category === undefined) {
    mistakes.unknownName(there('category'), 'category', entry.category, names.categories.keys());
    return undefined;
  }
  if (entry.level !== undefined && own === undefined) {
    mistakes.unknownName(there('level'), 'level', entry.level, names.levelByName.keys());
    return undefined;
  }
  const level = own ?? category?.level;
  if (level === undefined) {
    mistakes.add(place, 'an entry needs a level or a category', 'add level: or category:');
    return undefined;
  }
  const isLower = category !== undefined && level.rank < category.level.rank;
  if (isLower && entry.reason === undefined) {
    const words = `${level.name} is lower than ${category.level.name}, which ${category.name} has`;
    mistakes.add(there('level'), words, 'add a reason: or take the level out');
  }
  return { level, category: category?.name, reason: entry.reason, owner: entry.owner, place };
}

interface OneWord {
  readonly place: Place;
  readonly at: EntryAt;
}

function linkOneWord(names: Names, mistakes: Mistakes, text: string, where: OneWord): Word | undefined {
  const nothing = { reason: undefined, owner: undefined, place: where.place };
  const level = names.levelByName.get(text);
  if (level !== undefined) return { level, category: undefined, ...nothing };
  const category = names.categories.get(text);
  if (category !== undefined) return { level: category.level, category: category.name, ...nothing };
  const all = [...names.levelByName.keys(), ...names.categories.keys()];
  mistakes.unknownName(placeOf(where.at.document, where.at.path), 'level or category', text, all);
  return undefined;
}
