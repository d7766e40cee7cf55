// What every process of a running proxy stands on, whether it meets agents, people or both: the record, the config in force, the bench where
// statements are judged and decided, and what it tells about itself.
import { Parts } from '../channels/health.ts';
import { Metrics } from '../channels/metrics.ts';
import type { Clock } from '../core/clock.ts';
import type { Config } from '../core/config-types.ts';
import type { Log } from '../core/log.ts';
import { RecentTroubles } from '../core/recent-troubles.ts';
import { Tallies } from '../core/tallies.ts';
import { AgentDays } from './agent-days.ts';
import { configWords } from './config-words.ts';
import { CountingRecorder } from './counting-recorder.ts';
import { LiveConfig, type Reread } from './live-config.ts';
import { openBench, type Bench } from './serve-bench.ts';
import { registerHouseMetrics, registerHouseParts, type ServingState } from './serve-health.ts';
import { openRecord, type RunningRecord } from './serve-record.ts';
import { version } from './version.ts';

/** How to end what has begun, in the order in which it began. */
export type Begun = (() => Promise<void>)[];

export interface HouseOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** How `reload` gets a new config; undefined: this proxy's config never changes. */
  readonly reread: Reread | undefined;
  readonly begun: Begun;
}

export interface House {
  readonly live: LiveConfig;
  readonly record: RunningRecord;
  readonly bench: Bench;
  readonly recorder: CountingRecorder;
  readonly days: AgentDays;
  readonly parts: Parts;
  readonly metrics: Metrics;
  readonly state: ServingState;
  readonly clock: Clock;
  readonly log: Log;
  /** What the log complained about of late. */
  readonly troubles: RecentTroubles;
}

export async function openHouse(config: Config, options: HouseOptions): Promise<House> {
  const { clock, reread, begun } = options;
  const troubles = new RecentTroubles(clock);
  const log = troubles.hear(options.log);
  const record = await openRecord(config, { clock, log });
  begun.push(() => record.stop());
  const { audit, sinks } = record;
  await audit.log.recordDurably({ kind: 'start', words: `countersign ${version()} starts`, version: version() });
  await audit.log.recordDurably({ kind: 'config', words: configWords(config) });
  const live = new LiveConfig({ config, log, recorder: audit.log, reread });
  const tallies = new Tallies();
  const days = new AgentDays(clock);
  const recorder = new CountingRecorder(audit.log, tallies, (body) => days.count(body));
  const bench = await openBench({ live, record, recorder, clock, log, begun });
  const [parts, metrics] = [new Parts(), new Metrics()];
  begun.push(async () => metrics.close());
  registerHouseParts(parts, { live, audit, sinks, ...bench });
  registerHouseMetrics(metrics, { audit, ...bench });
  metrics.registerTallies(tallies);
  return { live, record, bench, recorder, days, parts, metrics, state: { stopping: false }, clock, log, troubles };
}
