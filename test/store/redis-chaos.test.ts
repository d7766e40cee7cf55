// Goal: whatever befalls Redis, the state fails closed within its deadline, invents nothing, and goes on by itself.
// Method: real servers of our own: killed, frozen, filled, emptied, made a replica, locked; clients that were connected all along.
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { freePort } from '../support/ports.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor, within } from '../support/wait.ts';
import { aPrefix, aRedisStore, KeptLog, put, versionOf } from './fixtures.ts';
import { aFolder, atEndOfFile } from '../support/folders.ts';

/** A server of ours, and somebody who may do everything there. */
async function aServer(options: Parameters<typeof startRedis>[0] = {}) {
  const server = await startRedis({ flags: [], ...options });
  atEndOfFile(() => server.stop());
  return { server, root: aRoot(server.url) };
}

function aRoot(url: string): Redis {
  const root = new Redis(url);
  root.on('error', () => undefined); // It goes down with its server.
  atEndOfFile(() => root.disconnect());
  return root;
}

async function pidOf(root: Redis): Promise<number> {
  return Number(/process_id:(\d+)/.exec(await root.info('server'))?.[1]);
}

/** The connections of stores, by the server's numbers. */
async function connectionsOf(root: Redis): Promise<readonly string[]> {
  const lines = String(await root.call('CLIENT', 'LIST')).split('\n');
  return lines.filter((line) => line.includes('name=countersign')).map((line) => line.split(' ')[0] ?? '');
}

const isUp = (store: Store) => waitFor('the store to be up', () => store.standing.state === 'up');
const isDown = (store: Store) => waitFor('the store to be down', () => store.standing.state === 'down');

async function refusedIn(call: Promise<unknown>, msMax: number): Promise<void> {
  const start = performance.now();
  await expect(call).rejects.toMatchObject({ code: 'UNAVAILABLE', hint: expect.stringContaining('by itself') });
  expect(performance.now() - start).toBeLessThan(msMax);
}

describe('Redis is killed', () => {
  test('with its files: what was acknowledged is there again, and clients go on without a restart', async () => {
    const folder = aFolder();
    const port = await freePort();
    const flags = ['--dir', folder, '--appendonly', 'yes', '--appendfsync', 'always'];
    const { root } = await aServer({ flags, port });
    const log = new KeptLog();
    const store = await aRedisStore(`redis://127.0.0.1:${port}`, { log });
    const acknowledged: number[] = [];
    const write = async (): Promise<void> => {
      for (let n = 0; ; n += 1) {
        expect(await store.change([{ key: `k${n}`, expect: 'absent', value: String(n) }])).toBe('changed');
        acknowledged.push(n);
      }
    };
    const writing = Promise.allSettled([write()]);
    await waitFor('some writes', () => acknowledged.length > 50);
    process.kill(await pidOf(root), 'SIGKILL');
    const [ended] = await within('the writer to be refused', writing);
    expect(ended).toMatchObject({ status: 'rejected', reason: { code: 'UNAVAILABLE' } });
    await isDown(store);
    await refusedIn(store.read('k0'), 100);
    await refusedIn(store.spend('rows', 1, { ms: 1000, at: 1e12 }, undefined), 100);
    await aServer({ flags, port });
    await isUp(store);
    for (const n of acknowledged) expect((await store.read(`k${n}`))?.value).toBe(String(n));
    expect(log.lines.join('\n')).not.toContain('came back without');
    expect(await store.change([{ key: 'after', expect: 'absent', value: '' }])).toBe('changed');
  });

  test('and comes back empty: what was held is absent, no old version fits, and the log says so', async () => {
    const port = await freePort();
    const { server } = await aServer({ port });
    const log = new KeptLog();
    const store = await aRedisStore(server.url, { log });
    const version = await put(store, 'hold:1', 'approved');
    await server.stop();
    await isDown(store);
    await aServer({ port });
    await isUp(store);
    expect(await store.read('hold:1')).toBeUndefined();
    expect(await store.list('hold:', 10)).toEqual([]);
    expect(await store.change([{ key: 'hold:1', expect: version, value: 'used' }])).toBe('conflict');
    await put(store, 'hold:1', 'another');
    expect(await store.change([{ key: 'hold:1', expect: version, value: 'used' }])).toBe('conflict');
    expect(log.lines.join('\n')).toContain('came back without what was in it');
  });

  test('is not there at the start: the store opens down, and comes up when Redis does', async () => {
    const port = await freePort();
    const store = await aRedisStore(`redis://127.0.0.1:${port}`, { times: { openMsMax: 100 } });
    expect(store.standing).toMatchObject({ state: 'down', words: expect.stringContaining('nobody listens there') });
    await refusedIn(store.read('k'), 100);
    await aServer({ port });
    await isUp(store);
    await put(store, 'k', 'v');
  });
});

