// A picture of a live schema in the classification folder: `schema/NAME.json.gz`. It is what `countersign test` and `explain` resolve
// names against where no database is at hand (in CI), and the memory by which `check` tells a renamed column from a new one.
// It holds names, types and bodies of functions, no rows; it decides nothing in a running proxy.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { ProxyError, wordsOf } from '../core/errors.ts';
import type { Snapshot } from '../sql/schema.ts';

const bytesMax = 512 * 1024 * 1024;

export function schemaFileOf(folder: string, database: string): string {
  // A database's name may hold nearly anything; a path may not.
  return join(folder, 'schema', `${encodeURIComponent(database)}.json.gz`);
}

/** Undefined when there is none. */
export function readSchemaFile(file: string): Snapshot | undefined {
  if (!existsSync(file)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(gunzipSync(readFileSync(file), { maxOutputLength: bytesMax }).toString('utf8'));
  } catch (thrown) {
    throw new ProxyError('CONFIG_INVALID', `${file}: cannot be read: ${wordsOf(thrown)}`, { hint: remake });
  }
  if (isSnapshot(value)) return value;
  throw new ProxyError('CONFIG_INVALID', `${file}: written by another version`, { hint: remake });
}

/** Same schema, same bytes: the row counts of the moment are left out, and gzip's header has no time in it. */
export function writeSchemaFile(file: string, snapshot: Snapshot): void {
  const relations = snapshot.relations.map((relation) => ({ ...relation, rowsEstimate: -1 }));
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, gzipSync(JSON.stringify({ ...snapshot, relations }), { level: 9 }));
}

const remake = 'write it again with: countersign check --database NAME --write-schema';

const lists = [
  'schemas',
  'relations',
  'types',
  'functions',
  'operators',
  'casts',
  'rules',
  'policies',
  'triggers',
  'eventTriggers',
  'constraints',
  'inheritance',
  'indexes',
  'aggregates',
  'supportFunctions',
  'roles',
  'settings',
  'extensions',
] as const satisfies readonly (keyof Snapshot)[];

/** Ours, and only for our own commands: its form is taken as told when its parts are all there. */
function isSnapshot(value: unknown): value is Snapshot {
  if (typeof value !== 'object' || value === null) return false;
  const parts = new Map<string, unknown>(Object.entries(value));
  const hasHead = typeof parts.get('serverMajor') === 'number' && typeof parts.get('schemaVersion') === 'string';
  return hasHead && lists.every((name) => Array.isArray(parts.get(name)));
}
