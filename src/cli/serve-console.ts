// The console joined to what it shows.
import type { Audit } from '../audit/keeper.ts';
import { Console } from '../channels/console/room.ts';
import type { SessionsPort, ShownAgent, ShownDatabase } from '../channels/console/ports.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { RecentTroubles } from '../core/recent-troubles.ts';
import type { Bench } from './serve-bench.ts';
import type { RoadView } from './serve-front.ts';
import { ShownDatabases } from './shown-databases.ts';
import { version } from './version.ts';
import type { LiveConfig } from './live-config.ts';

export interface ConsoleWiring {
  readonly live: LiveConfig;
  readonly road: Pick<RoadView, 'sessions' | 'days' | 'readiness'>;
  readonly audit: Pick<Audit, 'statementHash' | 'search' | 'log'>;
  readonly bench: Pick<Bench, 'desk' | 'classification' | 'store' | 'readers' | 'budgets' | 'lineage'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly troubles: RecentTroubles;
  /** By which the operator of this machine asks for links. */
  readonly key: Uint8Array;
  /** The console's address for people. */
  readonly origin: () => string;
}

export function consoleOf(wiring: ConsoleWiring): Console {
  const { live, audit, bench, clock, log, road } = wiring;
  const { classification } = bench;
  return new Console({
    clock,
    store: bench.store,
    desk: bench.desk,
    catalog: () => classification.current.catalog,
    mistakes: () => classification.trouble,
    databases: databasesOf(wiring),
    agents: () => agentsOf(wiring),
    sessions: sessionsOf(wiring),
    budgets: bench.budgets,
    record: (words) => recordOperator(audit, words),
    audit,
    readiness: () => road.readiness(),
    versions: () => [
      ['Countersign', version()],
      ['Node', process.versions.node],
      ['Classification', classification.current.catalog.version.slice(0, 12)],
    ],
    troubles: () => wiring.troubles.last,
    publicUrl: () => live.config.http.publicUrl,
    oidc: () => live.config.http.oidc,
    linkKey: wiring.key,
    origin: wiring.origin,
    log: log.child({ part: 'console' }),
  });
}

async function agentsOf({ live, road, bench }: ConsoleWiring): Promise<readonly ShownAgent[]> {
  const agents = [...live.config.agents.values()];
  const days = await road.days.of(agents.map(({ name }) => name));
  const budgets = await Promise.all(agents.map(({ name }) => bench.budgets.of(name).catch(() => undefined)));
  return agents.map(({ name, owner, databases }, index) => {
    return { name, owner, databases, today: days[index] ?? nothingToday, budgets: budgets[index] };
  });
}

const nothingToday: ShownAgent['today'] = { allowed: 0, held: 0, denied: 0, refused: 0, rows: 0 };

function databasesOf({ live, bench }: ConsoleWiring): () => readonly ShownDatabase[] {
  const { classification, readers } = bench;
  const shown = new ShownDatabases(
    () => classification.current.catalog,
    () => {
      const troubles = new Map(readers.states().map(({ name, trouble }) => [name, trouble]));
      return [...live.config.databases.keys()].map((name) => {
        return { name, snapshot: readers.of(name)?.schema.current?.snapshot, trouble: troubles.get(name) };
      });
    },
    bench.lineage,
  );
  return () => shown.now();
}

async function recordOperator({ log }: Pick<Audit, 'log'>, words: string): Promise<void> {
  await log.recordDurably({ kind: 'operator', words });
}

/** Who ended whose session is on the record before it is ended; a record that cannot be written stops nobody from ending one. */
function sessionsOf({ road: { sessions }, audit, log }: ConsoleWiring): SessionsPort {
  return {
    list: () => sessions.list(),
    end: async (id, by) => {
      const found = (await sessions.list()).find((one) => one.id === id);
      if (found === undefined) return false;
      const words = `${by} ends session ${id} of ${found.agent} at the console`;
      try {
        await recordOperator(audit, words);
      } catch (error) {
        log.error(`not on the record: ${words}`, { error });
      }
      return sessions.end(id);
    },
  };
}
