// State of one proxy on one machine: a file of checked lines, and what they add up to in memory.
//
//   up ──a write fails, hangs, or the lock is lost──▶ down ──room again: the file is made anew from what was acknowledged──▶ up
//
// Two views are kept. What is on the disk is what `read` and `list` show. What was asked for and is on its way there counts only
// when the next change is compared, so that two changes in one moment cannot both win. A failed write throws the second view away:
// nothing has to be undone, and nobody has acted on it.
import { statfs } from 'node:fs/promises';
import type { NonEmpty } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError, wordsOf } from '../core/errors.ts';
import { fileWords } from '../core/file-words.ts';
import { lockFolder, type FolderLock } from '../core/folder-lock.ts';
import { randomText } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { makeFolder } from '../core/make-folder.ts';
import { checkChanges, checkKey, checkList, checkSpend, stepMsOf } from './asked.ts';
import { isPast, type Document, type Documents, type Put } from './documents.ts';
import { JournalFile } from './journal-file.ts';
import { spend } from './spending.ts';
import type { Change, Listed, Spending, Standing, Store, Stored, Version, Window } from './store.ts';
import { Board, Topics } from './topics.ts';

export interface JournalOptions {
  readonly dir: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<JournalLimits>;
}

export interface JournalLimits {
  /** A disk that does not answer for so long counts as failed. */
  readonly writeMsMax: number;
  /** The file is made anew when it is this much longer than what is in it. */
  readonly slackBytesMax: number;
  /** A full disk is not tried again with less room than this, besides what is in the journal. */
  readonly freeBytesMin: number;
  readonly tickMs: number;
}

const usual: JournalLimits = {
  writeMsMax: 5000,
  slackBytesMax: 8 * 1024 * 1024,
  freeBytesMin: 1024 * 1024,
  tickMs: 1000,
};

/** One line of the file at most; what is above waits for the next. */
const groupLengthMax = 4 * 1024 * 1024;

/** Documents of callers and counters must not meet. */
export const documentKey = (key: string): string => `d${key}`;
const counterKey = (key: string, window: Window): string => `c${window.ms}:${key}`;

export async function openJournal(options: JournalOptions): Promise<Store> {
  const { dir, log } = options;
  try {
    makeFolder(dir, 0o700);
    const hint = 'one journal serves one process; several proxies share state through redis://…';
    const lock = await lockFolder(dir, { name: 'journal.lock', does: 'keeps the state', hint });
    try {
      const { file, documents, cutBytes } = await JournalFile.open(dir);
      if (cutBytes > 0) log.warn(`the journal ended in ${cutBytes} bytes of an unfinished line; they were cut off`);
      return new Journal({ options, lock, file, documents });
    } catch (thrown) {
      lock.release();
      throw thrown;
    }
  } catch (thrown) {
    if (thrown instanceof ProxyError) throw thrown;
    const words = `the state in ${dir} cannot be opened: ${fileWords(thrown)}`;
    throw new ProxyError('UNAVAILABLE', words, {
      cause: thrown,
      hint: 'mend the folder, or name another with `state:`',
    });
  }
}

/** A change that is on its way to the disk. */
interface Waiting {
  readonly puts: NonEmpty<Put>;
  readonly done: Promise<void>;
  readonly settle: (refusal: ProxyError | undefined) => void;
}

interface Parts {
  readonly options: JournalOptions;
  readonly lock: FolderLock;
  readonly file: JournalFile;
  readonly documents: Documents;
}

class Journal implements Store {
  readonly #parts: Parts;
  readonly #limits: JournalLimits;
  readonly #topics = new Topics();
  readonly #board: Board;
  readonly #queue: Waiting[] = [];
  /** Newest change of a key that is not on the disk yet. */
  readonly #pending = new Map<string, { readonly put: Put; readonly done: Promise<void> }>();
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Neither `lost` (the folder is somebody else's) nor `closed` is mended by room on the disk. */
  #course: 'open' | 'lost' | 'closed' = 'open';

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#limits = { ...usual, ...parts.options.limits };
    this.#board = new Board(this.#upWords());
    this.#tickLater();
  }

  get standing(): Standing {
    return this.#board.now;
  }

  onStanding(each: (now: Standing) => void): () => void {
    return this.#board.on(each);
  }

