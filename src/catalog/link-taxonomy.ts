// taxonomy.yaml → levels, categories and patterns. A child category without a level takes its parent's.
import { isNonEmpty } from '../core/brand.ts';
import { placeOf, type YamlDocument } from '../core/yaml.ts';
import type { Category, Level, Word } from './catalog.ts';
import type { TaxonomyShape } from './file-schemas.ts';
import { linkEntry, type Mistakes, type Names } from './link-state.ts';
import { compilePattern, type NamePattern } from './pattern.ts';

export interface Taxonomy extends Names {
  readonly levels: readonly Level[];
  readonly unclassified: Level;
  readonly patterns: readonly NamePattern<Word>[];
}

export function linkTaxonomy(document: YamlDocument, shape: TaxonomyShape, mistakes: Mistakes): Taxonomy | undefined {
  const levels = linkLevels(document, shape, mistakes);
  const last = levels.at(-1);
  if (!isNonEmpty(levels) || last === undefined) return undefined;
  const levelByName = new Map(levels.map((level) => [level.name, level]));
  const categories = linkCategories(document, shape, levelByName, mistakes);
  const names = { levelByName, categories };
  const named = shape.defaults?.unclassified;
  const unclassified = named === undefined ? unclassifiedByDefault(levels) : levelByName.get(named);
  if (named !== undefined && unclassified === undefined) {
    const place = placeOf(document, ['defaults', 'unclassified']);
    mistakes.unknownName(place, 'level', named, levelByName.keys());
  }
  const patterns = linkPatterns(document, shape, names, mistakes);
  return { ...names, levels, unclassified: unclassified ?? last, patterns };
}

/** What nobody spoke about must be asked about: `restricted`, else the strictest level that is asked for, else the strictest. */
function unclassifiedByDefault(levels: readonly [Level, ...Level[]]): Level {
  const named = levels.find((level) => level.name === 'restricted');
  return named ?? levels.findLast((level) => level.read === 'hold') ?? levels.at(-1) ?? levels[0];
}

function linkLevels(document: YamlDocument, shape: TaxonomyShape, mistakes: Mistakes): readonly Level[] {
  const seen = new Set<string>();
  return shape.levels.map((level, rank) => {
    const place = placeOf(document, ['levels', rank]);
    if (seen.has(level.name)) mistakes.add(place, `the level '${level.name}' is here twice`, 'take one out');
    seen.add(level.name);
    const isAsked = level.approvers !== undefined;
    if (level.quorum !== undefined && !isAsked) {
      mistakes.add(placeOf(document, ['levels', rank, 'quorum']), 'a quorum of nobody', 'add approvers: [group]');
    }
    return {
      name: level.name,
      rank,
      read: level.read === 'mask' ? 'hold' : level.read,
      isMasked: level.read === 'mask',
      mask: level.mask,
      rows: level.rows,
      approvers: level.approvers ?? [],
      quorum: level.quorum ?? 1,
      ...(level.step_up === undefined ? {} : { stepUp: level.step_up }),
      place,
    };
  });
}

function linkCategories(
  document: YamlDocument,
  shape: TaxonomyShape,
  levelByName: ReadonlyMap<string, Level>,
  mistakes: Mistakes,
): ReadonlyMap<string, Category> {
  const categories = new Map<string, Category>();
  const entries = Object.entries(shape.categories ?? {});
  // Parents first: a parent's name is always shorter than its child's.
  for (const [name, entry] of entries.toSorted(([a], [b]) => a.length - b.length)) {
    const place = placeOf(document, ['categories', name], 'key');
    const parent = parentOf(categories, name);
    const own =
      typeof entry === 'string' ? { level: entry, reason: undefined, frameworks: undefined, mask: undefined } : entry;
    const level = own.level === undefined ? parent?.level : levelByName.get(own.level);
    if (own.level !== undefined && level === undefined) {
      mistakes.unknownName(place, 'level', own.level, levelByName.keys());
      continue;
    }
    if (level === undefined) {
      mistakes.add(place, `'${name}' has no level and no parent to take it from`, 'add level:');
      continue;
    }
    if (parent !== undefined && level.rank < parent.level.rank && own.reason === undefined) {
      const words = `${level.name} is lower than ${parent.level.name}, which its parent ${parent.name} has`;
      mistakes.add(place, words, 'add a reason: or raise the level');
    }
    if (levelByName.has(name)) mistakes.add(place, `'${name}' is a level too`, 'give the category another name');
    categories.set(name, {
      name,
      level,
      mask: own.mask,
      frameworks: own.frameworks ?? parent?.frameworks ?? [],
      place,
    });
  }
  return categories;
}

/** The nearest named ancestor: `personal` for `personal.contact.email` when nobody named `personal.contact`. */
function parentOf(categories: ReadonlyMap<string, Category>, name: string): Category | undefined {
  for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
    const parent = categories.get(name.slice(0, dot));
    if (parent !== undefined) return parent;
  }
  return undefined;
}

function linkPatterns(
  document: YamlDocument,
  shape: TaxonomyShape,
  names: Names,
  mistakes: Mistakes,
): readonly NamePattern<Word>[] {
  const patterns: NamePattern<Word>[] = [];
  for (const [index, { column, ...entry }] of (shape.patterns ?? []).entries()) {
    const path = ['patterns', index];
    const compiled = compilePattern(column);
    const word = linkEntry(names, mistakes, entry, { document, path });
    if (compiled.kind === 'bad') {
      mistakes.add(placeOf(document, [...path, 'column']), compiled.words, compiled.mend);
    } else if (word !== undefined) {
      patterns.push({ matches: compiled.matches, source: column, word, place: word.place });
    }
  }
  return patterns;
}
