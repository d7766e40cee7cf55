// Goal: a folder is there afterwards, or the reason why not is said at once.
// Method: folders in a temporary one; and under /proc, where Node's own way never comes back.
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolder } from '../../src/core/make-folder.ts';

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'countersign-folder-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

test('makes all that are missing, with their mode, and leaves what is there', () => {
  makeFolder(join(home, 'a/b'), 0o700);
  expect(statSync(join(home, 'a')).mode & 0o777).toBe(0o700);
  writeFileSync(join(home, 'a/b/kept'), '');
  makeFolder(join(home, 'a/b'), 0o700);
  expect(existsSync(join(home, 'a/b/kept'))).toBe(true);
});

test('says what stands in the way', () => {
  writeFileSync(join(home, 'file'), '');
  expect(() => makeFolder(join(home, 'file'), 0o700)).toThrow('EEXIST');
  expect(() => makeFolder(join(home, 'file/under'), 0o700)).toThrow('ENOTDIR');
});

test.skipIf(!existsSync('/proc/self'))('comes back where no folder can be made', () => {
  expect(() => makeFolder('/proc/countersign/audit', 0o700)).toThrow('ENOENT');
});