  read(key: string): Promise<Stored | undefined> {
    return this.#whileUp(() => {
      checkKey(key);
      const found = this.#parts.documents.get(documentKey(key), this.#now());
      return Promise.resolve(found === undefined ? undefined : { value: found.value, version: found.version });
    });
  }

  list(prefix: string, limit: number, after = ''): Promise<readonly Listed[]> {
    return this.#whileUp(() => {
      checkList(prefix, limit);
      const from = { prefix: documentKey(prefix), after: documentKey(after) };
      const found = this.#parts.documents.list(from, limit, this.#now());
      return Promise.resolve(found.map((listed) => ({ ...listed, key: listed.key.slice(1) })));
    });
  }

  change(changes: NonEmpty<Change>): Promise<'changed' | 'conflict'> {
    return this.#whileUp(async () => {
      checkChanges(changes);
      const inTheWay = changes.filter((change) => !this.#fits(change));
      if (inTheWay.length > 0) {
        // Told only when a read shows it: whoever reads again at once must not find what it knows already.
        await Promise.all(inTheWay.flatMap(({ key }) => this.#pending.get(documentKey(key))?.done ?? []));
        return 'conflict';
      }
      const version = randomText(16) as Version;
      const [first, ...others] = changes;
      await this.#keep([putOf(first, version), ...others.map((change) => putOf(change, version))]);
      return 'changed';
    });
  }

  spend(key: string, amount: number, window: Window, max: number | undefined): Promise<Spending> {
    return this.#whileUp(async () => {
      checkSpend(key, amount, window, max);
      const counter = counterKey(key, window);
      const { value, spent, used } = spend(this.#head(counter)?.value, amount, window, max);
      if (value === undefined) return { spent, used };
      const expiresAt = Math.max(this.#now(), window.at) + window.ms + 2 * stepMsOf(window);
      await this.#keep([{ key: counter, document: { value, version: randomText(16) as Version, expiresAt } }]);
      return { spent, used };
    });
  }

  announce(topic: string, message: string): void {
    this.#topics.wake(topic, message);
  }

  listen(topic: string, each: (message: string) => void): () => void {
    return this.#topics.listen(topic, each);
  }

  async close(): Promise<void> {
    if (this.#course === 'closed') return;
    this.#course = 'closed';
    clearTimeout(this.#timer);
    const isBack = await this.#diskIsBack();
    this.#board.set({ state: 'down', words: 'the state is closed' });
    this.#topics.clear();
    // A write that hangs may still arrive. While it may, the folder is not given to anybody: the lock goes when this process ends.
    if (!isBack) return;
    await this.#parts.file.close();
    this.#parts.lock.release();
  }

  /** Refuses at once while down. Not an async function: two changes are compared in the order in which they were asked for. */
  #whileUp<T>(work: () => Promise<T>): Promise<T> {
    if (this.#course !== 'open' || this.standing.state === 'down') return Promise.reject(this.#refusal());
    try {
      return work();
    } catch (defect) {
      return Promise.reject(defect instanceof Error ? defect : new Error(wordsOf(defect)));
    }
  }

  #fits({ key, expect }: Change): boolean {
    if (expect === 'any') return true;
    const head = this.#head(documentKey(key));
    return expect === 'absent' ? head === undefined : head?.version === expect;
  }

  #head(key: string): Document | undefined {
    const pending = this.#pending.get(key);
    if (pending === undefined) return this.#parts.documents.get(key, this.#now());
    return isPast(pending.put.document, this.#now()) ? undefined : pending.put.document;
  }

  #keep(puts: NonEmpty<Put>): Promise<void> {
    const { waiting, done } = newWaiting(puts);
    this.#queue.push(waiting);
    for (const put of puts) this.#pending.set(put.key, { put, done });
    this.#writing ??= this.#writeAll();
    return done;
  }

  /** Groups form by themselves: what comes while the disk is busy goes into the next line. Never throws. */
  async #writeAll(): Promise<void> {
    // What else this turn asks for goes into the same line.
    await Promise.resolve();
    while (this.#queue.length > 0 && this.standing.state === 'up') {
      const group = this.#takeGroup();
      const puts = group.flatMap((waiting) => waiting.puts);
      if (!(await this.#inTime(this.#parts.file.append(puts), group))) break;
      this.#apply(puts);
      for (const waiting of group) waiting.settle(undefined);
      if (this.#isSlack()) await this.#inTime(this.#renew(), []);
    }
    // In the turn in which the queue was seen empty: whoever asks in the next one has to find that nobody is writing.
    this.#writing = undefined;
  }

  #renew(): Promise<void> {
    const { file, documents } = this.#parts;
    documents.sweep(this.#now());
    return file.renew(documents);
  }

  #takeGroup(): readonly Waiting[] {
    let length = 0;
    const end = this.#queue.findIndex(({ puts }) => {
      length += puts.reduce((sum, { document }) => sum + (document?.value.length ?? 0), 0);
      return length >= groupLengthMax;
    });
    return this.#queue.splice(0, end === -1 ? this.#queue.length : end + 1);
  }

  #apply(puts: readonly Put[]): void {
    for (const put of puts) {
      this.#parts.documents.put(put);
      if (this.#pending.get(put.key)?.put === put) this.#pending.delete(put.key);
    }
  }

  #isSlack(): boolean {
    const { file, documents } = this.#parts;
    return file.bytes > 2 * documents.bytes + this.#limits.slackBytesMax;
  }

  /** Whether the disk did it. Those who wait are not kept longer than the deadline; the file is not touched before the call is back. */
  async #inTime(work: Promise<void>, group: readonly Waiting[]): Promise<boolean> {
    const { writeMsMax } = this.#limits;
    const late = setTimeout(() => this.#fail(`the disk has not answered for ${writeMsMax} ms`, group), writeMsMax);
    try {
      await work;
    } catch (thrown) {
      this.#fail(fileWords(thrown), group);
    } finally {
      clearTimeout(late);
    }
    return this.standing.state === 'up';
  }

  #fail(why: string, group: readonly Waiting[]): void {
    const isNews = this.standing.state === 'up';
    this.#setDown(why);
    if (isNews)
      this.#parts.options.log.error(`${this.standing.words}; nothing is held or released until that is mended`);
    this.#pending.clear();
    for (const waiting of [...group, ...this.#queue.splice(0)]) waiting.settle(this.#refusal());
  }

  #tickLater(): void {
    if (this.#course !== 'open') return;
    this.#timer = setTimeout(() => {
      this.#tick();
      this.#tickLater();
    }, this.#limits.tickMs);
    this.#timer.unref();
  }

  #tick(): void {
    if (!this.#isOurs()) {
      this.#course = 'lost';
      this.#fail('another process has taken the folder', []);
    }
    this.#parts.documents.sweep(this.#now());
    if (this.#course !== 'open' || this.#writing !== undefined) return;
    if (this.standing.state === 'up') this.#checkPlace();
    else this.#writing = this.#mend();
  }

  /** What was acknowledged is still known here: the next tick makes the file anew from it. */
  #checkPlace(): void {
    const astray = this.#parts.file.astray();
    if (astray !== undefined) this.#fail(astray, []);
  }

  #isOurs(): boolean {
    try {
      return this.#parts.lock.touch();
    } catch (thrown) {
      // A full or read-only disk may refuse the touch; the next write finds that out.
      this.#parts.options.log.warn(`the lock of the journal cannot be touched: ${fileWords(thrown)}`);
      return true;
    }
  }

  /** Needs nobody: when there is room, the file is made anew from what was acknowledged, whatever the failed write left behind. */
  async #mend(): Promise<void> {
    const { documents, options } = this.#parts;
    try {
      const { bavail, bsize } = await statfs(options.dir);
      if (bavail * bsize < this.#limits.freeBytesMin + documents.bytes) return;
      await this.#renew();
      if (this.#course !== 'open') return;
      this.#board.set(this.#upWords());
      options.log.info('the journal can be written again');
    } catch (thrown) {
      this.#setDown(fileWords(thrown));
    } finally {
      this.#writing = undefined;
    }
  }

  #setDown(why: string): void {
    this.#board.set({ state: 'down', words: `the journal in ${this.#parts.options.dir} cannot be written: ${why}` });
  }

  async #diskIsBack(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), this.#limits.writeMsMax);
    });
    const back = (this.#writing ?? Promise.resolve()).then(() => true);
    return await Promise.race([back, late]).finally(() => clearTimeout(timer));
  }

  #upWords(): Standing {
    return { state: 'up', words: `journal in ${this.#parts.options.dir}` };
  }

  #refusal(): ProxyError {
    const hint = 'nothing is held or released without its state; it goes on by itself when the cause is mended';
    return new ProxyError('UNAVAILABLE', this.#course === 'closed' ? 'the state is closed' : this.standing.words, {
      hint,
    });
  }

  #now(): number {
    return this.#parts.options.clock.now();
  }
}

function putOf({ key, value, expiresAt }: Change, version: Version): Put {
  return { key: documentKey(key), document: value === undefined ? undefined : { value, version, expiresAt } };
}

function newWaiting(puts: NonEmpty<Put>): { readonly waiting: Waiting; readonly done: Promise<void> } {
  let settle: Waiting['settle'] = () => undefined;
  const done = new Promise<void>((resolve, reject) => {
    settle = (refusal) => (refusal === undefined ? resolve() : reject(refusal));
  });
  return { waiting: { puts, done, settle }, done };
}
