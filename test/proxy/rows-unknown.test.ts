// Goal: what people let through without anybody knowing what it reads draws on every budget of the agent: nobody can say that its rows are
// of none.
// Method: a function that puts its query together as it runs, before real Postgres 15 and 18; people say yes to it, and no to going on.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';

const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: counted, read: allow, approvers: [security] }
defaults: { unclassified: public }
`,
  'db.yaml': 'version: 1\ndatabase: db\nowner: security\ntables: { public.spent: counted }\n',
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [security] } }\n',
  'policy.yaml': 'version: 1\nbudgets: [{ level: counted, rows: 50, per: 1d }]\n',
};

const setUp = `
create table spent as select g as id from generate_series(1, 500) g;
create function hidden(rows int) returns setof int language plpgsql as $$
begin
  return query execute 'select id from spe' || 'nt limit ' || rows;
end $$;
analyze;
`;

describe.each([15, 18] as const)('of Postgres %i', (major) => {
  let postgres: TestPostgres;
  let proxy: RowsProxy;

  beforeAll(async () => {
    postgres = await startPostgres({ major, fill: [{ database: 'postgres', sql: setUp }] });
    proxy = await startRowsProxy({ url: postgres.url('postgres'), files });
    proxy.say((hold) => ({ vote: hold.reasons[0].action === 'notKnown' ? 'approve' : 'deny' }));
  }, 120_000);

  afterAll(async () => {
    await proxy.stop();
    await postgres.stop();
  });

  test('rows that nobody can name use up a budget, and end with it', async () => {
    const client = new pg.Client({ connectionString: proxy.url('db') });
    await client.connect();
    expect((await client.query('select * from hidden(30)')).rowCount).toBe(30);
    await expect(client.query('select * from hidden(31)')).rejects.toThrow(/^20 rows/);
    await expect(client.query('select id from spent limit 1')).rejects.toThrow(/^no row was sent/);
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await client.end();
  });
});
