// Goal: the server's own tree says the same facts on every major, and never sees a column that the static witness is sure not to.
// Method: real servers 15 to 18; facts of chosen statements in words; every case of the static witness compared with the tree.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { isSystemSchema } from '../../src/sql/schema.ts';
import type { SchemaIndex } from '../../src/sql/schema-index.ts';
import { readTree, type TreeColumn, type TreeFacts } from '../../src/sql/tree.ts';
import { Lab } from '../corpus/lab.ts';
import { query } from '../support/client.ts';
import { majors, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { serverTree, treeSettings } from './server-tree.ts';

const folder = new URL('cases', import.meta.url).pathname;
const fixture = readFileSync(new URL('fixture/columns.sql', import.meta.url).pathname, 'utf8');
const cases = readdirSync(folder)
  .filter((name) => name.startsWith('columns-'))
  .flatMap((name) => parseYaml(readFileSync(join(folder, name), 'utf8')).cases as readonly { readonly sql: string }[])
  .map(({ sql }) => sql);

/** Statement, then `column: uses`, `> written`, `from>to`, each once and sorted. */
const facts: readonly (readonly [string, readonly string[]])[] = [
  ['select id from users where ssn like $1', ['id: output', 'ssn: filter']],
  ['select count(*) from users', []],
  ['select 1 from users group by phone order by max(born)', ['born: order', 'phone: group']],
  ['select tax_id from v_users', ['phone via v_users: filter', 'ssn via v_users: output']],
  ['with x as (select id, ssn from users) select id from x', ['id: output', 'ssn: other']],
  ['select u.id from users u join other.vault v using (id)', ['id: output join', 'vault.id: join']],
  ['select u from users u', ['*: output']],
  ['select (u).ssn from (select u from users u) s', ['*: output']],
  ['update users set name = phone where ssn is null returning id', ['> name update', 'id: output', 'phone: other', 'phone>name', 'ssn: filter']],
  ['delete from users', ['> * delete', 'everything of users']],
  ['insert into users (id, name) select id, note from orders', ['> id insert', '> name insert', 'orders.id: other', 'orders.id>id', 'orders.note: other', 'orders.note>name']],
  ['merge into users u using orders o on u.id = o.user_id when matched then update set name = o.note', ['> name update', 'id: join', 'orders.note: other', 'orders.note>name', 'orders.user_id: join']],
  ['select name from users union select note from orders order by 1', ['name: output order', 'orders.note: output order']],
  ['with recursive r(a, b) as (select id, ssn from users union all select b::int, a::text from r) select a from r', ['id: output', 'ssn: output']],
  ['select query from pg_stat_activity', ['pg_stat_activity.query: output']],
]; // prettier-ignore

describe.each(majors)('the tree of Postgres %i', (major) => {
  let postgres: TestPostgres;
  let lab: Lab;
  let client: pg.Client;
  let index: SchemaIndex;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off'] });
    await query(postgres.url(), fixture);
    lab = await Lab.open(postgres.url(), major);
    await lab.client.query('SET search_path = shop');
    lab.as('postgres');
    client = new pg.Client({ connectionString: postgres.url() });
    await client.connect();
    await client.query(`SET search_path = shop; ${treeSettings}`);
    const node = lab.parse('select 1')?.[0];
    if (node === undefined) throw new Error('no node');
    ({ index } = await lab.analyse(node));
  });
  afterAll(async () => {
    await client.end();
    await lab.client.end();
    await postgres.stop();
  });

  const names = ({ relid, attnum }: TreeColumn): readonly string[] => {
    const relation = index.relation(relid);
    const found = relation?.attributes.filter((each) => attnum === 0 || each.num === attnum) ?? [];
    if (found.length === 0) throw new Error(`no column ${relid}.${attnum}`);
    return found.map((each) => `${relation?.schema}.${relation?.name}.${each.name}`);
  };
  const isOwn = (relid: number): boolean => isSystemSchema(index.relation(relid)?.schema ?? '');
  const reads = (found: TreeFacts) => [
    ...found.reads.filter((read) => !read.via.some(isOwn)),
    ...found.viewReads.filter((read) => isOwn(read.relid) && !read.via.some(isOwn)),
  ];

  test.each(facts)('%s', async (sql, wanted) => {
    const answer = await serverTree(client, sql);
    const found = answer.kind === 'tree' ? readTree(answer.detail, 'same') : undefined;
    if (found?.known !== true) throw new Error(`no facts: ${JSON.stringify(found)}`);
    const short = ({ relid, attnum }: TreeColumn): string => {
      const relation = index.relation(relid);
      const column = attnum === 0 ? '*' : (relation?.attributes.find((each) => each.num === attnum)?.name ?? '?');
      return relation?.name === 'users' ? column : `${relation?.name}.${column}`;
    };
    const via = (list: readonly number[]): string => list.map((oid) => ` via ${index.relation(oid)?.name}`).join('');
    const words = [
      ...reads(found.value).map((read) => `${short(read)}${via(read.via)}: ${[...read.uses].sort().reverse().sort((a, b) => order(a) - order(b)).join(' ')}`),
      ...found.value.writes.map((write) => `> ${short(write)} ${write.how}`),
      ...found.value.flows.map(({ from, to }) => `${short(from)}>${short(to)}`),
      ...found.value.unfiltered.map((relid) => `everything of ${index.relation(relid)?.name}`),
    ]; // prettier-ignore
    expect(words.sort()).toEqual([...wanted].sort());
  });

  test('sees nothing that the static witness is sure is not there', async () => {
    const missed: string[] = [];
    let compared = 0;
    for (const sql of cases) {
      const node = lab.parse(sql)?.[0];
      if (node === undefined || !/^(?:Select|Insert|Update|Delete|Merge)Stmt$/.test(Object.keys(node)[0] ?? ''))
        continue;
      const answer = await serverTree(client, sql);
      if (answer.kind === 'error') continue;
      const found = readTree(answer.detail, 'same');
      if (!found.known) {
        if (!/into (?:temp )?t2/.test(sql)) missed.push(`${sql}: ${found.why}`);
        continue;
      }
      const { findings } = await lab.analyse(node);
      if (findings.unknowns.length > 0) continue;
      const sure = new Set(
        findings.reads.map(({ column: { relation, column } }) => `${relation.schema}.${relation.name}.${column}`),
      );
      const more = reads(found.value).flatMap(names).filter((name) => !sure.has(name)); // prettier-ignore
      if (more.length > 0) missed.push(`${sql}: ${more.join(' ')}`);
      compared++;
    }
    expect(missed).toEqual([]);
    expect(compared).toBeGreaterThan(300);
  });

  test('names functions behind operators, casts and aggregates, types, and row security', async () => {
    const answer = await serverTree(
      client,
      `select max(ssn), id::text || 'x' from users where born > now() group by id`,
    );
    const found = answer.kind === 'tree' ? readTree(answer.detail, 'same') : undefined;
    if (found?.known !== true) throw new Error('no facts');
    const called = found.value.functions.map((oid) => index.function(oid)?.name).sort();
    expect(called).toEqual(['date_gt_timestamptz', 'max', 'now', 'textcat']);
    expect(found.value.types.map((oid) => index.type(oid)?.name)).toContain('text');
  });
});

const useOrder = ['output', 'filter', 'join', 'group', 'order', 'other'];
const order = (use: string): number => useOrder.indexOf(use);
