// The only door to `yaml`: text → plain values with the place of every key and value. Knows no schema (see yaml-check.ts).
// A file is read strictly: what YAML would accept in silence and a person did not mean (two equal keys, a second document,
// aliases, tags, keys that are no text) is a mistake with its place.
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { NonEmpty } from './brand.ts';
import { isNonEmpty } from './brand.ts';
import { wordsOf } from './errors.ts';
import type { Mistake, Place } from './place.ts';
import { readPlain } from './yaml-plain.ts';

export type PlainValue = string | number | boolean | null | readonly PlainValue[] | PlainMap;
export interface PlainMap {
  readonly [key: string]: PlainValue;
}

/** Where a value stands and, for maps and lists, where everything in it stands. Offsets into the text; see `placeOf`. */
export interface Spot {
  readonly at: number;
  readonly keys: ReadonlyMap<string, number> | undefined;
  readonly children: ReadonlyMap<string | number, Spot> | undefined;
}

export interface YamlDocument {
  readonly file: string;
  readonly value: PlainValue;
  readonly spot: Spot;
  readonly lines: LineCounter;
}

export type Checked<T> =
  { readonly kind: 'good'; readonly value: T } | { readonly kind: 'bad'; readonly mistakes: NonEmpty<Mistake> };

export type Path = readonly (string | number)[];

/** A file of 50,000 columns is 2 MB. */
const yamlBytesMax = 16 * 1024 * 1024;
const depthMax = 64;

/**
 * A row of `- - - -` nests one level per mark and takes the parser's process down by itself (not by an exception), so it is
 * looked for before the parser sees the text.
 */
const steepLine = new RegExp(`^[ ]*(?:[-?:][ \\t]+){${depthMax}}`, 'm');

/** Reads one YAML document. `file` is the name that mistakes carry. An empty file is an empty map. */
export function loadYaml(file: string, text: string): Checked<YamlDocument> {
  const plain = text.length > yamlBytesMax ? undefined : readPlain(text, flowIn(file));
  if (plain === undefined) return loadByLibrary(file, text);
  const lines = new LineCounter();
  for (const at of plain.lineStarts) lines.addNewLine(at);
  return { kind: 'good', value: { file, value: plain.value, spot: plain.spot, lines } };
}

/** What stands in one line's braces, in its place in the file. Any mistake is left to the reading of the whole, which can name its line. */
function flowIn(file: string): (text: string, at: number) => Read | undefined {
  return (text, at) => {
    const read = loadByLibrary(file, text);
    return read.kind === 'bad' ? undefined : { value: read.value.value, spot: moved(read.value.spot, at) };
  };
}

function moved({ at, keys, children }: Spot, by: number): Spot {
  return {
    at: at + by,
    keys: keys && new Map([...keys].map(([key, where]) => [key, where + by])),
    children: children && new Map([...children].map(([key, spot]) => [key, moved(spot, by)])),
  };
}

/** The library's reading: of everything that is not plain, and what the plain reading is compared with in tests. */
export function loadByLibrary(file: string, text: string): Checked<YamlDocument> {
  const lines = new LineCounter();
  const bad = (at: number, words: string, mend?: string): Checked<never> => ({
    kind: 'bad',
    mistakes: [{ place: placeAt(file, lines, at), words, mend }],
  });
  if (text.length > yamlBytesMax) return bad(0, `the file is larger than ${yamlBytesMax} bytes`, 'split it');
  const steep = steepLine.exec(text);
  if (steep !== null) return bad(steep.index, `more than ${depthMax} levels in one line`);
  const reader = new Reader(file, lines);
  try {
    // Duplicate keys are found by our own walk: the library compares every key with every other.
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
    for (const error of [...document.errors, ...document.warnings]) {
      reader.mistake(error.pos[0], wordsOfYaml(error.code, error.message));
    }
    if (document.contents === null && isNonEmpty(reader.mistakes)) return { kind: 'bad', mistakes: reader.mistakes };
    const read = document.contents === null ? emptyFile : reader.read(document.contents, 0);
    if (isNonEmpty(reader.mistakes)) return { kind: 'bad', mistakes: reader.mistakes };
    return { kind: 'good', value: { file, value: read.value, spot: read.spot, lines } };
  } catch (thrown) {
    return bad(0, `cannot be read as YAML: ${wordsOf(thrown)}`);
  }
}

/** The place of a value, or of its key; the nearest enclosing thing when the path leads nowhere. */
export function placeOf(document: YamlDocument, path: Path, which: 'value' | 'key' = 'value'): Place {
  let spot = document.spot;
  let at = spot.at;
  for (const [index, step] of path.entries()) {
    const child = spot.children?.get(step);
    const keyAt = spot.keys?.get(String(step));
    if (child === undefined) return placeAt(document.file, document.lines, at);
    const isLast = index === path.length - 1;
    // Somewhere in the middle the key is what a person looks for, should the rest of the path not exist.
    at = isLast && which === 'value' ? child.at : (keyAt ?? child.at);
    spot = child;
  }
  return placeAt(document.file, document.lines, at);
}

