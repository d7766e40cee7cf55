// A proxy whose holds are real, on a journal of its own, with people who answer by a rule of the test: for results that stop midway.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Vote } from '../../src/approval/hold.ts';
import { openDesk, type StoreDesk } from '../../src/approval/open-desk.ts';
import type { HoldView } from '../../src/approval/view.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { loadClassification, type Classification } from '../../src/policy/classification.ts';
import { openJournal } from '../../src/store/journal.ts';
import { Lineage } from '../../src/policy/lineage.ts';
import type { Store } from '../../src/store/store.ts';
import { query } from './client.ts';
import { startProxy, type TestProxy } from './proxy.ts';
import { waitFor } from './wait.ts';

export type Word = { readonly vote: 'approve' | 'deny'; readonly terms?: Vote['terms'] } | 'silence';

export interface RowsProxyOptions {
  readonly url: string;
  readonly files: Readonly<Record<string, string>>;
  readonly waitMs?: number;
  /** Further YAML of the config, at the top level. */
  readonly config?: string;
  readonly store?: Store;
}

export interface RowsProxy extends TestProxy {
  /** Every hold so far, as it was when it was asked. */
  readonly asked: readonly HoldView[];
  /** How many, with those of texts that a busy machine read too late. */
  readonly askedInAll: number;
  /** Those too that nobody could read. */
  readonly all: readonly HoldView[];
  readonly store: Store;
  readonly desk: StoreDesk;
  /** What people say from now on. */
  say(word: (hold: HoldView) => Word): void;
}

export function classified(files: Readonly<Record<string, string>>): Classification {
  const loaded = loadClassification(Object.entries(files).map(([name, text]) => ({ name, path: name, text })));
  if (loaded.kind === 'bad') throw new Error(JSON.stringify(loaded.mistakes));
  return loaded.value;
}

export async function startRowsProxy({
  url,
  files,
  waitMs,
  config,
  store: given,
}: RowsProxyOptions): Promise<RowsProxy> {
  const dir = mkdtempSync(join(tmpdir(), 'countersign-rows-'));
  const store = given ?? (await openJournal({ dir, clock: systemClock, log: silentLog }));
  const { catalog } = classified(files);
  const rankOf = (level: string): number => catalog.levelByName.get(level)?.rank ?? Number.POSITIVE_INFINITY;
  const lineage = new Lineage({ store, clock: systemClock, rankOf, pollMs: 100 });
  await lineage.start();
  const asked = new Map<string, HoldView>();
  let say: (hold: HoldView) => Word = () => 'silence';
  let desk: StoreDesk | undefined;
  const proxy = await startProxy({
    databases: { db: url },
    files,
    store,
    lineage,
    ...(config === undefined ? {} : { config }),
    desk: (recorder) => {
      const made = openDesk({
        store,
        recorder,
        clock: systemClock,
        log: silentLog,
        holdsOf: () => ({
          waitMs: waitMs ?? 20_000,
          pendingMs: 60_000,
          grantMs: 60_000,
          heartbeatMs: 15_000,
          inTransaction: 'wait',
        }),
        ownerOf: () => 'ana',
        limits: () => ({ holdsMax: 1000, holdsPerAgentMax: 100 }),
        catalog: () => catalog,
      });
      made.watch((hold) => {
        if (hold.state !== 'open' || asked.has(hold.id)) return;
        asked.set(hold.id, hold);
        const word = say(hold);
        if (word === 'silence') return;
        const { vote, terms } = word;
        const reason = vote === 'deny' ? 'that is too much' : undefined;
        void made.vote(hold.id, { person: 'ben', vote, channel: 'test', reason, terms, link: undefined });
      });
      desk = made;
      return made;
    },
  });
  // The first statement waits for the schema and the parsers; here it is not a question of how long.
  await waitFor(
    'the first statement to pass',
    async () => (await query(proxy.url('db'), 'select 1 as one')).length === 1,
    {
      withinMs: 60_000,
    },
  );
  asked.clear();
  if (desk === undefined) throw new Error('no desk was asked for');
  const opened: StoreDesk = desk;
  return {
    ...proxy,
    store,
    desk: opened,
    get all() {
      return [...asked.values()];
    },
    get asked() {
      // A busy machine may read a text too late; what is held for that is not what is looked at here.
      return [...asked.values()].filter((hold) => hold.reasons[0].action !== 'notKnown');
    },
    get askedInAll() {
      return asked.size;
    },
    say: (word) => (say = word),
    stop: async () => {
      await proxy.stop();
      lineage.close();
      await opened.stop();
      if (given === undefined) await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
