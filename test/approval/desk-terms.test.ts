// Goal: an approval is for what was asked and no more: which asking again is the same, how often and how much it permits, how many may wait.
// Method: desks on a store in memory with the real audit log.
import { describe, expect, test } from 'vitest';
import { anAsker, aProxy, aReason, aRequest, aVote, codeOf, kindsOf, never } from './fixtures.ts';

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
