// Goal: settings that a database or a role begins its sessions with hold for whoever connects next, though connections were kept ready.
// Method: a real Postgres; sessions come and go until warm ones are there, then ALTER … SET, by an agent or past the proxy, and a new session.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { waitFor } from '../support/wait.ts';

let server: TestPostgres;
let proxy: TestProxy;

beforeAll(async () => {
  server = await startPostgres();
  await query(server.url(), 'create database shop');
});
afterAll(async () => server.stop());

beforeEach(async () => {
  proxy = await startProxy({ databases: { shop: server.url('shop') }, warm: 2 });
  await query(proxy.url('shop'), 'select 1');
  await query(proxy.url('shop'), 'select 1');
  await waitFor('warm connections', async () => (await idle()) >= 2);
});
afterEach(async () => {
  await proxy.stop();
  await query(
    server.url(),
    `alter database shop reset all; alter role all reset all; alter role postgres reset all;
     alter role postgres in database shop reset all`,
  );
});

/** Those that wait beside the one that reads the schema. */
async function idle(): Promise<number> {
  const asked = `select count(*)::int as n from pg_stat_activity
    where datname = 'shop' and state = 'idle' and application_name not like 'countersign%'`;
  const [row] = await query(server.url(), asked);
  return Number(row?.['n']);
}

const timeOut = async (): Promise<unknown> => {
  const [row] = await query(proxy.url('shop'), 'show statement_timeout');
  return row?.['statement_timeout'];
};

const cases = [
  { name: 'a database', sql: `alter database shop set statement_timeout = '71s'` },
  { name: 'a role', sql: `alter role postgres set statement_timeout = '71s'` },
  { name: 'a role in one database', sql: `alter role postgres in database shop set statement_timeout = '71s'` },
  { name: 'a transaction', sql: `begin; alter role postgres set statement_timeout = '71s'; commit` },
  { name: 'everybody', sql: `alter role all set statement_timeout = '71s'` },
] as const;

test.each(cases)('an agent changes the settings of $name, and the very next session has them', async ({ sql }) => {
  expect(await timeOut()).toBe('0');
  await query(proxy.url('shop'), sql);
  expect(await timeOut()).toBe('71s');
});

test('what was rolled back leaves sessions as they were', async () => {
  await query(proxy.url('shop'), `begin; alter database shop set statement_timeout = '71s'; rollback`);
  expect(await timeOut()).toBe('0');
});

test.each([
  { name: 'somebody past the proxy', by: () => server.url() },
  { name: 'a text that does not say so', by: () => proxy.url('shop') },
])('settings that $name changes are found within a look at the schema', async ({ by }) => {
  await query(by(), `do $$ begin execute 'alter database shop set statement_timeout = ''71s'''; end $$`);
  await waitFor('a session with them', async () => (await timeOut()) === '71s');
});

const wrong = [
  ['nosuch%3D1', 'unrecognized configuration parameter "nosuch"'],
  ['work_mem%3Dhuge', 'invalid value for parameter "work_mem": "huge"'],
  ['wal_level%3Dlogical', 'the start-up setting wal_level may not be brought along'],
  ['countersign.reason%3Dmonth%20end', 'the start-up option end cannot be judged'],
] as const;

test.each(wrong)('-c %s is said to be the connection’s own mistake, not the database’s', async (setting, words) => {
  const refused: unknown = await query(`${proxy.url('shop')}?options=-c%20${setting}`, 'select 1').catch(
    (thrown: unknown) => thrown,
  );
  expect(refused).toMatchObject({ message: expect.stringContaining(words), hint: expect.stringMatching(/option|-c/) });
  if (!(refused instanceof Error) || !('detail' in refused)) throw new Error('no DETAIL');
  expect(JSON.parse(String(refused.detail))).toMatchObject({
    code: 'START_UP_REFUSED',
    retry: 'never',
    reason: refused.message,
  });
});
