// The running proxy, joined from its parts in the order in which each needs the one before: record, listener, http. What has
// begun when a later part fails is ended again, so that a start that failed leaves nothing behind.
import type { Audit } from '../audit/keeper.ts';
import { Parts } from '../channels/health.ts';
import { HttpServer } from '../channels/http-server.ts';
import { Metrics } from '../channels/metrics.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import type { Config } from '../core/config-types.ts';
import { configWords } from './config-words.ts';
import { codeOf } from '../core/file-words.ts';
import type { Log } from '../core/log.ts';
import { placeText, type Place } from '../core/place.ts';
import { Tallies } from '../core/tallies.ts';
import { AgentDays } from './agent-days.ts';
import { CountingRecorder } from './counting-recorder.ts';
import { directoryOf } from '../proxy/from-config.ts';
import { inBandSource } from '../proxy/in-band-source.ts';
import { Listener, type ListenerParts } from '../proxy/listener.ts';
import { Pools } from '../proxy/pools.ts';
import { houseHash, houseKey } from '../store/house-hash.ts';
import { Gate } from '../gate.ts';
import type { Classification } from '../policy/classification.ts';
import { closeBench, openBench, type Bench } from './serve-bench.ts';
import { consoleOf } from './serve-console.ts';
import { gatePartsOf } from './serve-gate.ts';
import { rowDeskOf } from './serve-rows.ts';
import { LiveConfig, type Reread } from './live-config.ts';
import { registerMetrics, registerParts, type ServingState } from './serve-health.ts';
import { failed } from './io.ts';
import { apiRooms, tokensOf } from './serve-api.ts';
import { auditRoom } from '../channels/http-audit.ts';
import { startChannels, type RunningChannels } from './serve-channels.ts';
import { openRecord, type RunningRecord } from './serve-record.ts';
import { version } from './version.ts';

export interface ServeOptions {
  readonly log: Log;
  readonly clock?: Clock;
  /** How `reload` gets a new config; undefined: this proxy's config never changes. */
  readonly reread?: Reread;
}

export interface BoundAddress {
  readonly address: string;
  readonly port: number;
}

export interface RunningProxy {
  readonly address: BoundAddress;
  readonly httpAddress: BoundAddress;
  /** Settles when it has ended, however that came. */
  readonly ended: Promise<void>;
  /** An address that signs this person in at the console, once, within ten minutes. */
  consoleLink(person: string): Promise<string>;
  /** Takes the file's new text, or keeps the last good one and says why. */
  reload(): Promise<void>;
  /** `drain`: sessions may come to rest for as long as `limits.shutdown` says. `now`: they end with 57P01 at once. */
  stop(how?: 'drain' | 'now'): Promise<void>;
}

export async function serve(config: Config, options: ServeOptions): Promise<RunningProxy> {
  const begun: (() => Promise<void>)[] = [];
  try {
    return await begin(config, options, begun);
  } catch (thrown) {
    for (const end of begun.toReversed()) await end();
    throw thrown;
  }
}

async function begin(config: Config, options: ServeOptions, begun: (() => Promise<void>)[]): Promise<RunningProxy> {
  const { log, clock = systemClock } = options;
  if (config.workers > 1)
    log.warn('workers above 1 are not offered yet; one process serves', { workers: config.workers });
  const record = await openRecord(config, { clock, log });
  begun.push(() => record.stop());
  const { audit, sinks } = record;
  await audit.log.recordDurably({ kind: 'start', words: `countersign ${version()} starts`, version: version() });
  await audit.log.recordDurably({ kind: 'config', words: configWords(config) });
  const live = new LiveConfig({ config, log, recorder: audit.log, reread: options.reread });
  const state: ServingState = { stopping: false };
  const pools = new Pools({ config: () => live.config, clock, log });
  begun.push(() => pools.drain());
  const tallies = new Tallies();
  const days = new AgentDays(clock);
  const recorder = new CountingRecorder(audit.log, tallies, (body) => days.count(body));
  const bench = await openBench({ live, record, recorder, clock, log, begun });
  const { readers } = bench;
  const listener = listenerOf({ live, audit, bench }, { log, clock, recorder, readers, openUpstream: pools.open });
  const [parts, metrics] = [new Parts(), new Metrics()];
  begun.push(async () => metrics.close());
  registerParts(parts, { live, audit, sinks, listener, state, ...bench });
  registerMetrics(metrics, { audit, listener, pools, ...bench });
  metrics.registerTallies(tallies);
  const channels = await startChannels({ live, bench, parts, metrics, clock, log });
  begun.push(() => channels.stop());
  // Only now: what people are asked over stands before anybody can be held.
  const address = await listening(() => listener.listen(), config.listen, config.places.listen, 'listen');
  begun.push(() => listener.drain(0));
  const console = consoleOf({ live, days, audit, bench, clock, log, parts, sessions: listener.sessions });
  const overHttp = auditRoom({ authenticate: tokensOf(bench.classification), audit });
  const rooms = [...apiRooms({ live, bench, clock }), overHttp, ...channels.rooms, console.room];
  const { limits } = config;
  const http = await HttpServer.create({ address: config.http.listen, limits, parts, metrics, log, rooms });
  const httpAddress = await listening(() => http.listen(), config.http.listen, config.places.http, 'http.listen');
  log.info('serving', { address: addressText(address), http: addressText(httpAddress), version: version() });
  const consoleLink = async (person: string): Promise<string> =>
    `${live.config.http.publicUrl ?? `http://${addressText(httpAddress)}`}${await console.linkPath(person)}`;
  return running({
    ...{ live, record, bench, channels, listener, pools, http, metrics, state, log, address, httpAddress },
    consoleLink,
  });
}

