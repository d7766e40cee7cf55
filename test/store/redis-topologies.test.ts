// Goal: Redis behind Sentinels and Redis as a Cluster keep the contract, and a failover costs a pause, not a promise.
// Method: real Sentinels and real Cluster nodes of our own; the contract suite on each; then the master is killed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/ports.ts';
import { startRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { keepsTheContract } from './contract.ts';
import { aPrefix, aRedisStore, documentedRights, put } from './fixtures.ts';
import { aFolder } from '../support/folders.ts';

/** Servers of ours by port, with somebody who may do everything at each. */
class Servers {
  readonly #ends: (() => Promise<void>)[] = [];

  async start(
    options: NonNullable<Parameters<typeof startRedis>[0]>,
  ): Promise<{ readonly port: number; readonly root: Redis }> {
    const server = await startRedis(options);
    const root = new Redis(server.url);
    root.on('error', () => undefined); // It goes down with its server.
    this.#ends.push(async () => {
      root.disconnect();
      await server.stop();
    });
    return { port: Number(new URL(server.url).port), root };
  }

  async end(): Promise<void> {
    await Promise.all(this.#ends.map((end) => end()));
  }
}

/** A login with just the rights that docs/state.md names. */
async function addGate(root: Redis, ...more: readonly string[]): Promise<void> {
  await root.acl('SETUSER', 'gate', 'on', '>hunter2', '~*', '&*', ...documentedRights(), ...more);
}

const asGate = (url: string): string => url.replace('://', '://gate:hunter2@');

async function kill(root: Redis): Promise<void> {
  process.kill(Number(/process_id:(\d+)/.exec(await root.info('server'))?.[1]), 'SIGKILL');
}

/** WAIT would not do: it speaks of what its own connection wrote, and the store wrote on another. */
async function replicated(from: Redis, to: Redis): Promise<void> {
  const offsetIn = async (root: Redis, name: string): Promise<number> =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(await root.info('replication'))?.[1]);
  const written = await offsetIn(from, 'master_repl_offset');
  await waitFor('the replica to have it', async () => (await offsetIn(to, 'slave_repl_offset')) >= written);
}

async function startSentinels(servers: Servers) {
  const master = await servers.start({ flags: [] });
  const replica = await servers.start({ flags: ['--replicaof', '127.0.0.1', String(master.port)] });
  const folder = aFolder();
  const config = join(folder, 'sentinel.conf');
  const lines = [
    `sentinel monitor main 127.0.0.1 ${master.port} 1`,
    'sentinel down-after-milliseconds main 700',
    'sentinel failover-timeout main 3000',
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const sentinel = await servers.start({ config, flags: ['--sentinel'] });
  await waitFor(
    'the Sentinel to know the replica',
    async () => {
      const replicas = await sentinel.root.call('SENTINEL', 'REPLICAS', 'main');
      return JSON.stringify(replicas).includes('"master-link-status","ok"');
    },
    { withinMs: 30_000 },
  );
  return { url: `redis+sentinel://127.0.0.1:${sentinel.port}/main/1`, master, replica };
}

async function startCluster(servers: Servers) {
  const nodes: (Awaited<ReturnType<Servers['start']>> & { readonly bus: number })[] = [];
  for (let index = 0; index < 4; index += 1) {
    const bus = await freePort();
    const flags = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-port', String(bus)];
    nodes.push({ bus, ...(await servers.start({ flags })) });
  }
  const [a, b, c, spare] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]];
  for (const [node, from, to] of [
    [a, 0, 5460],
    [b, 5461, 10_922],
    [c, 10_923, 16_383],
  ] as const) {
    await node.root.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
  }
  for (const node of [b, c, spare]) await a.root.call('CLUSTER', 'MEET', '127.0.0.1', node.port, node.bus);
  const whole = async (): Promise<boolean> => {
    const infos = await Promise.all(nodes.map(({ root }) => root.call('CLUSTER', 'INFO')));
    return infos.every((info) => /cluster_state:ok[^]*cluster_known_nodes:4/.test(String(info)));
  };
  await waitFor('the Cluster', whole, { withinMs: 30_000 });
  return { url: `redis+cluster://127.0.0.1:${a.port},127.0.0.1:${b.port}`, masters: [a, b, c] as const, spare, whole };
}