export interface Read {
  readonly value: PlainValue;
  readonly spot: Spot;
}

const emptyFile: Read = { value: {}, spot: { at: 0, keys: new Map(), children: new Map() } };

/** Walks the nodes once, making values and places side by side. */
class Reader {
  readonly mistakes: Mistake[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  mistake(at: number, words: string, mend?: string): void {
    this.mistakes.push({ place: placeAt(this.#file, this.#lines, at), words, mend });
  }

  read(node: unknown, depth: number): Read {
    if (isScalar(node)) return this.#scalar(node.value, startOf(node));
    if (isMap(node)) return this.#map(node.items, startOf(node), depth + 1);
    if (isSeq(node)) return this.#list(node.items, startOf(node), depth + 1);
    if (isAlias(node)) this.mistake(startOf(node), 'aliases (*name) are not read here', 'write the value out');
    return this.#scalar(null, startOf(node));
  }

  #scalar(value: unknown, at: number): Read {
    const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
    return { value: plain, spot: { at, keys: undefined, children: undefined } };
  }

  #list(items: readonly unknown[], at: number, depth: number): Read {
    if (depth > depthMax) return this.#tooDeep(at);
    const children = new Map<number, Spot>();
    const value = items.map((item, index) => {
      const read = this.read(item, depth);
      children.set(index, read.spot);
      return read.value;
    });
    return { value, spot: { at, keys: undefined, children } };
  }

  #map(items: readonly unknown[], at: number, depth: number): Read {
    if (depth > depthMax) return this.#tooDeep(at);
    const value: Record<string, PlainValue> = {};
    const keys = new Map<string, number>();
    const children = new Map<string, Spot>();
    let before: string | undefined;
    for (const pair of items) {
      if (!isPair(pair)) continue;
      const keyAt = startOf(pair.key);
      const key = this.#key(pair.key);
      if (key === undefined) continue;
      // `{ reason: free text, can hold anything }` is two keys to YAML. A flow word without any colon is the rest of the text
      // before it, as everybody means it; where that text is a level or a name, the longer text is none and is refused.
      const text = before === undefined ? undefined : value[before];
      if (pair.value === null && before !== undefined && typeof text === 'string' && isPlainWord(pair.key)) {
        value[before] = `${text}, ${key}`;
        continue;
      }
      const first = keys.get(key);
      if (first !== undefined) {
        this.mistake(keyAt, `'${key}' is here twice`, `the first is on line ${this.#lines.linePos(first).line}`);
        continue;
      }
      const read = this.read(pair.value, depth);
      value[key] = read.value;
      keys.set(key, keyAt);
      children.set(key, pair.value === null ? { ...read.spot, at: keyAt } : read.spot);
      before = isPlainWord(pair.value) ? key : undefined;
    }
    return { value, spot: { at, keys, children } };
  }

  #key(node: unknown): string | undefined {
    const at = startOf(node);
    if (!isScalar(node) || node.value === null) {
      this.mistake(at, 'a key must be a text', 'put it in quotes');
      return undefined;
    }
    // 1.0, 0x1F and true as keys are the text that stands there, never their value.
    const key = typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
    if (key !== '__proto__') return key;
    this.mistake(at, 'this key is not possible');
    return undefined;
  }

  #tooDeep(at: number): Read {
    this.mistake(at, `more than ${depthMax} levels deep`);
    return this.#scalar(null, at);
  }
}

function isPlainWord(node: unknown): boolean {
  return isScalar(node) && node.type === 'PLAIN' && typeof node.value === 'string';
}

function startOf(node: unknown): number {
  const has = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node);
  return (has ? node.range?.[0] : undefined) ?? 0;
}

function placeAt(file: string, lines: LineCounter, at: number): Place {
  const { line, col } = lines.linePos(at);
  return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** The library's own words, but where they speak to its programmer. */
function wordsOfYaml(code: string, message: string): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document (---) in one file is not read';
  if (code === 'RESOURCE_EXHAUSTION') return 'nested too deep';
  if (code === 'BLOCK_AS_IMPLICIT_KEY')
    return `${message} (a value with a colon at its end, or a colon and a blank in it, goes in quotes)`;
  if (code === 'TAB_AS_INDENT') return `${message} (indent with blanks)`;
  if (code === 'TAG_RESOLVE_FAILED') return `tags (!name) are not read here: ${message}`;
  return message;
}
