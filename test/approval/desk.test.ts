// Goal: a held statement is released by the right people and by nobody else, once, on the record; everything else is a refusal.
// Method: desks on a store in memory with the real audit log; several desks on one store are several proxies.
import { describe, expect, test } from 'vitest';
import type { Answer } from '../../src/approval/desk.ts';
import type { HoldView } from '../../src/approval/view.ts';
import { systemClock } from '../../src/core/clock.ts';
import { ProxyError } from '../../src/core/errors.ts';
import type { Recorder } from '../../src/audit/recorder.ts';
import { until } from '../audit/fixtures.ts';
import {
  aCatalog,
  anAsker,
  aPerson,
  aProxy,
  aReason,
  aRequest,
  aVote,
  never,
  usualPeople,
  type Proxy,
} from './fixtures.ts';
import { MapStore } from './map-store.ts';

const kindsOf = (proxy: Proxy): readonly string[] =>
  proxy
    .records()
    .flatMap((record) =>
      record.kind === 'decided' ? [`decided ${record.state}`] : ['segment'].includes(record.kind) ? [] : [record.kind],
    );

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  return thrown instanceof ProxyError ? thrown.code : thrown === undefined ? undefined : String(thrown);
}

describe('a hold', () => {
  test('is on the record before it is answered, and its release before the answer', async () => {
    const proxy = aProxy();
    const { hold, answer } = await proxy.desk.ask(aRequest(), never);
    expect(kindsOf(proxy)).toEqual(['held']);
    expect(hold).toMatchObject({ state: 'open', agent: 'report-bot', waiting: 1, uses: 0 });
    expect(hold.id).toMatch(/^h_[0-9A-Za-z]{20}$/);
    expect(await proxy.desk.vote(hold.id, aVote())).toMatchObject({ kind: 'counted' });
    const got = await answer;
    expect(got).toMatchObject({ kind: 'released', by: ['ben'], terms: { kind: 'once' } });
    expect(kindsOf(proxy)).toEqual(['held', 'voted', 'decided approved', 'released']);
    const released = proxy.records().find(({ kind }) => kind === 'released');
    expect(got.kind === 'released' && got.receipt.seq).toBe(released?.seq);
    expect((await proxy.desk.find(hold.id))?.state).toBe('used');
  });

  test('is denied with the reason of whoever said no', async () => {
    const proxy = aProxy();
    const { hold, answer } = await proxy.desk.ask(aRequest(), never);
    expect(await proxy.desk.vote(hold.id, aVote({ vote: 'deny', reason: '  ' }))).toMatchObject({ kind: 'invalid' });
    await proxy.desk.vote(hold.id, aVote({ vote: 'deny', reason: 'ask for aggregates' }));
    expect(await answer).toMatchObject({ kind: 'denied', by: ['ben'], reason: 'ask for aggregates' });
    expect(kindsOf(proxy)).toEqual(['held', 'voted', 'decided denied']);
  });

  test('is not settled a second time', async () => {
    const proxy = aProxy();
    const { hold } = await proxy.desk.ask(aRequest(), never);
    await proxy.desk.vote(hold.id, aVote());
    expect(await proxy.desk.vote(hold.id, aVote())).toMatchObject({ kind: 'settled' });
    const late = await proxy.desk.vote(hold.id, aVote({ person: 'cleo', vote: 'deny', reason: 'no' }));
    expect(late).toMatchObject({ kind: 'settled', hold: { settled: { state: 'approved' } } });
    expect(kindsOf(proxy).filter((kind) => kind.startsWith('decided') || kind === 'voted')).toHaveLength(2);
  });

  test('is not found under an id that nobody has', async () => {
    const proxy = aProxy();
    const { hold } = await proxy.desk.ask(aRequest(), never);
    const other = hold.id.replace(/.$/, (last) => (last === 'x' ? 'y' : 'x')) as HoldView['id'];
    expect(await proxy.desk.vote(other, aVote())).toEqual({ kind: 'notFound' });
    expect(await proxy.desk.find(other)).toBeUndefined();
  });
});

