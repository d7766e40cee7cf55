// Goal: folders, stores and documents for the tests of shared state.
// Method: factories with overrides; what a test file opened is closed and removed when it ends.
import { readFileSync } from 'node:fs';
import type { UnixMillis } from '../../src/core/brand.ts';
import { systemClock, type Clock } from '../../src/core/clock.ts';
import { silentLog, type Log } from '../../src/core/log.ts';
import { randomText } from '../../src/core/ids.ts';
import { parseRedisUrl, type RedisUrl } from '../../src/core/redis-url.ts';
import { openJournal, type JournalOptions } from '../../src/store/journal.ts';
import { openRedis, type RedisOptions } from '../../src/store/redis.ts';
import type { Store, Version } from '../../src/store/store.ts';
import { aFolder, atEndOfFile } from '../support/folders.ts';

export async function aJournal(overrides: Partial<JournalOptions> = {}): Promise<Store> {
  const store = await openJournal({
    dir: overrides.dir ?? aFolder(),
    clock: systemClock,
    log: silentLog,
    ...overrides,
  });
  atEndOfFile(() => store.close());
  return store;
}

/** Writes one document, whatever was there, and gives its version. */
export async function put(store: Store, key: string, value: string, expiresAt?: number): Promise<Version> {
  const made = await store.change([{ key, expect: 'any', value, ...(expiresAt === undefined ? {} : { expiresAt }) }]);
  if (made !== 'changed') throw new Error('a change without a condition met a conflict');
  return await versionOf(store, key);
}

export async function versionOf(store: Store, key: string): Promise<Version> {
  const found = await store.read(key);
  if (found === undefined) throw new Error(`no document '${key}'`);
  return found.version;
}

/** The system's clock, moved. */
export class MovedClock implements Clock {
  aheadMs = 0;

  now(): UnixMillis {
    return (systemClock.now() + this.aheadMs) as UnixMillis;
  }

  ticks(): number {
    return systemClock.ticks() + this.aheadMs;
  }
}

/** A log that keeps its lines. */
export class KeptLog implements Log {
  readonly lines: string[] = [];

  debug(words: string): void {
    this.lines.push(words);
  }

  info(words: string): void {
    this.lines.push(words);
  }

  warn(words: string): void {
    this.lines.push(words);
  }

  error(words: string): void {
    this.lines.push(words);
  }

  child(): Log {
    return this;
  }
}

export function aRedisUrl(text: string): RedisUrl {
  const read = parseRedisUrl(text);
  if (read.kind === 'bad') throw new Error(read.words);
  return read.value;
}

/** Each with a prefix of its own, unless two are to share one: the server may be somebody's. */
export async function aRedisStore(
  url: string,
  overrides: Partial<RedisOptions> & { prefix?: string } = {},
): Promise<Store> {
  const prefix = overrides.prefix ?? aPrefix();
  const target = { ...aRedisUrl(url), prefix };
  const store = await openRedis({ url: target, clock: systemClock, log: silentLog, ...overrides });
  atEndOfFile(() => store.close());
  return store;
}

export function aPrefix(): string {
  return `test-${randomText(10)}`;
}

/** What docs/state.md says that the user needs, so that what it says is enough. */
export function documentedRights(): readonly string[] {
  const text = readFileSync(new URL('../../docs/state.md', import.meta.url), 'utf8');
  const rights = /^ACL SETUSER [^]*?(-@all[^`]*)```/m.exec(text)?.[1];
  if (rights === undefined) throw new Error('docs/state.md says no rights');
  return rights.trim().split(/\s+/);
}
