// One writer per folder. Node has no flock, so the lock is a file made by link(2), which fails when it exists, with its holder's
// name in it. A holder that was killed leaves it behind; whether it still lives is asked of the kernel where we can see its processes
// (same machine, boot and pid namespace), and of the file's age where we cannot (another container on the same volume).
import {
  linkSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ProxyError } from './errors.ts';
import { codeOf } from './file-words.ts';
import { randomText } from './ids.ts';

/** The holder touches the file every second; ten silent seconds mean it is gone. */
const silentMsMax = 10_000;
const waitMsMax = 15_000;

interface Holder {
  readonly pid: number;
  /** The process's start in kernel ticks: a pid alone is used again. */
  readonly started: string;
  /** Machine, boot and pid namespace: where `pid` means something. */
  readonly space: string;
  readonly token: string;
}

export class FolderLock {
  readonly #file: string;
  readonly #token: string;

  constructor(file: string, token: string) {
    this.#file = file;
    this.#token = token;
  }

  /** Says "still here"; false when somebody else has taken the lock, after which this process must not write. */
  touch(): boolean {
    if (readHolder(this.#file)?.token !== this.#token) return false;
    const now = new Date();
    utimesSync(this.#file, now, now);
    return true;
  }

  release(): void {
    if (readHolder(this.#file)?.token === this.#token) unlinkSync(this.#file);
  }
}

export interface LockWords {
  /** The lock's own file, so that two kinds of state can share a folder. */
  readonly name: string;
  /** What the holder does: `writes the audit log`. */
  readonly does: string;
  readonly hint: string;
}

export async function lockFolder(dir: string, { name, does, hint }: LockWords): Promise<FolderLock> {
  const file = join(dir, name);
  const self: Holder = { pid: process.pid, started: startOf(process.pid), space: pidSpace(), token: randomText(16) };
  const deadline = performance.now() + waitMsMax;
  for (;;) {
    if (take(file, self)) return new FolderLock(file, self.token);
    const holder = readHolder(file);
    if (holder === undefined || isGone(file, holder, self)) {
      putAside(file, holder, self);
    } else if (holder.space === self.space || performance.now() > deadline) {
      throw new ProxyError('CONFIG_INVALID', `another process (pid ${holder.pid}) ${does} in ${dir}`, { hint });
    } else {
      await wait(200);
    }
  }
}

function take(file: string, self: Holder): boolean {
  const own = `${file}.${self.token}`;
  writeFileSync(own, JSON.stringify(self), { mode: 0o600 });
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(own);
  }
}

/**
 * Two processes may find the same dead holder. The slower one could move away the faster one's fresh lock, so it looks at what it
 * moved and puts a living lock back; if a third slipped in between, the first notices at its next touch and stops writing.
 */
function putAside(file: string, dead: Holder | undefined, self: Holder): void {
  const aside = `${file}.${self.token}.old`;
  try {
    renameSync(file, aside);
    if (readHolder(aside)?.token !== dead?.token) linkSync(aside, file);
    unlinkSync(aside);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'EEXIST') throw error;
  }
}

function isGone(file: string, holder: Holder, self: Holder): boolean {
  if (holder.space !== self.space) return Date.now() - modifiedAt(file) > silentMsMax;
  return !isAlive(holder.pid) || startOf(holder.pid) !== holder.started;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

/** Field 22 of /proc/PID/stat. The name before it is in brackets and may hold anything, so count from its end. */
function startOf(pid: number): string {
  const stat = tryRead(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function pidSpace(): string {
  const boot = tryRead(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')).trim();
  return [hostname(), boot, tryRead(() => readlinkSync('/proc/self/ns/pid'))].join(' ');
}

/** Elsewhere than on Linux there is no /proc; then the pid alone has to do. */
function tryRead(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

function modifiedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function readHolder(file: string): Holder | undefined {
  const text = textOf(file);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isHolder(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isHolder(value: unknown): value is Holder {
  return typeof value === 'object' && value !== null && 'pid' in value && 'token' in value && 'space' in value;
}

/** A lock that is there and cannot be read is somebody's: that it is unreadable must not free it. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