describe('who decides', () => {
  const refused: readonly (readonly [string, string])[] = [
    ['ana', 'owner'],
    ['eve', 'approvers.yaml'],
    ['fay', 'none of these groups'],
  ];
  const people = [...usualPeople(), aPerson('fay', ['crm'])];

  test.each(refused)('%s may not, and is told why', async (person, words) => {
    const proxy = aProxy({ catalog: () => aCatalog(people) });
    const needs = [{ groups: ['data-owners', 'security'], quorum: 1 }] as const;
    const { hold } = await proxy.desk.ask(aRequest({ needs: [{ ...needs[0] }] }), never);
    const result = await proxy.desk.vote(hold.id, aVote({ person }));
    expect(result).toMatchObject({ kind: 'forbidden', words: expect.stringContaining(words) });
    expect(kindsOf(proxy)).toEqual(['held']);
  });

  test.each(['ANA@example.com', 'Uana', ' ana '])(
    'the owner written as %s is the owner all the same',
    async (owner) => {
      const proxy = aProxy({ ownerOf: () => undefined });
      const asker = anAsker({ owner });
      const { hold } = await proxy.desk.ask(
        aRequest({ asker, needs: [{ groups: ['data-owners'], quorum: 1 }] }),
        never,
      );
      expect(await proxy.desk.vote(hold.id, aVote({ person: 'ana' }))).toMatchObject({ kind: 'forbidden' });
    },
  );

  test('somebody who became the owner meanwhile may not either', async () => {
    const proxy = aProxy({ ownerOf: () => 'ben' });
    const { hold } = await proxy.desk.ask(aRequest(), never);
    expect(await proxy.desk.vote(hold.id, aVote())).toMatchObject({ kind: 'forbidden' });
  });

  test('a quorum is of people: one who is in every group, and votes twice, is one', async () => {
    const proxy = aProxy();
    const { hold, answer } = await proxy.desk.ask(
      aRequest({ needs: [{ groups: ['data-owners', 'security'], quorum: 2 }] }),
      never,
    );
    await proxy.desk.vote(hold.id, aVote());
    await proxy.desk.vote(hold.id, aVote({ channel: 'another' }));
    expect(await proxy.desk.find(hold.id)).toMatchObject({
      state: 'open',
      needs: [{ approvedBy: ['ben'], met: false }],
    });
    await proxy.desk.vote(hold.id, aVote({ person: 'cleo' }));
    expect(await answer).toMatchObject({ kind: 'released', by: ['ben', 'cleo'] });
  });

  test('every need is asked: the one group’s yes is not the other’s', async () => {
    const proxy = aProxy();
    const needs = [
      { groups: ['data-owners'], quorum: 1 },
      { groups: ['security'], quorum: 1 },
    ] as const;
    const { hold } = await proxy.desk.ask(aRequest({ needs: [{ ...needs[0] }, { ...needs[1] }] }), never);
    await proxy.desk.vote(hold.id, aVote({ person: 'cleo' }));
    expect(await proxy.desk.find(hold.id)).toMatchObject({ state: 'open', needs: [{ met: false }, { met: true }] });
  });

  test('a vote can be changed until it is settled', async () => {
    const proxy = aProxy();
    const { hold, answer } = await proxy.desk.ask(aRequest({ needs: [{ groups: ['security'], quorum: 2 }] }), never);
    await proxy.desk.vote(hold.id, aVote());
    await proxy.desk.vote(hold.id, aVote({ vote: 'deny', reason: 'I looked again' }));
    expect(await answer).toMatchObject({ kind: 'denied', by: ['ben'], reason: 'I looked again' });
  });

  test('an approver who is taken out of the files no longer counts', async () => {
    let catalog = aCatalog();
    const proxy = aProxy({ catalog: () => catalog });
    const { hold } = await proxy.desk.ask(aRequest({ needs: [{ groups: ['security'], quorum: 2 }] }), never);
    await proxy.desk.vote(hold.id, aVote({ person: 'dan' }));
    catalog = aCatalog(usualPeople().filter(({ name }) => name !== 'dan'));
    expect(await proxy.desk.vote(hold.id, aVote({ person: 'ben' }))).toMatchObject({ kind: 'counted' });
    expect(await proxy.desk.find(hold.id)).toMatchObject({ state: 'open', needs: [{ approvedBy: ['ben'] }] });
    expect(await proxy.desk.vote(hold.id, aVote({ person: 'cleo' }))).toMatchObject({
      hold: { settled: { by: expect.arrayContaining(['ben', 'cleo']) } },
    });
  });
});

