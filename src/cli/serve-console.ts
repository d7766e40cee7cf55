// The console joined to what it shows.
import type { Audit } from '../audit/keeper.ts';
import { Console } from '../channels/console/room.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Bench } from './serve-bench.ts';
import type { LiveConfig } from './live-config.ts';

export interface ConsoleWiring {
  readonly live: LiveConfig;
  readonly audit: Pick<Audit, 'statementHash'>;
  readonly bench: Pick<Bench, 'desk' | 'classification' | 'store'>;
  readonly clock: Clock;
  readonly log: Log;
}

export function consoleOf({ live, audit, bench, clock, log }: ConsoleWiring): Console {
  return new Console({
    // A keyed hash of bytes that are no statement (they hold a zero): secret, and the same after a restart, so that people stay signed in.
    secret: Buffer.from(audit.statementHash.ofBytes(consoleSecretOf)),
    clock,
    store: bench.store,
    desk: bench.desk,
    catalog: () => bench.classification.current.catalog,
    publicUrl: () => live.config.http.publicUrl,
    log: log.child({ part: 'console' }),
  });
}

const consoleSecretOf = Buffer.from('console\0');