describe('Redis is frozen', () => {
  test(
    'every call ends within its deadline, and what was refused does not happen when it thaws',
    { timeout: 30_000 },
    async () => {
      const { server, root } = await aServer();
      const store = await aRedisStore(server.url);
      const version = await put(store, 'hold:1', 'open');
      const pid = await pidOf(root);
      process.kill(pid, 'SIGSTOP');
      try {
        await Promise.all([
          refusedIn(store.change([{ key: 'hold:1', expect: version, value: 'approved' }]), 1500),
          refusedIn(store.change([{ key: 'hold:2', expect: 'absent', value: 'open' }]), 1500),
          refusedIn(store.spend('rows', 5, { ms: 60_000, at: 1e12 }, 10), 1500),
          refusedIn(store.read('hold:1'), 1500),
          refusedIn(store.list('hold:', 5), 1500),
        ]);
        await isDown(store);
        await refusedIn(store.read('hold:1'), 50);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      await isUp(store);
      // What we asked for is done or thrown away by now: the server answers in order, on this connection or after it was cut.
      expect(await store.read('hold:1')).toEqual({ value: 'open', version });
      expect(await store.read('hold:2')).toBeUndefined();
      expect((await store.spend('rows', 0, { ms: 60_000, at: 1e12 }, 10)).used).toBe(0);
    },
  );

  test('for longer than a connection is kept: a new one is made, and work goes on', { timeout: 30_000 }, async () => {
    const { server, root } = await aServer();
    const store = await aRedisStore(server.url, { times: { silentMsMax: 500, callMsMax: 200, beatMs: 100 } });
    await put(store, 'k', 'v');
    const [pid, before] = [await pidOf(root), await connectionsOf(root)];
    process.kill(pid, 'SIGSTOP');
    const start = performance.now();
    try {
      await isDown(store);
      await waitFor('the connection to be old enough', () => performance.now() - start > 1500);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await isUp(store);
    expect((await store.read('k'))?.value).toBe('v');
    const after = await connectionsOf(root);
    expect(before.filter((id) => after.includes(id))).toEqual([]);
  });
});

describe('Redis is full', () => {
  test('nothing is half done, the words say why, and room mends it', async () => {
    const { server, root } = await aServer();
    const store = await aRedisStore(server.url, { times: { beatMs: 100 } });
    const version = await put(store, 'a', '1');
    await root.config('SET', 'maxmemory-policy', 'noeviction');
    await root.config('SET', 'maxmemory', '1000kb');
    const call = store.change([
      { key: 'a', expect: version, value: '2' },
      { key: 'b', expect: 'absent', value: 'x'.repeat(1000) },
    ]);
    await refusedIn(call, 1500);
    await isDown(store);
    expect(store.standing.words).toContain('full');
    await refusedIn(store.read('a'), 100);
    await root.config('SET', 'maxmemory', '0');
    await isUp(store);
    expect(await store.read('a')).toEqual({ value: '1', version });
    expect(await store.read('b')).toBeUndefined();
    expect((await store.list('', 10)).map(({ key }) => key)).toEqual(['a']);
  });

  test('and throws documents away as it was told to: that is warned of, and they are absent, in lists too', async () => {
    const { server, root } = await aServer({ flags: ['--maxmemory-policy', 'allkeys-lru'] });
    const log = new KeptLog();
    const prefix = aPrefix();
    const store = await aRedisStore(server.url, { log, prefix });
    expect(store.standing.words).toContain('set noeviction');
    expect(log.lines.join('\n')).toContain('it may throw away open holds');
    for (const key of ['a', 'b', 'c']) await put(store, key, key);
    await root.del(`{${prefix}}:d:b`);
    expect((await store.list('', 2)).map(({ key }) => key)).toEqual(['a', 'c']);
    expect(await store.read('b')).toBeUndefined();
  });
});

describe('Redis changes under our feet', () => {
  test('forgets its scripts: nobody notices', async () => {
    const { server, root } = await aServer();
    const store = await aRedisStore(server.url);
    await root.script('FLUSH');
    const version = await put(store, 'a', '1');
    await root.script('FLUSH');
    expect(await store.change([{ key: 'a', expect: version, value: '2' }])).toBe('changed');
    await root.script('FLUSH');
    expect(await store.spend('rows', 1, { ms: 1000, at: 1e12 }, 1)).toEqual({ spent: true, used: 1 });
    await root.script('FLUSH');
    expect((await store.list('a', 5)).length).toBe(1);
  });

  test('becomes a replica: it is left alone until it is a master again', async () => {
    const { server, root } = await aServer();
    const other = await aServer();
    const store = await aRedisStore(server.url, { times: { beatMs: 100 } });
    await put(store, 'a', '1');
    await root.replicaof('127.0.0.1', Number(new URL(other.server.url).port));
    await isDown(store);
    await waitFor('the words', () => /replica|its files|lost/.test(store.standing.words));
    await refusedIn(put(store, 'a', '2'), 1500);
    await root.replicaof('NO', 'ONE');
    await isUp(store);
  });

  test(
    'cuts every connection, again and again: each spending happens once or not at all',
    { timeout: 30_000 },
    async () => {
      const { server, root } = await aServer();
      const store = await aRedisStore(server.url, { times: { beatMs: 50, retryMsMax: 30 } });
      let [taken, failed] = [0, 0];
      for (let round = 0; round < 15; round += 1) {
        await isUp(store);
        const calls = Array.from({ length: 40 }, () => store.spend('rows', 1, { ms: 60_000, at: 1e12 }, undefined));
        const cutting = root.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        for (const result of await Promise.allSettled(calls))
          result.status === 'fulfilled' ? (taken += 1) : (failed += 1);
        await cutting;
      }
      // The last cut may be seen only now: asked again until there is an answer, and for no rows, so that asking twice counts nothing.
      const { used } = await waitFor('the sum', () => store.spend('rows', 0, { ms: 60_000, at: 1e12 }, undefined));
      expect(used).toBeGreaterThanOrEqual(taken);
      expect(used).toBeLessThanOrEqual(taken + failed);
      expect(taken).toBeGreaterThan(0);
    },
  );

  test('holds something else under our keys: nothing is written over it', async () => {
    const { server, root } = await aServer();
    const prefix = aPrefix();
    await root.set(`{${prefix}}:index`, 'a text of somebody else');
    const store = await aRedisStore(server.url, { prefix, times: { openMsMax: 200 } });
    expect(store.standing).toMatchObject({ state: 'down', words: expect.stringContaining('prefix of its own') });
    expect(await root.keys(`{${prefix}}:d:*`)).toEqual([]);
    expect(await root.get(`{${prefix}}:index`)).toBe('a text of somebody else');
  });
});

describe('two proxies', () => {
  test('of different prefixes on one Redis see nothing of each other', async () => {
    const { server } = await aServer();
    const [one, other] = [await aRedisStore(server.url), await aRedisStore(server.url)];
    const heard: string[] = [];
    other.listen('t', (message) => heard.push(message));
    other.listen('end', (message) => heard.push(message));
    await put(one, 'a', '1');
    one.announce('t', 'from the other prefix');
    expect(await other.read('a')).toBeUndefined();
    expect(await other.list('', 10)).toEqual([]);
    other.announce('end', 'end');
    await waitFor('the end', () => heard.includes('end'));
    expect(heard).toEqual(['end']);
  });

  test('a wake-up of one is heard by the other within moments, also after Redis was away', async () => {
    const port = await freePort();
    const first: TestRedis = (await aServer({ port })).server;
    const prefix = aPrefix();
    const [one, other] = [await aRedisStore(first.url, { prefix }), await aRedisStore(first.url, { prefix })];
    const heard: string[] = [];
    other.listen('t', (message) => heard.push(message));
    const start = performance.now();
    one.announce('t', 'before');
    await waitFor('the wake-up', () => heard.includes('before'), { everyMs: 1 });
    expect(performance.now() - start).toBeLessThan(1000);
    await first.stop();
    await Promise.all([isDown(one), isDown(other)]);
    await aServer({ port });
    await Promise.all([isUp(one), isUp(other)]);
    await waitFor('a wake-up again', () => {
      one.announce('t', 'after');
      return heard.includes('after');
    });
  });

  test('nonsense on the channel wakes nobody and breaks nothing', async () => {
    const { server, root } = await aServer();
    const prefix = aPrefix();
    const store = await aRedisStore(server.url, { prefix });
    const heard: string[] = [];
    store.listen('t', (message) => heard.push(message));
    for (const text of ['', '{', 'null', '[]', '["x","t"]', '["x","t",1]', '{"t":1}', '["x",["t"],"m"]']) {
      await root.publish(`{${prefix}}:wake`, text);
    }
    await root.publish(`{${prefix}}:wake`, '["x","t","sense"]');
    await waitFor('what makes sense', () => heard.length > 0);
    expect(heard).toEqual(['sense']);
    expect(await versionOf(store, await put(store, 'a', '1').then(() => 'a'))).toEqual(expect.any(String));
  });
});
