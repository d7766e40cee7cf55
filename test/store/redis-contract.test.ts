// Goal: Redis keeps what every store promises.
// Method: the contract suite, on two clients of one real Redis (REDIS_URL, or one of our own).
import { startRedis } from '../support/redis.ts';
import { keepsTheContract } from './contract.ts';
import { aPrefix, aRedisStore } from './fixtures.ts';

keepsTheContract('Redis', async () => {
  const server = await startRedis();
  const prefix = aPrefix();
  // A busy machine must not look like a broken Redis here; deadlines are the subject of redis-chaos.test.ts.
  const times = { callMsMax: 10_000 };
  const [one, other] = [
    await aRedisStore(server.url, { prefix, times }),
    await aRedisStore(server.url, { prefix, times }),
  ];
  const end = async (): Promise<void> => {
    await Promise.all([one.close(), other.close()]);
    await server.stop();
  };
  return { one, other, end };
});
