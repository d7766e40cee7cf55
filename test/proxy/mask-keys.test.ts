// Goal: equal values are hashed alike by all proxies of a house, whatever comes back, and by nobody outside of it.
// Method: keys of two proxies on one store, on another store, on a store that is away at first and on one that lost its content.
import { expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { MaskKeys } from '../../src/proxy/mask-keys.ts';
import { houseKey } from '../../src/store/house-hash.ts';
import { startRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { aPrefix, aRedisStore } from '../store/fixtures.ts';
import { systemClock } from '../../src/core/clock.ts';

const known = (keys: MaskKeys): Promise<Buffer> =>
  waitFor('a key', () => Promise.resolve(keys.of('shop')), { withinMs: 10_000 });

test('two proxies on one state have one key for a database, and another for another', async () => {
  const server = await startRedis();
  const prefix = aPrefix();
  const stores = [await aRedisStore(server.url, { prefix }), await aRedisStore(server.url, { prefix })];
  const elsewhere = await aRedisStore(server.url);
  const [one, other, stranger] = [...stores, elsewhere].map(
    (store) => new MaskKeys(() => houseKey(store, 'masks'), systemClock),
  );
  const keys = await Promise.all([one!, other!, stranger!].map(known));
  expect(keys[0]).toHaveLength(32);
  expect(keys[1]).toEqual(keys[0]);
  expect(keys[2]).not.toEqual(keys[0]);
  expect(one!.of('books')).not.toEqual(keys[0]);
  expect(one!.of('books')).toEqual(other!.of('books'));
  await Promise.all([...stores, elsewhere].map((store) => store.close()));
  await server.stop();
});

test('while the state is away there is no key; when it comes it is read, and again when it has another', async () => {
  let [ticks, secret] = [0, undefined as Buffer | undefined];
  const read = (): Promise<Buffer> =>
    secret === undefined ? Promise.reject(new ProxyError('UNAVAILABLE', 'away')) : Promise.resolve(secret);
  const keys = new MaskKeys(read, { ...systemClock, ticks: () => ticks });
  await Promise.resolve();
  expect(keys.of('shop')).toBeUndefined();
  secret = Buffer.alloc(32, 1);
  const first = await known(keys);
  secret = Buffer.alloc(32, 2);
  expect(keys.of('shop')).toEqual(first);
  ticks += 31_000;
  expect(keys.of('shop')).toEqual(first);
  await waitFor('the new key', () => Promise.resolve(!keys.of('shop')!.equals(first)), { withinMs: 10_000 });
});
