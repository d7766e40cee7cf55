// A folder and those above it, made one by one. Node's own way of making several at once never comes back where the kernel says "no such
// folder" to a mkdir in a folder that is there, as under /proc: a wrong path in the config would be a start that hangs.
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { codeOf } from './file-words.ts';

export function makeFolder(folder: string, mode: number): void {
  const missing: string[] = [];
  for (let at = resolve(folder); !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.push(at);
  if (missing.length === 0 && !statSync(folder).isDirectory()) mkdirSync(folder);
  for (const each of missing.toReversed()) {
    try {
      mkdirSync(each, { mode });
    } catch (thrown) {
      // Somebody else was faster, which is as good.
      if (codeOf(thrown) !== 'EEXIST' || !statSync(each).isDirectory()) throw thrown;
    }
  }
}
