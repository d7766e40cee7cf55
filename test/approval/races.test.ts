// Goal: however an approval races the end of a wait, exactly one of them happens, and agent, approver and record tell the same story.
// Method: a thousand races of each kind on real stores, with the vote at the same proxy or at another; then every record is read.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { Answer } from '../../src/approval/desk.ts';
import type { VoteResult } from '../../src/approval/channel.ts';
import type { Store } from '../../src/store/store.ts';
import { aJournal, aPrefix, aRedisStore } from '../store/fixtures.ts';
import { startRedis } from '../support/redis.ts';
import { aProxy, aRequest, aVote, type Proxy } from './fixtures.ts';

const racesMax = 1_000;
const atOnce = 50;

interface Race {
  readonly answer: Answer;
  readonly vote: VoteResult;
}

/** What ends the wait, so that it meets a vote that comes at the same time. */
type Ending = 'time-out' | 'cancel' | 'disconnect';
const endings: readonly Ending[] = ['time-out', 'cancel', 'disconnect'];

async function race(n: number, ending: Ending, [here, there]: readonly [Proxy, Proxy]): Promise<Race> {
  const gone = new AbortController();
  const { hold, answer } = await here.desk.ask(
    aRequest({ sql: `select ${n}, '${ending}' from customers` }),
    gone.signal,
  );
  // The vote goes out some milliseconds before or after the end of the wait, so that each meets the other at every step.
  const endsInMs = (hold.waitUntil ?? 0) - systemClock.now();
  const at = ending === 'time-out' ? endsInMs + (n % 21) - 12 : n % 7;
  if (ending !== 'time-out') setTimeout(() => gone.abort(), n % 40);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, at)));
  const deny = n % 5 === 0;
  const vote = aVote(deny ? { vote: 'deny', reason: 'no' } : {});
  return { vote: await there.desk.vote(hold.id, vote), answer: await answer };
}

function judge({ answer, vote }: Race, records: readonly { readonly kind: string; readonly state?: string }[]): string {
  const decided = records.filter(({ kind }) => kind === 'decided').map(({ state }) => state);
  const count = (kind: string): number => records.filter((record) => record.kind === kind).length;
  // The hold may be open still after a time-out, and never otherwise.
  expect(decided.length).toBe(1);
  expect(count('held')).toBe(1);
  expect(count('released')).toBe(answer.kind === 'released' ? 1 : 0);
  expect(count('voted')).toBe(vote.kind === 'counted' ? 1 : 0);
  const [state = 'open'] = decided;
  const story = `${answer.kind}, ${vote.kind}, ${state}`;
  expect(stories).toContain(story);
  return story;
}

/** Answer to the agent, answer to the approver, decision on the record. */
const stories: readonly string[] = [
  'released, counted, approved',
  // The approval came too late for the wire, or for an agent that has left: it is good for a retry.
  'expired, counted, approved',
  'withdrawn, counted, approved',
  'denied, counted, denied',
  'expired, counted, denied',
  'withdrawn, counted, denied',
  'withdrawn, settled, withdrawn',
];

interface Kind {
  readonly name: string;
  open(): Promise<{ readonly stores: readonly [Store, Store]; readonly close: () => Promise<void> }>;
}

async function journal(): ReturnType<Kind['open']> {
  const store = await aJournal();
  return { stores: [store, store], close: () => Promise.resolve() };
}

async function redis(): ReturnType<Kind['open']> {
  const server = await startRedis();
  const prefix = aPrefix();
  const stores = [await aRedisStore(server.url, { prefix }), await aRedisStore(server.url, { prefix })] as const;
  const close = async (): Promise<void> => {
    await Promise.all(stores.map((store) => store.close()));
    await server.stop();
  };
  return { stores, close };
}

const kinds: readonly Kind[] = [
  { name: 'the journal', open: journal },
  { name: 'Redis', open: redis },
];

describe.each(kinds)('on $name', ({ open }) => {
  let opened: Awaited<ReturnType<Kind['open']>>;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened.close());

  test.each(endings)(
    `approve racing ${'%s'} ${racesMax} times has one outcome each`,
    async (ending) => {
      const [store, other] = opened.stores;
      const words = {
        holds: { waitMs: ending === 'time-out' ? 60 : 30_000 },
        limits: () => ({ holdsMax: 10_000, holdsPerAgentMax: 10_000 }),
      };
      const proxies = [aProxy({ ...words, store }), aProxy({ ...words, store: other })] as const;
      const races: Race[] = [];
      for (let n = 0; n < racesMax; n += atOnce) {
        const some = Array.from({ length: atOnce }, (_, i) => race(n + i, ending, proxies));
        races.push(...(await Promise.all(some)));
      }
      const byHold = new Map<string, { readonly kind: string; readonly state?: string }[]>();
      for (const record of proxies.flatMap(({ records }) => records())) {
        if ('hold' in record && record.hold !== undefined)
          byHold.set(record.hold, [...(byHold.get(record.hold) ?? []), record]);
      }
      const told = new Map<string, number>();
      for (const one of races) {
        const story = judge(one, byHold.get(one.answer.hold.id) ?? []);
        told.set(story, (told.get(story) ?? 0) + 1);
      }
      // A race that always ends the same way is none.
      expect(told.size).toBeGreaterThanOrEqual(3);
    },
    120_000,
  );
});
