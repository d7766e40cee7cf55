// How a Redis is set up, as far as it puts holds and budgets at risk. Only warnings: what is right is for whoever runs it to know, and
// some servers do not tell.
import type { RedisClient } from './redis-connect.ts';
import { redisWords } from './redis-words.ts';

export async function redisWarnings(client: RedisClient): Promise<readonly string[]> {
  let text: string;
  try {
    text = await client.info();
  } catch (error) {
    return [`its settings cannot be looked at: ${redisWords(error)}`];
  }
  return warningsOf(
    new Map(text.split(/\r?\n/).map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)])),
  );
}

function warningsOf(info: ReadonlyMap<string, string>): readonly string[] {
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  const major = Number(info.get('redis_version')?.split('.')[0] ?? 7);
  return [
    ...(policy === 'noeviction'
      ? []
      : [`maxmemory-policy is ${policy}: it may throw away open holds and budgets; set noeviction`]),
    ...(info.get('aof_enabled') === '0'
      ? ['appendonly is off: a restart forgets what was held and spent since its last dump']
      : []),
    ...(major < 6 ? [`version ${major} is older than what is tested (6 and later)`] : []),
  ];
}
