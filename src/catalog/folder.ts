// The classification folder on disk: which files belong to it, and their texts. Reading is all or nothing.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ProxyError, wordsOf } from '../core/errors.ts';
import { fileWords } from '../core/file-words.ts';
import type { ClassificationFile } from './load.ts';

/** A folder of more files than this is not a classification folder but a mistake in the config. */
const filesMax = 5000;

/**
 * The YAML files of the folder itself and of `cases/`, in order of their names. Hidden files are left alone: editors' swap files, and
 * the `..data` links by which Kubernetes mounts a ConfigMap.
 */
export function readFolder(folder: string, shownAs = folder): readonly ClassificationFile[] {
  const names = [...yamlIn(folder, ''), ...yamlIn(folder, 'cases')];
  if (names.length > filesMax) throw new ProxyError('CONFIG_INVALID', `${folder}: more than ${filesMax} files`);
  return names.map((name) => {
    const path = join(folder, name);
    return { name, path: join(shownAs, name), text: readText(path) };
  });
}

/** Changes when a file of the folder does: cheap enough to be asked every few seconds. */
export function folderSignature(folder: string): string {
  try {
    const names = [...yamlIn(folder, ''), ...yamlIn(folder, 'cases')];
    return names
      .map((name) => {
        const { mtimeMs, size, ino } = statSync(join(folder, name));
        return `${name}:${mtimeMs}:${size}:${ino}`;
      })
      .join('\n');
  } catch (thrown) {
    return `unreadable: ${wordsOf(thrown)}`;
  }
}

function yamlIn(folder: string, under: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(join(folder, under));
  } catch (thrown) {
    if (under !== '') return [];
    throw new ProxyError(
      'CONFIG_INVALID',
      `${folder}: the classification folder cannot be read: ${fileWords(thrown)}`,
      {
        hint: 'the key `classification` of the config file names it',
        cause: thrown,
      },
    );
  }
  const yaml = names.filter((name) => /^[^.].*\.ya?ml$/.test(name)).toSorted();
  return under === '' ? yaml : yaml.map((name) => `${under}/${name}`);
}

function readText(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (thrown) {
    throw new ProxyError('CONFIG_INVALID', `${path}: cannot be read as UTF-8: ${fileWords(thrown)}`, { cause: thrown });
  }
}
