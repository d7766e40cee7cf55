// Which store a config means.
import type { Clock } from '../core/clock.ts';
import type { StateConfig } from '../core/config-types.ts';
import type { Log } from '../core/log.ts';
import { openJournal } from './journal.ts';
import { openRedis } from './redis.ts';
import type { Store } from './store.ts';

export interface OpenOptions {
  readonly clock: Clock;
  readonly log: Log;
}

/** A journal that cannot be opened throws; a Redis that cannot be reached is waited for in the background: see `standing`. */
export function openStore(state: StateConfig, options: OpenOptions): Promise<Store> {
  if (state.kind === 'journal') return openJournal({ dir: state.dir, ...options });
  return openRedis({ url: state.target, ...options });
}