describe('an approval whose approver has left', () => {
  const without = (name: string) => aCatalog(usualPeople().filter((person) => person.name !== name));

  test('is no longer good for a retry', async () => {
    let catalog = aCatalog();
    const proxy = aProxy({ catalog: () => catalog, holds: { waitMs: 0 } });
    const first = await proxy.desk.ask(aRequest(), never);
    await first.answer;
    await proxy.desk.vote(first.hold.id, aVote());
    catalog = without('ben');
    expect((await proxy.desk.ask(aRequest(), never)).hold).toMatchObject({ state: 'open' });
  });

  test('no longer permits a shape', async () => {
    let catalog = aCatalog();
    const proxy = aProxy({ catalog: () => catalog });
    const { hold, answer } = await proxy.desk.ask(aRequest(), never);
    await proxy.desk.vote(hold.id, aVote({ terms: { kind: 'shape', forMs: 60_000, usesMax: 9, rowsMax: undefined } }));
    await answer;
    catalog = without('ben');
    expect((await proxy.desk.ask(aRequest(), never)).hold.state).toBe('open');
    catalog = aCatalog();
    expect((await proxy.desk.ask(aRequest(), never)).hold.id).toBe(hold.id);
  });
});

describe('the same thing asked again', () => {
  test('by ten connections is one hold with one decision and ten releases', async () => {
    const proxy = aProxy();
    const waits = await Promise.all(Array.from({ length: 10 }, () => proxy.desk.ask(aRequest(), never)));
    expect(new Set(waits.map(({ hold }) => hold.id)).size).toBe(1);
    await proxy.desk.vote(waits[0]!.hold.id, aVote());
    const answers = await Promise.all(waits.map(({ answer }) => answer));
    expect(answers.every(({ kind }) => kind === 'released')).toBe(true);
    const kinds = kindsOf(proxy);
    expect(kinds.filter((kind) => kind === 'held')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'released')).toHaveLength(10);
    const sessions = proxy.records().flatMap((record) => (record.kind === 'released' ? [record.session] : []));
    expect(new Set(sessions).size).toBe(10);
  });

  test('after it was used is a new hold', async () => {
    const proxy = aProxy();
    const first = await proxy.desk.ask(aRequest(), never);
    await proxy.desk.vote(first.hold.id, aVote());
    await first.answer;
    const second = await proxy.desk.ask(aRequest(), never);
    expect(second.hold).toMatchObject({ state: 'open' });
    expect(second.hold.id).not.toBe(first.hold.id);
    // The approver of the second sees what was approved before.
    expect(second.hold.sibling).toMatchObject({ hold: first.hold.id, by: ['ben'] });
  });

  const differences: readonly (readonly [string, Parameters<typeof aRequest>[0]])[] = [
    ['other parameters', { parameters: 'other' }],
    ['another search_path', { searchPath: ['evil', 'public'] }],
    ['another role', { asker: anAsker({ role: 'admin' }) }],
    ['another agent', { asker: anAsker({ agent: 'etl-bot' }) }],
    ['another database', { asker: anAsker({ database: 'crm' }) }],
    ['another schema', { schemaVersion: 'v2' }],
    ['another statement', { sql: 'select email from customers where true' }],
    ['other session facts', { sessionFacts: ['temp table customers'] }],
    ['another catalog', { verdict: { ...aRequest().verdict, catalogVersion: 'c2' } }],
  ];
  test.each(differences)('with %s is another hold, and a late approval is not for it', async (_, more) => {
    const proxy = aProxy({ holds: { waitMs: 0 } });
    const first = await proxy.desk.ask(aRequest(), never);
    expect(await first.answer).toMatchObject({ kind: 'expired', hold: { state: 'open' } });
    await proxy.desk.vote(first.hold.id, aVote());
    const other = await proxy.desk.ask(aRequest(more), never);
    expect(other.hold.id).not.toBe(first.hold.id);
    expect(other.hold.state).toBe('open');
    const same = await proxy.desk.ask(aRequest(), never);
    expect(await same.answer).toMatchObject({ kind: 'released', hold: { id: first.hold.id } });
  });

  test('uses an approval that came too late for the wire, once', async () => {
    const proxy = aProxy({ holds: { waitMs: 0 } });
    const first = await proxy.desk.ask(aRequest(), never);
    await first.answer;
    await proxy.desk.vote(first.hold.id, aVote());
    const again = await Promise.all(Array.from({ length: 5 }, () => proxy.desk.ask(aRequest(), never)));
    const answers = await Promise.all(again.map(({ answer }) => answer));
    expect(answers.filter(({ kind }) => kind === 'released')).toHaveLength(1);
    expect(kindsOf(proxy).filter((kind) => kind === 'released')).toHaveLength(1);
  });

  test('after the grant has run out is asked anew', async () => {
    const proxy = aProxy({ holds: { waitMs: 0, grantMs: 0 } });
    const first = await proxy.desk.ask(aRequest(), never);
    await first.answer;
    await proxy.desk.vote(first.hold.id, aVote());
    expect(await proxy.desk.find(first.hold.id)).toMatchObject({ state: 'approved', lapsed: true });
    const again = await proxy.desk.ask(aRequest(), never);
    expect(again.hold).toMatchObject({ state: 'open' });
  });
});

