// Removes what an embedded Postgres left behind when even its supervisor was killed (or the power went).
// The temporary folder is open to everybody, so nothing is believed: only folders of our own user are touched, and a process is
// ended only when its own command line names that folder.
import { lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { RunAs } from './postgres-binaries.ts';

export const temporaryPrefix = 'countersign-pg-';

/** A folder younger than `afterMs` may be somebody's that is just starting. */
export function sweepStale(home: string, as: RunAs, afterMs: number): void {
  const owners = [process.getuid?.(), as.kind === 'other' ? as.uid : undefined];
  for (const name of readdirSync(home)) {
    if (!name.startsWith(temporaryPrefix)) continue;
    const folder = join(home, name);
    const stat = lstatSync(folder, { throwIfNoEntry: false });
    if (stat === undefined || !stat.isDirectory() || !owners.includes(stat.uid)) continue;
    if (Date.now() - stat.ctimeMs < afterMs || isRunning(pidIn(join(folder, 'supervisor.pid')), folder)) continue;
    remove(folder);
  }
}

function remove(folder: string): void {
  const postmaster = pidIn(join(folder, 'data', 'postmaster.pid'));
  try {
    if (postmaster !== undefined && isRunning(postmaster, folder)) process.kill(postmaster, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  } catch (thrown) {
    // Two of us sweep at once, or a backend still writes there: the next start sweeps again.
    if (!(thrown instanceof Error)) throw thrown;
  }
}

function pidIn(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
    return pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number | undefined, folder: string): boolean {
  return pid !== undefined && commandLine(pid).includes(folder);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return process.platform === 'linux'
      ? ''
      : spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout;
  }
}
