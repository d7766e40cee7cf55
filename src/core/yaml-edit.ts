// Edits a YAML file as a careful person would: one entry changes, and every other byte (comments, order, blank lines) stays.
// The edit is made in the text; the result is read again, and must mean exactly what was meant, or nothing is given back.
import { isDeepStrictEqual } from 'node:util';
import { isMap, isPair, isScalar, parseDocument, type Document, type Pair, type YAMLMap } from 'yaml';
import type { NonEmpty } from './brand.ts';
import { loadYaml, type PlainMap, type PlainValue } from './yaml.ts';

export interface Put {
  /** The map that the entry stands in; it is made when it is not there. */
  readonly path: NonEmpty<string>;
  readonly name: string;
  readonly value: PlainValue;
  /** An entry that gives its place to this one: a password to its verifier. */
  readonly insteadOf?: string;
}

/** Puts one entry into a map, in one line; replaces what was there. Undefined: it could not be done without harm. */
export function putEntry(text: string, put: Put): string | undefined {
  const expected = changed(text, put.path, (entries) => ({
    ...without(entries, put.insteadOf ?? put.name),
    [put.name]: put.value,
  }));
  return firstGood([() => putInText(text, put), () => putInDocument(text, put)], expected);
}

export function removeEntry(text: string, path: NonEmpty<string>, name: string): string | undefined {
  const expected = changed(text, path, (entries) => without(entries, name));
  return firstGood([() => cutFromText(text, path, name), () => removeFromDocument(text, [...path, name])], expected);
}

const without = (entries: PlainMap, name: string): PlainMap =>
  Object.fromEntries(Object.entries(entries).filter(([key]) => key !== name));

/** The file's values with one map changed: what the edited file has to mean. */
function changed(text: string, path: readonly string[], change: (entries: PlainMap) => PlainMap): PlainMap | undefined {
  const loaded = loadYaml('', text);
  if (loaded.kind === 'bad' || !isPlainMap(loaded.value.value)) return undefined;
  return changedIn(loaded.value.value, path, change);
}

function changedIn(map: PlainMap, path: readonly string[], change: (map: PlainMap) => PlainMap): PlainMap | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return change(map);
  const inner = map[key] ?? {};
  const made = isPlainMap(inner) ? changedIn(inner, rest, change) : undefined;
  return made === undefined ? undefined : { ...map, [key]: made };
}

function firstGood(tries: readonly (() => string | undefined)[], expected: PlainMap | undefined): string | undefined {
  if (expected === undefined) return undefined;
  for (const attempt of tries) {
    const text = attempt();
    const loaded = text === undefined ? undefined : loadYaml('', text);
    if (loaded?.kind === 'good' && isDeepStrictEqual(loaded.value.value, expected)) return text;
  }
  return undefined;
}

