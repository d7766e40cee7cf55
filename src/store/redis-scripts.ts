// What Redis does in one step, as Lua. A script runs whole before anything else does, so a comparison and what follows from it
// cannot be torn apart; and it looks before it writes, so that a key of the wrong kind or a full memory stops it with nothing done.
//
// Every key has the prefix in braces, which makes them one slot of a Cluster:
//   {p}:d:KEY  a document: 16 characters of version, then its value     {p}:index  all keys of documents, in order
//   {p}:c:MS:KEY  a counter: step and what was spent in it              {p}:due    keys of documents that expire, by when
//   {p}:life   made at random when this Redis was found empty           {p}:beat   when some proxy last proved that it can write
import { createHash } from 'node:crypto';
import { stepsPerWindow } from './asked.ts';

export interface Script {
  readonly text: string;
  readonly sha: string;
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

export const versionLength = 16;

/**
 * The asker has given up at its deadline and said so. What a frozen server, or a redirection, brings later must not happen after all,
 * so the script looks at the server's clock. The asker knows that clock from the beat, and errs towards "too late".
 */
const inTime = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[1]) then return redis.error_reply('LATE the server took this up after its deadline') end
`;

/** Forgets the names of documents that are past. Their bodies Redis has dropped itself. */
const forgetPast = (index: string, due: string, most: number): string => `
local past = redis.call('ZRANGEBYSCORE', ${due}, '-inf', '(' .. now, 'LIMIT', 0, ${most})
for _, name in ipairs(past) do
  redis.call('ZREM', ${due}, name)
  redis.call('ZREM', ${index}, name)
end
`;

/** KEYS: index, due, documents. ARGV: deadline, version, then for each document: name, expect, 'set' or 'delete', value, expiry or ''. */
export const changeScript = script(`${inTime}
redis.call('ZCARD', KEYS[1])
redis.call('ZCARD', KEYS[2])
for i = 3, #KEYS do
  local expect = ARGV[(i - 3) * 5 + 4]
  local found = redis.call('GETRANGE', KEYS[i], 0, ${versionLength - 1})
  if expect == 'absent' then
    if found ~= '' then return 0 end
  elseif expect ~= 'any' and found ~= expect then
    return 0
  end
end
for i = 3, #KEYS do
  local at = (i - 3) * 5 + 3
  local name, value, expiry = ARGV[at], ARGV[at + 3], tonumber(ARGV[at + 4])
  if ARGV[at + 2] == 'set' and not (expiry and expiry <= now) then
    redis.call('SET', KEYS[i], ARGV[2] .. value)
    redis.call('ZADD', KEYS[1], 0, name)
    if expiry then
      redis.call('PEXPIREAT', KEYS[i], ARGV[at + 4])
      redis.call('ZADD', KEYS[2], ARGV[at + 4], name)
    else
      redis.call('ZREM', KEYS[2], name)
    end
  else
    redis.call('DEL', KEYS[i])
    redis.call('ZREM', KEYS[1], name)
    redis.call('ZREM', KEYS[2], name)
  end
end
${forgetPast('KEYS[1]', 'KEYS[2]', 16)}
return 1`);

/**
 * KEYS: index, due. ARGV: deadline, what document keys begin with, first, last, limit. Answers name, body, name, body … A name whose
 * body is gone (thrown away by a Redis that was told to) is forgotten, and does not take a place of the page.
 */
export const listScript = script(`${inTime}
${forgetPast('KEYS[1]', 'KEYS[2]', 1000)}
local limit = tonumber(ARGV[5])
local from, found = ARGV[3], {}
while #found < limit * 2 do
  local most = math.min(500, limit - #found / 2)
  local names = redis.call('ZRANGEBYLEX', KEYS[1], from, ARGV[4], 'LIMIT', 0, most)
  if #names == 0 then break end
  local keys = {}
  for i, name in ipairs(names) do keys[i] = ARGV[2] .. name end
  local bodies = redis.call('MGET', unpack(keys))
  for i, name in ipairs(names) do
    if bodies[i] then
      found[#found + 1] = name
      found[#found + 1] = bodies[i]
    else
      redis.call('ZREM', KEYS[1], name)
    end
  end
  from = '(' .. names[#names]
end
return found`);

/** KEYS: counter. ARGV: deadline, amount, step of now, most or '', milliseconds to keep it. Answers taken or not, and the sum. */
export const spendScript = script(`${inTime}
local amount, oldest = tonumber(ARGV[2]), tonumber(ARGV[3]) - ${stepsPerWindow}
local entries = redis.call('HGETALL', KEYS[1])
local used, old = 0, {}
for i = 1, #entries, 2 do
  if tonumber(entries[i]) < oldest then old[#old + 1] = entries[i] else used = used + tonumber(entries[i + 1]) end
end
if ARGV[4] ~= '' and used + amount > tonumber(ARGV[4]) then return {0, used} end
if amount > 0 then
  redis.call('HINCRBY', KEYS[1], ARGV[3], ARGV[2])
  if #old > 0 then redis.call('HDEL', KEYS[1], unpack(old)) end
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
end
return {1, used + amount}`);

/** KEYS: life, beat. ARGV: a life if this Redis has none. Proves that Redis writes; answers the life and the server's clock. */
export const beatScript = script(`
local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('SET', KEYS[2], now, 'PX', 60000)
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return {redis.call('GET', KEYS[1]), now}`);
