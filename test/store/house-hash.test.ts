// Goal: all proxies on one state hash alike, nobody else does, and without the state nothing is hashed.
// Method: hashes on stores that are shared, on others, and on one that is closed.
import { expect, test } from 'vitest';
import { houseHash } from '../../src/store/house-hash.ts';
import { startRedis } from '../support/redis.ts';
import { aJournal, aPrefix, aRedisStore } from './fixtures.ts';
import { aFolder } from '../support/folders.ts';

const bytes = Buffer.from('select 1');

test('two proxies that begin at once make one key, and hash alike', async () => {
  const server = await startRedis();
  const prefix = aPrefix();
  const stores = [await aRedisStore(server.url, { prefix }), await aRedisStore(server.url, { prefix })];
  const hashes = await Promise.all(stores.flatMap((store) => [houseHash(store)(bytes), houseHash(store)(bytes)]));
  expect(new Set(hashes).size).toBe(1);
  expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
  const elsewhere = houseHash(await aRedisStore(server.url));
  expect(await elsewhere(bytes)).not.toBe(hashes[0]);
  expect(await houseHash(stores[0]!)(Buffer.from('select 2'))).not.toBe(hashes[0]);
  await Promise.all(stores.map((store) => store.close()));
  await server.stop();
});

test('a journal keeps its key over a restart, and a closed one hashes nothing', async () => {
  const dir = aFolder();
  const first = await aJournal({ dir });
  const hash = await houseHash(first)(bytes);
  await first.close();
  await expect(houseHash(first)(bytes)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(await houseHash(await aJournal({ dir }))(bytes)).toBe(hash);
});
