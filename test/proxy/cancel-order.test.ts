// Goal: a cancel stops what ran when it was sent, never what the driver sends once the cancel's connection has ended.
// Method: a real Postgres behind a relay that lets CancelRequests wait, as a far network would; a driver that waits for that end, as libpq's do.
import { connect, createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cancel, query, withClient } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { waitFor } from '../support/wait.ts';

const cancelCode = 80877102;
const lateMs = 1_000;
let server: TestPostgres;
let relay: Server;
let proxy: TestProxy;

beforeAll(async () => {
  server = await startPostgres();
  relay = createServer((socket) => {
    socket.once('data', (first) => {
      const isCancel = first.length >= 8 && first.readInt32BE(4) === cancelCode;
      setTimeout(
        () => {
          const to = connect(server.port, '127.0.0.1', () => to.write(first));
          for (const [one, other] of [
            [socket, to],
            [to, socket],
          ] as const) {
            one.pipe(other).on('error', () => one.destroy());
          }
        },
        isCancel ? lateMs : 0,
      );
    });
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const { port } = relay.address() as AddressInfo;
  const url = new URL(server.url());
  url.port = String(port);
  proxy = await startProxy({ databases: { postgres: `${url.href}?sslmode=disable` } });
});

afterAll(async () => {
  await proxy.stop();
  relay.close();
  await server.stop();
});

test('what is sent after a cancel has ended runs to its end, however late the server hears of the cancel', async () => {
  await withClient(proxy.url('postgres'), async (client) => {
    const first = client.query('select pg_sleep(0.5)').then(
      () => 'ended',
      () => 'stopped',
    );
    await waitFor('the first to run', async () => {
      const running = `select 1 from pg_stat_activity where state = 'active' and query = 'select pg_sleep(0.5)'`;
      return (await query(server.url(), running)).length > 0;
    });
    await cancel(client);
    await first;
    const { rows } = await client.query<{ answer: string }>(
      `select 'whole' as answer, pg_sleep(${(1.5 * lateMs) / 1000})`,
    );
    expect(rows.map(({ answer }) => answer)).toEqual(['whole']);
  });
});

test('what runs is stopped by it', async () => {
  await withClient(proxy.url('postgres'), async (client) => {
    const running = client.query('select pg_sleep(600)');
    const stopped = expect(running).rejects.toThrow('canceling statement due to user request');
    await cancel(client);
    await stopped;
  });
});
