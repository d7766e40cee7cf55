// Goal: Redis is reached over TLS and with a login that may do just what is needed; what does not fit is said in words, and never up.
// Method: real servers with certificates and users of their own.
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { makeCertificates, type Certificates } from '../support/certificates.ts';
import { freePort } from '../support/ports.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { aPrefix, aRedisStore, aRedisUrl, documentedRights, KeptLog, put } from './fixtures.ts';

const opening = { openMsMax: 300 };

/** It never was up, and says why as soon as it knows: on a busy machine that is later than a start waits. */
async function expectDown(store: Store, words: string, what?: string): Promise<void> {
  expect(store.standing.state, what).toBe('down');
  await waitFor(`the words “${words}” ${what ?? ''}`, () => store.standing.words.includes(words));
  expect(store.standing.state, what).toBe('down');
}

describe('over TLS', () => {
  let certificates: Certificates;
  let server: TestRedis;
  let port = 0;
  beforeAll(async () => {
    certificates = makeCertificates();
    port = await freePort();
    const { server: own, authority } = certificates;
    const files = [
      '--tls-cert-file',
      own.certFile,
      '--tls-key-file',
      own.keyFile,
      '--tls-ca-cert-file',
      authority.certFile,
    ];
    server = await startRedis({
      flags: ['--bind', '127.0.0.1', '127.0.0.2', '--tls-port', String(port), '--tls-auth-clients', 'yes', ...files],
    });
  });
  afterAll(async () => {
    await server.stop();
    certificates.remove();
  });

  const target = (host: string) => {
    const { authority, client } = certificates;
    return {
      ...aRedisUrl(`rediss://${host}:${port}`),
      prefix: aPrefix(),
      ca: authority.cert,
      cert: client.cert,
      key: client.key,
    };
  };

  test.each(['localhost', '127.0.0.1'])('%s is trusted by its authority, and trusts our certificate', async (host) => {
    const url = target(host);
    const store = await aRedisStore('redis://unused', { url });
    expect(store.standing.state).toBe('up');
    await put(store, 'a', '1');
    expect((await store.read('a'))?.value).toBe('1');
  });

  test('a server that nobody we trust has signed is not used', async () => {
    const url = { ...target('localhost'), ca: undefined };
    const store = await aRedisStore('redis://unused', { url, times: opening });
    await expectDown(store, 'signed by nobody we trust');
  });

  test('a server whose certificate is for another name is not used', async () => {
    const store = await aRedisStore('redis://unused', { url: target('127.0.0.2'), times: opening });
    await expectDown(store, 'for another name');
  });

  test('without a certificate of ours the server does not take us', async () => {
    const url = { ...target('localhost'), cert: undefined, key: undefined };
    const store = await aRedisStore('redis://unused', { url, times: opening });
    expect(store.standing.state).toBe('down');
    await expect(store.read('a')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('a login', () => {
  let server: TestRedis;
  let root: Redis;
  const prefix = aPrefix();
  const userOf = (name: string): string => server.url.replace('redis://', `redis://${name}:hunter2@`);
  const addUser = async (name: string, ...more: readonly string[]): Promise<void> => {
    await root.acl(
      'SETUSER',
      name,
      'on',
      '>hunter2',
      `~{${prefix}}:*`,
      `&{${prefix}}:*`,
      ...documentedRights(),
      ...more,
    );
  };
  beforeAll(async () => {
    server = await startRedis({ flags: [] });
    root = new Redis(server.url);
  });
  afterAll(async () => {
    root.disconnect();
    await server.stop();
  });

  test('with just the rights of the documents does all that is needed', async () => {
    await addUser('gate');
    const [one, other] = [await aRedisStore(userOf('gate'), { prefix }), await aRedisStore(userOf('gate'), { prefix })];
    expect(one.standing.state, one.standing.words).toBe('up');
    const heard: string[] = [];
    other.listen('t', (message) => heard.push(message));
    await put(one, 'a', '1', Date.now() + 60_000);
    await one.change([{ key: 'a', expect: 'any', value: undefined }]);
    expect(await one.list('a', 10)).toEqual([]);
    expect(await one.spend('rows', 1, { ms: 1000, at: 1e12 }, 1)).toEqual({ spent: true, used: 1 });
    await waitFor('a wake-up', () => {
      one.announce('t', 'm');
      return heard.length > 0;
    });
  });

  test('without one of them is down from the start, and has written nothing by half', async () => {
    for (const right of ['zadd', 'zrem', 'pexpireat', 'getrange', 'hincrby', 'del']) {
      await addUser(`no-${right}`, `-${right}`);
      await root.del(`{${prefix}}:index`);
      const store = await aRedisStore(userOf(`no-${right}`), { prefix, times: opening });
      await expectDown(store, 'may not do', right);
      await store.close();
    }
  });

  test('for other keys is down from the start', async () => {
    await addUser('elsewhere', 'resetkeys', '~{elsewhere}:*');
    const store = await aRedisStore(userOf('elsewhere'), { prefix, times: opening });
    await expectDown(store, 'may not do');
  });

  test('with a wrong password is down, says so, and prints the password nowhere', async () => {
    const log = new KeptLog();
    const store = await aRedisStore(userOf('gate').replace('hunter2', 'hunter3'), { prefix, log, times: opening });
    expect(store.standing).toMatchObject({ state: 'down', words: expect.stringContaining('refuses the login') });
    expect([store.standing.words, ...log.lines].join('\n')).not.toContain('hunter');
    await expect(store.read('a')).rejects.toThrow(/refuses the login/);
  });

  test('that is taken away and given back: down, then up again', async () => {
    await addUser('passing');
    const store = await aRedisStore(userOf('passing'), { prefix, times: { beatMs: 50 } });
    expect(store.standing.state).toBe('up');
    await root.acl('DELUSER', 'passing');
    await waitFor('down', () => store.standing.state === 'down');
    await addUser('passing');
    await waitFor('up', () => store.standing.state === 'up');
  });
});