for (const [name, start] of [
  ['Redis behind Sentinels', startSentinels],
  ['a Redis Cluster', startCluster],
] as const) {
  keepsTheContract(
    name,
    async () => {
      const servers = new Servers();
      const prefix = aPrefix();
      const { url } = await start(servers);
      const times = { openMsMax: 10_000, callMsMax: 10_000 };
      const [one, other] = [await aRedisStore(url, { prefix, times }), await aRedisStore(url, { prefix, times })];
      const end = async (): Promise<void> => {
        await Promise.all([one.close(), other.close()]);
        await servers.end();
      };
      return { one, other, end };
    },
    200,
  );
}

describe('a failover', () => {
  const servers = new Servers();
  let sentinels: Awaited<ReturnType<typeof startSentinels>>;
  let cluster: Awaited<ReturnType<typeof startCluster>>;
  beforeAll(async () => {
    sentinels = await startSentinels(servers);
    cluster = await startCluster(servers);
  });
  afterAll(() => servers.end());

  test(
    'by Sentinels: refused while there is no master, then on with the new one and what was replicated',
    { timeout: 150_000 },
    async () => {
      for (const { root } of [sentinels.master, sentinels.replica]) await addGate(root);
      const store = await aRedisStore(asGate(sentinels.url));
      const version = await put(store, 'hold:1', 'open');
      await replicated(sentinels.master.root, sentinels.replica.root);
      await kill(sentinels.master.root);
      await waitFor('down', () => store.standing.state === 'down');
      await expect(store.read('hold:1')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      // A Sentinel whose own clock stood still for 2 s, as on a busy machine, does nothing at all for the next 30 s.
      await waitFor('the new master', () => store.standing.state === 'up', { withinMs: 120_000 });
      expect(await store.read('hold:1')).toEqual({ value: 'open', version });
      expect(await store.change([{ key: 'hold:1', expect: version, value: 'approved' }])).toBe('changed');
      expect(String(await sentinels.replica.root.info('replication'))).toContain('role:master');
    },
  );

  test(
    'in a Cluster: refused while the slot has no node, then on with the new one and what was replicated',
    { timeout: 60_000 },
    async () => {
      const prefix = aPrefix();
      const { masters, spare } = cluster;
      const slot = Number(await masters[0].root.call('CLUSTER', 'KEYSLOT', `{${prefix}}`));
      const owner = masters[slot <= 5460 ? 0 : slot <= 10_922 ? 1 : 2];
      await spare.root.call('CLUSTER', 'REPLICATE', String(await owner.root.call('CLUSTER', 'MYID')));
      await waitFor('the replica', async () => /master_link_status:up/.test(await spare.root.info('replication')), {
        withinMs: 20_000,
      });
      for (const { root } of [...masters, spare]) await addGate(root, '+cluster|slots', '+cluster|info');
      const store = await aRedisStore(asGate(cluster.url), { prefix });
      const version = await put(store, 'hold:1', 'open');
      await replicated(owner.root, spare.root);
      await kill(owner.root);
      await waitFor('down', () => store.standing.state === 'down', { withinMs: 20_000 });
      await expect(store.read('hold:1')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await waitFor('the new master', () => store.standing.state === 'up', { withinMs: 40_000 });
      expect(await store.read('hold:1')).toEqual({ value: 'open', version });
      expect(await store.change([{ key: 'hold:1', expect: version, value: 'approved' }])).toBe('changed');
    },
  );
});

test('Sentinels that know no such group are said, not waited for in silence', async () => {
  const servers = new Servers();
  const { port } = await servers.start({ flags: [] });
  afterAll(() => servers.end());
  const store = await aRedisStore(`redis+sentinel://127.0.0.1:${port}/main`, { times: { openMsMax: 500 } });
  expect(store.standing.state).toBe('down');
  expect(store.standing.words).not.toContain('not connected');
});
