// Clusters to copy from: initdb and a long filling are done once for this checkout, each test file begins with a copy of its own.
// A copy shares nothing with its model and with other copies: tests may drop, kill and configure as they like.
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresBinaries } from '../../src/cli/demo/postgres-binaries.ts';
import type { Filling } from '../../src/cli/demo/postgres-fill.ts';
import { startPostgres } from '../../src/cli/demo/postgres-launcher.ts';

export const cache = new URL('../../node_modules/.cache/countersign', import.meta.url).pathname;

export interface Model {
  /** Which Postgres, to the patch level: a cluster is good for its own major, and a test for what it was made with. */
  readonly version: string;
  readonly binaries: PostgresBinaries;
  readonly fill: readonly Filling[];
}

/** The folder to give to the launcher as `from`. Several test processes may make it at once: the first rename wins. */
export async function clusterOf({ version, binaries, fill }: Model): Promise<string> {
  const key = createHash('sha256')
    .update(JSON.stringify([fill, hasty]))
    .digest('hex')
    .slice(0, 12);
  const home = join(cache, `cluster-${version}-${key}`);
  if (existsSync(home)) return home;
  mkdirSync(cache, { recursive: true });
  // Not in the checkout, where `nobody`, whom root lends the server to, may not get in.
  const keep = mkdtempSync(join(tmpdir(), 'countersign-cluster-'));
  const aside = mkdtempSync(join(cache, 'cluster-'));
  try {
    chmodSync(keep, 0o755);
    const made = await startPostgres({ binaries, keep, fill, settings: hasty });
    await made.stop();
    cpSync(keep, aside, { recursive: true });
    renameSync(aside, home);
  } catch (thrown) {
    if (!existsSync(home)) throw thrown;
  } finally {
    for (const folder of [keep, aside]) rmSync(folder, { recursive: true, force: true });
  }
  return home;
}

/** A machine that dies while it is made leaves nothing that would be taken for a cluster: the rename comes last. */
const hasty = [
  ...['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'],
  // Segments of the log that are kept for later are copied each time.
  ...['wal_level=minimal', 'max_wal_senders=0', 'min_wal_size=32MB', 'max_wal_size=48MB'],
];
