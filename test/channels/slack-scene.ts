// Goal: what tests of Slack need: a desk on a store, a Slack on loopback, and the channel between them in either mode.
// Method: the real desk, the real bolt, a real socket or real signed requests; only Slack's own side is ours.
import { afterEach } from 'vitest';
import type { SlackConfig } from '../../src/core/config-slack.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { Secret } from '../../src/core/secrets.ts';
import { Parts } from '../../src/channels/health.ts';
import { HttpServer } from '../../src/channels/http-server.ts';
import { Metrics } from '../../src/channels/metrics.ts';
import { startSlack, type RunningSlack, type SlackParts } from '../../src/channels/slack.ts';
import type { Store } from '../../src/store/store.ts';
import {
  aCatalog,
  aProxy,
  aRequest,
  never,
  type FilesInForce,
  type Proxy,
  type ProxyWords,
  type RequestWords,
} from '../approval/fixtures.ts';
import { MapStore } from '../approval/map-store.ts';
import { FakeSlack, type FakeMessage, type FakeSlackOptions, type FakeUser } from '../support/slack/fake-slack.ts';
import { Person, readable, type Way } from '../support/slack/person.ts';
import { waitFor } from '../support/wait.ts';

export const gateChannel = 'C0GATE';

export const people: readonly FakeUser[] = ['UANA', 'UBEN', 'UCLEO', 'UDAN', 'UEVE'].map((id) => ({
  id,
  team_id: 'T0TEAM',
  name: id.slice(1).toLowerCase(),
}));

export interface SceneWords {
  readonly way: Way;
  readonly slack?: FakeSlack;
  readonly fake?: FakeSlackOptions;
  readonly config?: Partial<SlackConfig>;
  readonly desk?: ProxyWords;
  readonly store?: Store;
  readonly proxy?: Proxy;
  readonly files?: FilesInForce;
  readonly parts?: Partial<SlackParts>;
}

export interface Scene {
  readonly slack: FakeSlack;
  readonly proxy: Proxy;
  readonly store: Store;
  readonly running: RunningSlack;
  person(id: string, team?: string): Person;
  /** The newest message of a channel that is no reply. */
  card(channel?: string): Promise<FakeMessage>;
  readyz(): Promise<string>;
  metrics(): Promise<string>;
}

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

export async function aSlack(options: FakeSlackOptions = {}): Promise<FakeSlack> {
  const slack = await FakeSlack.start({ users: people, ...options });
  ends.push(() => slack.close());
  return slack;
}

export function slackConfig(slack: FakeSlack, way: Way, more: Partial<SlackConfig> = {}): SlackConfig {
  const base = {
    botToken: new Secret(slack.botToken),
    channel: gateChannel,
    channels: new Map(),
    owners: new Map(),
    values: 'hidden',
    confirmFrom: undefined,
    firstRows: 100,
    digestFrom: 5,
    remindMs: 600_000,
    escalateMs: 1_800_000,
    escalateTo: undefined,
    apiUrl: slack.apiUrl,
  } as const;
  const mode =
    way === 'http'
      ? { mode: 'http', signingSecret: new Secret(slack.signingSecret) }
      : { mode: 'socket', appToken: new Secret(slack.appToken) };
  return { ...base, ...mode, ...more } as SlackConfig;
}

export async function aScene(words: SceneWords): Promise<Scene> {
  const slack = words.slack ?? (await aSlack(words.fake));
  const store = words.store ?? new MapStore();
  const files = words.files ?? aCatalog();
  const proxy = words.proxy ?? aProxy({ store, catalog: () => files, ...words.desk });
  const running = await startSlack({
    config: slackConfig(slack, words.way, words.config),
    book: proxy.desk,
    store,
    approvers: () => files.approvers,
    levels: () => files.levelByName,
    linkOf: (hold) => `https://gate.example.com/holds/${hold}`,
    consoleUrl: 'https://gate.example.com',
    clock: systemClock,
    log: silentLog,
    pace: { gapMs: 5, retryMsMin: 20, retryMsMax: 100, lookMs: 50, timeoutMs: 1000, helloMsMax: 1000 },
    ...words.parts,
  });
  ends.push(() => running.stop());
  const [parts, metrics] = [new Parts(), new Metrics()];
  parts.register(running.part);
  for (const metric of running.metrics) metrics.register(metric);
  const http = await HttpServer.create({
    address: { host: '127.0.0.1', port: 0 },
    limits: {
      httpBodyBytesMax: 100_000,
      httpRequestsPerMinuteMax: 10_000,
      httpWrongTokensPerMinuteMax: 1000,
      httpConnectionsMax: 100,
    },
    parts,
    metrics,
    log: silentLog,
    rooms: running.room === undefined ? [] : [running.room],
  });
  ends.push(async () => {
    await http.close();
    metrics.close();
  });
  const { port } = await http.listen();
  slack.interactivityUrl = `http://127.0.0.1:${port}/slack/events`;
  return {
    slack,
    proxy,
    store,
    running,
    person: (id, team) => new Person(slack, id, { way: words.way, ...(team === undefined ? {} : { team }) }),
    card: (channel = gateChannel) => waitFor('a card', () => slack.cards(channel).at(-1)),
    readyz: async () => await (await fetch(`http://127.0.0.1:${port}/readyz`)).text(),
    metrics: async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
  };
}

export async function held(proxy: Proxy, words: RequestWords = {}, withdrawn: AbortSignal = never) {
  return await proxy.desk.ask(aRequest(words), withdrawn);
}

/** Everything a person reads on it. */
export const read = (message: FakeMessage): string => readable(message.blocks);