describe('leaving', () => {
  test('withdraws the hold with the last one who waits, and says so on the record', async () => {
    const proxy = aProxy();
    const [one, two] = [new AbortController(), new AbortController()];
    const first = await proxy.desk.ask(aRequest(), one.signal);
    const second = await proxy.desk.ask(aRequest(), two.signal);
    one.abort();
    expect(await first.answer).toMatchObject({ kind: 'withdrawn', hold: { state: 'open' } });
    two.abort();
    expect(await second.answer).toMatchObject({ kind: 'withdrawn', hold: { state: 'withdrawn' } });
    expect(kindsOf(proxy)).toEqual(['held', 'decided withdrawn']);
    expect(await proxy.desk.vote(first.hold.id, aVote())).toMatchObject({ kind: 'settled' });
  });

  test('before the hold was made leaves nothing open', async () => {
    const proxy = aProxy();
    const { hold, answer } = await proxy.desk.ask(aRequest(), AbortSignal.abort());
    expect((await answer).kind).toBe('withdrawn');
    expect(await proxy.desk.find(hold.id)).toMatchObject({ state: 'withdrawn' });
  });
});

describe('time', () => {
  test('that runs out is no approval: the agent is refused, the hold stays open for a late decision, then expires', async () => {
    const proxy = aProxy({ holds: { waitMs: 30, pendingMs: 50 } });
    const { hold, answer } = await proxy.desk.ask(aRequest(), never);
    expect(await answer).toMatchObject({ kind: 'expired', hold: { state: 'open' } });
    await until('the hold expires on the record', () => kindsOf(proxy).includes('decided expired'));
    expect(await proxy.desk.find(hold.id)).toMatchObject({ state: 'expired' });
    expect(await proxy.desk.vote(hold.id, aVote())).toMatchObject({ kind: 'settled' });
    expect(kindsOf(proxy)).toEqual(['held', 'decided expired']);
  });
});

