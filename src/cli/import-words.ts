// What all importers share: a statement about a column in somebody else's words, and how those words become ours. A word is taken only
// where the taxonomy has it; everything else becomes a comment, since a guess would look like a decision.
import { dotted, parseDotted, quoteName } from '../core/names.ts';
import { visible } from '../core/visible.ts';
import type { PlainValue } from '../core/yaml.ts';
import type { Catalog } from '../catalog/catalog.ts';

export interface Statement {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  /** Tags, classes and meta values, the most particular first. */
  readonly words: readonly string[];
  readonly description: string | undefined;
}

export interface ImportedYaml {
  readonly yaml: string;
  readonly taken: number;
  readonly foreign: number;
}

export function importYaml(catalog: Catalog, database: string, statements: readonly Statement[]): ImportedYaml {
  const tables = new Map<string, Statement[]>();
  for (const one of statements.filter(({ words }) => words.length > 0)) {
    const table = dotted(one.schema, one.table);
    tables.set(table, [...(tables.get(table) ?? []), one]);
  }
  let [taken, foreign] = [0, 0];
  const lines: string[] = [];
  for (const [table, columns] of [...tables].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const entries = columns.map((one) => ({ one, word: ourWord(catalog, one.words) }));
    const isAnyTaken = entries.some(({ word }) => word !== undefined);
    lines.push(isAnyTaken ? `  ${JSON.stringify(table)}:` : `  # ${table}:`);
    if (isAnyTaken) lines.push('    columns:');
    for (const { one, word } of entries) {
      const said = visible(one.words.join(', ').replaceAll('\n', ' '), 120);
      const name = JSON.stringify(quoteName(one.column));
      if (word === undefined) foreign += 1;
      else taken += 1;
      lines.push(
        word === undefined
          ? `      # ${name}: said elsewhere: ${said}`
          : `      ${name}: ${word} # said elsewhere: ${said}`,
      );
    }
  }
  const head = ['version: 1', `database: ${JSON.stringify(database)}`, taken === 0 ? 'tables: {}' : 'tables:'];
  return { yaml: `${[...head, ...lines].join('\n')}\n`, taken, foreign };
}

/** A category or level of the taxonomy, by its whole name or as the end of the word: `PII.Email` is no word of ours, `Tier.restricted` is. */
function ourWord(catalog: Catalog, words: readonly string[]): string | undefined {
  const known = new Map(
    [...catalog.categories.keys(), ...catalog.levelByName.keys()].map((name) => [name.toLowerCase(), name]),
  );
  for (const word of words) {
    const folded = word.trim().toLowerCase();
    const parts = folded.split(/[.:/]/);
    const candidates = [folded, ...parts.map((_part, index) => parts.slice(index).join('.'))];
    for (const candidate of candidates) {
      const found = known.get(candidate);
      if (found !== undefined) return found;
    }
    const ending = parts.at(-1) ?? '';
    const category = [...catalog.categories.keys()].find((name) => name.toLowerCase().split('.').at(-1) === ending);
    if (category !== undefined) return category;
  }
  return undefined;
}

/** `schema.table`, or a table alone in `public`. */
export function tableOf(text: string, schema: string | undefined): { readonly schema: string; readonly table: string } {
  const parts = parseDotted(text) ?? [text];
  const table = parts.at(-1) ?? text;
  return { schema: parts.at(-2) ?? schema ?? 'public', table };
}

// Reading what others wrote: nothing about its form is taken for granted.

export type Fields = Readonly<Record<string, PlainValue | undefined>>;

export function fieldsOf(value: PlainValue | undefined): Fields {
  return typeof value === 'object' && value !== null && !isList(value) ? value : {};
}

export function listOf(value: PlainValue | undefined): readonly PlainValue[] {
  return isList(value) ? value : [];
}

function isList(value: PlainValue | undefined): value is readonly PlainValue[] {
  return Array.isArray(value);
}

export function textOf(value: PlainValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function textsOf(value: PlainValue | undefined): readonly string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  return listOf(value).filter((one) => typeof one === 'string');
}

/** Values of a `meta` map whose keys speak of sensitivity; `contains_pii: true` says its own name. */
export function metaWords(meta: Fields): readonly string[] {
  return Object.entries(meta).flatMap(([key, value]) => {
    if (!/class|sensitiv|categor|privacy|pii|level|label|data_type|confidential/i.test(key)) return [];
    return value === true ? [key] : textsOf(value);
  });
}