const isPlainMap = (value: PlainValue): value is PlainMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** JSON is YAML; keys and lists that need no quotes go without, as people write them. */
function flowText(value: PlainValue): string {
  if (typeof value === 'string')
    return /^[a-z][a-z0-9_-]*$/i.test(value) && !isYamlWord(value) ? value : JSON.stringify(value);
  if (!isPlainMap(value)) return Array.isArray(value) ? `[${value.map(flowText).join(', ')}]` : JSON.stringify(value);
  const entries = Object.entries(value).map(([key, inner]) => `${keyText(key)}: ${flowText(inner)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

const keyText = (key: string): string =>
  /^[a-z_][a-z0-9_.-]*$/i.test(key) && !isYamlWord(key) ? key : JSON.stringify(key);
const isYamlWord = (text: string): boolean => /^(?:true|false|null|yes|no|on|off)$/i.test(text);

function pairOf(map: unknown, key: string): Pair | undefined {
  if (!isMap(map)) return undefined;
  return map.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key);
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** From the key's first to the value's last character. */
function spanOf(pair: Pair): Span | undefined {
  const start = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
  const range = isNodeWithRange(pair.value) ? pair.value.range : undefined;
  return start === undefined || range === undefined ? undefined : { start, end: range[1] };
}

function isNodeWithRange(node: unknown): node is { readonly range: readonly [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
}

const parsed = (text: string): Document => parseDocument(text, { uniqueKeys: false });
const lineStart = (text: string, at: number): number => text.lastIndexOf('\n', at - 1) + 1;
/** Behind the line's own end, with its comment; the text's end where there is none. */
const lineEnd = (text: string, at: number): number => (text.indexOf('\n', at) + 1 || text.length + 1) - 1;

function mapAt(document: Document, path: readonly string[]): unknown {
  return path.reduce<unknown>((map, key) => pairOf(map, key)?.value, document.contents);
}

function putInText(text: string, put: Put): string | undefined {
  const document = parsed(text);
  const line = `${keyText(put.name)}: ${flowText(put.value)}`;
  const map = mapAt(document, put.path);
  if (map === undefined && put.path.length === 1) {
    const isOpen = document.contents === null || (isMap(document.contents) && document.contents.flow !== true);
    const head = text === '' || text.endsWith('\n') ? text : `${text}\n`;
    return isOpen ? `${head}${keyText(put.path[0])}:\n  ${line}\n` : undefined;
  }
  if (!isMap(map)) return undefined;
  const old = pairOf(map, put.insteadOf ?? put.name) ?? pairOf(map, put.name);
  const span = old === undefined ? undefined : spanOf(old);
  if (span !== undefined) return text.slice(0, span.start) + line + text.slice(trimmedEnd(text, span));
  if (map.items.length === 0) return putFirst(text, put, map, line);
  return map.flow === true ? undefined : putLast(text, map, line);
}

/** `agents: {}`, as a file begins: the entry gets a line of its own below, where nothing else stands on that of the braces. */
function putFirst(text: string, { path }: Put, map: YAMLMap, line: string): string | undefined {
  const [start, end] = map.range ?? [];
  if (path.length !== 1 || start === undefined || end === undefined) return undefined;
  const head = text.slice(lineStart(text, start), start);
  const isAlone = head.trimEnd() === `${keyText(path[0])}:` && /^ *$/.test(text.slice(end, lineEnd(text, end)));
  return isAlone ? `${text.slice(0, start).trimEnd()}\n  ${line}${text.slice(end)}` : undefined;
}

function putLast(text: string, map: YAMLMap, line: string): string | undefined {
  const [first, last] = [map.items[0], map.items.at(-1)];
  const [firstSpan, lastSpan] = [first && spanOf(first), last && spanOf(last)];
  if (firstSpan === undefined || lastSpan === undefined) return undefined;
  const indent = text.slice(lineStart(text, firstSpan.start), firstSpan.start);
  if (!/^ *$/.test(indent)) return undefined;
  const at = lineEnd(text, trimmedEnd(text, lastSpan));
  return `${text.slice(0, at)}\n${indent}${line}${text.slice(at)}`;
}

/** A block's range reaches over its line breaks; the entry itself ends before them. */
function trimmedEnd(text: string, span: Span): number {
  return span.start + text.slice(span.start, span.end).trimEnd().length;
}

function cutFromText(text: string, path: readonly string[], name: string): string | undefined {
  const entries = mapAt(parsed(text), path);
  // The last one leaves an empty map behind, which has to be written out.
  if (!isMap(entries) || entries.flow === true || entries.items.length < 2) return undefined;
  const old = pairOf(entries, name);
  const span = old === undefined ? undefined : spanOf(old);
  if (span === undefined) return undefined;
  const [start, end] = [lineStart(text, span.start), lineEnd(text, trimmedEnd(text, span))];
  return text.slice(0, start) + text.slice(end + 1);
}

function putInDocument(text: string, put: Put): string {
  const document = parsed(text);
  if (put.insteadOf !== undefined) document.deleteIn([...put.path, put.insteadOf]);
  document.setIn([...put.path, put.name], document.createNode(put.value, { flow: true }));
  return document.toString({ lineWidth: 0 });
}

function removeFromDocument(text: string, path: readonly string[]): string {
  const document = parsed(text);
  document.deleteIn(path);
  return document.toString({ lineWidth: 0 });
}