describe('what an approval permits', () => {
  test('the first rows only of what reads', async () => {
    const proxy = aProxy();
    const { hold, answer } = await proxy.desk.ask(aRequest(), never);
    await proxy.desk.vote(hold.id, aVote({ terms: { kind: 'rows', rowsMax: 10 } }));
    expect(await answer).toMatchObject({ kind: 'released', terms: { kind: 'rows', rowsMax: 10 } });
    const decided = proxy.records().find(({ kind }) => kind === 'decided');
    expect(decided).toMatchObject({ terms: 'once, the first 10 rows' });

    const write = aRequest({
      sql: 'delete from customers',
      statement: { hash: 'd', text: 'delete from customers', command: 'DELETE' },
      reasons: [aReason({ action: 'destructive' })],
    });
    const other = await proxy.desk.ask(write, never);
    expect(other.hold.offers).toEqual(['once', 'shape']);
    const result = await proxy.desk.vote(other.hold.id, aVote({ terms: { kind: 'rows', rowsMax: 10 } }));
    expect(result).toMatchObject({ kind: 'invalid' });
  });

  test('the shape, so often and no oftener, with other values and nothing else', async () => {
    const proxy = aProxy();
    const sql = (id: number): string => `select email from customers where id = ${id}`;
    const { hold, answer } = await proxy.desk.ask(aRequest({ sql: sql(1) }), never);
    await proxy.desk.vote(hold.id, aVote({ terms: { kind: 'shape', forMs: 60_000, usesMax: 2, rowsMax: 5 } }));
    expect(await answer).toMatchObject({ kind: 'released', terms: { kind: 'shape' } });
    const asks = await Promise.all([2, 3, 4].map((id) => proxy.desk.ask(aRequest({ sql: sql(id) }), never)));
    const states = asks.map(({ hold: { state } }) => state);
    expect(states.filter((state) => state === 'open')).toHaveLength(1);
    const released = asks.filter(({ hold: { id } }) => id === hold.id);
    expect(await Promise.all(released.map((one) => one.answer))).toMatchObject([
      { kind: 'released', terms: { kind: 'rows', rowsMax: 5 }, by: ['ben'] },
      { kind: 'released', terms: { kind: 'rows', rowsMax: 5 }, by: ['ben'] },
    ]);
    const hashes = proxy.records().flatMap((record) => (record.kind === 'released' ? [record.statement] : []));
    expect(new Set(hashes)).toHaveProperty('size', 3);
  });

  const others: readonly (readonly [string, Parameters<typeof aRequest>[0]])[] = [
    ['another schema', { schemaVersion: 'v2' }],
    ['another catalog', { verdict: { ...aRequest().verdict, catalogVersion: 'c2' } }],
    ['another agent', { asker: anAsker({ agent: 'etl-bot' }) }],
    ['another search_path', { searchPath: ['evil'] }],
    ['more columns', { verdict: { ...aRequest().verdict, columns: [] } }],
    ['more reasons', { reasons: [aReason(), aReason({ rule: 'night-exports' })] }],
  ];
  test.each(others)('the shape is not for %s', async (_, more) => {
    const proxy = aProxy();
    const { hold, answer } = await proxy.desk.ask(aRequest(), never);
    await proxy.desk.vote(hold.id, aVote({ terms: { kind: 'shape', forMs: 60_000, usesMax: 9, rowsMax: undefined } }));
    await answer;
    expect((await proxy.desk.ask(aRequest(more), never)).hold.state).toBe('open');
  });

  test('no shape is offered of what is not understood', async () => {
    const proxy = aProxy();
    const { hold } = await proxy.desk.ask(aRequest({ reasons: [aReason({ action: 'notKnown' })] }), never);
    expect(hold.offers).toEqual(['once']);
  });
});

