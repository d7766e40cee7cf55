// `${NAME}` and `${file:PATH}` in the values of the config file. They are put in after YAML has been read, so that a password
// with `: ` or `#` in it stays a password; and a variable in a URL is percent-encoded, so that a password with `@` or `?` in
// it can change neither host nor options.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileWords } from './file-words.ts';
import type { Mistake } from './place.ts';
import { placeOf, type Path, type PlainMap, type PlainValue, type YamlDocument } from './yaml.ts';

export interface VariableSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative `${file:…}` paths start here. */
  readonly directory: string;
}

export interface Substituted {
  readonly value: PlainValue;
  readonly mistakes: readonly Mistake[];
}

/** A value is never searched again after a variable was put in: what a variable holds cannot name another. */
export function substitute(document: YamlDocument, sources: VariableSources): Substituted {
  const mistakes: Mistake[] = [];
  const walk = (value: PlainValue, path: Path): PlainValue => {
    if (typeof value === 'string') return value.includes('$') ? text(value, path) : value;
    if (isList(value)) return value.map((item, index) => walk(item, [...path, index]));
    if (typeof value !== 'object' || value === null) return value;
    return mapped(value, path);
  };
  const mapped = (value: PlainMap, path: Path): PlainMap =>
    Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner, [...path, key])]));
  const text = (value: string, path: Path): string => {
    const isUrlWithHoles = /^[a-z][a-z0-9+.-]*:\/\//i.test(value);
    if (/(?<!\$)\$\{[^}]*$/.test(value)) {
      const mend = 'close it, or write $${ for the characters themselves';
      mistakes.push({ place: placeOf(document, path), words: 'a variable is not closed: ${ without }', mend });
    }
    return value.replace(/\$(\$\{)|\$\{([^}]*)\}/g, (_, escaped: string | undefined, name: string | undefined) => {
      if (escaped !== undefined) return escaped;
      const found = lookUp(name ?? '', sources);
      if (found.kind === 'bad') mistakes.push({ place: placeOf(document, path), words: found.words, mend: found.mend });
      // Something has to stand there, so that the rest of the file is checked too; nothing is ever made of it.
      if (found.kind === 'bad') return 'unset';
      return isUrlWithHoles ? encodeURIComponent(found.value) : found.value;
    });
  };
  return { value: walk(document.value, []), mistakes };
}

const isList = (value: PlainValue): value is readonly PlainValue[] => Array.isArray(value);

type Found =
  | { readonly kind: 'good'; readonly value: string }
  | { readonly kind: 'bad'; readonly words: string; readonly mend: string };

function lookUp(name: string, sources: VariableSources): Found {
  if (name.startsWith('file:')) return fileText(name.slice('file:'.length), sources.directory);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    const mend =
      'write ${NAME} for an environment variable, ${file:PATH} for a file, $${ for the characters themselves';
    return { kind: 'bad', words: 'not a variable', mend };
  }
  const value = sources.env[name];
  // An empty variable is nearly always a forgotten one, and an empty password is never meant.
  if (value !== undefined && value !== '') return { kind: 'good', value };
  const words = `the environment variable ${name} is ${value === undefined ? 'not set' : 'empty'}`;
  return { kind: 'bad', words, mend: `set it: export ${name}=…` };
}

const fileBytesMax = 1024 * 1024;

function fileText(path: string, directory: string): Found {
  try {
    const text = readFileSync(resolve(directory, path), 'utf8');
    const value = text.replace(/\r?\n$/, '');
    const mend = 'put the value into it';
    if (value === '') return { kind: 'bad', words: `the file ${path} is empty`, mend };
    if (text.length > fileBytesMax) return { kind: 'bad', words: `the file ${path} is larger than 1 MB`, mend };
    return { kind: 'good', value };
  } catch (thrown) {
    return {
      kind: 'bad',
      words: `the file ${path} cannot be read: ${fileWords(thrown)}`,
      mend: 'mend path or permissions',
    };
  }
}
