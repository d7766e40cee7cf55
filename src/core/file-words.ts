// Why a file or folder could not be used, in words and without the system's own abbreviations.
import { dirname, isAbsolute, relative } from 'node:path';
import { wordsOf } from './errors.ts';

const words: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not do that',
  EEXIST: 'it is there already',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is no folder',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EMFILE: 'too many files are open',
};

export function fileWords(thrown: unknown): string {
  return words[codeOf(thrown) ?? ''] ?? wordsOf(thrown);
}

/** `ENOENT` and its kin, where what was thrown came from the system. */
export function codeOf(thrown: unknown): string | undefined {
  const hasCode = typeof thrown === 'object' && thrown !== null && 'code' in thrown;
  return hasCode && typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** A path as people wrote it or would: from the first of these folders that it lies in, else whole. */
export function shownPath(path: string, homes: readonly string[]): string {
  const ways = homes.filter((home) => home !== dirname(home)).map((home) => relative(home, path));
  const inside = ways.find((way) => way !== '' && !/^\.\.(?:[/\\]|$)/.test(way));
  return inside === undefined || isAbsolute(inside) ? path : inside;
}