describe('bounds', () => {
  test('a storm of one agent is refused with a clear error, and ends when holds are settled', async () => {
    const proxy = aProxy({ limits: () => ({ holdsMax: 5, holdsPerAgentMax: 3 }) });
    const ask = (n: number, agent = 'report-bot') =>
      proxy.desk.ask(aRequest({ sql: `select ${n}, email from customers`, asker: anAsker({ agent }) }), never);
    const first = await ask(1);
    await Promise.all([ask(2), ask(3)]);
    expect(await codeOf(ask(4))).toBe('HOLD_LIMIT');
    await Promise.all([ask(5, 'b'), ask(6, 'b')]);
    expect(await codeOf(ask(7, 'b'))).toBe('HOLD_LIMIT');
    expect(proxy.desk.openCount).toBe(5);
    // What is open already can be joined.
    expect((await ask(1)).hold.id).toBe(first.hold.id);
    await proxy.desk.vote(first.hold.id, aVote());
    expect((await ask(4)).hold.state).toBe('open');
  });

  test('a burst at once takes no more places than there are', async () => {
    const proxy = aProxy({ limits: () => ({ holdsMax: 100, holdsPerAgentMax: 3 }) });
    const asks = Array.from({ length: 10 }, (_, n) => codeOf(proxy.desk.ask(aRequest({ sql: `select ${n}` }), never)));
    expect((await Promise.all(asks)).filter((code) => code === 'HOLD_LIMIT')).toHaveLength(7);
  });

  test('inside a transaction with locks it is refused where the config says so', async () => {
    const proxy = aProxy({ holds: { inTransaction: 'refuse' } });
    const asker = anAsker({ transaction: 'open' });
    const locks = { known: true, value: ['public.orders (RowExclusiveLock)'] } as const;
    expect(await codeOf(proxy.desk.ask(aRequest({ asker, locks }), never))).toBe('HOLD_REFUSED');
    expect(await codeOf(proxy.desk.ask(aRequest({ asker, locks: { known: false, why: 'x' } }), never))).toBe(
      'HOLD_REFUSED',
    );
    expect((await proxy.desk.ask(aRequest({ asker }), never)).hold.transactionOpen).toBe(true);
  });
});

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

describe('evidence first', () => {
  /** A record that fails from a certain kind on. */
  function failing(inner: Recorder, kind: string): Recorder & { broken: boolean } {
    const recorder = {
      broken: true,
      record: inner.record.bind(inner),
      flush: inner.flush.bind(inner),
      recordDurably: async (body: Parameters<Recorder['recordDurably']>[0]) => {
        if (recorder.broken && body.kind === kind) throw new ProxyError('UNAVAILABLE', 'the disk is full');
        return inner.recordDurably(body);
      },
    };
    return recorder;
  }

  test('without the record of the hold nothing is held', async () => {
    const proxy = aProxy();
    const second = aProxy({ recorder: failing(proxy.audit, 'held') });
    expect(await codeOf(second.desk.ask(aRequest(), never))).toBe('UNAVAILABLE');
  });

  test('without the record of the decision nothing is released, and with it again it is', async () => {
    const { audit, records } = aProxy();
    const recorder = failing(audit, 'decided');
    const { desk } = aProxy({ recorder });
    const { hold, answer } = await desk.ask(aRequest(), never);
    expect(await codeOf(desk.vote(hold.id, aVote()))).toBe('UNAVAILABLE');
    const kinds = (): readonly string[] => records().map(({ kind }) => kind);
    expect(kinds()).not.toContain('released');
    recorder.broken = false;
    expect((await answer).kind).toBe('released');
    expect(kinds().indexOf('decided')).toBeLessThan(kinds().indexOf('released'));
  });

  test('without the record of the release nothing is released', async () => {
    const { audit } = aProxy();
    const { desk } = aProxy({ recorder: failing(audit, 'released') });
    const { hold, answer } = await desk.ask(aRequest(), never);
    await desk.vote(hold.id, aVote());
    const got: Answer = await answer;
    expect(got).toMatchObject({ kind: 'unavailable', error: { code: 'UNAVAILABLE' } });
  });
});
