// The file by which the operator of this machine proves to be one: written by the running proxy into the folder of its record, readable by its
// own user alone, another at each start, gone at its end. A copy of yesterday's is worth nothing.
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

const fileName = 'console.key';

const shape = z.strictObject({ url: z.string(), key: z.string(), pid: z.number() });

export interface ConsoleKey {
  readonly bytes: Buffer;
  /** Once the address is known. */
  publish(url: string): void;
  remove(): void;
}

export function makeConsoleKey(dir: string): ConsoleKey {
  const bytes = randomBytes(32);
  const file = join(dir, fileName);
  return {
    bytes,
    publish: (url) => {
      // Anew, never into what lies there: its rights would stay as they were.
      rmSync(file, { force: true });
      const text = JSON.stringify({ url, key: bytes.toString('base64'), pid: process.pid });
      writeFileSync(file, `${text}\n`, { mode: 0o600, flag: 'wx' });
    },
    remove: () => {
      if (readConsoleKey(dir)?.key.equals(bytes) === true) rmSync(file, { force: true });
    },
  };
}

/** Undefined: there is none, or it cannot be read. */
export function readConsoleKey(dir: string): { readonly url: string; readonly key: Buffer } | undefined {
  try {
    const { url, key } = shape.parse(JSON.parse(readFileSync(join(dir, fileName), 'utf8')));
    return { url, key: Buffer.from(key, 'base64') };
  } catch {
    return undefined;
  }
}
