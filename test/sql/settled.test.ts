// Goal: where the static witness only lacks a name, the server's tree decides, and where it lacks more, nothing lifts that.
// Method: real servers; statements with what is not known before and after the tree, and all cases of the static witness with both.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { notKnown } from '../../src/core/known.ts';
import { dotted } from '../../src/core/names.ts';
import type { Analysis, ColumnName } from '../../src/sql/analysis.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { Witnesses, type Asked } from './witnesses.ts';

const folder = new URL('cases', import.meta.url).pathname;
const fixture = readFileSync(new URL('fixture/columns.sql', import.meta.url).pathname, 'utf8');
const more = `
  CREATE TABLE lone (id int, what text);
  CREATE TABLE watched (id int, what text);
  CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', (SELECT max(pin) FROM other.vault); RETURN new; END';
  CREATE TRIGGER seen BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION seen();
  CREATE TABLE ruled (id int, what text);
  CREATE RULE away AS ON DELETE TO ruled DO INSTEAD DELETE FROM lone WHERE id = old.id;
  CREATE RULE watch AS ON INSERT TO ruled DO ALSO INSERT INTO watched VALUES (new.id, new.what);
  CREATE RULE tell AS ON UPDATE TO ruled DO ALSO SELECT pin FROM other.vault;
  CREATE FUNCTION peeks(text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SELECT 1''; RETURN true; END';
  CREATE DOMAIN peeking AS text CHECK (peeks(VALUE));
  CREATE TABLE of_peeking (id int, p peeking);
  CREATE TYPE holder AS (p peeking);
  CREATE DOMAIN honest AS text CHECK (VALUE <> '');
  CREATE TYPE pair AS (a int, b int);
  CREATE FUNCTION pair_eq(pair, pair) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN peeks($1::text); END';
  CREATE OPERATOR = (LEFTARG = pair, RIGHTARG = pair, FUNCTION = pair_eq);
  CREATE FUNCTION told(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SELECT 1''; RETURN 1; END';
  CREATE FUNCTION told(int) RETURNS text LANGUAGE sql AS 'SELECT lower(''X'')';
  CREATE VIEW shown AS SELECT id, ssn, upper(name) AS name FROM users WHERE phone IS NOT NULL;
  CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE TRIGGER instead INSTEAD OF INSERT OR UPDATE OR DELETE ON shown FOR EACH ROW EXECUTE FUNCTION instead();
  CREATE VIEW by_pair AS SELECT id FROM lone WHERE row(id, id)::pair = row(1, 1)::pair;
`;

interface Settled {
  readonly sql: string;
  readonly asked?: Asked;
  /** Not known to the static witness alone; every one of them. */
  readonly before: readonly string[];
  /** What stays with both. */
  readonly after?: readonly string[];
  /** Of other things that must have come from the tree. */
  readonly reads?: readonly string[];
  readonly writes?: readonly string[];
  readonly kinds?: readonly string[];
  readonly outputs?: readonly string[];
}

const path: Asked = { searchPath: notKnown('a test') };
const cases: readonly Settled[] = [
  {
    sql: 'select id, name from users where ssn is null',
    asked: path,
    before: ['the search_path is not known, and 2 relations are called users'],
    reads: ['shop.users.name', 'shop.users.ssn'],
    outputs: ['shop.users.id', 'shop.users.name'],
  },
  {
    sql: 'insert into users (id, name) select id, note from orders',
    asked: path,
    before: ['the search_path is not known, and 2 relations are called users'],
    writes: ['shop.users.id', 'shop.users.name'],
    kinds: ['read', 'write', 'export'],
  },
  {
    sql: 'select id from lone',
    asked: { exact: { kind: 'doubtful', why: 'a capital letter that the database may fold' } },
    before: ['a capital letter that the database may fold'],
    outputs: ['shop.lone.id'],
  },
  {
    sql: 'delete from ruled where id = 1',
    before: ['the rule "away" on ruled rewrites this statement'],
    reads: ['shop.lone.id'],
    writes: ['shop.lone.id', 'shop.lone.what'],
    kinds: ['write'],
  },
  {
    sql: 'insert into ruled values (1, $1)',
    before: ['the rule "watch" on ruled rewrites this statement'],
    after: ['what the write sets off is not in the server’s tree'],
    writes: ['shop.watched.what'],
  },
  {
    sql: 'update ruled set what = $1',
    before: ['the rule "tell" on ruled rewrites this statement'],
    reads: ['other.vault.pin'],
    kinds: ['write', 'destructive'],
  },
  {
    sql: 'select * from rows_of($1) as t(a int, b no_such_type)',
    before: ['no type no_such_type is in the schema that was read'],
    after: ['error'],
  },
  // Nothing lifts these.
  { sql: 'select id from made_later', before: ['no relation made_later is in the schema that was read'], after: ['the server reads a relation that is not in the schema that was read'] },
  { sql: 'select late(id) from lone', before: ['no function late with 1 arguments is in the schema that was read'], after: [] },
]; // prettier-ignore

