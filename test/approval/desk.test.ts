// Goal: a held statement is released by the right people and by nobody else, once, on the record; everything else is a refusal.
// Method: desks on a store in memory with the real audit log.
import { describe, expect, test } from 'vitest';
import type { Answer } from '../../src/approval/desk.ts';
import type { HoldView } from '../../src/approval/view.ts';
import { ProxyError } from '../../src/core/errors.ts';
import type { Recorder } from '../../src/audit/recorder.ts';
import { until } from '../audit/fixtures.ts';
import {
  aCatalog,
  anAsker,
  aPerson,
  aProxy,
  aRequest,
  aVote,
  codeOf,
  kindsOf,
  never,
  usualPeople,
} from './fixtures.ts';

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

  const behind = [
    'ANA@example.com',
    'Uana',
    ' ana ',
    'zoe, ana',
    'Ana Smith <ana@example.com>',
    'ana+bots@example.com',
  ];
  test.each([...behind, 'idp|ana', 'Data-Owners', 'ａｎａ'])(
    'the owner written as %s is the owner all the same',
    async (owner) => {
      const ana = aPerson('ana', ['data-owners'], { oidc: 'idp|ana' });
      const files = aCatalog([ana, ...usualPeople().slice(1)]);
      const proxy = aProxy({ ownerOf: () => undefined, catalog: () => files });
      const asker = anAsker({ owner });
      const { hold } = await proxy.desk.ask(
        aRequest({ asker, needs: [{ groups: ['data-owners'], quorum: 1 }] }),
        never,
      );
      expect(await proxy.desk.vote(hold.id, aVote({ person: 'ana' }))).toMatchObject({ kind: 'forbidden' });
    },
  );

  test.each(['ben', 'Ana Benson', 'ben@example.org', 'security-ops', 'ana.example.com'])(
    'the owner written as %s is somebody else',
    async (owner) => {
      const proxy = aProxy({ ownerOf: () => undefined });
      const asker = anAsker({ owner });
      const needs = [{ groups: ['data-owners'], quorum: 1 }] as const;
      const { hold } = await proxy.desk.ask(aRequest({ asker, needs: [{ ...needs[0] }] }), never);
      expect(await proxy.desk.vote(hold.id, aVote({ person: 'ana' }))).toMatchObject({ kind: 'counted' });
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
    const proxy = aProxy({ holds: { waitMs: 30, pendingMs: 2_000 } });
    const { hold, answer } = await proxy.desk.ask(aRequest(), never);
    expect(await answer).toMatchObject({ kind: 'expired', hold: { state: 'open' } });
    await until('the hold expires on the record', () => kindsOf(proxy).includes('decided expired'));
    expect(await proxy.desk.find(hold.id)).toMatchObject({ state: 'expired' });
    expect(await proxy.desk.vote(hold.id, aVote())).toMatchObject({ kind: 'settled' });
    expect(kindsOf(proxy)).toEqual(['held', 'decided expired']);
  });
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
