// The console joined to what it shows.
import type { Audit } from '../audit/keeper.ts';
import { Console } from '../channels/console/room.ts';
import type { SessionsPort, ShownDatabase } from '../channels/console/ports.ts';
import type { Parts } from '../channels/health.ts';
import type { Listener } from '../proxy/listener.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Bench } from './serve-bench.ts';
import type { AgentDays } from './agent-days.ts';
import { ShownDatabases } from './shown-databases.ts';
import { version } from './version.ts';
import type { LiveConfig } from './live-config.ts';

export interface ConsoleWiring {
  readonly live: LiveConfig;
  readonly days: AgentDays;
  readonly parts: Parts;
  readonly sessions: Listener['sessions'];
  readonly audit: Pick<Audit, 'statementHash' | 'search' | 'log'>;
  readonly bench: Pick<Bench, 'desk' | 'classification' | 'store' | 'readers'>;
  readonly clock: Clock;
  readonly log: Log;
}

export function consoleOf(wiring: ConsoleWiring): Console {
  const { live, audit, bench, clock, log, parts, days } = wiring;
  const { classification } = bench;
  return new Console({
    clock,
    store: bench.store,
    desk: bench.desk,
    catalog: () => classification.current.catalog,
    mistakes: () => classification.trouble,
    databases: databasesOf(wiring),
    agents: () =>
      [...live.config.agents.values()].map(({ name, owner, databases }) => {
        return { name, owner, databases, today: days.of(name) };
      }),
    sessions: sessionsOf(wiring),
    record: (words) => recordOperator(audit, words),
    audit,
    readiness: () => parts.readiness(),
    versions: () => [
      ['Countersign', version()],
      ['Node', process.versions.node],
      ['Classification', classification.current.catalog.version.slice(0, 12)],
    ],
    publicUrl: () => live.config.http.publicUrl,
    log: log.child({ part: 'console' }),
  });
}

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
  );
  return () => shown.now();
}

async function recordOperator({ log }: Pick<Audit, 'log'>, words: string): Promise<void> {
  await log.recordDurably({ kind: 'operator', words });
}

/** Who ended whose session is on the record before it is ended; a record that cannot be written stops nobody from ending one. */
function sessionsOf({ sessions, audit, log }: ConsoleWiring): SessionsPort {
  return {
    list: () => sessions.list(),
    end: async (id, by) => {
      const found = sessions.list().find((one) => one.id === id);
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
