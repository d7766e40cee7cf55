// Goal: an approval is used once also where the state forgets that it was: a Redis that fell back to what it had on its disk or its replica.
// Method: a real Redis, saved before a use and killed behind it; the desk that released goes on with what came back.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Terms } from '../../src/approval/terms.ts';
import { aPrefix, aRedisStore } from '../store/fixtures.ts';
import { freePort } from '../support/ports.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { aProxy, aRequest, aVote, kindsOf, never } from './fixtures.ts';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** It keeps what it had when it was saved, and nothing since. */
async function aForgetfulRedis() {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-forgetful-'));
  const port = await freePort();
  const begin = (): Promise<TestRedis> => startRedis({ port, flags: ['--dir', folder] });
  let server = await begin();
  ends.push(
    () => rmSync(folder, { recursive: true, force: true }),
    () => server.stop(),
  );
  const save = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('SAVE\r\n'));
      socket.once('error', reject);
      socket.once('data', (bytes) => {
        socket.destroy();
        resolve(bytes.toString());
      });
    });
  const fallBack = async (): Promise<void> => {
    await server.stop();
    server = await begin();
  };
  const store = await aRedisStore(server.url, { prefix: aPrefix() });
  const backAgain = (): Promise<unknown> => waitFor('Redis again', () => store.standing.state === 'up');
  return { store, save, fallBack, backAgain };
}

async function aLateYes(terms: Terms | undefined, sql?: string) {
  const redis = await aForgetfulRedis();
  const proxy = aProxy({ store: redis.store, holds: { waitMs: 0 } });
  const asked = await proxy.desk.ask(aRequest(sql === undefined ? {} : { sql }), never);
  expect((await asked.answer).kind).toBe('expired');
  expect(await proxy.desk.vote(asked.hold.id, aVote({ terms }))).toMatchObject({ kind: 'counted' });
  return { ...redis, proxy, hold: asked.hold.id };
}

const releases = (proxy: ReturnType<typeof aProxy>): number =>
  kindsOf(proxy).filter((kind) => kind === 'released').length;

test('a late yes is used once, though Redis has forgotten the use', async () => {
  const { proxy, hold, save, fallBack, backAgain } = await aLateYes(undefined);
  expect(await save()).toContain('OK');
  expect((await (await proxy.desk.ask(aRequest(), never)).answer).kind).toBe('released');
  await fallBack();
  await backAgain();
  expect(await proxy.desk.find(hold)).toMatchObject({ state: 'used', uses: 1 });
  const again = await proxy.desk.ask(aRequest(), never);
  expect(again.hold).toMatchObject({ state: 'open' });
  expect(again.hold.id).not.toBe(hold);
  expect((await again.answer).kind).toBe('expired');
  expect(releases(proxy)).toBe(1);
});

test('a shape is used as often as people said, though Redis has forgotten some of it', async () => {
  const terms = { kind: 'shape', forMs: 3_600_000, usesMax: 2, rowsMax: undefined } as const;
  const sqlOf = (value: number): string => `select email from customers where id = ${value}`;
  const { proxy, save, fallBack, backAgain } = await aLateYes(terms, sqlOf(0));
  const use = async (value: number): Promise<string> =>
    (await (await proxy.desk.ask(aRequest({ sql: sqlOf(value) }), never)).answer).kind;
  expect(await save()).toContain('OK');
  expect([await use(1), await use(2), await use(3)]).toEqual(['released', 'released', 'expired']);
  await fallBack();
  await backAgain();
  expect(await use(4)).toBe('expired');
  expect(releases(proxy)).toBe(2);
});
