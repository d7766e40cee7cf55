// Folders and other things of a test file that go when it ends, whoever made them and whenever.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Asked for here, when the file is loaded: a hook that a running test asks for never runs. What came last goes first. */
const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** May be called from hooks and from within tests. */
export function atEndOfFile(end: () => unknown): void {
  ends.push(end);
}

export function aFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'countersign-test-'));
  atEndOfFile(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A tmpfs of a few pages, or undefined where this user may not mount. */
export function aSmallDisk(kilobytes: number): string | undefined {
  const dir = join(aFolder(), 'disk');
  mkdirSync(dir);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  atEndOfFile(() => execFileSync('umount', ['-l', dir]));
  return dir;
}
