// Everything that the folder says, together: the catalog and the policy that go into verdicts. Pure; the folder is folder.ts.
import { isNonEmpty } from '../core/brand.ts';
import type { Checked } from '../core/yaml.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { loadCatalog, stem, type ClassificationFile } from '../catalog/load.ts';
import type { Floors } from './floors.ts';
import { loadPolicy, policyWithoutFile, type Policy } from './policy-file.ts';

export interface Classification {
  readonly catalog: Catalog;
  readonly policy: Policy;
  /** What was carried where; absent: nobody keeps it. */
  readonly floors?: Floors;
}

/** Mistakes of the catalog come first: a rule can only be checked against levels that are there. */
export function loadClassification(files: readonly ClassificationFile[]): Checked<Classification> {
  const catalog = loadCatalog(files);
  if (catalog.kind === 'bad') return catalog;
  const policyFiles = files.filter((file) => !file.name.includes('/') && stem(file.name) === 'policy');
  const [file, second] = policyFiles;
  if (file === undefined) return { kind: 'good', value: { catalog: catalog.value, policy: policyWithoutFile } };
  const policy = loadPolicy(file, catalog.value);
  const place = { file: second?.path ?? file.path, line: 1, column: 1 };
  const mistakes = [
    ...(policy.kind === 'bad' ? policy.mistakes : []),
    ...(second === undefined ? [] : [{ place, words: 'a second policy file', mend: 'put the rules into one' }]),
  ];
  if (isNonEmpty(mistakes)) return { kind: 'bad', mistakes };
  if (policy.kind === 'bad') return policy;
  return { kind: 'good', value: { catalog: catalog.value, policy: policy.value } };
}
