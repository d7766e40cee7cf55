// What holding costs: ten thousand statements held at once in one process, and from a vote to the first byte of what it released.
// Figures for docs/benchmarks.md; also a check: exits 1 when a bound of the issue is missed. Run: npm run bench:holds
// Each store has a process of its own, so that its memory is its own. Waiting statements are asked of the desk itself, since ten
// thousand connections would need as many at the database; what is timed goes over the wire, with the ten thousand waiting beside it.
// On Redis the vote is taken by a second proxy's desk.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type { Desk, HoldRequest } from '../src/approval/desk.ts';
import type { Vote } from '../src/approval/hold.ts';
import { openDesk, type StoreDesk } from '../src/approval/open-desk.ts';
import type { Recorder } from '../src/audit/recorder.ts';
import type { SessionId } from '../src/core/brand.ts';
import { systemClock } from '../src/core/clock.ts';
import { newSessionId, randomText } from '../src/core/ids.ts';
import { silentLog } from '../src/core/log.ts';
import { parseRedisUrl } from '../src/core/redis-url.ts';
import { loadClassification } from '../src/policy/classification.ts';
import { openStore } from '../src/store/open.ts';
import type { Store } from '../src/store/store.ts';
import { Secret } from '../src/core/secrets.ts';
import { query } from '../test/support/client.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { startProxy } from '../test/support/proxy.ts';
import { connectRaw, type Raw } from '../test/support/raw.ts';
import { startRedis } from '../test/support/redis.ts';

const count = 10_000;
const timed = 300;
const bounds = {
  megabytes: 1024,
  releaseMs: { journal: 5, redis: 10 },
  /** From a vote at another proxy, all but one in a hundred. */
  peerMs: 50,
  decisionsPerSecond: 200,
  idleCores: 0.5,
} as const;
type Kind = 'journal' | 'redis';

const files = {
  'taxonomy.yaml': `version: 1
levels: [{ name: public, read: allow }, { name: restricted, read: hold, approvers: [security] }]
defaults: { unclassified: restricted }
`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, slack: U0BEN, groups: [security] } }\n',
};

interface Opened {
  readonly stores: readonly [Store, Store];
  readonly close: () => Promise<void>;
}

async function openStores(kind: Kind): Promise<Opened> {
  const parts = { clock: systemClock, log: silentLog };
  if (kind === 'journal') {
    const dir = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
    const store = await openStore({ kind, dir }, parts);
    const close = async (): Promise<void> => {
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    };
    return { stores: [store, store], close };
  }
  const server = await startRedis({ flags: ['--appendonly', 'yes'] });
  const read = parseRedisUrl(`${server.url}?prefix=bench-${randomText(8)}`);
  if (read.kind === 'bad') throw new Error(read.words);
  const state = { kind, url: new Secret(server.url), target: read.value };
  const stores = [await openStore(state, parts), await openStore(state, parts)] as const;
  const close = async (): Promise<void> => {
    await Promise.all(stores.map((store) => store.close()));
    await server.stop();
  };
  return { stores, close };
}

function deskOn(store: Store, recorder: Recorder): StoreDesk {
  const loaded = loadClassification(
    Object.entries(files).map(([name, text]) => ({ name, path: `classification/${name}`, text })),
  );
  if (loaded.kind === 'bad') throw new Error('the classification has a mistake');
  return openDesk({
    store,
    recorder,
    clock: systemClock,
    log: silentLog,
    holdsOf: () => ({
      waitMs: 3_600_000,
      pendingMs: 7_200_000,
      grantMs: 900_000,
      heartbeatMs: 15_000,
      inTransaction: 'wait',
    }),
    ownerOf: () => 'ana',
    limits: () => ({ holdsMax: 2 * count, holdsPerAgentMax: 2 * count }),
    catalog: () => loaded.value.catalog,
  });
}

const yes: Vote = {
  person: 'ben',
  vote: 'approve',
  channel: 'bench',
  reason: undefined,
  terms: undefined,
  link: undefined,
};

/** Holds on the wire, one after the other: from the vote to the first byte that the agent gets. */
async function releaseTimes(raw: Raw, desks: { readonly asked: () => Promise<string>; readonly peer: StoreDesk }) {
  const times: number[] = [];
  for (let n = 0; n < timed; n += 1) {
    raw.send({ kind: 'query', sql: Buffer.from(`select a from t where b = ${n} and a <> 'x${n}'`) });
    const id = await desks.asked();
    // Not before its notice has come: the first byte after that is the release.
    while (raw.said.at(-1)?.kind !== 'notice') await pause(1);
    const seen = raw.said.length;
    const started = performance.now();
    const first = new Promise<number>((resolve) => raw.socket.once('data', () => resolve(performance.now())));
    await desks.peer.vote(id as Parameters<StoreDesk['vote']>[0], yes);
    times.push((await first) - started);
    await raw.readies(n + 2);
    const released = raw.said[seen]?.kind;
    if (released !== 'rowDescription') throw new Error(`the vote was followed by ${String(released)}`);
  }
  return times.sort((a, b) => a - b);
}

function another(request: HoldRequest, n: number): HoldRequest {
  const text = `${request.statement.text} -- ${n}`;
  const hash = createHash('sha256').update(text).digest('hex');
  return { ...request, session: newSessionId() as SessionId, statement: { ...request.statement, text, hash } };
}

