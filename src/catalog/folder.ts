// The classification folder on disk: which files belong to it, and their texts. Reading is all or nothing.
import { isUtf8 } from 'node:buffer';
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
    const path = join(shownAs, name);
    return { name, path, text: readText(join(folder, name), path) };
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
        hint: 'the key `classification` of the config file names it; make it, with the sample’s taxonomy.yaml and approvers.yaml to begin with',
        cause: thrown,
      },
    );
  }
  const yaml = names.filter((name) => /^[^.].*\.ya?ml$/.test(name)).toSorted();
  return under === '' ? yaml : yaml.map((name) => `${under}/${name}`);
}

/** A pipe or a device would be waited for without an end. */
function readText(path: string, shownAs: string): string {
  let bytes: Buffer;
  try {
    if (!statSync(path).isFile()) throw new ProxyError('CONFIG_INVALID', 'it is no file');
    bytes = readFileSync(path);
  } catch (thrown) {
    throw new ProxyError('CONFIG_INVALID', `${shownAs}: cannot be read: ${fileWords(thrown)}`, {
      hint: 'mend it or move it away: every .yaml in the folder counts',
      cause: thrown,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (thrown) {
    const place = `${shownAs}:${lineOfBadByte(bytes)}:1`;
    throw new ProxyError('CONFIG_INVALID', `${place}: is not UTF-8`, { hint: 'save the file as UTF-8', cause: thrown });
  }
}

/** No character of UTF-8 has the byte of a line break inside it, so lines can be looked at one by one. */
function lineOfBadByte(bytes: Buffer): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line += 1) {
    const end = bytes.indexOf(0x0a, start);
    const stop = end < 0 ? bytes.length : end;
    if (!isUtf8(bytes.subarray(start, stop))) return line;
    start = stop + 1;
  }
  return 1;
}
