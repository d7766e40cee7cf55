// One pool for each database and role that sessions are sent to, made when the first session asks. A reload of the configuration
// makes new pools where the way to the database changed; the old ones lend nothing more and end with their last session.
import type { Clock } from '../core/clock.ts';
import type { Config, DatabaseConfig, UpstreamLogin } from '../core/config-types.ts';
import { wordsOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { OpenUpstreamFor, UpstreamRequest } from './directory.ts';
import { targetOf } from './from-config.ts';
import { Pool } from './pool.ts';

export interface PoolsParts {
  /** The configuration as it is now. */
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Log;
}

interface Entry {
  readonly pool: Pool;
  readonly database: DatabaseConfig | undefined;
  readonly login: UpstreamLogin;
}

export class Pools {
  readonly #parts: PoolsParts;
  readonly #entries = new Map<string, Entry>();
  #isDraining = false;

  constructor(parts: PoolsParts) {
    this.#parts = parts;
  }

  readonly open: OpenUpstreamFor = async (request, signal) =>
    await this.#poolFor(request).take(request.parameters, signal);

  stats(): { readonly lent: number; readonly idle: number; readonly opening: number } {
    const all = [...this.#entries.values()].map((entry) => entry.pool.stats);
    const sum = (key: 'lent' | 'idle' | 'opening'): number => all.reduce((total, stats) => total + stats[key], 0);
    return { lent: sum('lent'), idle: sum('idle'), opening: sum('opening') };
  }

  /** For when roles or their settings changed: what is open now is lent to nobody else. */
  retire(): void {
    for (const { pool } of this.#entries.values()) pool.retire();
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    await Promise.all([...this.#entries.values()].map((entry) => entry.pool.drain()));
  }

  #poolFor(request: UpstreamRequest): Pool {
    const config = this.#parts.config();
    const target = targetOf(config, request);
    const database = config.databases.get(request.database);
    const key = JSON.stringify([request.database, target.login.user]);
    const found = this.#entries.get(key);
    // A reload makes new objects of everything; so the same object is the same way.
    if (found !== undefined && found.database === database && found.login === target.login) return found.pool;
    if (found !== undefined && this.#isDraining) return found.pool;
    if (found !== undefined) this.#letGo(found.pool);
    const { clock, log } = this.#parts;
    const pool = new Pool({
      target,
      warm: database?.poolWarm ?? 0,
      max: config.limits.connectionsMax,
      clock,
      log: log.child({ database: request.database }),
    });
    this.#entries.set(key, { pool, database, login: target.login });
    return pool;
  }

  #letGo(pool: Pool): void {
    pool.drain().catch((thrown: unknown) => this.#parts.log.error('a pool did not close', { why: wordsOf(thrown) }));
  }
}
