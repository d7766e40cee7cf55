// Where the records of several processes of one proxy lie: the first one's in `audit.dir`, each worker's in a folder of its own below it.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { shareHashSecret } from '../audit/keys.ts';

const namePattern = /^worker-\d+$/;

export const workerAuditDir = (auditDir: string, number: number): string => join(auditDir, `worker-${number}`);

/** Made before the worker begins: one statement has one hash, whichever worker it met. */
export function makeWorkerFolder(auditDir: string, number: number): void {
  const folder = workerAuditDir(auditDir, number);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  shareHashSecret(auditDir, folder);
}

/** The folders of workers that there are or were: what an auditor reads beside `auditDir` itself. */
export function workerFolders(auditDir: string): readonly string[] {
  try {
    const names = readdirSync(auditDir, { withFileTypes: true });
    return names
      .filter((one) => one.isDirectory() && namePattern.test(one.name))
      .map(({ name }) => join(auditDir, name))
      .toSorted();
  } catch {
    return []; // Whoever reads the folder itself says what is wrong with it.
  }
}