async function inGroups<T>(all: readonly T[], size: number, work: (one: T) => Promise<void>): Promise<number> {
  const started = performance.now();
  const rest = [...all];
  await Promise.all(
    Array.from({ length: size }, async () => {
      for (let one = rest.pop(); one !== undefined; one = rest.pop()) await work(one);
    }),
  );
  return (performance.now() - started) / 1000;
}

/** A process that only waits: how much of a core it takes, and how late its timers come. */
async function idle(seconds: number): Promise<{ readonly cores: number; readonly delayMs: number }> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const before = process.cpuUsage();
  await pause(seconds * 1000);
  const { user, system } = process.cpuUsage(before);
  delay.disable();
  return { cores: (user + system) / 1e6 / seconds, delayMs: delay.percentile(99) / 1e6 };
}

async function measure(kind: Kind): Promise<boolean> {
  const postgres = await startPostgres();
  const { stores, close } = await openStores(kind);
  const at: { desk?: StoreDesk; peer?: StoreDesk; request?: HoldRequest } = {};
  let tell: (id: string) => void = () => undefined;
  await query(postgres.url(), "create table t as select 'v' || i as a, i as b from generate_series(1, 400) i");
  const deskFor = (recorder: Recorder): Desk => {
    const own = deskOn(stores[0], recorder);
    at.desk = own;
    at.peer = stores[1] === stores[0] ? own : deskOn(stores[1], recorder);
    return {
      ask: async (request, gone) => {
        at.request = request;
        const waiting = await own.ask(request, gone);
        tell(waiting.hold.id);
        return waiting;
      },
      vote: (id, vote) => own.vote(id, vote),
      find: (id) => own.find(id),
      list: (filter) => own.list(filter),
      watch: (each) => own.watch(each),
      stop: () => own.stop(),
    };
  };
  const proxy = await startProxy({ databases: { shop: postgres.url() }, files, desk: deskFor });
  const raw = await connectRaw(proxy.url('shop'));
  const asked = (): Promise<string> => new Promise((resolve) => (tell = resolve));
  const first = asked();
  raw.send({ kind: 'query', sql: Buffer.from('select a from t where b = 0') });
  const firstId = await first;
  const { desk, peer, request } = at;
  if (desk === undefined || peer === undefined || request === undefined) throw new Error('nothing was held');
  await peer.vote(firstId as Parameters<StoreDesk['vote']>[0], yes);
  await raw.readies(1);

  const ids: Parameters<StoreDesk['vote']>[0][] = [];
  const before = process.memoryUsage().rss;
  const askSeconds = await inGroups(
    Array.from({ length: count }, (_, n) => n),
    100,
    async (n) => {
      const waiting = await desk.ask(another(request, n), new AbortController().signal);
      ids.push(waiting.hold.id);
    },
  );
  const waitingNow = desk.stats().waiting;
  const resting = await idle(5);
  const megabytes = process.memoryUsage().rss / 1024 ** 2;
  const times = await releaseTimes(raw, { asked, peer });
  const p = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN;
  let failed = 0;
  const decideSeconds = await inGroups(ids.slice(0, 3000), 50, async (id) => {
    await peer.vote(id, yes).catch(() => (failed += 1));
  });
  const perSecond = 3000 / decideSeconds;
  const p50 = p(0.5);
  console.log(
    [
      `${kind}: ${waitingNow} statements held at once in one process; asked ${Math.round(count / askSeconds)} a second`,
      `  memory of the process: ${Math.round(megabytes)} MB (before: ${Math.round(before / 1024 ** 2)} MB; bound ${bounds.megabytes} MB)`,
      `  while they wait: ${resting.cores.toFixed(2)} of a core, event loop late by ${resting.delayMs.toFixed(1)} ms (p99)`,
      `  vote to first byte on the wire, the others waiting: p50 ${p50.toFixed(1)} ms, p95 ${p(0.95).toFixed(1)} ms, p99 ${p(0.99).toFixed(1)} ms (bound p50 ${bounds.releaseMs[kind]} ms${kind === 'redis' ? `; voted at another proxy: p99 ${bounds.peerMs} ms` : ''})`,
      `  decisions, each of one vote: ${Math.round(perSecond)} a second (bound ${bounds.decisionsPerSecond}); ${failed} of 3000 failed`,
      `  load of the machine meanwhile: ${(loadavg()[0] ?? 0).toFixed(1)}`,
    ].join('\n'),
  );
  raw.close();
  await peer.stop();
  await desk.stop();
  await proxy.stop();
  await close();
  await postgres.stop();
  return (
    waitingNow >= count &&
    megabytes < bounds.megabytes &&
    p50 < bounds.releaseMs[kind] &&
    (kind !== 'redis' || p(0.99) < bounds.peerMs) &&
    perSecond >= bounds.decisionsPerSecond &&
    failed === 0 &&
    resting.cores < bounds.idleCores
  );
}

const [asked] = process.argv.slice(2);
if (asked === 'journal' || asked === 'redis') {
  process.exit((await measure(asked)) ? 0 : 1);
} else {
  for (const kind of ['journal', 'redis'] as const) {
    const args = ['--import', 'tsx', import.meta.filename, kind];
    const done = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    process.stdout.write(done.stdout);
    if (done.status !== 0) process.exitCode = 1;
  }
}
