// The people's side of a running proxy: the approval channels, the API and the console on the http port. The road that agents come on may
// be in this process or in others; this file only knows what it asks of it.
import { personOfBearer } from '../channels/bearer.ts';
import type { Audit } from '../audit/keeper.ts';
import { existingSigner } from '../audit/keys.ts';
import { SharedReceipts } from '../audit/shared-receipts.ts';
import { HttpServer, type HttpParts } from '../channels/http-server.ts';
import { auditRoom } from '../channels/http-audit.ts';
import type { AgentDay, ShownSession } from '../channels/console/ports.ts';
import type { Readiness } from '../channels/health.ts';
import { isHoldId } from '../channels/slack-payload.ts';
import { apiRooms, tokensOf } from './serve-api.ts';
import { startChannels, type RunningChannels } from './serve-channels.ts';
import { makeConsoleKey } from './console-key.ts';
import { consoleOf } from './serve-console.ts';
import type { Begun, House } from './serve-house.ts';
import { SessionsEverywhere } from './sessions-everywhere.ts';
import { addressText, listening, type BoundAddress } from './serve-addresses.ts';

/** What the people's side asks of the road. */
export interface RoadView {
  readonly sessions: {
    list(): Promise<readonly ShownSession[]>;
    /** False: there is none of that id. */
    end(id: string): Promise<boolean>;
  };
  readonly days: { of(agents: readonly string[]): Promise<readonly AgentDay[]> };
  readiness(): Promise<Readiness>;
  readonly metrics: HttpParts['metrics'];
  /** In the records of all processes; absent: there is only this one's. */
  readonly search?: Audit['search'];
  readonly partsOfHold?: Audit['partsOfHold'];
}
import { strangeNames } from './strange-names.ts';

export interface Front {
  readonly channels: RunningChannels;
  readonly http: Pick<HttpServer, 'close'>;
  readonly httpAddress: BoundAddress;
  readonly consoleLink: (person: string) => Promise<string>;
}

/** `open` is called when people can be asked, before anybody can look: it lets the agents in. */
export async function openFront(
  house: House,
  { road, open, begun }: { readonly road: RoadView; readonly open: () => Promise<void>; readonly begun: Begun },
): Promise<Front> {
  const { live, bench, record, parts, metrics, clock, log, troubles } = house;
  const { config } = live;
  for (const words of strangeNames(config, bench.classification.current.catalog)) log.warn(words);
  const channels = await startChannels({ live, bench, parts, metrics, clock, log });
  begun.push(() => channels.stop());
  await open();
  const { sessions, stop } = sessionsOf(house, road);
  begun.push(stop);
  const key = makeConsoleKey(config.auditDir);
  begun.push(async () => key.remove());
  const origin = (): string => live.config.http.publicUrl ?? `http://${addressText(httpAddress)}`;
  const { statementHash, log: records } = record.audit;
  const search: Audit['search'] = road.search ?? ((query) => record.audit.search(query));
  const audit = { statementHash, log: records, search };
  const roadView = { sessions, days: road.days, readiness: () => road.readiness() };
  const console = consoleOf({ live, audit, bench, clock, log, troubles, road: roadView, key: key.bytes, origin });
  const receipts = receiptsOf(house, road);
  begun.push(() => receipts.stop());
  const receipt: Audit['receipt'] = (hold) => receipts.receipt(hold);
  const overHttp = auditRoom({ authenticate: tokensOf(bench.classification), audit: { search, receipt } });
  const http = await HttpServer.create({
    address: config.http.listen,
    limits: config.limits,
    parts: { readiness: () => road.readiness() },
    metrics: road.metrics,
    log,
    personOf: (header) => personOfBearer(header, bench.classification.current.catalog.approvers.values())?.name,
    personOfCookie: (header) => console.personOfCookie(header),
    rooms: [...apiRooms({ live, bench, clock }), overHttp, ...channels.rooms, console.room],
  });
  const httpAddress = await listening(() => http.listen(), config.http.listen, config.places.http, 'http.listen');
  key.publish(`http://${addressText(reachable(httpAddress))}`);
  const consoleLink = async (person: string): Promise<string> => origin() + (await console.linkPath(person));
  const close = async (): Promise<void> => {
    key.remove();
    await stop();
    await http.close();
    await receipts.stop();
  };
  return { channels, http: { close }, httpAddress, consoleLink };
}

/** A journal has one proxy only; what several share is told among them. */
function sessionsOf({ live, bench, clock, log }: House, road: RoadView) {
  if (live.config.state.kind === 'journal') return { sessions: road.sessions, stop: () => Promise.resolve() };
  const everywhere = new SessionsEverywhere({ own: road.sessions, store: bench.store, clock, log });
  return { sessions: everywhere, stop: () => everywhere.stop() };
}

/** Whole, whichever proxies and processes have the steps of a hold in their chains. */
function receiptsOf({ live, bench, record, clock, log }: House, road: RoadView): SharedReceipts {
  const { auditDir, auditSigner } = live.config;
  const { audit } = record;
  return new SharedReceipts({
    ...{ store: bench.store, clock },
    own: road.partsOfHold ?? ((hold) => audit.partsOfHold(hold)),
    signerOf: (dir) => existingSigner(dir, auditSigner),
    home: { dir: auditDir, origin: audit.log.head().origin },
    standing: async (hold) => {
      const view = isHoldId(hold) ? await bench.desk.find(hold) : undefined;
      return view === undefined ? undefined : { isSettled: view.settled !== undefined, releases: view.uses };
    },
    say: (words) => log.warn(words, {}),
  });
}

/** From this machine: a server that listens everywhere is asked on loopback. */
function reachable({ address, port }: BoundAddress): BoundAddress {
  const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  return { address: everywhere[address] ?? address, port };
}
