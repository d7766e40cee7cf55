// One segment of the log, open for appending: short writes, group commit, closing while a sync is under way. Knows bytes, no records.
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const namePattern = /^segment-(\d{8})\.jsonl$/;

export function segmentName(number: number): string {
  return `segment-${String(number).padStart(8, '0')}.jsonl`;
}

/** The numbers of the segments in a folder, oldest first. */
export function segmentNumbers(dir: string): readonly number[] {
  return readdirSync(dir)
    .map((name) => Number(namePattern.exec(name)?.[1] ?? Number.NaN))
    .filter((number) => !Number.isNaN(number))
    .sort((a, b) => a - b);
}

export class SegmentFile {
  readonly number: number;
  readonly #fd: number;
  #bytes: number;
  #running: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  #retired = false;
  /** After a failed sync the kernel forgets what it could not write, and the next sync would succeed wrongly. */
  #failed: Error | undefined;

  private constructor(number: number, fd: number, bytes: number) {
    this.number = number;
    this.#fd = fd;
    this.#bytes = bytes;
  }

  /** A new segment whose first bytes, and whose name in the folder, are on disk when this returns; or no segment at all. */
  static create(dir: string, number: number, first: Uint8Array): SegmentFile {
    const path = join(dir, segmentName(number));
    const file = new SegmentFile(number, openSync(path, 'ax', 0o600), 0);
    try {
      file.write(first);
      file.syncNow();
      syncFolder(dir);
      return file;
    } catch (error) {
      file.retire();
      unlinkSync(path);
      throw error;
    }
  }

  /** An existing segment, cut to its first `bytes`. */
  static reopen(dir: string, number: number, bytes: number): SegmentFile {
    const fd = openSync(join(dir, segmentName(number)), 'a', 0o600);
    const file = new SegmentFile(number, fd, bytes);
    ftruncateSync(fd, bytes);
    file.syncNow();
    return file;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The kernel may take less than all: a disk that fills up takes the first part and fails the next call. */
  write(bytes: Uint8Array): void {
    let done = 0;
    while (done < bytes.length) {
      const taken = writeSync(this.#fd, bytes, done, bytes.length - done);
      if (taken === 0) throw new Error('the kernel took no bytes');
      done += taken;
    }
    this.#bytes += done;
  }

  /** Resolves when all that was written before this call would survive a crash of the machine. Calls share syncs. */
  sync(): Promise<void> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    if (this.#retired) return Promise.resolve(); // A segment is synced before it is retired.
    if (this.#running === undefined) return this.#start();
    this.#queued ??= this.#running.then(
      () => this.#startQueued(),
      () => this.#startQueued(),
    );
    return this.#queued;
  }

  syncNow(): void {
    fdatasyncSync(this.#fd);
  }

  /**
   * Why what is written here is in no log any more; undefined: the file lies where it did, with all that was written and nothing else. The
   * kernel writes on in a file that somebody has deleted, moved away or emptied, and reports nothing.
   */
  astray(dir: string): string | undefined {
    const name = segmentName(this.number);
    const [own, there] = [fstatSync(this.#fd), statSync(join(dir, name), { throwIfNoEntry: false })];
    if (there?.ino !== own.ino || there.dev !== own.dev) return `${name} is not there any more, or is another file`;
    if (own.size === this.#bytes) return undefined;
    return `${name} has ${own.size} bytes, and ${this.#bytes} were written: somebody else has changed it`;
  }

  /** Closes now, or when the sync under way has ended: a closed descriptor's number could be somebody else's by then. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#running === undefined) closeSync(this.#fd);
  }

  #startQueued(): Promise<void> {
    this.#queued = undefined;
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    return this.#retired ? Promise.resolve() : this.#start();
  }

  #start(): Promise<void> {
    const running = new Promise<void>((resolve, reject) => {
      fdatasync(this.#fd, (error) => {
        this.#running = undefined;
        if (this.#retired) closeSync(this.#fd);
        if (error === null) return resolve();
        this.#failed = error;
        reject(error);
      });
    });
    this.#running = running;
    return running;
  }
}

function syncFolder(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
