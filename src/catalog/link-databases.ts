// The files of databases → one set of words per database. Several files merge; two files that speak of one column do not.
import { parseDotted } from '../core/names.ts';
import { placeText, type Place } from '../core/place.ts';
import { placeOf, type Path, type YamlDocument } from '../core/yaml.ts';
import { visible } from '../core/visible.ts';
import type { RelationName } from '../sql/analysis.ts';
import { relationKey, type DatabaseWords, type FunctionWord, type ViewWord, type Word } from './catalog.ts';
import type { DatabaseShape, EntryShape } from './file-schemas.ts';
import { parseFunctionName } from './function-name.ts';
import { linkEntry, type Mistakes } from './link-state.ts';
import type { Taxonomy } from './link-taxonomy.ts';

export interface DatabaseFile {
  readonly document: YamlDocument;
  readonly shape: DatabaseShape;
}

export function linkDatabases(
  taxonomy: Taxonomy,
  files: readonly DatabaseFile[],
  mistakes: Mistakes,
): ReadonlyMap<string, DatabaseWords> {
  const drafts = new Map<string, Draft>();
  for (const file of files) {
    const name = file.shape.database;
    const draft = drafts.get(name) ?? { name, owners: [], tables: new Map(), views: new Map(), functions: new Map() };
    drafts.set(name, draft);
    new FileLinker(taxonomy, mistakes, file, draft).link();
  }
  return drafts;
}

interface DraftTable {
  relation: RelationName;
  isWhole: boolean;
  default: Word | undefined;
  readonly columns: Map<string, Word>;
  owner: string | undefined;
  readonly place: Place;
}

interface Draft extends DatabaseWords {
  readonly owners: string[];
  readonly tables: Map<string, DraftTable>;
  readonly views: Map<string, ViewWord>;
  readonly functions: Map<string, FunctionWord[]>;
}

/** Reads one file into the draft of its database. */
class FileLinker {
  readonly #taxonomy: Taxonomy;
  readonly #mistakes: Mistakes;
  readonly #file: DatabaseFile;
  readonly #draft: Draft;

  constructor(taxonomy: Taxonomy, mistakes: Mistakes, file: DatabaseFile, draft: Draft) {
    this.#taxonomy = taxonomy;
    this.#mistakes = mistakes;
    this.#file = file;
    this.#draft = draft;
  }

  link(): void {
    const { owner, tables, views, functions } = this.#file.shape;
    if (owner !== undefined && !this.#draft.owners.includes(owner)) this.#draft.owners.push(owner);
    for (const [name, table] of Object.entries(tables ?? {})) this.#table(name, table);
    for (const [name, entry] of Object.entries(views ?? {})) this.#view(name, entry);
    for (const [name, entry] of Object.entries(functions ?? {})) this.#function(name, entry);
  }

  #place(path: Path): Place {
    return placeOf(this.#file.document, path, 'key');
  }

  #entry(entry: EntryShape, path: Path): Word | undefined {
    return linkEntry(this.#taxonomy, this.#mistakes, entry, { document: this.#file.document, path });
  }

  #relation(name: string, path: Path): RelationName | undefined {
    const [schema, relation, ...more] = parseDotted(name) ?? [];
    if (schema !== undefined && relation !== undefined && more.length === 0) return { schema, name: relation };
    const mend = `write schema.name, for example public.${visible(name)}; "Quoted Names" as in SQL`;
    this.#mistakes.add(this.#place(path), `'${visible(name)}' is not a name of a schema and a table`, mend);
    return undefined;
  }

  #table(name: string, shape: NonNullable<DatabaseShape['tables']>[string]): void {
    const path = ['tables', name];
    const relation = this.#relation(name, path);
    if (relation === undefined) return;
    const table = this.#draftOf(relation, path);
    if (typeof shape === 'string') {
      this.#default(table, shape, path, 'whole');
      return;
    }
    if (shape.default !== undefined) this.#default(table, shape.default, [...path, 'default'], 'rest');
    table.owner ??= shape.owner;
    for (const [column, entry] of Object.entries(shape.columns ?? {})) {
      this.#column(table, column, entry, [...path, 'columns', column]);
    }
    if (shape.default !== undefined || shape.columns !== undefined) return;
    this.#mistakes.add(this.#place(path), 'a table without a word about its columns', 'add default: or columns:');
  }

  #draftOf(relation: RelationName, path: Path): DraftTable {
    const key = relationKey(relation);
    const place = this.#place(path);
    const fresh = { relation, isWhole: false, default: undefined, columns: new Map(), owner: undefined, place };
    const table = this.#draft.tables.get(key) ?? fresh;
    this.#draft.tables.set(key, table);
    return table;
  }

  #default(table: DraftTable, entry: EntryShape, path: Path, extent: 'whole' | 'rest'): void {
    const word = this.#entry(entry, path);
    if (word === undefined) return;
    if (table.default !== undefined) this.#twice(word.place, 'this table’s columns', table.default.place);
    table.default = word;
    table.isWhole = extent === 'whole' && table.columns.size === 0;
  }

  #column(table: DraftTable, text: string, entry: EntryShape, path: Path): void {
    const [column, ...more] = parseDotted(text) ?? [];
    if (column === undefined || more.length > 0) {
      const mend = 'one name; in double quotes where SQL would quote';
      this.#mistakes.add(this.#place(path), `'${visible(text)}' is not a column’s name`, mend);
      return;
    }
    const word = this.#entry(entry, path);
    if (word === undefined) return;
    const first = table.columns.get(column);
    if (first !== undefined) this.#twice(word.place, 'this column', first.place);
    this.#sayIfLower(column, word);
    table.columns.set(column, word);
    table.isWhole = false;
  }

  #view(name: string, entry: EntryShape): void {
    const path = ['views', name];
    const relation = this.#relation(name, path);
    const word = this.#entry(entry, path);
    if (relation === undefined || word === undefined) return;
    const first = this.#draft.views.get(relationKey(relation));
    if (first !== undefined) this.#twice(word.place, 'this view', first.place);
    this.#draft.views.set(relationKey(relation), { ...word, relation });
  }

  #function(name: string, entry: EntryShape): void {
    const path = ['functions', name];
    const parsed = parseFunctionName(name);
    const word = this.#entry(entry, path);
    if (parsed === undefined) {
      const mend = 'write schema.function(type, type), for example public.order_total(int)';
      this.#mistakes.add(this.#place(path), `'${visible(name)}' is not a function’s name`, mend);
    }
    if (parsed === undefined || word === undefined) return;
    const key = relationKey(parsed);
    const overloads = this.#draft.functions.get(key) ?? [];
    const first = overloads.find((other) => other.signature === parsed.signature);
    if (first !== undefined) this.#twice(word.place, 'this function', first.place);
    overloads.push({ ...word, ...parsed });
    this.#draft.functions.set(key, overloads);
  }

  #twice(place: Place, what: string, first: Place): void {
    this.#mistakes.add(place, `${what} has an entry already`, `the first is ${placeText(first)}; take one out`);
  }

  /** A pattern guards against names that are nearly always what they say: to go below it, say why. */
  #sayIfLower(column: string, word: Word): void {
    if (word.reason !== undefined) return;
    const pattern = this.#taxonomy.patterns.find((one) => one.matches(column));
    if (pattern === undefined || word.level.rank >= pattern.word.level.rank) return;
    const words = `${word.level.name} is lower than ${pattern.word.level.name}, which the pattern in ${placeText(pattern.place)} gives`;
    this.#mistakes.add(word.place, words, `add a reason: { level: ${word.level.name}, reason: "…" }`);
  }
}