const wordsOf = ({ relation, column }: ColumnName): string => dotted(relation.schema, relation.name, column);

const early = 'a constant whose domain’s check may run while the text is parsed';

describe.each([15, 18] as const)('on Postgres %i', (major) => {
  let postgres: TestPostgres;
  let both: Witnesses;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off'] });
    await query(postgres.url(), fixture + more);
    both = await Witnesses.open(postgres.url(), major, ['shop']);
  });
  afterAll(async () => {
    await both.close();
    await postgres.stop();
  });

  const unknownsOf = async (sql: string, asked?: Asked): Promise<readonly string[]> => {
    const found = await both.united(sql, asked).catch((thrown: unknown) => thrown);
    if (found instanceof Error) return ['error'];
    return (found as Awaited<ReturnType<Witnesses['united']>>).analysis.unknowns.map(({ why }) => why);
  };

  test.each(cases)('$sql', async (each) => {
    await query(
      postgres.url(),
      `DROP TABLE IF EXISTS shop.made_later; CREATE TABLE shop.made_later (id int);
       CREATE OR REPLACE FUNCTION shop.late(int) RETURNS int LANGUAGE sql AS 'SELECT 1'`,
    );
    const before = (await both.static(each.sql, each.asked)).analysis;
    expect(before.unknowns.map(({ why }) => why)).toEqual(each.before);
    expect(await unknownsOf(each.sql, each.asked)).toEqual(expect.arrayContaining([...(each.after ?? [])]));
    if (each.after?.includes('error') === true) return;
    const { analysis, disagreement } = await both.united(each.sql, each.asked);
    expect(disagreement).toBeUndefined();
    if (each.after === undefined) expect(analysis.unknowns).toEqual([]);
    expect(analysis.reads.map((read) => wordsOf(read.column))).toEqual(expect.arrayContaining([...(each.reads ?? [])]));
    expect(analysis.writes.map((write) => wordsOf(write.column))).toEqual(
      expect.arrayContaining([...(each.writes ?? [])]),
    );
    expect(analysis.kinds).toEqual(expect.arrayContaining([...(each.kinds ?? [])]));
    if (each.outputs !== undefined)
      expect(analysis.outputs.map(({ origin }) => (origin === undefined ? '' : wordsOf(origin)))).toEqual(each.outputs);
  });

  test('a function made after the schema was read stays not known', async () => {
    await query(postgres.url(), `CREATE OR REPLACE FUNCTION shop.late(int) RETURNS int LANGUAGE sql AS 'SELECT 1'`);
    const { analysis } = await both.united('select late(id) from lone');
    expect(analysis.functions.filter((use) => use.nature === 'unknown')).toHaveLength(1);
  });

  test('a statement behind one that changes names is not settled by a tree of now', async () => {
    const found = await both.statements('reset search_path; select id from users', path);
    expect(found.map((one) => one.tree)).toEqual(['current', 'stale']);
    for (const first of [
      'set role ana',
      'set local row_security = off',
      'create table x (a int)',
      'rollback',
      'do $$ $$',
      'discard all',
    ]) {
      expect((await both.statements(`${first}; select 1`)).at(-1)?.tree).toBe('stale');
    }
    expect(found[1]?.analysis.unknowns.every((each) => each.settledBy === undefined)).toBe(true);
    for (const [names, tree] of [
      ['shop', 'moved'],
      ['shop, pg_catalog', 'moved'],
      ['shop, public', 'stale'],
      ['"$user"', 'stale'],
      ['pg_temp', 'stale'],
      ["''", 'stale'],
      [`'${'x'.repeat(70)}'`, 'stale'],
      ['"Shop"', 'stale'],
    ]) {
      expect((await both.statements(`set search_path = ${names}; select 1`)).at(-1)?.tree, names).toBe(tree);
    }
    expect((await both.statements('set search_path = shop; set role ana; select 1')).at(-1)?.tree).toBe('stale');
    const calm = await both.statements(
      'begin; set statement_timeout = 0; prepare p as select 1; select id from users',
      path,
    );
    expect(calm.map((one) => one.tree)).toEqual(['current', 'current', 'current', 'current']);
    expect(calm[3]?.analysis.unknowns).toMatchObject([{ settledBy: 'tree' }]);
  });

  test('a result column that the server gives out differently is a disagreement', async () => {
    const sql = 'select u.id, u.name from users u';
    const analysis = (await both.static(sql)).analysis;
    const [first, second] = analysis.outputs;
    if (first === undefined || second === undefined) throw new Error('two columns');
    const turned = { ...analysis, outputs: [second, first] };
    expect((await both.united(sql, {}, turned)).disagreement).toBe(
      'SELECT: result column 1 is shop.users.name to the static witness, shop.users.id to the server',
    );
    const computed = await both.united('select length(u.name), u.name from users u', {}, analysis);
    expect(computed.disagreement).toContain('a computed value to the server');
    expect(computed.analysis.unknowns.map(({ why }) => why)).toEqual(['the two witnesses disagree about the columns']);
    const fewer = await both.united('select u.id from users u', {}, analysis);
    expect(fewer.disagreement).toBe('SELECT: the server gives 1 columns, the static witness says 2');
  });

  test.each([
    ['select $1::peeking', ['peeks unknown'], []],
    ['select ($1::text[])::peeking[]', ['peeks unknown'], []],
    [`select * from json_to_record('{}') as x(p peeking)`, ['peeks unknown'], []],
    [`select json_populate_record(null::holder, '{}')`, ['peeks unknown'], [early]],
    [`select json_populate_record(t, '{}') from of_peeking t`, ['peeks unknown'], [early]],
    [`insert into of_peeking values (1, 'x')`, ['peeks unknown'], []],
    ['select p from of_peeking', [], []],
    [`select 'x'::honest, lower('y'::honest)`, [], []],
  ])('a value that becomes one of a domain runs its checks: %s', async (sql, functions, unknowns) => {
    const { analysis } = await both.united(sql);
    const impure = analysis.functions.filter((use) => use.nature !== 'pure').map((use) => `${use.name} ${use.nature}`);
    expect(impure).toEqual(functions);
    expect(analysis.unknowns.map(({ why }) => why)).toEqual(unknowns);
  });

  test.each([
    ['select id from lone where id = 1', ['pair_eq unknown'], []],
    ['select id from lone where row(id, 1)::pair = row(1, 1)::pair', ['pair_eq unknown'], ['pair_eq unknown']],
    ['select id from by_pair', ['pair_eq unknown'], ['pair_eq unknown']],
    ['select told(id) from lone', ['told unknown'], []],
    [`select told('x')`, ['told unknown'], ['told unknown']],
    ['select query from pg_stat_activity', [], []],
    [`select length('x' || id) from lone`, [], []],
  ])('of what a name or operator could call, the tree says which: %s', async (sql, before, after) => {
    const impure = (analysis: Analysis): readonly string[] =>
      analysis.functions
        .filter((use) => use.nature === 'unknown' || use.nature === 'listed')
        .map((use) => `${use.name} ${use.nature}`);
    expect(impure((await both.static(sql)).analysis)).toEqual(before);
    expect(impure((await both.united(sql)).analysis)).toEqual(after);
  });

  test('what a body reads counts where the server calls it, and nowhere else', async () => {
    await query(
      postgres.url(),
      `SET search_path = shop; CREATE TYPE ref AS (id int);
       CREATE FUNCTION ref_text(r ref) RETURNS text LANGUAGE sql AS 'SELECT max(ssn) || r.id FROM users';
       CREATE CAST (ref AS text) WITH FUNCTION ref_text(ref) AS IMPLICIT`,
    );
    await both.learn();
    const readsOf = async (sql: string): Promise<readonly string[]> =>
      (await both.united(sql)).analysis.reads.map((read) => `${read.column.relation.name}.${read.column.column}`);
    expect((await both.static('select id::text from lone')).analysis.reads.map((read) => read.column.column)).toContain(
      'ssn',
    );
    expect(await readsOf('select id::text from lone')).toEqual(['lone.id']);
    expect(await readsOf('select row(id)::ref::text from lone')).toEqual(expect.arrayContaining(['users.ssn']));
    expect(await readsOf('select lower(row(id)::ref) from lone')).toEqual(expect.arrayContaining(['users.ssn']));
    expect(await readsOf('select row(l.id)::ref::text, u.ssn from lone l, users u')).toEqual(
      expect.arrayContaining(['users.ssn']),
    );
    expect(await readsOf('select l.id::text, u.ssn from lone l, users u')).toEqual(
      expect.arrayContaining(['users.ssn', 'lone.id']),
    );
    await query(postgres.url(), 'DROP FUNCTION shop.ref_text CASCADE');
    await both.learn();
  });

  test('the literal of a row is read by Parse itself, so the static witness alone must know of its checks', async () => {
    const { analysis } = await both.static(`select ('(x)'::holder).p`);
    expect(analysis.functions.map((use) => `${use.name} ${use.nature}`)).toEqual(['peeks unknown']);
  });

  test('a parameter that is of a domain by the message alone is not known', async () => {
    const analysis = (await both.static('select $1')).analysis;
    const { analysis: found } = await both.united('select $1::peeking', {}, analysis);
    expect(found.unknowns.map(({ why }) => why)).toEqual(['the checks of the domain peeking were not read']);
  });

  describe('temporary objects', () => {
    afterAll(() => both.client.query('DISCARD TEMP; DROP FUNCTION IF EXISTS pg_temp.mine(int)'));

    test('a temporary table is named by both, a view or trigger on one is not known', async () => {
      await both.client.query(`
        CREATE TEMP TABLE mine (id int, copied text);
        CREATE TEMP VIEW glass AS SELECT copied FROM mine;
        CREATE TEMP TABLE bell (id int);
        CREATE TRIGGER seen BEFORE INSERT ON bell FOR EACH ROW EXECUTE FUNCTION seen();
      `);
      const plain = await both.united('select copied from mine join users using (id)');
      expect([plain.disagreement, plain.analysis.unknowns]).toEqual([undefined, []]);
      expect(plain.analysis.reads.map((read) => read.column.column).sort()).toEqual(['copied', 'id', 'id']);
      expect(await unknownsOf('insert into mine values (1, $1)')).toEqual([]);
      expect(await unknownsOf('select * from glass')).toEqual(['the temporary relation glass is a view']);
      expect(await unknownsOf('insert into bell values (1)')).toEqual(['the temporary relation bell has triggers']);
    });

    test('functions of the session alone make every name doubtful, and the tree decides but for theirs', async () => {
      await both.client.query(`CREATE FUNCTION pg_temp.mine(int) RETURNS int LANGUAGE sql AS 'SELECT 1'`);
      expect((await both.static('select id from users')).analysis.unknowns).toMatchObject([
        { why: 'users may be a temporary relation that was not seen', settledBy: 'tree' },
      ]);
      expect(await unknownsOf('select id from users')).toEqual([]);
      const called = await both.united('select pg_temp.mine(id) from users');
      expect(called.analysis.functions.map((use) => use.nature)).toContain('unknown');
    });
  });

  test.each([
    'select exists (select * from users where id = 1)',
    'select 1 from orders o where exists (select u.ssn, o.card from users u where u.id = o.user_id limit 1)',
    `select 1 from orders o where exists (select u.ssn, o.card from users u order by u.name collate "C")`,
    'select exists (select distinct ssn from users offset 1)',
    'select exists (select upper(ssn) from users)',
  ])('both say alike what EXISTS looks at: %s', async (sql) => {
    const { disagreement, analysis } = await both.united(sql);
    expect([disagreement, analysis.unknowns]).toEqual([undefined, []]);
    const reads = analysis.reads.map((read) => read.column.column);
    expect(reads.includes('ssn')).toBe(/distinct|upper/.test(sql));
    expect(reads).not.toContain('card');
  });

  test.each([
    `update shown set name = 'x' where id = 1 returning id`,
    'delete from shown where id = 1',
    `insert into shown (id) values (1) returning ssn`,
  ])('a trigger in the place of a write to a view is handed the row: %s', async (sql) => {
    const { disagreement, analysis } = await both.united(sql);
    expect([disagreement, analysis.unknowns]).toEqual([undefined, []]);
    expect(analysis.reads.map((read) => `${read.column.relation.name}.${read.column.column}`)).toContain('users.ssn');
  });

  test('a column of a join that is turned into another type is given out as computed', async () => {
    const sql = 'select id from lone join (select 1::bigint as id) b using (id)';
    const { disagreement, analysis } = await both.united(sql);
    expect([disagreement, analysis.unknowns]).toEqual([undefined, []]);
    expect(analysis.outputs).toMatchObject([{ name: 'id', plain: false }]);
  });

  test('a row’s own columns in its row security and CHECK OPTION are no reading, for either', async () => {
    await query(
      postgres.url(),
      `SET search_path = shop; CREATE TABLE mine_only (id int, whose text, body text); ALTER TABLE mine_only ENABLE ROW LEVEL SECURITY;
       CREATE POLICY p ON mine_only USING (whose = current_user AND id IN (SELECT id FROM lone)) WITH CHECK (whose <> '');
       ALTER TABLE mine_only FORCE ROW LEVEL SECURITY; CREATE ROLE plain_one; GRANT ALL ON SCHEMA shop TO plain_one;
       GRANT ALL ON ALL TABLES IN SCHEMA shop TO plain_one;
       CREATE VIEW checked AS SELECT id, what FROM lone WHERE what <> 'x' WITH CHECK OPTION`,
    );
    await both.learn();
    await both.client.query('SET ROLE plain_one');
    for (const sql of [
      'select body from mine_only',
      `insert into mine_only values (1, 'a', 'b')`,
      `update mine_only set body = 'x'`,
    ]) {
      const { disagreement, analysis } = await both.united(sql, { role: 'plain_one' });
      expect([sql, disagreement, analysis.unknowns]).toEqual([sql, undefined, []]);
      const reads = analysis.reads.map((read) => `${read.column.relation.name}.${read.column.column}`);
      expect(reads).not.toContain('mine_only.whose');
      if (!sql.startsWith('insert')) expect(reads).toContain('lone.id');
    }
    await both.client.query('RESET ROLE');
    const inserted = await both.united(`insert into checked values (1, 'a')`);
    expect([inserted.disagreement, inserted.analysis.unknowns]).toEqual([undefined, []]);
  });

  test('on every case of the static witness the two agree, or say that they do not know', async () => {
    const queries = /^\s*(?:select|insert|update|delete|merge|with|values|table)\b/i;
    const counts = { asked: 0, known: 0, settled: 0, notKnown: 0 };
    const wrong: string[] = [];
    for (const file of readdirSync(folder).filter((name) => name.startsWith('columns-'))) {
      for (const { sql } of parseYaml(readFileSync(join(folder, file), 'utf8')).cases as readonly { sql: string }[]) {
        if (!queries.test(sql)) continue;
        const analysed = await both.static(sql).catch(() => undefined);
        // Its query is probed by itself.
        if (/\binto (?:temp )?t2\b/.test(sql)) continue;
        const found = analysed === undefined ? undefined : await both.united(sql).catch(() => undefined);
        if (analysed === undefined || found === undefined) continue;
        counts.asked += 1;
        if (found.disagreement !== undefined) wrong.push(`${found.disagreement} :: ${sql}`);
        const before = analysed.analysis.unknowns.length;
        const after = found.analysis.unknowns.length;
        if (after === 0) counts[before === 0 ? 'known' : 'settled'] += 1;
        else counts.notKnown += 1;
        if (before === 0 && after > 0 && found.disagreement === undefined)
          wrong.push(`${found.analysis.unknowns[0]?.why} :: ${sql}`);
      }
    }
    console.log(`Postgres ${major}: ${JSON.stringify(counts)}`);
    expect(wrong).toEqual([]);
    expect(counts.asked).toBeGreaterThan(400);
  });
});
