// Goal: two witnesses become one analysis that never says less than either, and rows that were not foreseen do not pass.
// Method: a real server's tree and RowDescription beside the static analysis of the same text, and beside analyses that were damaged.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { known, notKnown } from '../../src/core/known.ts';
import type { Analysis } from '../../src/sql/analysis.ts';
import { analyseText } from '../../src/sql/analyse.ts';
import { loadParser } from '../../src/sql/parser.ts';
import { SchemaResolvers } from '../../src/sql/resolve.ts';
import { readSnapshot } from '../../src/sql/schema-picture.ts';
import { SchemaIndex } from '../../src/sql/schema-index.ts';
import { readTree } from '../../src/sql/tree.ts';
import { checkRowDescription } from '../../src/sql/tripwire.ts';
import { unite, type United } from '../../src/sql/union.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { serverTree, treeSettings } from './server-tree.ts';

const schema = `
  CREATE TABLE users (id int PRIMARY KEY, name text, ssn text);
  CREATE VIEW v_users AS SELECT id, ssn AS tax FROM users WHERE name IS NOT NULL;
  CREATE TABLE orders (id int, user_id int);
  CREATE FUNCTION leak(int) RETURNS text LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SELECT 1''; RETURN 1; END';
  CREATE CAST (int AS text) WITH FUNCTION leak(int) AS IMPLICIT;
`;
const passes = ['select * from users', 'select u from users u', 'select * from (select u from users u) x', 'select tax, id + 1 as next from v_users', 'select name from users where ssn is null',
  'select u.name, o.* from users u join orders o on o.user_id = u.id', 'select ctid, id from users', 'select count(*) from users',
  'select id from users union select user_id from orders', 'select relname from pg_class', 'select usename from pg_stat_activity',
  'insert into orders values (1, 2) returning *', 'with x as (select ssn from users) select * from x']; // prettier-ignore

describe.each([15, 18] as const)('on Postgres %i', (major) => {
  let postgres: TestPostgres;
  let client: pg.Client;
  let index: SchemaIndex;
  let analyse: (sql: string) => Analysis;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off'] });
    await query(postgres.url(), schema);
    client = new pg.Client({ connectionString: postgres.url() });
    await client.connect();
    const rows = async (sql: string): Promise<(string | null)[][]> =>
      (await client.query<(string | null)[]>({ text: sql, rowMode: 'array' })).rows;
    const snapshot = await readSnapshot(rows);
    await client.query(`SET search_path = public; ${treeSettings}`);
    index = new SchemaIndex(snapshot);
    const parser = await loadParser(major);
    const resolvers = new SchemaResolvers(parser);
    resolvers.add(snapshot);
    analyse = (text) => {
      const state = { searchPath: known(['public']), role: 'postgres', temp: known([]) };
      const answer = analyseText(parser, resolvers.resolver, { text, schemaVersion: snapshot.schemaVersion, state });
      const one = answer.kind === 'statements' ? answer.statements[0] : undefined;
      if (one === undefined) throw new Error(`not a statement: ${text}`);
      return one.analysis;
    };
  });
  afterAll(async () => {
    await client.end();
    await postgres.stop();
  });

  const united = async (sql: string, analysis = analyse(sql)): Promise<United> => {
    const answer = await serverTree(client, sql);
    if (answer.kind === 'error') throw new Error(answer.message);
    return unite(analysis, readTree(answer.detail, 'same'), index);
  };
  const fields = async (sql: string) =>
    (await client.query(sql)).fields.map((field) => ({ tableOid: field.tableID, columnNumber: field.columnID }));

  test.each(passes)('agree, and the rows were foreseen: %s', async (sql) => {
    const analysis = analyse(sql);
    const both = await united(sql);
    expect(both.disagreement).toBeUndefined();
    expect(both.analysis.unknowns).toEqual([]);
    expect(checkRowDescription(analysis, await fields(sql), index)).toEqual({ ok: true });
  });

  test('a column that only the server saw is not known, and told without literals', async () => {
    const sql = `select name from users where ssn = '078-05-1120'`;
    const analysis = analyse(sql);
    const blind = { ...analysis, reads: analysis.reads.filter(({ column }) => column.column !== 'ssn') };
    const both = await united(sql, blind);
    expect(both.disagreement).toBe('SELECT: the server reads public.users.ssn, the static witness does not');
    expect(both.analysis.unknowns.map(({ why }) => why)).toEqual(['the two witnesses disagree about the columns']);
    expect(both.analysis.reads.map(({ column }) => column.column).sort()).toEqual(['name', 'ssn']);
  });

  test('a function behind an implicit cast is told where it is called, and by the static witness alone anywhere', async () => {
    const not = await united('select id from users');
    expect(not.analysis.functions).toEqual([]);
    expect(analyse('select id from users').functions).toMatchObject([
      { name: 'leak', nature: 'unknown', settledBy: 'tree' },
    ]);
    const both = await united(`select lower(id) from users`);
    expect(both.analysis.functions).toContainEqual(
      expect.objectContaining({ schema: 'public', name: 'leak', signature: 'int4', nature: 'unknown' }),
    );
  });

  test.each([
    ['update users set name = $1, ssn = $2', 'ssn', 'UPDATE: the server writes update public.users.ssn'],
    ['delete from users where id = 1', 'ssn', 'DELETE: the server writes delete public.users.ssn'],
    ['insert into orders (id) values (1)', 'id', 'INSERT: the server writes insert public.orders.id'],
  ])('a write that only the server saw is not known: %s', async (sql, unseen, words) => {
    const analysis = analyse(sql);
    const writes = analysis.writes.filter(({ column }) => column.column !== unseen);
    const both = await united(sql, { ...analysis, writes });
    expect(both.disagreement).toBe(`${words}, the static witness does not`);
    expect(both.analysis.unknowns.map(({ why }) => why)).toEqual(['the two witnesses disagree about the columns']);
  });

  test('no tree, no knowledge', () => {
    const both = unite(analyse('select id from users'), notKnown('no tree came'), index);
    expect(both.analysis.unknowns.map(({ why }) => why)).toEqual(['no tree came']);
  });

  test.each([
    ['select * from users', 'public.users.ssn'],
    ['select tax from v_users', 'public.v_users.tax'],
  ])('a row with a column that nobody foresaw does not pass: %s', async (sql, why) => {
    const blind = analyse('select id, name from users');
    expect(checkRowDescription(blind, await fields(sql), index)).toEqual({ ok: false, why });
  });

  test('a row of a relation that is not in the picture does not pass', () => {
    const described = [{ tableOid: 4_000_000_000, columnNumber: 1 }];
    expect(checkRowDescription(analyse('select 1'), described, index).ok).toBe(false);
  });
});
