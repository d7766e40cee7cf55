// A proxy of several processes (`workers: N`). The first one meets people: channels, API, console, health. Its workers meet agents, all on
// one port. What they share is the state, the limits and the salt of a name; each keeps a record of its own.
import { JointSearch } from '../audit/joint-search.ts';
import { randomText } from '../core/ids.ts';
import type { Config } from '../core/config-types.ts';
import { systemClock } from '../core/clock.ts';
import { Crew } from './crew.ts';
import { crewView } from './crew-view.ts';
import { addressText, type BoundAddress } from './serve-addresses.ts';
import { openFront } from './serve-front.ts';
import { openHouse } from './serve-house.ts';
import { orEnded, running, type RunningProxy, type ServeOptions } from './serve.ts';
import { version } from './version.ts';
import { makeWorkerFolder, workerFolders } from './worker-folders.ts';
import { workerFamilyVariable, workerNumberVariable } from './worker-words.ts';

export function serveWithWorkers(
  config: Config,
  { log, clock = systemClock, reread }: ServeOptions,
): Promise<RunningProxy> {
  return orEnded(async (begun) => {
    const house = await openHouse(config, { log, clock, reread, begun });
    const family = randomText(16);
    const crew = new Crew({
      count: config.workers,
      log,
      env: (number) => ({ [workerNumberVariable]: String(number), [workerFamilyVariable]: family }),
      prepare: (number) => makeWorkerFolder(config.auditDir, number),
    });
    const records = new JointSearch(() => [config.auditDir, ...workerFolders(config.auditDir)]);
    const view = crewView({
      ...{ crew, ...house },
      search: (query) => records.search(query),
      partsOfHold: (hold) => records.partsOfHold(hold),
    });
    let address: BoundAddress | undefined;
    const open = async (): Promise<void> => {
      begun.push(() => crew.stop('now', 0));
      address = await crew.start();
    };
    const front = await openFront(house, { road: view, open, begun });
    if (address === undefined) throw new Error('the front did not let agents in');
    const { httpAddress, consoleLink } = front;
    const http = addressText(httpAddress);
    log.info('serving', { address: addressText(address), http, workers: config.workers, version: version() });
    const road = {
      sessions: () => crew.sessions,
      drain: (waitMs: number) => crew.stop(waitMs > 0 ? 'drain' : 'now', waitMs),
      endUnwelcome: () => 0, // Each worker reads the config anew itself.
      now: async () => crew.tell({ kind: 'stop', how: 'now' }),
    };
    const { reload, ...rest } = running({ house, road, front });
    const reloadAll = async (): Promise<void> => {
      crew.tell({ kind: 'reload' });
      await reload();
    };
    return { ...rest, reload: reloadAll, address, httpAddress, consoleLink };
  });
}
