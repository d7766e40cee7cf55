// What the DBA's commands work on: the classification folder, the config where there is one, and the schema of a database, live or as
// it was pictured.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { loadConfig } from '../core/config.ts';
import type { Config, DatabaseConfig } from '../core/config-types.ts';
import { ProxyError } from '../core/errors.ts';
import { fileWords, shownPath } from '../core/file-words.ts';
import { mistakeText } from '../core/place.ts';
import { loadYaml, type Checked, type PlainValue } from '../core/yaml.ts';
import { readFolder } from '../catalog/folder.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { loadCatalog, type ClassificationFile } from '../catalog/load.ts';
import { nearest } from '../core/nearest.ts';
import { loadClassification, type Classification } from '../policy/classification.ts';
import { PlainQuery } from '../proxy/plain-query.ts';
import { readSnapshot } from '../sql/schema-picture.ts';
import type { Snapshot } from '../sql/schema.ts';
import { makeVerifier } from '../wire/scram.ts';
import { complaintOf } from './io.ts';
import { readSchemaFile, schemaFileOf } from './schema-file.ts';

/** What a command may touch of the world around it. */
export interface CommandPorts {
  readonly say: (line: string) => void;
  readonly complain: (line: string) => void;
  readonly exit: (code: number) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface FolderOptions {
  readonly classification?: string;
  readonly config?: string;
}

export const usualConfig = 'countersign.yaml';

/** The folder that was named, else the config's, else `classification` here. */
export function folderOf(options: FolderOptions): string {
  if (options.classification !== undefined) return options.classification;
  const file = options.config ?? (existsSync(usualConfig) ? usualConfig : undefined);
  if (file === undefined) return 'classification';
  return shownPath(resolve(dirname(file), folderIn(file) ?? 'classification'), [process.cwd()]);
}

/** Databases or agents of the config; undefined where there is none. */
export function namesIn(options: FolderOptions, key: 'databases' | 'agents'): readonly string[] | undefined {
  const file = options.config ?? (existsSync(usualConfig) ? usualConfig : undefined);
  if (file === undefined) return undefined;
  const named = valueIn(file, key);
  return typeof named === 'object' && named !== null ? Object.keys(named) : [];
}

/** Only the one key is read: checking files must not need the passwords that the config names. */
function valueIn(file: string, key: string): PlainValue | undefined {
  const text = readConfigText(file);
  const loaded = loadYaml(file, text);
  if (loaded.kind === 'bad') throw new ProxyError('CONFIG_INVALID', mistakeText(loaded.mistakes[0]));
  const { value } = loaded.value;
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}

function folderIn(file: string): string | undefined {
  const folder = valueIn(file, 'classification');
  return typeof folder === 'string' && !folder.includes('${') ? folder : undefined;
}

function readConfigText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new ProxyError('CONFIG_INVALID', `${file}: cannot be read: ${fileWords(thrown)}`, {
      hint: 'name it with --config FILE',
    });
  }
}

export function filesOf(folder: string): readonly ClassificationFile[] {
  return readFolder(folder);
}

/** What the folder says of levels and columns; every mistake in it at once. */
export function catalogOf(options: FolderOptions): Catalog {
  return goodOf(loadCatalog(filesOf(folderOf(options))));
}

/** The same, with the policy. */
export function classificationOf(options: FolderOptions): Classification {
  return goodOf(loadClassification(filesOf(folderOf(options))));
}

function goodOf<T>(loaded: Checked<T>): T {
  if (loaded.kind === 'good') return loaded.value;
  throw new ProxyError('CONFIG_INVALID', loaded.mistakes.map(mistakeText).join('\n'));
}

/** What a person will review: never over what is there. */
export function writeNew(file: string, text: string): void {
  if (existsSync(file)) {
    const hint = 'name a new file and take over what you want';
    throw new ProxyError('CONFIG_INVALID', `${file}: is there already`, { hint });
  }
  writeFileSync(file, text);
}

export async function configOf(options: FolderOptions, env: CommandPorts['env']): Promise<Config> {
  const file = options.config ?? usualConfig;
  const loaded = await loadConfig(file, { env, makeVerifier });
  if (loaded.kind === 'bad') throw new ProxyError('CONFIG_INVALID', loaded.mistakes.map(mistakeText).join('\n'));
  return loaded.value;
}

export function databaseOf(config: Config, name: string): DatabaseConfig {
  const database = config.databases.get(name);
  if (database !== undefined) return database;
  const near = nearest(name, config.databases.keys()) ?? [...config.databases.keys()].join(', ');
  throw new ProxyError('UNKNOWN_DATABASE', `${config.file} has no database '${name}'`, { hint: `it has: ${near}` });
}

/** Connects, does the work, and closes whatever happens. */
export async function withDatabase<T>(
  database: DatabaseConfig,
  work: (query: PlainQuery['query']) => Promise<T>,
): Promise<T> {
  const link = await PlainQuery.open(database, new AbortController().signal);
  try {
    return await work(link.query);
  } finally {
    link.close();
  }
}

export async function liveSchema(database: DatabaseConfig): Promise<Snapshot> {
  return await withDatabase(database, readSnapshot);
}

/** For commands that run nothing: the picture in the folder, else the live database where a config names it. */
export async function schemaOf(name: string, options: FolderOptions, env: CommandPorts['env']): Promise<Snapshot> {
  const file = schemaFileOf(folderOf(options), name);
  const hasConfig = existsSync(options.config ?? usualConfig);
  if (options.config === undefined || !hasConfig) {
    const pictured = readSchemaFile(file);
    if (pictured !== undefined) return pictured;
  }
  if (hasConfig) return await liveSchema(databaseOf(await configOf(options, env), name));
  throw new ProxyError(
    'CONFIG_INVALID',
    `no schema of '${name}': ${file} is missing and no config names the database`,
    {
      hint: `write it once with: countersign check --config FILE --database ${name} --write-schema`,
    },
  );
}

/** A command's work, whose mistakes are said as people can use them. */
export function guarded<Given extends readonly unknown[]>(
  ports: CommandPorts,
  work: (...given: Given) => void | Promise<void>,
): (...given: Given) => Promise<void> {
  return async (...given) => {
    try {
      await work(...given);
    } catch (thrown) {
      sayMistakes(ports, thrown);
    }
  };
}

/** Every mistake on its own line, and the exit code of a failed check, or of bad use. */
function sayMistakes(ports: CommandPorts, thrown: unknown): void {
  if (!(thrown instanceof ProxyError)) throw thrown;
  for (const line of complaintOf(thrown)) ports.complain(line);
  ports.exit(thrown.code === 'BAD_REQUEST' ? 2 : 1);
}
