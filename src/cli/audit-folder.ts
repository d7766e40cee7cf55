// Which folder an `audit` command means. An auditor has the files but seldom the passwords that the config names, so only the one key
// that matters is read, and no variable is filled in.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ProxyError } from '../core/errors.ts';
import { mistakeText } from '../core/place.ts';
import { loadYaml, type PlainValue } from '../core/yaml.ts';
import { workerFolders } from './worker-folders.ts';

export interface FolderOptions {
  /** Of several proxies: several. */
  readonly dir?: string | readonly string[];
  readonly config?: string;
}

/** For options that may be given more than once. */
export const eachTime = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** The same for every command that reads the record. */
export const dirOption = [
  '--dir <folder>',
  'the folder of the record; otherwise audit.dir of the config, or ./audit; of several proxies that share a state: once for each',
  eachTime,
] as const;

const usual = { config: 'countersign.yaml', dir: 'audit' } as const;

/** The one that is meant; of several the first. */
export function auditFolder(options: FolderOptions): string {
  const [given] = [options.dir ?? []].flat();
  if (given !== undefined) return resolve(given);
  const file = options.config ?? (existsSync(usual.config) ? usual.config : undefined);
  if (file === undefined) return resolve(usual.dir);
  return resolve(dirname(file), dirIn(file) ?? usual.dir);
}

/** The record of several proxies is several chains, and so is that of one with workers. */
export function chainFolders(options: FolderOptions): readonly string[] {
  const given = [options.dir ?? []].flat().map((dir) => resolve(dir));
  const dirs = given.length === 0 ? [auditFolder(options)] : [...new Set(given)];
  const missing = dirs.find((dir) => !existsSync(dir));
  if (missing !== undefined) {
    throw new ProxyError('CONFIG_INVALID', `${missing}: there is no such folder`, {
      hint: 'name the folder of the record with --dir, or the proxy’s config with --config',
    });
  }
  return dirs.flatMap((dir) => [dir, ...workerFolders(dir)]);
}

function dirIn(file: string): string | undefined {
  const loaded = loadYaml(file, readFileSync(file, 'utf8'));
  if (loaded.kind === 'bad') throw new ProxyError('CONFIG_INVALID', mistakeText(loaded.mistakes[0]));
  const dir = member(member(loaded.value.value, 'audit'), 'dir');
  if (dir === undefined) return undefined;
  if (typeof dir === 'string' && !dir.includes('${')) return dir;
  throw new ProxyError('CONFIG_INVALID', `${file}: audit.dir depends on a variable`, {
    hint: 'name the folder with --dir',
  });
}

function member(value: PlainValue | undefined, key: string): PlainValue | undefined {
  return isMap(value) ? value[key] : undefined;
}

function isMap(value: PlainValue | undefined): value is { readonly [key: string]: PlainValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
