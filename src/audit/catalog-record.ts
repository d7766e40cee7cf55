// A classification that comes into force, put on the record first: kept beside the log and named in a `catalog` record, both on disk before
// the first statement is judged by it. Blocks for the two writes; that happens once an edit, and nothing may be judged in between.
import type { ClassificationFile } from '../catalog/load.ts';
import type { AuditLog } from './log.ts';
import { keepCatalog } from './versions.ts';

export interface CatalogChange {
  readonly files: readonly ClassificationFile[];
  /** Undefined at the start. */
  readonly before: string | undefined;
}

/** Throws when it cannot be written; the classification must then not come into force. */
export function recordCatalog(dir: string, log: AuditLog, change: CatalogChange): void {
  const { version, kept } = keepCatalog(dir, change.files);
  const words =
    change.before === undefined
      ? 'the classification in force at the start'
      : `the classification in force from now on, in place of ${change.before}`;
  log.recordNow({ kind: 'catalog', words, version, kept });
}
