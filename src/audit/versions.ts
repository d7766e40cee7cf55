// What judged then: the classification files of every version that was ever in force, kept beside the log, so that a statement can be judged
// again as it was. A file is named by its version, and the version is a hash of its texts that stands in the chain: a kept file that was
// changed is found out when it is read. Schemas are kept the same way (see cli/kept-schemas.ts); their hash stands in a `catalog` record.
import { hash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Sha256 } from '../core/brand.ts';
import { wordsOf } from '../core/errors.ts';
import { versionOf, type ClassificationFile } from '../catalog/load.ts';
import { loadClassification, type Classification } from '../policy/classification.ts';
import { readText, writeWhole } from './keys.ts';

const folder = 'catalogs';

const keptShape = z.strictObject({
  version: z.string(),
  files: z.array(z.strictObject({ name: z.string(), text: z.string() })),
});

/** Hex only: a version comes from a record, and must not lead out of the folder. */
const namePattern = /^[0-9a-f]{32,64}$/;

export function catalogFile(dir: string, version: string): string {
  return join(dir, folder, `${version}.json`);
}

export interface KeptFile {
  readonly version: Sha256;
  /** Of the kept file's bytes. */
  readonly kept: string;
}

/** On disk when it returns. Cases decide nothing and are left out. */
export function keepCatalog(dir: string, files: readonly ClassificationFile[]): KeptFile {
  const judging = files.filter((file) => !file.name.includes('/'));
  const version = versionOf(judging);
  const file = catalogFile(dir, version);
  const sorted = judging.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const text = `${JSON.stringify({ version, files: sorted.map(({ name, text: own }) => ({ name, text: own })) })}\n`;
  if (!existsSync(file)) {
    mkdirSync(join(dir, folder), { recursive: true, mode: 0o700 });
    writeWhole(file, text, 0o600);
  }
  return { version, kept: hash('sha256', text, 'hex') };
}

export type CatalogThen =
  | { readonly kind: 'there'; readonly classification: Classification }
  | { readonly kind: 'not there'; readonly why: string };

/** The classification of a version, when it was kept, is what it was, and this program still reads it. */
export function catalogThen(dir: string, version: string): CatalogThen {
  const not = (why: string): CatalogThen => ({ kind: 'not there', why });
  if (!namePattern.test(version)) return not('the record names no classification');
  const file = catalogFile(dir, version);
  const text = readText(file);
  if (text === undefined) return not(`${file} is not there`);
  const kept = filesIn(text);
  if (typeof kept === 'string') return not(`${file}: ${kept}`);
  if (versionOf(kept) !== version) return not(`${file} is not as it was kept: its texts have another hash`);
  const loaded = loadClassification(kept);
  if (loaded.kind === 'bad') return not(`${file} cannot be read by this program: ${loaded.mistakes[0].words}`);
  return { kind: 'there', classification: loaded.value };
}

/** Beside any of several logs. */
export function catalogThenIn(dirs: readonly string[], version: string): CatalogThen {
  const found = dirs.map((dir) => catalogThen(dir, version));
  const [first] = found;
  return found.find(({ kind }) => kind === 'there') ?? first ?? { kind: 'not there', why: 'there is no record' };
}

function filesIn(text: string): readonly ClassificationFile[] | string {
  try {
    const read = keptShape.parse(JSON.parse(text));
    return read.files.map((file) => ({ ...file, path: file.name }));
  } catch (thrown) {
    return `not a kept classification: ${wordsOf(thrown).slice(0, 200)}`;
  }
}
