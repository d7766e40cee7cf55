// Goal: a server that breaks a connection at the moment when its session ends takes nobody else along.
// Method: real Postgres behind a relay that resets a connection, when told, as soon as the proxy makes it ready for the next agent. An error
// that nobody listens for there would end the whole process.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { waitFor } from '../support/wait.ts';

let postgres: TestPostgres;
let relay: Server;
let proxy: TestProxy;
/** What is looked for in what the proxy sends; the connection that it comes on is reset. */
let resetAt: string | undefined;
let resets = 0;
const uncaught: unknown[] = [];
const keep = (thrown: unknown): void => void uncaught.push(thrown);

function pass(from: Socket, port: number): void {
  const to = connect(port, '127.0.0.1');
  from.on('data', (chunk: Buffer) => {
    if (resetAt === undefined || !chunk.includes(resetAt)) to.write(chunk);
    else {
      resets += 1;
      from.resetAndDestroy();
      to.destroy();
    }
  });
  to.pipe(from);
  for (const [one, other] of [
    [from, to],
    [to, from],
  ] as const)
    one.on('error', () => other.destroy()).on('close', () => other.destroy());
}

beforeAll(async () => {
  process.on('uncaughtException', keep);
  postgres = await startPostgres({ major: 18 });
  const url = new URL(postgres.url('postgres'));
  const port = Number(url.port);
  relay = createServer((socket) => pass(socket, port));
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  url.port = String((relay.address() as AddressInfo).port);
  proxy = await startProxy({ databases: { db: url.href }, warm: 1 });
}, 120_000);

afterAll(async () => {
  await proxy.stop();
  relay.close();
  await postgres.stop();
  process.off('uncaughtException', keep);
});

test('a connection that breaks while it is made ready for the next agent ends by itself', async () => {
  await waitFor('sessions whose connections are used again', async () => {
    resetAt = undefined;
    await query(proxy.url('db'), 'select 1');
    resetAt = 'DISCARD ALL';
    await query(proxy.url('db'), 'select 1');
    return resets >= 3;
  });
  resetAt = undefined;
  expect(await query(proxy.url('db'), 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(uncaught).toEqual([]);
}, 60_000);
