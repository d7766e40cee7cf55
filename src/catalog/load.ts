// The files of a classification folder → a catalog, or every mistake in them at once. Pure: reading the folder is folder.ts.
import { createHash } from 'node:crypto';
import { isNonEmpty, type NonEmpty, type Sha256 } from '../core/brand.ts';
import type { Mistake } from '../core/place.ts';
import { loadYaml, type Checked, type YamlDocument } from '../core/yaml.ts';
import { checkWith } from '../core/yaml-check.ts';
import type { Catalog } from './catalog.ts';
import { LevelMemo } from './level-memo.ts';
import { approversSchema, databaseSchema, taxonomySchema } from './file-schemas.ts';
import { checkGroups, linkApprovers, nobody } from './link-approvers.ts';
import { linkDatabases, type DatabaseFile } from './link-databases.ts';
import { Mistakes } from './link-state.ts';
import { linkTaxonomy } from './link-taxonomy.ts';

/** One file of the folder. `path` is how mistakes name it; `name` is its place in the folder: `shop.yaml`, `cases/shop.yaml`. */
export interface ClassificationFile {
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

export function loadCatalog(files: readonly ClassificationFile[]): Checked<Catalog> {
  const mistakes = new Mistakes();
  const read = files.filter(isCatalogFile).map((file) => readFile(file, mistakes));
  const documents = read.filter((one) => one !== undefined);
  const taxonomyFile = documents.find((one) => one.kind === 'taxonomy');
  if (taxonomyFile === undefined) {
    if (!files.some((file) => stem(file.name) === 'taxonomy')) {
      mistakes.add(
        { file: folderOf(files), line: 1, column: 1 },
        'taxonomy.yaml is missing',
        'it names the levels; begin with the sample’s, classification/taxonomy.yaml of the package',
      );
    }
    return bad(mistakes.list);
  }
  const taxonomy = linkTaxonomy(taxonomyFile.document, taxonomyFile.shape, mistakes);
  if (taxonomy === undefined) return bad(mistakes.list);
  const databaseFiles: readonly DatabaseFile[] = documents.filter((one) => one.kind === 'database');
  const databases = linkDatabases(taxonomy, databaseFiles, mistakes);
  const approversFile = documents.find((one) => one.kind === 'approvers');
  const people =
    approversFile === undefined ? nobody : linkApprovers(approversFile.document, approversFile.shape, mistakes);
  checkGroups({ taxonomy, files: databaseFiles, databases, people, taxonomyDocument: taxonomyFile.document, mistakes });
  if (isNonEmpty(mistakes.list)) return bad(mistakes.list);
  return {
    kind: 'good',
    value: { ...taxonomy, ...people, databases, version: versionOf(files), memo: new LevelMemo() },
  };
}

/** Files in order of their names, each framed by its length, so that no two folders give one hash. Cases decide nothing. */
export function versionOf(files: readonly ClassificationFile[]): Sha256 {
  const hash = createHash('sha256');
  const parts = files.filter((file) => !file.name.includes('/'));
  for (const file of parts.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(`${file.name.length}:${file.name}${file.text.length}:${file.text}`);
  }
  return hash.digest('hex') as Sha256;
}

export function stem(name: string): string {
  return name.replace(/\.ya?ml$/, '');
}

function isCatalogFile(file: ClassificationFile): boolean {
  return !file.name.includes('/') && stem(file.name) !== 'policy';
}

function readFile(file: ClassificationFile, mistakes: Mistakes) {
  const document = loadYaml(file.path, file.text);
  if (document.kind === 'bad') {
    mistakes.list.push(...document.mistakes);
    return undefined;
  }
  const checked = checkFile(stem(file.name), document.value);
  if (checked.kind !== 'bad') return checked;
  mistakes.list.push(...checked.mistakes);
  return undefined;
}

function checkFile(name: string, document: YamlDocument) {
  if (name === 'taxonomy') {
    const checked = checkWith(taxonomySchema, document);
    return checked.kind === 'bad' ? checked : { kind: 'taxonomy' as const, document, shape: checked.value };
  }
  if (name === 'approvers') {
    const checked = checkWith(approversSchema, document);
    return checked.kind === 'bad' ? checked : { kind: 'approvers' as const, document, shape: checked.value };
  }
  const checked = checkWith(databaseSchema, document);
  return checked.kind === 'bad' ? checked : { kind: 'database' as const, document, shape: checked.value };
}

function folderOf(files: readonly ClassificationFile[]): string {
  return files[0]?.path.replace(/[^/]*$/, 'taxonomy.yaml') ?? 'taxonomy.yaml';
}

function bad(mistakes: readonly Mistake[]): { readonly kind: 'bad'; readonly mistakes: NonEmpty<Mistake> } {
  const sorted = mistakes.toSorted(
    (a, b) =>
      (a.place.file < b.place.file ? -1 : a.place.file > b.place.file ? 1 : 0) ||
      a.place.line - b.place.line ||
      a.place.column - b.place.column,
  );
  if (!isNonEmpty(sorted)) throw new Error('a bad catalog without a mistake');
  return { kind: 'bad', mistakes: sorted };
}
