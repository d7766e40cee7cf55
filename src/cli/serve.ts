// The running proxy in one process, joined from its parts in the order in which each needs the one before: house, road, front. What has
// begun when a later part fails is ended again, so that a start that failed leaves nothing behind.
import { systemClock, type Clock } from '../core/clock.ts';
import type { Config } from '../core/config-types.ts';
import { randomText } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { Reread } from './live-config.ts';
import { addressText, listening, type BoundAddress } from './serve-addresses.ts';
import { closeBench } from './serve-bench.ts';
import { passCancels } from './serve-cancels.ts';
import { openFront, type Front, type RoadView } from './serve-front.ts';
import { openHouse, type Begun, type House } from './serve-house.ts';
import { makeRoad, type Road } from './serve-road.ts';
import { lostBetween, recallHolds } from './revoke.ts';
import { version } from './version.ts';

export interface ServeOptions {
  readonly log: Log;
  readonly clock?: Clock;
  /** How `reload` gets a new config; undefined: this proxy's config never changes. */
  readonly reread?: Reread;
}

/** What is running and can be told to go on otherwise, or to end. */
export interface Serving {
  readonly address: BoundAddress;
  /** Settles when it has ended, however that came. */
  readonly ended: Promise<void>;
  /** Takes the file's new text, or keeps the last good one and says why. */
  reload(): Promise<void>;
  /** `drain`: sessions may come to rest for as long as `limits.shutdown` says. `now`: they end with 57P01 at once. */
  stop(how?: 'drain' | 'now'): Promise<void>;
}

export interface RunningProxy extends Serving {
  readonly httpAddress: BoundAddress;
  /** An address that signs this person in at the console, once, within ten minutes. */
  consoleLink(person: string): Promise<string>;
}

export function serve(config: Config, { log, clock = systemClock, reread }: ServeOptions): Promise<RunningProxy> {
  return orEnded(async (begun) => {
    const house = await openHouse(config, { log, clock, reread, begun });
    const cancels = passCancels({ store: house.bench.store, family: randomText(16) });
    const road = makeRoad(house, { begun, shared: { cancelElsewhere: cancels.elsewhere } });
    begun.push(async () => cancels.stop());
    cancels.start((mark) => void road.listener.cancelMarked(mark));
    let address: BoundAddress | undefined;
    const open = async (): Promise<void> => {
      address = await letIn(house, road, begun);
    };
    const front = await openFront(house, { road: ownRoad(house, road), open, begun });
    if (address === undefined) throw new Error('the front did not let agents in');
    log.info('serving', {
      address: addressText(address),
      http: addressText(front.httpAddress),
      version: version(),
    });
    const { httpAddress, consoleLink } = front;
    return { ...running({ house, road: endingRoad(road), front }), address, httpAddress, consoleLink };
  });
}

export async function orEnded<Result>(begin: (begun: Begun) => Promise<Result>): Promise<Result> {
  const begun: Begun = [];
  try {
    return await begin(begun);
  } catch (thrown) {
    for (const end of begun.toReversed()) await end();
    throw thrown;
  }
}

/** From here on agents come. */
export async function letIn({ live }: House, { listener }: Road, begun: Begun): Promise<BoundAddress> {
  const { config } = live;
  const address = await listening(() => listener.listen(), config.listen, config.places.listen, 'listen');
  begun.push(() => listener.drain(0));
  return address;
}

/** The road of this very process. */
export function ownRoad({ days, parts, metrics }: House, { listener }: Road): RoadView {
  return {
    sessions: { list: async () => listener.sessions.list(), end: async (id) => listener.sessions.end(id) },
    days: { of: async (agents) => agents.map((agent) => days.of(agent)) },
    readiness: () => parts.readiness(),
    metrics,
  };
}

/** What a process has opened: the road, the front, or both. */
interface Opened {
  readonly house: House;
  readonly road: EndingRoad;
  readonly front?: Front;
}

/** The road as its end needs it, in this process or in others. */
export interface EndingRoad {
  sessions(): number;
  /** Settles when no session is left. */
  drain(waitMs: number): Promise<void>;
  /** After a reload; how many sessions were ended. */
  endUnwelcome(): number;
  /** A harder word while it drains. */
  now(): Promise<void>;
}

export function endingRoad({ listener, pools }: Road): EndingRoad {
  return {
    sessions: () => listener.stats().sessions,
    drain: async (waitMs) => {
      await listener.drain(waitMs);
      await pools.drain();
    },
    endUnwelcome: () => listener.endUnwelcome(),
    now: () => listener.drain(0),
  };
}

export function running(opened: Opened): Pick<Serving, 'ended' | 'reload' | 'stop'> {
  const { live, bench, log } = opened.house;
  let settle: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (settle = resolve));
  let ending: Promise<void> | undefined;
  return {
    ended,
    reload: async () => {
      const before = live.config;
      await live.reload();
      bench.classification.reload();
      const sessions = opened.road.endUnwelcome();
      if (sessions > 0) log.info('sessions ended that the new config does not let in', { sessions });
      await recallHolds(bench.desk, lostBetween(before, live.config), log);
    },
    stop: (how = 'drain') => {
      if (ending === undefined) ending = end(opened, how).finally(settle);
      // A second, harder word while sessions are still coming to rest.
      else if (how === 'now') void opened.road.now().catch((thrown: unknown) => logStop(log, thrown));
      return ending;
    },
  };
}

/** The http port stays open while sessions come to rest: whoever asks /readyz is told that no more should be sent here. */
async function end({ house, road, front }: Opened, how: 'drain' | 'now'): Promise<void> {
  const { live, log, state, record, bench } = house;
  state.stopping = true;
  const waitMs = how === 'drain' ? live.config.limits.shutdownMsMax : 0;
  log.info('stopping', { sessions: road.sessions(), waitMs });
  try {
    await road.drain(waitMs);
    await closeBench(bench);
    await front?.channels.stop();
    await record.audit.log.recordDurably({ kind: 'stop', words: 'countersign stops' });
  } catch (thrown) {
    logStop(log, thrown);
  }
  await Promise.all([front?.http.close(), record.stop().catch((thrown: unknown) => logStop(log, thrown))]);
  // The last head is announced to the peers in it.
  await bench.store.close().catch((thrown: unknown) => logStop(log, thrown));
  house.metrics.close();
  log.info('stopped');
}

function logStop(log: Log, error: unknown): void {
  log.error('a part did not stop cleanly', { error });
}
