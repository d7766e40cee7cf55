// Goal: the worker's answers are about the live schema, in the session's state, and the same for every text of an inert shape.
// Method: a real Postgres, its snapshot given to a real pool; analyses compared whole.
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { systemClock } from '../../src/core/clock.ts';
import { known, notKnown } from '../../src/core/known.ts';
import { readSnapshot } from '../../src/sql/schema-picture.ts';
import { ParserPool } from '../../src/sql/parser-pool.ts';

const entry = new URL('../../dist/sql/parser-worker.js', import.meta.url);
const schema = `
  create schema crm;
  create table crm.customers (id int primary key, name text, email text, born date, note varchar(40), amount numeric(10,2));
  create table crm.orders (id int primary key, customer int references crm.customers, total numeric, tags text[]);
  create table public.customers (id int, secret text);
  create view crm.names as select id, upper(name) as name from crm.customers;
`;

let postgres: TestPostgres;
let pool: ParserPool;
let schemaVersion: string;

beforeAll(async () => {
  postgres = await startPostgres({ fill: [{ database: 'postgres', sql: schema }] });
  const client = new pg.Client(postgres.url('postgres', 'postgres'));
  await client.connect();
  const snapshot = await readSnapshot(async (sql) => {
    const result = await client.query<(string | null)[]>({ text: sql, rowMode: 'array' });
    return Array.isArray(result) ? [] : result.rows;
  });
  await client.end();
  pool = new ParserPool({ major: 18, clock: systemClock, entry, deadlineMs: 10_000 });
  await pool.up();
  pool.publish(snapshot);
  schemaVersion = snapshot.schemaVersion;
});
afterAll(async () => {
  await pool.close();
  await postgres.stop();
});

async function analysed(text: string, searchPath: readonly string[] | undefined = ['crm']) {
  const state = {
    searchPath: searchPath === undefined ? notKnown('a test') : known(searchPath),
    role: 'postgres',
    temp: known([]),
  };
  const answer = await pool.analyse({ text, schemaVersion, state }, 'ana');
  if (answer.kind !== 'statements') throw new Error(`${answer.kind}: ${text}`);
  return answer.statements;
}

const readsOf = async (text: string, searchPath?: readonly string[]) =>
  (await analysed(text, searchPath)).map((one) =>
    one.analysis.reads
      .map((read) => `${read.column.relation.schema}.${read.column.relation.name}.${read.column.column}`)
      .sort(),
  );

test('names the columns of each statement in the state that the ones before it leave', async () => {
  expect(
    await readsOf('select name from customers; set search_path = public; select secret from customers where id = 1'),
  ).toEqual([['crm.customers.name'], [], ['public.customers.id', 'public.customers.secret']]);
});

test('keeps apart what PREPARE and DECLARE hold', async () => {
  const [prepared] = await analysed('prepare p as select email from customers');
  expect(prepared?.analysis.kinds).toEqual(['session']);
  expect(prepared?.held?.kinds).toEqual(['read']);
  expect(prepared?.held?.reads.map((read) => read.column.column)).toEqual(['email']);
});

test('leaves doubt behind what cannot be followed', async () => {
  for (const first of [
    'call crm.p()',
    "select set_config('search_path', name, false) from names",
    'set role ana',
    'create table t (a int)',
  ]) {
    const [, second] = await analysed(`${first}; select name from customers`);
    expect(second?.analysis.unknowns).not.toEqual([]);
  }
});

const families: readonly (readonly string[])[] = [
  ['select email from customers where id = 1', 'select email from customers where id = 999999999'],
  ["select name from customers where name like 'a%'", "select name from customers where name like ';--'"],
  ["update customers set note = 'x' where id = 5", "update customers set note = 'email' where id = 0"],
  [
    'insert into orders (id, customer, total) values (1, 2, 3), (4, 5, -6)',
    'insert into orders (id, customer, total) values (0, 0, 0), (9, 9, -9)',
  ],
  [
    "select coalesce(name, 'email'), case when id = 1 then 'a' else email end from customers",
    "select coalesce(name, ''), case when id = 7 then 'crm.orders' else email end from customers",
  ],
  [
    "delete from orders where total > 5 and tags = any('{a}')",
    "delete from orders where total > 6 and tags = any('{b,c}')",
  ],
  [
    'select n.name, sum(o.total) from names n join orders o on o.customer = n.id and o.id > 3 group by n.name having count(*) > 2',
    'select n.name, sum(o.total) from names n join orders o on o.customer = n.id and o.id > 0 group by n.name having count(*) > 0',
  ],
  [
    "with x as (select id, 5 as five from customers where born > date '2000-01-01') select five + 1 from x where id in (1, 2)",
    "with x as (select id, 0 as five from customers where born > date '1900-12-31') select five + 3 from x where id in (3, 4)",
  ],
];
test.each(families)('one analysis serves %s and %s', async (one, other) => {
  const [first, second] = [(await analysed(one))[0], (await analysed(other))[0]];
  expect(first?.inert).toBe(true);
  expect(second?.inert).toBe(true);
  const { functions: functionsOfFirst, ...restOfFirst } = first!.analysis;
  const { functions: functionsOfSecond, ...restOfSecond } = second!.analysis;
  expect(restOfSecond).toEqual(restOfFirst);
  expect(functionsOfSecond).toEqual(functionsOfFirst);
  expect(second?.effects).toEqual(first?.effects);
});

test('makes offers in the slow lane', async () => {
  const offer = await pool.offer(
    { text: 'select id, email from customers', wish: { kind: 'keepOutputs', keep: [0], names: ['id', 'email'] } },
    'ana',
  );
  expect(offer).toBe('SELECT id FROM customers');
  expect(await pool.offer({ text: 'drop table customers', wish: { kind: 'count' } }, 'ana')).toBeUndefined();
});
