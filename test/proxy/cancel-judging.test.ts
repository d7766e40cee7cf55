// Goal: a cancel that comes while a statement is being judged stops that statement, as it stops one that runs; the session goes on.
// Method: the gate's word is kept back until the cancel was heard; real Postgres, the pg driver, each protocol.
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { cancel, query } from '../support/client.ts';
import { waitFor } from '../support/wait.ts';

let postgres: TestPostgres;
let proxy: TestProxy;
let judged = 0;
let go: () => void = () => undefined;

beforeAll(async () => {
  postgres = await startPostgres();
  await query(postgres.url(), 'create table ran (id int)');
  proxy = await startProxy({
    databases: { db: postgres.url() },
    admit: async (execution, usual) => {
      if (!execution.sql.includes('/* slowly judged */')) return usual();
      judged += 1;
      await new Promise<void>((resolve) => (go = resolve));
      return usual();
    },
  });
}, 90_000);

afterAll(async () => {
  await proxy.stop();
  await postgres.stop();
});

test.each([
  ['a simple query', 'insert into ran values (1) /* slowly judged */', []],
  ['an extended query', 'insert into ran values ($1) /* slowly judged */', [1]],
])('%s', async (_, text, values) => {
  const client = new pg.Client(proxy.url('db'));
  client.on('error', () => undefined);
  await client.connect();
  await client.query('select 1');
  const before = judged;
  const cancels = proxy.listener.stats().cancels;
  const answer = client.query(text, [...values]).catch((thrown: unknown) => thrown);
  await waitFor('the gate', () => judged > before);
  await cancel(client);
  await waitFor('the cancel', () => proxy.listener.stats().cancels > cancels);
  go();
  expect(await answer).toMatchObject({ code: '57014', message: 'canceling statement due to user request' });
  expect((await client.query('select count(*)::int as n from ran')).rows).toEqual([{ n: 0 }]);
  await client.end();
});
