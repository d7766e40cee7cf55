// Goal: a statement whose inner query the server refuses is refused in the server's own words, at the same place, and nobody is asked
// about it; inside a transaction too.
// Method: the same texts directly and through a proxy whose people say no, on Postgres 15 and 18; every field of the errors is compared.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';

const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: watched, read: hold, approvers: [people] }
defaults: { unclassified: public }
`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [people] } }\n',
  'policy.yaml': 'version: 1\ndefaults: { schema: allow, destructive: allow }\n',
};

const refused = [
  'explain select nobody from here_is',
  '/* öß€ 🙂 */ explain (costs off) select missing from there',
  'declare c cursor for select min(id) from there for update',
  'declare c cursor for select id, missing from there',
  "create table copied as select 'öß🙂', missing from there",
  'copy (select missing from there) to stdout',
  "copy (select 'öß🙂', missing from there where id = 1) to stdout with (format csv)",
  'prepare p as select missing from there where id = $1',
  'prepare p (int) as select missing from there where id = $1',
  'create view seen as select missing from there',
  'create materialized view seen as select missing from there',
  'select id, missing into copied from there',
  'select id into copied from there where missing = 1',
  'explain select id from there where id = current_date',
];

describe.each([15, 18] as const)('what Postgres %i refuses inside a statement', (major) => {
  let postgres: TestPostgres;
  let proxy: RowsProxy;
  let direct: pg.Client;
  let through: pg.Client;

  beforeAll(async () => {
    postgres = await startPostgres({ major });
    direct = new pg.Client(postgres.url('postgres'));
    await direct.connect();
    await direct.query('create table there (id int)');
    proxy = await startRowsProxy({ url: postgres.url('postgres'), files, waitMs: 3_000 });
    proxy.say(() => ({ vote: 'deny' }));
    through = new pg.Client(proxy.url('db'));
    await through.connect();
  }, 120_000);

  afterAll(async () => {
    await through.end();
    await direct.end();
    await proxy.stop();
    await postgres.stop();
  });

  const told = async (client: pg.Client, sql: string): Promise<unknown> => {
    const thrown: unknown = await client.query(sql).catch((error: unknown) => error);
    return thrown instanceof Error ? { ...thrown, message: thrown.message } : 'it ran';
  };

  test.each(refused)('%s', async (sql) => {
    expect(await told(through, sql)).toEqual(await told(direct, sql));
    for (const client of [through, direct]) await client.query('begin');
    expect(await told(through, sql)).toEqual(await told(direct, sql));
    expect(await told(through, 'select 1')).toMatchObject({ code: '25P02' });
    for (const client of [through, direct]) expect((await client.query('commit')).command).toBe('ROLLBACK');
  });
});
