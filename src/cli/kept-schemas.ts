// The schemas that statements were judged by, kept beside the log as pictures (see schema-file.ts), so that a statement can be judged again
// as it was. Each has its hash in a `catalog` record, since a schema's version is the server's own and says nothing of our file.
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { parseRecord } from '../audit/reader.ts';
import type { Recorder } from '../audit/recorder.ts';
import { linesContaining } from '../audit/search.ts';
import { ProxyError } from '../core/errors.ts';
import type { Snapshot } from '../sql/schema.ts';
import { readSchemaFile } from './schema-file.ts';

/** A database whose definitions change all day must not fill the disk of the log: the oldest give way. */
const keptMax = 300;
const namePattern = /^[0-9a-f]{32,64}$/;

const folderOf = (dir: string): string => join(dir, 'schemas');
const fileOf = (dir: string, version: string): string => join(folderOf(dir), `${version}.json.gz`);

/** Once for each version that comes into use. Off the road: statements do not wait for it. */
export async function keepSchema(
  dir: string,
  recorder: Recorder,
  of: { readonly database: string; readonly snapshot: Snapshot },
): Promise<void> {
  const version = of.snapshot.schemaVersion;
  if (!namePattern.test(version)) return;
  const file = fileOf(dir, version);
  if (!existsSync(file)) await writePicture(dir, file, of.snapshot);
  const kept = hash('sha256', readFileSync(file), 'hex');
  const words = `the schema of ${of.database} by which statements are judged from now on`;
  await recorder.recordDurably({ kind: 'catalog', words, version, kept, database: of.database });
}

async function writePicture(dir: string, file: string, snapshot: Snapshot): Promise<void> {
  mkdirSync(folderOf(dir), { recursive: true, mode: 0o700 });
  const bytes = await promisify(gzip)(await jsonOf(snapshot), { level: 1 });
  const beside = `${file}.new`;
  const opened = await open(beside, 'w', 0o600);
  try {
    await opened.writeFile(bytes);
    await opened.datasync();
  } finally {
    await opened.close();
  }
  await rename(beside, file);
  dropOldest(dir);
}

/** The same as JSON.stringify, a part at a time: a large schema must not hold up statements. */
async function jsonOf(snapshot: Snapshot): Promise<string> {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(snapshot)) {
    parts.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return `{${parts.join(',')}}`;
}

function dropOldest(dir: string): void {
  const files = readdirSync(folderOf(dir)).map((name) => join(folderOf(dir), name));
  if (files.length <= keptMax) return;
  const byAge = files.map((file) => ({ file, at: statSync(file).mtimeMs })).toSorted((a, b) => a.at - b.at);
  for (const { file } of byAge.slice(0, files.length - keptMax)) unlinkSync(file);
}

export type SchemaThen =
  { readonly kind: 'there'; readonly snapshot: Snapshot } | { readonly kind: 'not there'; readonly why: string };

/** The schema of a version, when it was kept and is what the log says it is. */
async function schemaThen(dir: string, version: string): Promise<SchemaThen> {
  const not = (why: string): SchemaThen => ({ kind: 'not there', why });
  if (!namePattern.test(version)) return not('the record names no schema');
  const file = fileOf(dir, version);
  if (!existsSync(file)) return not(`${file} is not there`);
  const kept = await keptHashes(dir, version);
  if (!kept.has(hash('sha256', readFileSync(file), 'hex'))) return not(`${file} is not the one that the log speaks of`);
  try {
    const snapshot = readSchemaFile(file);
    return snapshot?.schemaVersion === version ? { kind: 'there', snapshot } : not(`${file} is of another schema`);
  } catch (thrown) {
    if (thrown instanceof ProxyError) return not(thrown.message);
    throw thrown;
  }
}

async function keptHashes(dir: string, version: string): Promise<ReadonlySet<string>> {
  const hashes = new Set<string>();
  for await (const line of linesContaining(dir, '"kept":"')) {
    const record = parseRecord(line);
    if (typeof record === 'string' || record.kind !== 'catalog' || record.version !== version) continue;
    if (record.kept !== undefined) hashes.add(record.kept);
  }
  return hashes;
}

/** Beside any of several logs. */
export async function schemaThenIn(dirs: readonly string[], version: string): Promise<SchemaThen> {
  let last: SchemaThen = { kind: 'not there', why: 'there is no record' };
  for (const dir of dirs) {
    last = await schemaThen(dir, version);
    if (last.kind === 'there') return last;
  }
  return last;
}
