// The schema of one database as the readers know it: read at the start, looked at every few seconds by a cheap fingerprint, and at once
// when a statement changed definitions or a name turned up that nobody knows. Over a connection of its own, as the database's own role.
//
//   absent ──read──▶ current ──fingerprint moved──▶ current (new version)
//      └──fails: tried again, ever later       └── connection lost: current stays, and the next look dials anew
import { wordsOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { fingerprintQuery } from '../sql/schema-groups.ts';
import { readPicture, type Picture } from '../sql/schema-picture.ts';
import { SchemaIndex } from '../sql/schema-index.ts';
import type { SchemaSource } from '../sql/reader.ts';
import type { Snapshot } from '../sql/schema.ts';
import { Driver, QueryFailed } from './driver.ts';
import type { UpstreamTarget } from './upstream.ts';

export interface SchemaKeeperParts {
  readonly target: UpstreamTarget;
  readonly log: Log;
  /** A new version is in force; the one before it is told so that it can be forgotten. */
  readonly onSchema: (fresh: Snapshot, before: Snapshot | undefined) => void;
  readonly pollMs?: number;
}

const defaults = {
  pollMs: 2_000,
  readyMsMax: 10_000,
  connectMsMax: 10_000,
  retryMsMax: 30_000,
  freshMsMin: 50,
  lockedMs: 100,
  lockedMax: 4,
} as const;

/** Definitions of a relation that somebody changes at this moment cannot be printed: `lock_timeout` of the reading (55P03). */
const isLocked = (thrown: unknown): boolean => thrown instanceof QueryFailed && thrown.sqlState === '55P03';

export class SchemaKeeper implements SchemaSource {
  readonly #parts: SchemaKeeperParts;
  readonly #stopping = new AbortController();
  readonly #waiting = new Set<() => void>();
  #driver: Driver | undefined;
  #index: SchemaIndex | undefined;
  #fingerprint = '';
  /** What the next reading need not read again. */
  #picture: Picture | undefined;
  #stale = false;
  /** Counts words that definitions changed: a look that began before the last of them has not seen it. */
  #changes = 0;
  #looking: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #trouble: string | undefined = 'it has not been read yet';

  constructor(parts: SchemaKeeperParts) {
    this.#parts = parts;
  }

  /** Undefined while definitions are known to have changed: what is read then waits for the new ones. */
  get current(): SchemaIndex | undefined {
    return this.#stale ? undefined : this.#index;
  }

  /** As it was read last, though it may be known to be past. */
  get last(): { readonly picture: Picture; readonly index: SchemaIndex } | undefined {
    if (this.#picture === undefined || this.#index === undefined) return undefined;
    return { picture: this.#picture, index: this.#index };
  }

  /** Tells every version of every row that was read; undefined while it is known to be past. */
  get seen(): string | undefined {
    return this.#stale || this.#fingerprint === '' ? undefined : this.#fingerprint;
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  start(): void {
    this.#schedule(0);
  }

  close(): void {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    this.#driver?.close();
    this.#wake();
  }

  /** A statement of ours let through has changed definitions, and its transaction is over. */
  changed(): void {
    this.#stale = true;
    this.#changes += 1;
    void this.#look();
  }

  async fresh(): Promise<SchemaIndex | undefined> {
    // Whoever asks for what is not there makes the database answer one question at a time, however many ask.
    await this.#look();
    return this.current;
  }

  async ready(): Promise<SchemaIndex | undefined> {
    if (this.current === undefined && !this.#stopping.signal.aborted) {
      void this.#look();
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, defaults.readyMsMax);
        this.#waiting.add(done);
      });
    }
    return this.current;
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#look(), ms);
    this.#timer.unref();
  }

  /** A look that has begun may have seen the time before this moment: whoever asks while it runs waits for the next. */
  #look(): Promise<void> {
    if (this.#looking === undefined) {
      this.#looking = this.#lookOnce().finally(() => (this.#looking = undefined));
      return this.#looking;
    }
    this.#next ??= this.#looking.then(() => {
      this.#next = undefined;
      return this.#look();
    });
    return this.#next;
  }

  async #lookOnce(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const changes = this.#changes;
    try {
      const driver = await this.#connected();
      const fingerprint = (await driver.query(fingerprintQuery))[0]?.[0] ?? '';
      if (fingerprint !== this.#fingerprint || this.#index === undefined) {
        // What was read before is known to be past, however long it takes to read it anew.
        this.#stale = true;
        const picture = await readPicture((sql) => driver.query(sql), this.#picture);
        this.#take(picture);
        this.#fingerprint = fingerprint;
      }
      this.#stale = changes !== this.#changes;
      this.#failures = 0;
      this.#trouble = undefined;
      if (this.current !== undefined) this.#wake();
      this.#schedule(this.#parts.pollMs ?? defaults.pollMs);
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  async #connected(): Promise<Driver> {
    if (this.#driver?.isOpen === true) return this.#driver;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(defaults.connectMsMax)]);
    const parameters = new Map([['application_name', 'countersign schema']]);
    this.#driver = await Driver.open({ target: this.#parts.target, parameters }, signal);
    return this.#driver;
  }

  /** Only what names mean makes a new version: estimates of rows move all the time. */
  #take(picture: Picture): void {
    this.#picture = picture;
    const { snapshot } = picture;
    const before = this.#index?.snapshot;
    if (before?.schemaVersion === snapshot.schemaVersion) return;
    this.#index = new SchemaIndex(snapshot, this.#index);
    this.#parts.onSchema(snapshot, before);
  }

  #failed(thrown: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.#failures += 1;
    this.#trouble = wordsOf(thrown);
    if (isLocked(thrown)) {
      // Whoever holds the lock may be one of ours who waits for this very reading: what waits is told that nobody knows.
      this.#schedule(defaults.lockedMs);
      if (this.#failures >= defaults.lockedMax) this.#wake();
      return;
    }
    // Once when it begins; /readyz says that it goes on.
    if (this.#failures === 1) this.#parts.log.warn('the schema cannot be read', { why: wordsOf(thrown) });
    this.#schedule(Math.min(defaults.retryMsMax, 250 * 2 ** this.#failures));
  }

  #wake(): void {
    for (const done of this.#waiting) done();
  }
}
