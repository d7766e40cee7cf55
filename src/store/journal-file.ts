// The journal's file: opening with what was kept, appending durably, making it anew. Whoever calls makes sure that one call is under
// way at a time, and never appends again after a failed append before `renew` has succeeded: after a failed sync the kernel forgets
// what it could not write, and the next sync would succeed wrongly.
import { fstatSync, statSync } from 'node:fs';
import { open, readFile, rename, rm, truncate, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '../core/file-words.ts';
import { Documents, type Put } from './documents.ts';
import { headLine, putsLine, replay } from './journal-line.ts';

/** Snapshot lines of about this size: a line is held in memory whole, and the event loop waits while one is made. */
const lineLengthMax = 256 * 1024;

export interface OpenedJournal {
  readonly file: JournalFile;
  readonly documents: Documents;
  /** Bytes of an unfinished end that were cut off; they were never acknowledged. */
  readonly cutBytes: number;
}

export class JournalFile {
  readonly #path: string;
  #handle: FileHandle;
  #lines: number;
  #bytes: number;

  private constructor(path: string, made: Made) {
    this.#path = path;
    this.#handle = made.handle;
    this.#lines = made.lines;
    this.#bytes = made.bytes;
  }

  static async open(dir: string): Promise<OpenedJournal> {
    const path = join(dir, 'journal.jsonl');
    await rm(asideOf(path), { force: true });
    const bytes = await readIfThere(path);
    if (bytes === undefined) {
      const documents = new Documents();
      return { file: new JournalFile(path, await putInPlace(path, documents)), documents, cutBytes: 0 };
    }
    const replayed = replay(path, bytes);
    const cutBytes = bytes.length - replayed.bytes;
    if (cutBytes > 0) await truncate(path, replayed.bytes);
    const handle = await open(path, 'a', 0o600);
    // What the last process wrote may still be on its way to the disk. From here on it is taken for true, so it has to be there.
    await handle.sync();
    const file = new JournalFile(path, { handle, lines: replayed.lines, bytes: replayed.bytes });
    return { file, documents: replayed.documents, cutBytes };
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves when the puts would survive a crash of the machine. */
  async append(puts: readonly Put[]): Promise<void> {
    const line = Buffer.from(putsLine(this.#lines + 1, puts));
    await writeWhole(this.#handle, line);
    await this.#handle.datasync();
    this.#lines += 1;
    this.#bytes += line.length;
  }

  /** Writes what counts into a new file, and puts it in the place of the old one when it is on the disk. */
  async renew(documents: Documents): Promise<void> {
    const made = await putInPlace(this.#path, documents);
    const old = this.#handle;
    this.#handle = made.handle;
    this.#lines = made.lines;
    this.#bytes = made.bytes;
    await old.close();
  }

  /**
   * Why what is appended would be lost with this process; undefined: the file lies where it did, as long as what was written. The kernel
   * writes on in a file that somebody has deleted, moved away or emptied, and reports nothing. To be asked between writes.
   */
  astray(): string | undefined {
    const [own, there] = [fstatSync(this.#handle.fd), statSync(this.#path, { throwIfNoEntry: false })];
    if (there?.ino !== own.ino || there.dev !== own.dev) return 'its file is not there any more, or is another one';
    return own.size === this.#bytes ? undefined : 'somebody else has changed its file';
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

interface Made {
  readonly handle: FileHandle;
  readonly lines: number;
  readonly bytes: number;
}

async function putInPlace(path: string, documents: Documents): Promise<Made> {
  const aside = asideOf(path);
  // A leftover of a failed attempt may fill the very disk that is to take the new one.
  await rm(aside, { force: true });
  const handle = await open(aside, 'ax', 0o600);
  try {
    const made = await writeAll(handle, documents);
    await handle.sync();
    await rename(aside, path);
    await syncFolder(dirname(path));
    return { handle, ...made };
  } catch (thrown) {
    await handle.close();
    await rm(aside, { force: true });
    throw thrown;
  }
}

/** What is written is what there is now: `documents` may change meanwhile. */
async function writeAll(handle: FileHandle, documents: Documents): Promise<Omit<Made, 'handle'>> {
  const groups = [...grouped(documents.puts())];
  let bytes = 0;
  let lines = 0;
  const write = async (line: string): Promise<void> => {
    const buffer = Buffer.from(line);
    await writeWhole(handle, buffer);
    bytes += buffer.length;
    lines += 1;
  };
  await write(headLine(groups.length));
  for (const group of groups) await write(putsLine(lines + 1, group));
  return { lines, bytes };
}

function* grouped(puts: Iterable<Put>): Generator<readonly Put[]> {
  let group: Put[] = [];
  let length = 0;
  for (const put of puts) {
    group.push(put);
    length += put.document?.value.length ?? 0;
    if (length < lineLengthMax) continue;
    yield group;
    [group, length] = [[], 0];
  }
  if (group.length > 0) yield group;
}

/** A disk that fills up takes the first part and fails the next call. */
async function writeWhole(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done);
    if (bytesWritten === 0) throw new Error('the kernel took no bytes');
    done += bytesWritten;
  }
}

async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

const asideOf = (path: string): string => `${path}.new`;
