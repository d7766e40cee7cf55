// Looking at what is kept, without taking part: for commands beside a running proxy. Nothing is written, cleaned or locked, so a journal that
// is in use can be read too: its lines are whole or not there.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { StateConfig } from '../core/config-types.ts';
import { codeOf } from '../core/file-words.ts';
import type { Log } from '../core/log.ts';
import { Documents } from './documents.ts';
import { replay } from './journal-line.ts';
import { documentKey } from './journal.ts';
import { openRedis } from './redis.ts';
import type { Store } from './store.ts';

export type Peeked = Pick<Store, 'read' | 'list' | 'close'>;

/** Throws UNAVAILABLE where it cannot be read. */
export async function peekStore(
  state: StateConfig,
  options: { readonly clock: Clock; readonly log: Log },
): Promise<Peeked> {
  if (state.kind === 'redis') return await openRedis({ url: state.target, ...options });
  const documents = await documentsIn(join(state.dir, 'journal.jsonl'));
  const now = options.clock.now();
  const own = documentKey('').length;
  return {
    read: (key) => {
      const found = documents.get(documentKey(key), now);
      return Promise.resolve(found === undefined ? undefined : { value: found.value, version: found.version });
    },
    list: (prefix, limit, after) => {
      const from = { prefix: documentKey(prefix), after: after === undefined ? '' : documentKey(after) };
      const found = documents.list(from, limit, now);
      return Promise.resolve(found.map((one) => ({ ...one, key: one.key.slice(own) })));
    },
    close: () => Promise.resolve(),
  };
}

/** None where no proxy has kept anything yet. */
async function documentsIn(path: string): Promise<Documents> {
  try {
    return replay(path, await readFile(path)).documents;
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return new Documents();
    throw thrown;
  }
}
