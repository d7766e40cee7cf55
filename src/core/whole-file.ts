// Replaces a file as a whole: whoever reads it sees the old text or the new one, never half of one, even after a crash.
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { randomText } from './ids.ts';

/** Keeps mode and owner of a file that is there; a new one is its owner's alone. A link stays a link. */
export function replaceFile(file: string, text: string): void {
  const target = realpathOf(file);
  const old = statSync(target, { throwIfNoEntry: false });
  const fresh = `${target}.${randomText(8)}.new`;
  // Until its mode is set nobody else can open it: there may be secrets in the text.
  const handle = openSync(fresh, 'wx', 0o600);
  try {
    try {
      writeFileSync(handle, text);
      if (old !== undefined) keepOwner(handle, old);
      if (old !== undefined) fchmodSync(handle, old.mode & 0o7777);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(fresh, target);
  } catch (thrown) {
    rmSync(fresh, { force: true });
    throw thrown;
  }
  syncFolder(dirname(target));
}

function realpathOf(file: string): string {
  return statSync(file, { throwIfNoEntry: false }) === undefined ? file : realpathSync(file);
}

function keepOwner(handle: number, old: { readonly uid: number; readonly gid: number }): void {
  const isOurs = old.uid === process.getuid?.() && old.gid === process.getgid?.();
  if (!isOurs && process.getuid?.() === 0) fchownSync(handle, old.uid, old.gid);
}

/** The rename itself must survive a crash too. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
