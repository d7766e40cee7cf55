// Goal: whatever lies in a classification folder is read, or named with its place and the mend, and nothing there is waited for.
// Method: a folder in a temporary place with one file of each strange kind, read as the commands do.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readFolder } from '../../src/catalog/folder.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-folder-'));
  writeFileSync(join(folder, 'taxonomy.yaml'), 'version: 1\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const strange: readonly (readonly [name: string, make: (path: string) => void, words: string])[] = [
  ['a pipe', (path) => execFileSync('mkfifo', [path]), 'shop.yaml: cannot be read: it is no file'],
  ['a link to nothing', (path) => symlinkSync('nowhere', path), 'shop.yaml: cannot be read: there is no such file'],
  ['a folder', (path) => mkdirSync(path), 'shop.yaml: cannot be read: it is no file'],
  [
    'letters of another encoding',
    (path) => writeFileSync(path, Buffer.from('version: 1\n# ü\nowner: caf\u00e9\n', 'latin1')),
    'shop.yaml:2:1: is not UTF-8',
  ],
];
test.each(strange)('%s is named, with its place', (_name, make, words) => {
  make(join(folder, 'shop.yaml'));
  expect(() => readFolder(folder, 'files')).toThrow(`files/${words}`);
});

test('a link to a file, a byte order mark and CRLF are read as they are', () => {
  writeFileSync(join(folder, 'elsewhere.txt'), '\ufeffversion: 1\r\n');
  symlinkSync('elsewhere.txt', join(folder, 'shop.yaml'));
  expect(readFolder(folder).map(({ name }) => name)).toEqual(['shop.yaml', 'taxonomy.yaml']);
});
