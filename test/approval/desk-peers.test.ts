// Goal: several proxies on one store decide as one, whatever messages are lost; with the store away nothing is approved, and with it back nothing is lost.
// Method: desks on a store in memory with the real audit log; several desks on one store are several proxies.
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { until } from '../audit/fixtures.ts';
import { aProxy, aRequest, aVote, codeOf, kindsOf, never } from './fixtures.ts';
import { MapStore } from './map-store.ts';

describe('several proxies on one store', () => {
  test('a vote at one releases what waits at the other, by a wake-up and not by polling', async () => {
    const store = new MapStore();
    const [here, there] = [aProxy({ store }), aProxy({ store })];
    const { hold, answer } = await here.desk.ask(aRequest(), never);
    const began = performance.now();
    await there.desk.vote(hold.id, aVote());
    expect((await answer).kind).toBe('released');
    expect(performance.now() - began).toBeLessThan(500);
    expect(kindsOf(there)).toEqual(['voted', 'decided approved']);
    expect(kindsOf(here)).toEqual(['held', 'released']);
  });

  test('and within a second when every wake-up is lost', async () => {
    const store = new MapStore();
    const [here, there] = [aProxy({ store }), aProxy({ store })];
    const { hold, answer } = await here.desk.ask(aRequest(), never);
    store.weather.silent = true;
    const began = performance.now();
    await there.desk.vote(hold.id, aVote());
    expect((await answer).kind).toBe('released');
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  test('and so when many wait, of which only those that were decided are read', async () => {
    const store = new MapStore();
    const limits = () => ({ holdsMax: 1000, holdsPerAgentMax: 1000 });
    const [here, there] = [aProxy({ store, limits }), aProxy({ store, limits })];
    const asks = Array.from({ length: 150 }, (_, n) => here.desk.ask(aRequest({ sql: `select ${n}` }), never));
    const waits = await Promise.all(asks);
    store.weather.silent = true;
    const one = waits[77]!;
    await there.desk.vote(one.hold.id, aVote());
    const began = performance.now();
    expect((await one.answer).kind).toBe('released');
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(here.desk.stats().waiting).toBe(149);
  });

  test('two votes at the same moment are a quorum once, whoever is first', async () => {
    const store = new MapStore();
    const [here, there] = [aProxy({ store }), aProxy({ store })];
    for (let n = 0; n < 50; n++) {
      const request = aRequest({ sql: `select ${n}`, needs: [{ groups: ['security'], quorum: 2 }] });
      const { hold, answer } = await here.desk.ask(request, never);
      const results = await Promise.all([
        here.desk.vote(hold.id, aVote({ person: 'ben' })),
        there.desk.vote(hold.id, aVote({ person: 'cleo' })),
        there.desk.vote(hold.id, aVote({ person: 'dan' })),
      ]);
      const counted = results.filter(({ kind }) => kind === 'counted').length;
      expect(counted).toBe(2);
      expect((await answer).kind).toBe('released');
    }
    const decided = [...here.records(), ...there.records()].flatMap((record) =>
      record.kind === 'decided' ? [record.hold] : [],
    );
    expect([decided.length, new Set(decided).size]).toEqual([50, 50]);
  });

  test('the same thing asked at both is one hold', async () => {
    const store = new MapStore();
    const [here, there] = [aProxy({ store }), aProxy({ store })];
    const asks = await Promise.all([here, there, here, there].map(({ desk }) => desk.ask(aRequest(), never)));
    expect(new Set(asks.map(({ hold }) => hold.id)).size).toBe(1);
    await here.desk.vote(asks[0]!.hold.id, aVote());
    expect((await Promise.all(asks.map(({ answer }) => answer))).map(({ kind }) => kind)).toEqual(
      Array(4).fill('released'),
    );
    expect([...kindsOf(here), ...kindsOf(there)].filter((kind) => kind === 'held')).toHaveLength(1);
  });

  test('whoever watches at one sees what happens at the other', async () => {
    const store = new MapStore();
    const [here, there] = [aProxy({ store }), aProxy({ store })];
    const seen: string[] = [];
    there.desk.watch(({ state }) => seen.push(state));
    const { hold } = await here.desk.ask(aRequest(), never);
    await until('the hold is seen', () => seen.includes('open'));
    await here.desk.vote(hold.id, aVote());
    await until('its use is seen', () => seen.includes('used'));
  });

  test('a proxy that dies leaves holds that a peer expires, and a retry can use', async () => {
    const store = new MapStore();
    const [dying, peer] = [aProxy({ store, holds: { waitMs: 20 } }), aProxy({ store })];
    const { hold } = await dying.desk.ask(aRequest(), never);
    await dying.desk.stop();
    await until('the wait of the dead one is over', () => systemClock.now() > (hold.waitUntil ?? 0));
    await peer.desk.vote(hold.id, aVote());
    expect(await (await peer.desk.ask(aRequest(), never)).answer).toMatchObject({
      kind: 'released',
      hold: { id: hold.id },
    });
  });
});

describe('with the store away', () => {
  test('nothing new is held, what waits stays held until its time is over, and nothing is approved', async () => {
    const store = new MapStore();
    const proxy = aProxy({ store, holds: { waitMs: 150 } });
    const { hold, answer } = await proxy.desk.ask(aRequest(), never);
    store.weather.down = true;
    expect(await codeOf(proxy.desk.ask(aRequest({ sql: 'select 2' }), never))).toBe('UNAVAILABLE');
    expect(await codeOf(proxy.desk.vote(hold.id, aVote()))).toBe('UNAVAILABLE');
    expect(await answer).toMatchObject({ kind: 'expired' });
    store.weather.down = false;
    expect(kindsOf(proxy)).toEqual(['held']);
    expect(await proxy.desk.find(hold.id)).toMatchObject({ state: 'open', votes: [] });
  });

  test('and back again, what waited is released', async () => {
    const store = new MapStore();
    const proxy = aProxy({ store });
    const { hold, answer } = await proxy.desk.ask(aRequest(), never);
    store.weather.down = true;
    expect(await codeOf(proxy.desk.vote(hold.id, aVote()))).toBe('UNAVAILABLE');
    store.weather.down = false;
    await proxy.desk.vote(hold.id, aVote());
    expect((await answer).kind).toBe('released');
  });

  test.each([1, 2, 3])(
    'a change that nobody knows happened releases once or not at all (%i unclear)',
    async (unclear) => {
      const store = new MapStore();
      const proxy = aProxy({ store, holds: { waitMs: 14_000 } });
      const { hold, answer } = await proxy.desk.ask(aRequest(), never);
      store.weather.unclear = unclear;
      await codeOf(proxy.desk.vote(hold.id, aVote()));
      const got = await answer;
      const kinds = kindsOf(proxy);
      expect(kinds.filter((kind) => kind === 'released')).toHaveLength(got.kind === 'released' ? 1 : 0);
      expect(kinds.filter((kind) => kind === 'decided approved').length).toBeGreaterThanOrEqual(
        got.kind === 'released' ? 1 : 0,
      );
      expect(kinds).not.toContain('decided denied');
      expect(got.kind).toBe('released');
    },
    25_000,
  );
});
