// Goal: with `witness: static` what the static witness knows for sure passes as it is, what is held stays held, what only the server could
// tell is held too; the server is never asked about a statement; and the health page, the log and every record say so.
// Method: the real command before real Postgres 15 and 18, heard between the two; texts as data, and nobody answers for people.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordsIn } from '../audit/fixtures.ts';
import { query } from '../support/client.ts';
import { aFolder } from '../support/folders.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { ServeProgram, type Served } from '../support/serve-program.ts';
import { gateUrl, layRules, shopFill, shopRules } from '../support/small-shop.ts';
import { listenBefore, type UpstreamEar } from '../support/upstream-ear.ts';
import { waitFor } from '../support/wait.ts';

const schema = `
create table customers (id int primary key, email text, pin text);
insert into customers select n, 'c' || n || '@example.com', n::text from generate_series(1, 20) n;
create table orders (id int primary key, customer int references customers, total numeric);
insert into orders select n, n, n * 10 from generate_series(1, 20) n;
create view large_orders as select id, total from orders where total > 100;
create table ruled (id int);
create rule instead as on insert to ruled do instead select email from customers;
create function twice(int) returns int language sql immutable as 'select $1 * 2';
create function which(int) returns text language sql stable as 'select ''harmless''::text';
create function which(bigint) returns text language sql stable as 'select email from public.customers limit 1';
create function runs(text) returns setof text language plpgsql as 'begin return query execute $1; end';
grant all on customers, orders, large_orders, ruled to gate;
`;

const passing: Readonly<Record<string, readonly unknown[]>> = {
  'select id, total from orders where id < 4 order by id': [],
  'select o.id, c.id as customer from orders o join customers c on c.id = o.customer where o.total > $1 order by 1': [
    150,
  ],
  'with large as (select * from large_orders) select count(*)::int as n, max(total) as most from large': [],
  'select id, rank() over (order by total desc) from orders order by id limit 2': [],
  'insert into orders values (100, 1, 5) returning id': [],
  'update orders set total = total + 1 where id = $1 returning total': [100],
  'delete from orders where id = 100': [],
  'select twice(id) from orders order by id limit 1': [],
  "select id from orders where total = any ('{10,20}'::numeric[]) order by id": [],
  'show server_version_num': [],
  'set search_path = public': [],
};

/** With the server's word too these are known, and held or not for what they are. */
const held: Readonly<Record<string, string>> = {
  'a watched column': 'select email from customers',
  'a watched column in a filter': "select id from customers where email like 'c1@%'",
  'a whole row': 'select c from customers c',
  'a function of several of which one reads what is watched': 'select which(id) from orders',
  'dynamic SQL': "select * from runs('select email from customers')",
  'a table with a rule': 'insert into ruled values (1)',
  'a block of code': 'do $$ begin perform 1; end $$',
  'a text that nobody can read': "select 'a' from orders where",
  'several statements with a definition': 'create temp table t (n int); select * from t',
};

describe.each([15, 18] as const)('on Postgres %i', (major) => {
  let postgres: TestPostgres;
  let ear: UpstreamEar;
  let folder: string;
  let proxy: ServeProgram;
  let serving: Served;
  let client: pg.Client;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off'], fill: shopFill(schema) });
    ear = await listenBefore(gateUrl(postgres.port));
    folder = aFolder();
    layRules(folder, shopRules({ more: '  public.orders: public\n  public.large_orders: public\n' }));
    writeFileSync(
      join(folder, 'countersign.yaml'),
      `listen: 127.0.0.1:0
http: { listen: "127.0.0.1:0" }
holds: { wait: 300ms }
databases:
  shop: { url: "${ear.url}", witness: static }
agents:
  bot: { password: bot-password, owner: ana, databases: [shop] }
`,
    );
    proxy = new ServeProgram(join(folder, 'countersign.yaml'), folder);
    serving = await proxy.serving();
    await waitFor('readiness', async () => (await fetch(`${serving.http}/readyz`)).ok, { withinMs: 60_000 });
    client = new pg.Client({ connectionString: `postgres://bot:bot-password@${serving.address}/shop` });
    client.on('error', () => undefined);
    await client.connect();
    await waitFor('the first statement', async () => (await client.query('select 1 as one')).rows.length === 1, {
      withinMs: 60_000,
    });
  }, 180_000);

  afterAll(async () => {
    await client.end();
    proxy.kill();
    await ear.stop();
    await postgres.stop();
  });

  test.each(Object.entries(passing))('passes: %s', async (text, values) => {
    const through = await client.query(text, values.length === 0 ? undefined : [...values]);
    if (!/^(?:insert|update|delete|set)/.test(text))
      expect(through.rows).toEqual(await query(gateUrl(postgres.port), text, values));
    else expect(through.command).toBe(text.split(' ')[0]?.toUpperCase());
  });

  test.each(Object.entries(held))('is held: %s', async (_, text) => {
    await expect(client.query(text)).rejects.toMatchObject({
      code: '42501',
      detail: expect.stringMatching(/HOLD_TIMEOUT|"level":"secret"/),
    });
    await expect(client.query({ text, values: [], name: text.slice(0, 60) })).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:42501|42601)$/),
    });
  });

  test('a cursor and a prepared text are what they were made as', async () => {
    await client.query('prepare p as select id from orders where id = $1');
    expect((await client.query('execute p (3)')).rows).toEqual([{ id: 3 }]);
    await client.query('begin; declare c cursor for select id from orders order by id');
    expect((await client.query('fetch 2 from c')).rows).toEqual([{ id: 1 }, { id: 2 }]);
    await client.query('rollback');
    await client.query('begin; declare d cursor for select id from orders; close d');
    await expect(client.query('declare e cursor for select email from customers')).rejects.toMatchObject({
      code: '42501',
    });
    await client.query('rollback');
  });

  test('the health page, the log and every record say that the server is not asked', async () => {
    expect(await (await fetch(`${serving.http}/readyz`)).text()).toContain('witness: static, the server is not asked');
    expect(proxy.err).toContain('witness: static: the server’s own word is done without');
    const judged = recordsIn(join(folder, 'audit')).flatMap((each) => (each.kind === 'judged' ? [each] : []));
    expect(judged.length).toBeGreaterThan(Object.keys(passing).length);
    // What nobody judged, since the server has refused it already, has no witness.
    expect(judged.filter((each) => each.witness !== 'static' && !each.rules.includes('the server refuses it'))).toEqual(
      [],
    );
  });

  test('no tree was asked for', () => {
    const [first = ''] = Object.keys(passing);
    const { texts } = ear.heard(first);
    expect(texts).toContain('set search_path = public');
    expect(texts.filter((text) => text.includes('debug_print_rewritten'))).toEqual([]);
  });
});