function listenerOf(
  of: { readonly live: LiveConfig; readonly audit: Audit; readonly bench: Bench },
  parts: Pick<ListenerParts, 'log' | 'clock' | 'recorder' | 'readers' | 'openUpstream'>,
): Listener {
  const { live, audit, bench } = of;
  const { recorder, clock } = parts;
  const classification = (): Classification => bench.classification.current;
  const gate = gatePartsOf({
    ...{ audit, recorder, clock, classification, desk: bench.desk, carrier: bench.lineage },
    seal: (sql) => audit.sealed(sql),
    inHouse: houseHash(bench.store),
  });
  return new Listener({
    ...parts,
    address: live.config.listen,
    limits: () => live.config.limits,
    directory: () => directoryOf(live.config),
    tls: () => live.door,
    // A keyed hash of bytes that are no statement (they hold a zero): secret, and the same after a restart, so that the salt
    // of a name that nobody has does not change when the salts of real ones stay.
    secrets: { mockKey: Buffer.from(audit.statementHash.ofBytes(Buffer.from('mock salt\0'))) },
    gate: new Gate(gate),
    rows: rowDeskOf({
      gate,
      maskSecret: () => houseKey(bench.store, 'masks'),
      clock,
      classification,
      purses: bench.purses,
    }),
    inBand: inBandSource({ ...gate, budgets: bench.budgets }),
    lineage: bench.lineage.temporary,
    consoleUrl: () => live.config.http.publicUrl,
  });
}

interface Running {
  readonly live: LiveConfig;
  readonly record: RunningRecord;
  readonly channels: RunningChannels;
  readonly bench: Bench;
  readonly listener: Listener;
  readonly pools: Pools;
  readonly http: HttpServer;
  readonly metrics: Metrics;
  readonly state: ServingState;
  readonly log: Log;
  readonly address: BoundAddress;
  readonly httpAddress: BoundAddress;
  readonly consoleLink: (person: string) => Promise<string>;
}

function running(parts: Running): RunningProxy {
  let settle: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (settle = resolve));
  let ending: Promise<void> | undefined;
  return {
    address: parts.address,
    httpAddress: parts.httpAddress,
    ended,
    consoleLink: parts.consoleLink,
    reload: async () => {
      await parts.live.reload();
      parts.bench.classification.reload();
    },
    stop: (how = 'drain') => {
      if (ending === undefined) ending = end(parts, how).finally(settle);
      // A second, harder word while sessions are still coming to rest.
      else if (how === 'now') void parts.listener.drain(0).catch((thrown: unknown) => logStop(parts.log, thrown));
      return ending;
    },
  };
}

/** The http port stays open while sessions come to rest: whoever asks /readyz is told that no more should be sent here. */
async function end(parts: Running, how: 'drain' | 'now'): Promise<void> {
  const { listener, pools, live, log, state, record } = parts;
  state.stopping = true;
  const waitMs = how === 'drain' ? live.config.limits.shutdownMsMax : 0;
  log.info('stopping', { sessions: listener.stats().sessions, waitMs });
  try {
    await listener.drain(waitMs);
    await pools.drain();
    await closeBench(parts.bench);
    await parts.channels.stop();
    await record.audit.log.recordDurably({ kind: 'stop', words: 'countersign stops' });
  } catch (thrown) {
    logStop(log, thrown);
  }
  await Promise.all([parts.http.close(), record.stop().catch((thrown: unknown) => logStop(log, thrown))]);
  // The last head is announced to the peers in it.
  await parts.bench.store.close().catch((thrown: unknown) => logStop(log, thrown));
  parts.metrics.close();
  log.info('stopped');
}

function logStop(log: Log, error: unknown): void {
  log.error('a part did not stop cleanly', { error });
}

const addressText = ({ address, port }: BoundAddress): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** What can be wrong with an address is said with the line that names it. */
async function listening(
  listen: () => Promise<BoundAddress>,
  wanted: { readonly host: string; readonly port: number },
  place: Place,
  key: string,
): Promise<BoundAddress> {
  try {
    return await listen();
  } catch (thrown) {
    const row = addressWords[codeOf(thrown) ?? ''];
    if (row === undefined) throw thrown;
    throw failed(`${placeText(place)}: ${key}: ${wanted.host}:${wanted.port} ${row}`);
  }
}

const addressWords: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another program (stop that one, or choose another port)',
  EACCES: 'may not be used by this user (choose a port of 1024 or above)',
  EADDRNOTAVAIL: 'is no address of this machine (choose one of its own, or 0.0.0.0 for all)',
  ENOTFOUND: 'is no name that can be looked up (write an address)',
  EAFNOSUPPORT: 'is of a kind that this machine does not speak (write an IPv4 address)',
};
