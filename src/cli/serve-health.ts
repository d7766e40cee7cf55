// What the running proxy tells about itself: a part for each thing that must work, and figures read from their owners.
import type { Audit } from '../audit/keeper.ts';
import type { Parts, PartState } from '../channels/health.ts';
import type { Metrics } from '../channels/metrics.ts';
import { wordsOf } from '../core/errors.ts';
import type { Listener } from '../proxy/listener.ts';
import type { ClassificationSource } from '../policy/classification-source.ts';
import { mistakeText } from '../core/place.ts';
import type { Pools } from '../proxy/pools.ts';
import type { Store } from '../store/store.ts';
import type { Readers } from '../proxy/readers.ts';
import { connectUpstream } from '../proxy/upstream.ts';
import type { LiveConfig } from './live-config.ts';
import type { RunningSinks } from './serve-sinks.ts';

export interface ServingState {
  stopping: boolean;
}

export interface HouseParts {
  readonly live: LiveConfig;
  readonly audit: Audit;
  readonly sinks: Pick<RunningSinks, 'trouble'>;
  readonly classification: ClassificationSource;
  readonly readers: Readers;
  readonly store: Store;
}

const up = (words: string): PartState => ({ state: 'up', words });
const down = (words: string): PartState => ({ state: 'down', words });

export interface RoadParts {
  readonly live: LiveConfig;
  readonly listener: Listener;
  readonly state: ServingState;
}

export function registerRoadParts(parts: Parts, { live, listener, state }: RoadParts): void {
  parts.register({
    name: 'listener',
    weight: 'needed',
    check: () => {
      const { sessions } = listener.stats();
      const words = sessions === 1 ? '1 session' : `${sessions} sessions`;
      return state.stopping ? down(`stopping; ${words} left`) : up(words);
    },
  });
  // One look for all: the list of databases may change with each reload.
  const databases = new DatabaseLooks(live);
  parts.register({ name: 'databases', weight: 'needed', check: () => databases.look() });
}

export function registerHouseParts(parts: Parts, from: HouseParts): void {
  const { live, audit, sinks } = from;
  parts.register({
    name: 'audit',
    weight: 'needed',
    check: () => {
      const log = audit.state();
      if (log.state === 'shut') return down(`shut since ${log.since}, so every statement is refused: ${log.why}`);
      return up(log.checkpointTrouble === undefined ? 'open' : `open, but no checkpoint: ${log.checkpointTrouble}`);
    },
  });
  parts.register({
    name: 'audit sinks',
    weight: 'wanted',
    check: () => {
      const trouble = sinks.trouble();
      return trouble === undefined ? up('all take records') : down(trouble);
    },
  });
  parts.register({
    name: 'config',
    weight: 'wanted',
    check: () => (live.trouble === undefined ? up('as in the file') : down(live.trouble)),
  });
  parts.register({ name: 'classification', weight: 'wanted', check: () => classificationState(from.classification) });
  // Without state nothing new can be held, so it is refused; what is allowed goes on.
  parts.register({
    name: 'state',
    weight: 'wanted',
    check: () => (from.store.standing.state === 'up' ? up(from.store.standing.words) : down(from.store.standing.words)),
  });
  parts.register({ name: 'schemas', weight: 'wanted', check: () => schemasState(from.readers) });
}

function classificationState({ current, trouble }: ClassificationSource): PartState {
  const [first, ...more] = trouble;
  if (first === undefined) return up(`version ${current.catalog.version.slice(0, 12)}`);
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  return down(`the last good version is in force; the files have mistakes: ${mistakeText(first)}${others}`);
}

/** Without its schema every statement of a database is not known, so held. */
function schemasState(readers: Readers): PartState {
  const states = readers.states();
  const words = states.map(({ name, trouble, witness }) => {
    const how = witness === 'static' ? ' (witness: static, the server is not asked)' : '';
    return `${name} ${trouble === undefined ? 'read' : `NOT READ: ${trouble}`}${how}`;
  });
  return states.some((one) => one.trouble !== undefined) ? down(words.join('; ')) : up(words.join('; '));
}

const lookMs = 5000;
const connectMsMax = 1500;

/** Logs in at each database, at most once in some seconds: whoever asks often must not cost connections. */
class DatabaseLooks {
  readonly #live: LiveConfig;
  #last: Promise<PartState> | undefined;
  #lastAt = -Infinity;

