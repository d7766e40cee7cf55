// Goal: whatever keeps the state, holds and budgets can rely on the same promises.
// Method: one suite over a pair of stores on the same state (one store twice, where only one may be open); every journal and every kind of Redis runs it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Change, Store, Window } from '../../src/store/store.ts';
import { put, versionOf } from './fixtures.ts';
import { waitFor } from '../support/wait.ts';

export interface Contenders {
  readonly one: Store;
  readonly other: Store;
  /** Both ends, and what they stood on. */
  end(): Promise<void>;
}

export function keepsTheContract(name: string, open: () => Promise<Contenders>, races = 1000): void {
  describe(`${name} keeps the contract of state:`, () => {
    let both: Contenders;
    let one: Store;
    let other: Store;
    /** Each test has keys of its own: some servers are somebody else's and are not emptied. */
    let room = '';
    beforeAll(async () => {
      both = await open();
      ({ one, other } = both);
    });
    afterAll(() => both?.end());
    const fresh = (): string => (room = `t${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}:`);

    test('a document is there once it was written, for everybody, and gone once it was deleted', async () => {
      const key = `${fresh()}a`;
      expect(await one.read(key)).toBeUndefined();
      expect(await one.change([{ key, expect: 'absent', value: 'first' }])).toBe('changed');
      expect(await other.read(key)).toEqual({ value: 'first', version: expect.any(String) });
      expect(await other.change([{ key, expect: await versionOf(one, key), value: undefined }])).toBe('changed');
      expect(await one.read(key)).toBeUndefined();
    });

    test('values come back as they were', async () => {
      const texts = ['', ' ', '"\\\n\r\t\0', 'ÄÖÜ € 😀 \u202e', '{"a":[1,null]}', 'x'.repeat(300_000), '\u2028\ufeff'];
      const key = `${fresh()}text`;
      for (const text of texts) {
        await put(one, key, text);
        expect((await other.read(key))?.value).toBe(text);
      }
    });

    test('a change happens only when what it expects is so', async () => {
      const key = `${fresh()}a`;
      const first = await put(one, key, '1');
      expect(await one.change([{ key, expect: 'absent', value: 'x' }])).toBe('conflict');
      const second = await put(one, key, '2');
      expect(second).not.toBe(first);
      expect(await other.change([{ key, expect: first, value: 'x' }])).toBe('conflict');
      expect(await other.change([{ key, expect: first, value: undefined }])).toBe('conflict');
      expect(await other.change([{ key: `${room}none`, expect: second, value: 'x' }])).toBe('conflict');
      expect((await one.read(key))?.value).toBe('2');
      expect(await other.change([{ key, expect: second, value: '3' }])).toBe('changed');
      expect((await one.read(key))?.value).toBe('3');
    });

    test('the same text written again is another version: nobody mistakes it for what they have read', async () => {
      const key = `${fresh()}a`;
      const first = await put(one, key, 'same');
      expect(await put(other, key, 'same')).not.toBe(first);
      expect(await one.change([{ key, expect: first, value: 'x' }])).toBe('conflict');
    });

    test('a document that was deleted and made anew has a version that never was', async () => {
      const key = `${fresh()}a`;
      const seen = new Set<string>();
      for (let round = 0; round < 20; round += 1) {
        seen.add(await put(one, key, 'same'));
        await one.change([{ key, expect: 'any', value: undefined }]);
      }
      expect(seen.size).toBe(20);
    });

    test('several changes happen together or not at all', async () => {
      fresh();
      const [a, b, c] = [`${room}a`, `${room}b`, `${room}c`];
      const version = await put(one, a, 'a1');
      const changes: readonly [Change, ...Change[]] = [
        { key: a, expect: version, value: 'a2' },
        { key: b, expect: 'absent', value: 'b1' },
        { key: c, expect: 'any', value: 'c1' },
      ];
      await put(other, b, 'b0');
      expect(await one.change(changes)).toBe('conflict');
      expect((await one.read(a))?.value).toBe('a1');
      expect(await one.read(c)).toBeUndefined();
      await other.change([{ key: b, expect: 'any', value: undefined }]);
      expect(await one.change(changes)).toBe('changed');
      const values = await Promise.all([a, b, c].map(async (key) => (await other.read(key))?.value));
      expect(values).toEqual(['a2', 'b1', 'c1']);
    });

    test('a list has the documents below a prefix in the order of their keys, page by page', async () => {
      fresh();
      const names = ['hold:10', 'hold:2', 'hold:1', 'hold:a', 'hold:B', 'hold:~', 'holds', 'hold', 'ho', 'hold;'];
      for (const name of names) await put(one, room + name, `v-${name}`);
      const expected = names.filter((name) => name.startsWith('hold:')).sort();
      const all = await other.list(`${room}hold:`, 100);
      expect(all.map(({ key }) => key.slice(room.length))).toEqual(expected);
      expect(all.map(({ value }) => value)).toEqual(expected.map((name) => `v-${name}`));
      expect(all[0]?.version).toBe(await versionOf(one, all[0]?.key ?? ''));
      const first = await other.list(`${room}hold:`, 4);
      const second = await other.list(`${room}hold:`, 4, first.at(-1)?.key);
      expect([...first, ...second]).toEqual(all);
      expect(await other.list(`${room}hold:`, 4, second.at(-1)?.key)).toEqual([]);
      await one.change([{ key: `${room}hold:2`, expect: 'any', value: undefined }]);
      expect((await other.list(`${room}hold:`, 100)).length).toBe(expected.length - 1);
      expect(await other.list(`${room}none`, 10)).toEqual([]);
    });

    test('a document past its time is absent, from reads, lists and comparisons; a later change can take the time away', async () => {
      fresh();
      const soon = Date.now() + 150;
      const [a, b] = [`${room}a`, `${room}b`];
      // Not read back: on a busy machine their time may be over by then.
      for (const key of [a, b]) await one.change([{ key, expect: 'any', value: 'short', expiresAt: soon }]);
      await put(one, b, 'kept');
      await put(one, `${room}c`, 'long', Date.now() + 60_000);
      await waitFor('the document to be past', async () => (await other.read(a)) === undefined);
      expect(Date.now()).toBeGreaterThanOrEqual(soon);
      expect((await other.list(room, 10)).map(({ value }) => value)).toEqual(['kept', 'long']);
      expect(await one.change([{ key: a, expect: 'absent', value: 'again' }])).toBe('changed');
      expect((await other.list(room, 10)).map(({ value }) => value)).toEqual(['again', 'kept', 'long']);
      await one.change([{ key: a, expect: 'any', value: 'past', expiresAt: Date.now() - 1 }]);
      expect(await other.read(a)).toBeUndefined();
    });

    test(`two that race for one document ${races} times have one winner each time`, async () => {
      fresh();
      for (let round = 0; round < races; round += 1) {
        const key = `${room}${round}`;
        const tries = [one, other, one, other].map((store, index) =>
          store.change([{ key, expect: 'absent', value: String(index) }]),
        );
        const results = await Promise.all(tries);
        expect(results.filter((result) => result === 'changed').length, `round ${round}`).toBe(1);
        expect((await one.read(key))?.value).toBe(String(results.indexOf('changed')));
      }
    });

    test('whoever loses reads what stood in the way at once, so adding up by try and try again loses nothing', async () => {
      const key = `${fresh()}sum`;
      let conflicts = 0;
      const add = async (store: Store): Promise<void> => {
        for (let added = 0; added < 40;) {
          const found = await store.read(key);
          const value = String(Number(found?.value ?? '0') + 1);
          const result = await store.change([{ key, expect: found?.version ?? 'absent', value }]);
          if (result === 'changed') added += 1;
          else conflicts += 1;
        }
      };
      await Promise.all([add(one), add(other), add(one), add(other)]);
      expect((await one.read(key))?.value).toBe('160');
      expect(conflicts).toBeGreaterThan(0);
      // Each round somebody wins: more tries than that would be somebody turning in circles on what it has seen already.
      expect(conflicts).toBeLessThanOrEqual(160 * 3);
    });

    describe('a counter', () => {
      const window = (at: number, ms = 48_000): Window => ({ ms, at });

      test('takes what fits, refuses what does not, and says what is used', async () => {
        const key = `${fresh()}rows`;
        expect(await one.spend(key, 300, window(1e12), 500)).toEqual({ spent: true, used: 300 });
        expect(await other.spend(key, 201, window(1e12), 500)).toEqual({ spent: false, used: 300 });
        expect(await other.spend(key, 200, window(1e12), 500)).toEqual({ spent: true, used: 500 });
        expect(await one.spend(key, 0, window(1e12), 500)).toEqual({ spent: true, used: 500 });
        expect(await one.spend(key, 1, window(1e12), undefined)).toEqual({ spent: true, used: 501 });
        expect(await one.spend(key, 0, window(1e12), 500)).toEqual({ spent: false, used: 501 });
        expect(await one.spend(`${room}other`, 1, window(1e12), 0)).toEqual({ spent: false, used: 0 });
      });

      test('forgets step by step, never before the window is over, and at most one step after', async () => {
        const key = `${fresh()}rows`;
        const start = 1e12 + 17;
        for (let second = 0; second < 48; second += 1) await one.spend(key, 1, window(start + second * 1000), 1000);
        const used = async (at: number): Promise<number> => (await other.spend(key, 0, window(at), undefined)).used;
        expect(await used(start + 47_999)).toBe(48);
        for (let second = 0; second < 48; second += 1) {
          const at = start + 48_000 + second * 1000;
          const mustCount = 48 - second - 1;
          expect(await used(at - 1)).toBeGreaterThanOrEqual(mustCount);
          expect(await used(at + 1000)).toBeLessThanOrEqual(48 - second);
        }
        expect(await used(start + 97_000)).toBe(0);
      });

      test('a clock that goes back does not empty it', async () => {
        const key = `${fresh()}rows`;
        await one.spend(key, 5, window(1e12), 5);
        expect(await other.spend(key, 1, window(1e12 - 20_000), 5)).toEqual({ spent: false, used: 5 });
        expect(await other.spend(key, 1, window(1e12 - 20_000), 6)).toEqual({ spent: true, used: 6 });
        expect(await one.spend(key, 0, window(1e12), undefined)).toEqual({ spent: true, used: 6 });
      });

      test('windows of different lengths and keys that look like counters do not meet', async () => {
        const key = `${fresh()}rows`;
        await one.spend(key, 5, window(1e12), undefined);
        expect(await one.spend(key, 1, window(1e12, 1000), 1)).toEqual({ spent: true, used: 1 });
        expect(await one.list(room, 10)).toEqual([]);
        await put(one, key, 'a document');
        expect(await other.spend(key, 0, window(1e12), undefined)).toEqual({ spent: true, used: 5 });
      });

      test('many at once never take more than there is', async () => {
        const key = `${fresh()}rows`;
        const stores = Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? one : other));
        const results = await Promise.all(stores.map((store) => store.spend(key, 7, window(1e12), 100)));
        expect(results.filter(({ spent }) => spent).length).toBe(14);
        expect((await one.spend(key, 0, window(1e12), undefined)).used).toBe(98);
      });
    });

    describe('a wake-up', () => {
      test('reaches everybody who listens to the topic, in a later turn, until they stop', async () => {
        fresh();
        const heard: string[] = [];
        const stopOne = one.listen(`${room}t`, (message) => heard.push(`one ${message}`));
        const stopOther = other.listen(`${room}t`, (message) => heard.push(`other ${message}`));
        const stopElsewhere = one.listen(`${room}u`, (message) => heard.push(`elsewhere ${message}`));
        one.announce(`${room}t`, 'ä "1"');
        expect(heard).toEqual([]);
        await waitFor('both to hear', () => heard.length >= 2);
        expect(heard.toSorted()).toEqual(['one ä "1"', 'other ä "1"']);
        stopOne();
        other.announce(`${room}t`, '2');
        await waitFor('the other to hear', () => heard.includes('other 2'));
        expect(heard).not.toContain('one 2');
        stopOther();
        stopElsewhere();
        one.announce(`${room}t`, '3');
        other.listen(`${room}end`, (message) => heard.push(message));
        await waitFor('what was sent last', () => {
          // Whoever has only begun to listen may miss the first.
          one.announce(`${room}end`, 'the end');
          return heard.includes('the end');
        });
        expect(heard).not.toContain('other 3');
      });
    });

    describe('what breaks the rules of asking', () => {
      const window = { ms: 1000, at: 1e12 };
      const wrong: readonly (readonly [string, (store: Store) => Promise<unknown>])[] = [
        ['a key with a blank', (store) => store.read('a b')],
        ['an empty key', (store) => store.read('')],
        ['a key with a control character', (store) => store.change([{ key: 'a\0', expect: 'any', value: '' }])],
        ['a key that is not ASCII', (store) => store.read('schlüssel')],
        ['an endless key', (store) => store.read('a'.repeat(513))],
        ['an endless value', (store) => store.change([{ key: 'a', expect: 'any', value: 'x'.repeat(17e6) }])],
        ['a list without a limit', (store) => store.list('a', Number.POSITIVE_INFINITY)],
        ['a negative amount', (store) => store.spend('a', -1, window, 5)],
        ['half an amount', (store) => store.spend('a', 0.5, window, 5)],
        ['a maximum that is no number', (store) => store.spend('a', 1, window, Number.NaN)],
        ['no window', (store) => store.spend('a', 1, { ms: 0, at: 1e12 }, 5)],
        ['no time', (store) => store.spend('a', 1, { ms: 1000, at: Number.NaN }, 5)],
        [
          'a key twice',
          (store) =>
            store.change([
              { key: 'a', expect: 'any', value: '1' },
              { key: 'a', expect: 'any', value: '2' },
            ]),
        ],
      ];
      test.each(wrong)('%s is a defect, not an answer', async (_, ask) => {
        await expect(ask(one)).rejects.toThrow(/key|changes|document|list|amount|maximum|window/);
        await expect(ask(one)).rejects.not.toMatchObject({ name: 'ProxyError' });
      });
    });

    test('stands, and says so in words without a secret', () => {
      expect(one.standing.state).toBe('up');
      expect(one.standing.words).not.toBe('');
      expect(one.standing.words).not.toContain('hunter');
    });
  });
}
