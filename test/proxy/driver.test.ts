// Goal: our own sessions get their answers in order, or say why not, and never hang.
// Method: a real Postgres, many queries at once, errors in between, a server process that is ended.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Driver, QueryFailed } from '../../src/proxy/driver.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { within } from '../support/wait.ts';
import { aTarget } from './upstream-target.ts';

const never = new AbortController().signal;
let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => server.stop());

function opened(): Promise<Driver> {
  return Driver.open({ target: aTarget({ port: server.port, password: server.password }) }, never);
}

describe('the driver', () => {
  test('gives rows as text, by both protocols', async () => {
    const driver = await opened();
    expect(await driver.query(`select 1, 'ä€😀', null`)).toEqual([['1', 'ä€😀', null]]);
    expect(await driver.query('select $1::int + 1, $2::text', ['41', null])).toEqual([['42', null]]);
    expect(await driver.query('select where false')).toEqual([]);
    driver.close();
  });

  test('gives columns, the command and what the server remarked', async () => {
    const driver = await opened();
    expect(await driver.run(`do $$ begin raise notice 'hear me'; end $$`)).toMatchObject({
      command: 'DO',
      notices: ['hear me'],
    });
    expect(await driver.run('select 1 as a, 2 as b')).toMatchObject({ columns: ['a', 'b'], command: 'SELECT 1' });
    driver.close();
  });

  test('answers many at once in their order, errors among them', async () => {
    const driver = await opened();
    const asked = Array.from({ length: 50 }, (_, index) =>
      driver.query(index === 25 ? 'select 1/0' : `select ${index}`),
    );
    const answers = await Promise.allSettled(asked);
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value[0]?.[0] : 'failed'))).toEqual(
      Array.from({ length: 50 }, (_, index) => (index === 25 ? 'failed' : String(index))),
    );
    driver.close();
  });

  test('says what the server refused, and goes on', async () => {
    const driver = await opened();
    await expect(driver.query('select nonsense')).rejects.toMatchObject({ name: QueryFailed.name, sqlState: '42703' });
    await expect(driver.query('select $1::int', ['x'])).rejects.toMatchObject({ sqlState: '22P02' });
    expect(await driver.query('select 2')).toEqual([['2']]);
    driver.close();
  });

  test('reads a row of 5 MB', async () => {
    const driver = await opened();
    const [[text] = []] = await driver.query(`select repeat('x', 5000000)`);
    expect(text).toHaveLength(5_000_000);
    driver.close();
  });

  test('fails what waits when the server ends it, and says so afterwards', async () => {
    const driver = await opened();
    const [[pid] = []] = await driver.query('select pg_backend_pid()');
    const waiting = driver.query('select pg_sleep(60)');
    const ended = expect(within('its end', waiting)).rejects.toThrow('terminating connection');
    await query(server.url(), `select pg_terminate_backend(${pid})`);
    await ended;
    await expect(driver.query('select 1')).rejects.toMatchObject({ code: 'UPSTREAM_LOST' });
    expect(driver.isOpen).toBe(false);
  });

  test('fails what waits when it is closed, and does not COPY', async () => {
    const closed = await opened();
    const waiting = closed.query('select pg_sleep(60)');
    closed.close();
    await expect(waiting).rejects.toMatchObject({ code: 'UPSTREAM_LOST' });
    const copying = await opened();
    await expect(copying.query('copy (select 1) to stdout')).rejects.toThrow('do not COPY');
  });
});