  constructor(live: LiveConfig) {
    this.#live = live;
  }

  look(): Promise<PartState> {
    const now = performance.now();
    if (this.#last === undefined || now - this.#lastAt >= lookMs) {
      this.#last = this.#lookNow();
      this.#lastAt = now;
    }
    return this.#last;
  }

  /** Down only when none answers: one database that is away must not take the others' agents with it. */
  async #lookNow(): Promise<PartState> {
    const looks = await Promise.all([...this.#live.config.databases.values()].map((target) => lookAt(target)));
    const words = looks.map((one) => `${one.name} ${one.words}`).join('; ');
    return looks.some((one) => one.isUp) ? up(words) : down(words);
  }
}

async function lookAt(target: Parameters<typeof connectUpstream>[0]['target'] & { readonly name: string }) {
  try {
    const quick = { ...target, connectMsMax: Math.min(target.connectMsMax, connectMsMax) };
    const upstream = await connectUpstream({ target: quick, parameters: new Map() }, new AbortController().signal);
    upstream.socket.end(Buffer.from('X\0\0\0\x04', 'latin1'));
    return { name: target.name, isUp: true, words: `up (PostgreSQL ${upstream.serverMajor})` };
  } catch (thrown) {
    return { name: target.name, isUp: false, words: `DOWN (${wordsOf(thrown)})` };
  }
}

export function registerRoadMetrics(
  metrics: Metrics,
  { listener, pools }: { readonly listener: Listener; readonly pools: Pools },
): void {
  const stats = () => listener.stats();
  metrics.register({
    name: 'connections',
    kind: 'gauge',
    help: 'Open connections of agents, by what they are doing.',
    labels: ['state'],
    read: () => [
      { labels: { state: 'session' }, value: stats().sessions },
      { labels: { state: 'login' }, value: stats().greetings },
    ],
  });
  metrics.register({
    name: 'connections_accepted_total',
    kind: 'counter',
    help: 'Connections accepted.',
    read: () => [{ value: stats().accepted }],
  });
  metrics.register({
    name: 'connections_refused_total',
    kind: 'counter',
    help: 'Connections turned away, by code of the error table.',
    labels: ['code'],
    read: () => Object.entries(stats().refused).map(([code, value]) => ({ labels: { code }, value })),
  });
  metrics.register({
    name: 'cancel_requests_total',
    kind: 'counter',
    help: 'Cancel requests taken.',
    read: () => [{ value: stats().cancels }],
  });
  metrics.register({
    name: 'upstream_connections',
    kind: 'gauge',
    help: 'Connections to databases, by what they are doing.',
    labels: ['state'],
    read: () => Object.entries(pools.stats()).map(([state, value]) => ({ labels: { state }, value })),
  });
}

export interface HouseMetrics {
  readonly audit: Audit;
  readonly classification: ClassificationSource;
  readonly readers: Readers;
}

export function registerHouseMetrics(metrics: Metrics, { audit, ...from }: HouseMetrics): void {
  registerReading(metrics, from);
  metrics.register({
    name: 'audit_shut',
    kind: 'gauge',
    help: '1 while the audit log is shut and every statement is refused.',
    together: 'max',
    read: () => [{ value: audit.state().state === 'shut' ? 1 : 0 }],
  });
  metrics.register({
    name: 'audit_records_total',
    kind: 'counter',
    help: 'Records in the audit log since it began.',
    read: () => [{ value: audit.log.head().records }],
  });
}

function registerReading(
  metrics: Metrics,
  { classification, readers }: Pick<HouseMetrics, 'classification' | 'readers'>,
): void {
  metrics.register({
    name: 'classification_broken',
    kind: 'gauge',
    help: '1 while the files of the classification have mistakes and the last good version is in force.',
    together: 'max',
    read: () => [{ value: classification.trouble.length > 0 ? 1 : 0 }],
  });
  metrics.register({
    name: 'witness_disagreements_total',
    kind: 'counter',
    help: 'Statements about which the two witnesses contradicted each other: defects of ours, held.',
    read: () => [{ value: readers.disagreements }],
  });
  metrics.register({
    name: 'parser_lost_total',
    kind: 'counter',
    help: 'Parser threads that were ended because of a text.',
    labels: ['major'],
    read: () => readers.health().map(({ major, lost }) => ({ labels: { major: String(major) }, value: lost })),
  });
}
