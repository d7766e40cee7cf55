// What judges and who decides, joined for `serve`: the classification in force, the readers of each database, the state from the config,
// and the approval desk on it.
import { dirname, resolve } from 'node:path';
import type { Recorder } from '../audit/recorder.ts';
import { BudgetDesk } from '../approval/budgets.ts';
import { openDesk, type StoreDesk } from '../approval/open-desk.ts';
import type { Clock } from '../core/clock.ts';
import { shownPath } from '../core/file-words.ts';
import type { Log } from '../core/log.ts';
import { Purses } from '../policy/budget-purse.ts';
import type { ClassificationSource } from '../policy/classification-source.ts';
import { Lineage } from '../policy/lineage.ts';
import type { Snapshot } from '../sql/schema.ts';
import { Readers } from '../proxy/readers.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import type { LiveConfig } from './live-config.ts';
import type { RunningRecord } from './serve-record.ts';
import { openClassification } from './serve-classification.ts';

export interface BenchOptions {
  readonly live: LiveConfig;
  readonly record: Pick<RunningRecord, 'beforeCatalog' | 'tookSchema' | 'share' | 'audit'>;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly log: Log;
  /** What is to be ended when a later part fails to begin. */
  readonly begun: (() => Promise<void>)[];
}

/** Where statements are judged and decided. */
export interface Bench {
  readonly classification: ClassificationSource;
  readonly readers: Readers;
  readonly store: Store;
  readonly desk: StoreDesk;
  readonly purses: Purses;
  readonly budgets: BudgetDesk;
  readonly lineage: Lineage;
}

export async function openBench({ live, record, recorder, clock, log, begun }: BenchOptions): Promise<Bench> {
  const { classificationDir: folder, file } = live.config;
  const shownAs = shownPath(folder, [resolve(dirname(file)), process.cwd()]);
  const classification = openClassification({ folder, shownAs, recorder, log, before: record.beforeCatalog });
  begun.push(async () => classification.close());
  const store = await openStore(live.config.state, { clock, log: log.child({ part: 'state' }) });
  begun.push(() => store.close());
  record.share(store);
  const desk = openDesk({
    store,
    recorder,
    chain: record.audit.log.head().origin,
    clock,
    log: log.child({ part: 'approval' }),
    holdsOf: (agent) => live.config.agents.get(agent)?.holds ?? live.config.holds,
    ownerOf: (agent) => live.config.agents.get(agent)?.owner,
    limits: () => live.config.limits,
    catalog: () => classification.current.catalog,
    budgetLines: ({ asker, verdict }) =>
      budgets.lines(
        asker.agent,
        verdict.columns.map(({ level }) => level),
      ),
  });
  begun.push(() => desk.stop());
  const purses = new Purses(store, clock);
  const budgets = new BudgetDesk({
    ...{ purses, store, recorder, clock },
    classification: () => classification.current,
    ownerOf: (agent) => live.config.agents.get(agent)?.owner,
    holdFacts: (id) => desk.openFacts(id),
  });
  const lineage = await lineageOf(classification, store, clock);
  begun.push(async () => lineage.close());
  const onSchema = (database: string, snapshot: Snapshot): void => {
    record.tookSchema(database, snapshot);
    lineage.schema(database, snapshot);
  };
  const readers = new Readers({ config: () => live.config, clock, log, onSchema });
  begun.push(() => readers.close());
  readers.start();
  return { classification, readers, store, desk, purses, budgets, lineage };
}

/** Judging reads it from now on: data that was let out of its column keeps its level where it went. */
async function lineageOf(classification: ClassificationSource, store: Store, clock: Clock): Promise<Lineage> {
  const rankOf = (level: string): number =>
    classification.current.catalog.levelByName.get(level)?.rank ?? Number.POSITIVE_INFINITY;
  const lineage = new Lineage({ store, clock, rankOf });
  classification.readFloors(lineage);
  await lineage.start();
  return lineage;
}

/** People are asked no more; what waits is told so. The state stays open: the record's last head goes into it. */
export async function closeBench({ classification, readers, desk, lineage }: Bench): Promise<void> {
  classification.close();
  lineage.close();
  await desk.stop();
  await readers.close();
}
