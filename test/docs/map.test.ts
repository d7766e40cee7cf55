// Goal: the map of the sources names files and rooms that are there.
// Method: each name in back-ticks in src/README.md that looks like a file or a folder is looked up in src/, those in a table of one room in
// that room; a star stands for the rest of a name.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './papers.ts';

const lines = readFileSync(join(root, 'src/README.md'), 'utf8').split('\n');

const namesIn = (line: string): readonly string[] => [...line.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

/** Of a table that is about one room, by its head. */
const roomOf = (line: string): string | undefined => /^\| in `(\w+)\/`/.exec(line)?.[1];

function isThere(room: string, name: string): boolean {
  const pattern = new RegExp(`^${name.replace(/\.ts$/, '').replaceAll('*', '.*')}\\.ts$`);
  return readdirSync(join(root, 'src', room)).some((file) => pattern.test(file));
}

function missing(): readonly string[] {
  let room: string | undefined;
  return lines.flatMap((line, at) => {
    if (!line.startsWith('|')) room = undefined;
    room = roomOf(line) ?? room;
    return namesIn(line)
      .filter((name) => roomOf(line) === undefined && !isKnown(room, name))
      .map((name) => `src/README.md:${at + 1}: ${name}`);
  });
}

function isKnown(room: string | undefined, name: string): boolean {
  const [, folder = '', file = ''] = /^([\w/]+\/)?([\w-]+\*?(?:\.ts)?)?$/.exec(name) ?? [];
  if (room !== undefined && folder === '') return isThere(room, file);
  if (folder === '' && !file.endsWith('.ts')) return true;
  const place = ['test/', 'demo/'].some((each) => folder.startsWith(each)) ? '..' : '.';
  const entries = readdirSync(join(root, 'src', place, folder));
  return file === '' ? entries.length > 0 : entries.includes(file);
}

test('every file and folder that the map names is there', () => {
  expect(lines.flatMap(namesIn).length).toBeGreaterThan(100);
  expect(missing()).toEqual([]);
});
