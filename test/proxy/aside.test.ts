// Goal: what we ask in the agent's session stays ours, however long the answer is.
// Method: a real Postgres whose plan of a statement is longer than any chunk, read through the proxy in both protocols.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';

let postgres: TestPostgres;
let proxy: TestProxy;
beforeAll(async () => {
  postgres = await startPostgres({
    fill: [{ database: 'postgres', sql: 'create table big as select generate_series(1, 9000) as id; analyze big' }],
  });
  proxy = await startProxy({
    databases: { postgres: `postgres://postgres:${postgres.password}@127.0.0.1:${postgres.port}/postgres` },
  });
});
afterAll(async () => {
  await proxy.stop();
  await postgres.stop();
});

describe('an aside', () => {
  test('whose answer comes in many chunks is never taken for rows of the statement', async () => {
    const client = new pg.Client(proxy.url('postgres'));
    await client.connect();
    // The planner's answer repeats every one of these numbers. Each text is new, so that each is asked about.
    for (const column of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const many = Array.from({ length: 25_000 }, (_, index) => index + 1).join();
      const found = await client.query(`select max(id) as ${column} from big where id in (${many})`);
      expect(found.rows).toEqual([{ [column]: 9000 }]);
    }
    await client.end();
  });
});
