// Goal: what is asked in pieces is one card, however many sessions come with pieces of it and whenever they do; each piece passes once, and
// nobody waits for somebody who has left.
// Method: a desk on a store in memory with the real audit log; what takes time in a session is a promise of the test's.
import { describe, expect, test } from 'vitest';
import type { Desk, HoldRequest, Waiting } from '../../src/approval/desk.ts';
import { unitDesk } from '../../src/approval/units.ts';
import type { HoldView } from '../../src/approval/view.ts';
import { systemClock } from '../../src/core/clock.ts';
import { aProxy, aRequest, aVote, never, type Proxy } from './fixtures.ts';

interface Unit {
  readonly proxy: Proxy;
  readonly desk: Desk;
  readonly cards: () => Promise<readonly HoldView[]>;
  /** A session asks for one piece. `ready`: when it has the list of all. */
  ask(part: string, how?: { readonly ready?: Promise<unknown>; readonly withdrawn?: AbortSignal }): Promise<Waiting>;
}

function aUnit(pieces: readonly string[], schemaOf: (part: string) => string = () => 'v1'): Unit {
  const proxy = aProxy();
  const desk = unitDesk(proxy.desk, { recorder: proxy.audit, clock: systemClock });
  const key = {};
  return {
    proxy,
    desk,
    cards: () => proxy.desk.list(),
    ask: (part, { ready = Promise.resolve(), withdrawn = never } = {}) => {
      const schemaVersion = schemaOf(part);
      const whole = async (): Promise<{ readonly request: HoldRequest; readonly pieces: readonly string[] }> => {
        await ready;
        return { request: aRequest({ sql: 'dump', shape: undefined, schemaVersion }), pieces };
      };
      return desk.ask(aRequest({ sql: `copy ${part}`, schemaVersion, unit: { key, part, whole } }), withdrawn);
    },
  };
}

function aGate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('a whole of pieces', () => {
  test('is one card where another session has its list only behind the yes', async () => {
    const unit = aUnit(['a', 'b']);
    const late = aGate();
    const first = await unit.ask('a');
    const second = unit.ask('b', { ready: late.opened });
    await unit.desk.vote(first.hold.id, aVote());
    expect(await first.answer).toMatchObject({ kind: 'released', whole: true });
    late.open();
    expect(await (await second).answer).toMatchObject({ kind: 'released', whole: true, hold: { id: first.hold.id } });
    expect(await unit.cards()).toHaveLength(1);
    // The whole, and each piece.
    expect(unit.proxy.records().filter(({ kind }) => kind === 'released')).toHaveLength(3);
  });

  test('is one card for eight sessions at once, and for those that come while it is open', async () => {
    const parts = Array.from({ length: 10 }, (_, index) => `t${index}`);
    const unit = aUnit(parts);
    const waiting = await Promise.all(parts.slice(0, 8).map((part) => unit.ask(part)));
    waiting.push(...(await Promise.all(parts.slice(8).map((part) => unit.ask(part)))));
    const [card, ...more] = await unit.cards();
    expect(more).toEqual([]);
    await unit.desk.vote(card?.id ?? (waiting[0]?.hold.id as HoldView['id']), aVote());
    const answers = await Promise.all(waiting.map(({ answer }) => answer));
    expect(answers.map(({ kind }) => kind)).toEqual(parts.map(() => 'released'));
    expect(await unit.cards()).toHaveLength(1);
  });

  test('that is denied is denied to all who waited, and asked again afterwards', async () => {
    const unit = aUnit(['a', 'b']);
    const [first, second] = await Promise.all([unit.ask('a'), unit.ask('b')]);
    await unit.desk.vote(first.hold.id, aVote({ vote: 'deny', reason: 'not today' }));
    expect(await first.answer).toMatchObject({ kind: 'denied' });
    expect(await second.answer).toMatchObject({ kind: 'denied' });
    const third = await unit.ask('b');
    expect(third.hold.id).not.toBe(first.hold.id);
  });

  test('lets each piece pass once', async () => {
    const unit = aUnit(['a', 'b']);
    const [first, same] = await Promise.all([unit.ask('a'), unit.ask('a')]);
    await unit.desk.vote(first.hold.id, aVote());
    const answers = [await first.answer, await same.answer].map(({ kind }) => kind);
    expect(answers.sort()).toEqual(['expired', 'released']);
    expect((await unit.ask('a')).hold.state).toBe('open');
    expect(await (await unit.ask('b')).answer).toMatchObject({ kind: 'released', hold: { id: first.hold.id } });
  });

  test('is asked about again by those who waited when whoever asked has left', async () => {
    const unit = aUnit(['a', 'b']);
    const leaving = new AbortController();
    const first = await unit.ask('a', { withdrawn: leaving.signal });
    const second = await unit.ask('b');
    leaving.abort();
    expect(await first.answer).toMatchObject({ kind: 'withdrawn' });
    const open = await openCard(unit);
    expect(open.id).not.toBe(first.hold.id);
    await unit.desk.vote(open.id, aVote());
    expect(await second.answer).toMatchObject({ kind: 'released', hold: { id: open.id } });
  });

  test('is not waited for by a session that has left, and goes on without it', async () => {
    const unit = aUnit(['a', 'b']);
    const leaving = new AbortController();
    const first = await unit.ask('a');
    const second = await unit.ask('b', { withdrawn: leaving.signal });
    leaving.abort();
    expect(await second.answer).toMatchObject({ kind: 'withdrawn' });
    await unit.desk.vote(first.hold.id, aVote());
    expect(await first.answer).toMatchObject({ kind: 'released' });
  });

  test.each([
    ['a piece that it does not list', 'c', 'v1'],
    ['a piece under another schema', 'b', 'v2'],
  ])('lets nobody wait for it with %s', async (_, part, schemaVersion) => {
    const unit = aUnit(['a', 'b'], (each) => (each === part ? schemaVersion : 'v1'));
    const first = await unit.ask('a');
    const leaving = new AbortController();
    const other = await unit.ask(part, { withdrawn: leaving.signal });
    await unit.desk.vote(first.hold.id, aVote());
    expect(await first.answer).toMatchObject({ kind: 'released' });
    leaving.abort();
    expect(await other.answer).not.toMatchObject({ kind: 'released' });
  });
});

async function openCard(unit: Unit): Promise<HoldView> {
  for (;;) {
    const open = (await unit.cards()).find(({ state }) => state === 'open');
    if (open !== undefined) return open;
  }
}
