// What people let flow into other columns, as the config's state has it: for commands that say a verdict without being the proxy.
import { existsSync } from 'node:fs';
import { systemClock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import { silentLog } from '../core/log.ts';
import type { Config } from '../core/config-types.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { Lineage } from '../policy/lineage.ts';
import type { Snapshot } from '../sql/schema.ts';
import { peekStore } from '../store/peek.ts';
import { configOf, usualConfig, type CommandPorts, type FolderOptions } from './world.ts';

export type KeptLineage =
  | { readonly kind: 'read'; readonly lineage: Lineage }
  /** In words: the verdict may be stricter at the proxy. */
  | { readonly kind: 'not read'; readonly why: string };

export interface LineageOf {
  readonly catalog: Catalog;
  readonly database: string;
  readonly live: Snapshot;
}

/** With the config that a command was given, or the usual one where it lies here. */
export async function lineageAtHand(
  options: FolderOptions,
  env: CommandPorts['env'],
  of: LineageOf,
): Promise<KeptLineage> {
  if (!existsSync(options.config ?? usualConfig)) return { kind: 'not read', why: 'no config names the state' };
  try {
    return { kind: 'read', lineage: await keptLineage(await configOf(options, env), of) };
  } catch (thrown) {
    if (thrown instanceof ProxyError) return { kind: 'not read', why: thrown.message };
    throw thrown;
  }
}

/** Throws UNAVAILABLE where the state cannot be read. Looks once; nothing of it stays open. */
async function keptLineage(config: Config, { catalog, database, live }: LineageOf): Promise<Lineage> {
  const store = await peekStore(config.state, { clock: systemClock, log: silentLog });
  try {
    // For its own words, where it cannot be read.
    await store.read('lineage-stamp');
    let isOver = false;
    const looking = {
      // Binding names to numbers is the proxy's work.
      read: (key: string) => (isOver ? Promise.resolve(undefined) : store.read(key)),
      list: (prefix: string, limit: number, after?: string) => store.list(prefix, limit, after),
      change: () => Promise.resolve('conflict' as const),
      announce: () => undefined,
      listen: () => () => undefined,
    };
    const rankOf = (level: string): number => catalog.levelByName.get(level)?.rank ?? Number.POSITIVE_INFINITY;
    const lineage = new Lineage({ store: looking, clock: systemClock, rankOf });
    await lineage.start();
    lineage.close();
    isOver = true;
    lineage.schema(database, live);
    return lineage;
  } finally {
    await store.close();
  }
}
