// Goal: whatever a statement runs is told: the server's own functions by a list, users' by their bodies, a write's triggers and checks.
// Method: every function of real servers against the lists; then a schema of functions, triggers and checks, analysed as the proxy does.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { known } from '../../src/core/known.ts';
import type { Analysis } from '../../src/sql/analysis.ts';
import { analyseText } from '../../src/sql/analyse.ts';
import { isHarmless, needsWord } from '../../src/sql/functions-list.ts';
import { loadParser } from '../../src/sql/parser.ts';
import { SchemaResolvers } from '../../src/sql/resolve.ts';
import { readSnapshot } from '../../src/sql/schema-picture.ts';
import type { Snapshot } from '../../src/sql/schema.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

const schema = `
  CREATE TABLE people (id int PRIMARY KEY, ssn text, mail text CHECK (is_mail(mail)));
  CREATE TABLE notes (id int PRIMARY KEY, person int REFERENCES people ON DELETE CASCADE, body text DEFAULT odd());
  CREATE DOMAIN code AS text CHECK (is_code(VALUE));
  CREATE TABLE coded (id int, c code);
  CREATE TABLE indexed (id int, t text); CREATE INDEX ON indexed (lower(t), shout(t));
  CREATE FUNCTION ssn_of(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT ssn FROM people WHERE id = $1';
  CREATE FUNCTION twice_removed(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT upper(ssn_of($1))';
  CREATE FUNCTION add_one(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
  CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM people';
  CREATE FUNCTION atomic_ssn(n int) RETURNS text LANGUAGE sql STABLE BEGIN ATOMIC SELECT p.ssn FROM people p WHERE p.id = $1; END;
  CREATE FUNCTION by_name(whose int) RETURNS text LANGUAGE sql STABLE AS 'SELECT ssn FROM people WHERE people.id = whose';
  CREATE FUNCTION of_row(p people) RETURNS text LANGUAGE sql STABLE AS 'SELECT max(n.body) FROM notes n WHERE n.person = p.id AND of_row.p IS NOT NULL';
  CREATE FUNCTION by_column(id int) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM notes WHERE notes.id = id';
  CREATE FUNCTION nowhere(n int) RETURNS text LANGUAGE sql STABLE AS 'SELECT n::text || upper(nowhere.n::text)';
  CREATE FUNCTION hidden(whose int) RETURNS text LANGUAGE sql STABLE AS 'SELECT whose FROM (SELECT ssn AS whose FROM people) p';
  CREATE FUNCTION returned() RETURNS text LANGUAGE sql STABLE RETURN (SELECT max(ssn) FROM people);
  CREATE FUNCTION endless(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT endless($1)';
  CREATE FUNCTION writes() RETURNS void LANGUAGE sql AS 'DELETE FROM notes';
  CREATE FUNCTION asks() RETURNS xml LANGUAGE sql AS 'SELECT query_to_xml(''select 1'', true, false, '''')';
  CREATE FUNCTION dynamic(q text) RETURNS text LANGUAGE plpgsql AS 'DECLARE r text; BEGIN EXECUTE q INTO r; RETURN r; END';
  CREATE FUNCTION by_default(int DEFAULT length((SELECT max(ssn) FROM people))) RETURNS int LANGUAGE sql AS 'SELECT $1';
  CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SELECT 1''; RETURN new; END';
  CREATE TRIGGER touch BEFORE UPDATE OF ssn ON people FOR EACH ROW EXECUTE FUNCTION touched();
  CREATE AGGREGATE sum_of(int) (SFUNC = int4pl, STYPE = int);
  CREATE FUNCTION of_a_superuser(text) RETURNS text LANGUAGE internal IMMUTABLE AS 'lower';
  CREATE AGGREGATE odd_sum(int) (SFUNC = odd_plus, STYPE = int);
  CREATE EXTENSION pg_trgm; CREATE EXTENSION citext; CREATE EXTENSION pgcrypto; CREATE EXTENSION tablefunc; CREATE EXTENSION unaccent;
  CREATE TABLE named (id int, name citext UNIQUE);
  CREATE TYPE pair AS (a int, b int);
  CREATE FUNCTION pair_lt(pair, pair) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.a < $2.a';
  CREATE FUNCTION pair_eq(pair, pair) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.a = $2.a';
  CREATE FUNCTION pair_cmp(pair, pair) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN EXECUTE ''SELECT 1''; RETURN 0; END';
  CREATE OPERATOR <<< (LEFTARG = pair, RIGHTARG = pair, FUNCTION = pair_lt);
  CREATE OPERATOR === (LEFTARG = pair, RIGHTARG = pair, FUNCTION = pair_eq);
  CREATE OPERATOR CLASS pair_ops DEFAULT FOR TYPE pair USING btree AS OPERATOR 1 <<<, OPERATOR 3 ===, FUNCTION 1 pair_cmp(pair, pair);
  CREATE TABLE paired (id int, p pair);
  CREATE INDEX ON paired (p);
  CREATE TABLE many_paired (id int, list pair[]);
  CREATE TABLE by_pair (p pair, n int) PARTITION BY RANGE (p);
  CREATE VIEW greatest_pairs AS SELECT id, greatest(p, p) AS p FROM paired;
  CREATE TABLE parted (id int, t text) PARTITION BY LIST (shout(t)); CREATE TABLE parted_x PARTITION OF parted FOR VALUES IN ('x');
  CREATE TABLE counted_by (id int, t text); CREATE STATISTICS of_shouts ON shout(t), id FROM counted_by;
  CREATE TABLE checked_by (id int, t text DEFAULT odd(), CHECK (is_mail(t)));
  CREATE FUNCTION gap(float8, float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS 'BEGIN EXECUTE ''SELECT 1''; RETURN 1; END';
  CREATE TYPE span AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = gap); CREATE TABLE spans (id int, s span); CREATE INDEX ON spans USING gist (s);
  CREATE MATERIALIZED VIEW copied AS SELECT n.id, atomic_ssn(n.id) AS s FROM notes n;
  CREATE TABLE emptied (id int PRIMARY KEY); CREATE TABLE along (id int REFERENCES emptied);
  CREATE FUNCTION on_truncate() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SELECT 1''; RETURN null; END';
  CREATE TRIGGER gone BEFORE TRUNCATE ON along EXECUTE FUNCTION on_truncate();
  CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SELECT 1''; END';
  CREATE CAST (text AS worth) WITH FUNCTION worth_of(text);
  CREATE DOMAIN of_codes AS code[] CHECK (cardinality(VALUE) < 5);
`.replace(/DEFAULT length\(\(SELECT max\(ssn\) FROM people\)\)/, 'DEFAULT odd_number()');
const before = `
  CREATE TYPE worth AS (a int); CREATE FUNCTION worth_of(text) RETURNS worth LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SELECT 1''; RETURN row(1); END';
  CREATE FUNCTION odd_plus(int, int) RETURNS int LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SELECT 1''; RETURN 1; END';
  CREATE FUNCTION is_mail(text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SELECT 1''; RETURN true; END';
  CREATE FUNCTION is_code(text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SELECT 1''; RETURN true; END';
  CREATE FUNCTION odd() RETURNS text LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SELECT 1''; RETURN 1; END';
  CREATE FUNCTION odd_number() RETURNS int LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SELECT 1''; RETURN 1; END';
  CREATE FUNCTION shout(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN EXECUTE ''SELECT 1''; RETURN $1; END';
`;

/** Statement, columns read, functions that are not pure. */
const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  [`select now(), lower('x'), gen_random_uuid(), nextval('s')`, [], []],
  [`select coalesce(max(id), 0) from notes`, ['notes.id'], []],
  ['select ssn_of(1)', ['people.id', 'people.ssn'], ['ssn_of reads']],
  ['select twice_removed(1)', ['people.id', 'people.ssn'], ['twice_removed reads']],
  ['select add_one(1)', [], []],
  ['select counted()', [], ['counted reads']],
  ['select atomic_ssn(1)', ['people.id', 'people.ssn'], ['atomic_ssn reads']],
  ['select by_name(1)', ['people.id', 'people.ssn'], ['by_name reads']],
  ['select hidden(1)', ['people.ssn'], ['hidden reads']],
  [`select of_row(null)`, ['notes.body', 'notes.person'], ['of_row reads']],
  ['select by_column(1)', ['notes.id'], ['by_column reads']],
  ['select nowhere(1)', [], []],
  ['select returned()', ['people.ssn'], ['returned reads']],
  ['select endless(1)', [], ['endless unknown']],
  ['select writes()', [], ['writes unknown']],
  ['select asks()', [], ['asks unknown']],
  [`select dynamic('select 1')`, [], ['dynamic unknown']],
  ['select by_default()', [], ['by_default unknown']],
  ['select sum_of(1)', [], []],
  [`select query_to_xml('select 1', true, false, '')`, [], ['query_to_xml listed']],
  [`select lo_get(1), pg_notify('a', 'b'), pg_sleep(1)`, [], ['lo_get listed', 'pg_notify listed', 'pg_sleep listed']],
  [`update people set ssn = 'x' where id = 1`, ['people.id'], ['is_mail unknown', 'touched unknown']],
  [`update people set mail = 'x' where id = 1`, ['people.id'], ['is_mail unknown']],
  [`insert into notes (id) values (1)`, [], ['odd unknown']],
  [`insert into coded values (1, 'x')`, [], ['is_code unknown']],
  [`insert into indexed values (1, 'x')`, [], ['shout unknown']],
  ['delete from people where id = 1', ['people.id'], []],
  // Compiled code: by the extension it came with, else not known, whatever it is labelled.
  [`select of_a_superuser('X')`, [], ['of_a_superuser unknown']],
  ['select odd_sum(1)', [], ['odd_sum unknown']],
  [`select similarity('a', 'b'), digest('x', 'sha1'), crypt('x', 'y'), unaccent('é'), 'a'::citext`, [], []],
  [`select * from crosstab('select 1') as t(a int)`, [], ['crosstab listed']],
  [`select id from named where name = 'X' order by name`, ['named.id', 'named.name'], []],
  // Comparing runs the operator class.
  ['select id from paired order by p', ['paired.id', 'paired.p'], ['pair_cmp unknown']],
  ['select id from many_paired group by id, list', ['many_paired.id', 'many_paired.list'], ['pair_cmp unknown']],
  ['select p from paired', ['paired.p'], []],
  ['insert into paired values (1, null)', [], ['pair_cmp unknown']],
  // So does much that no clause says.
  ['select greatest(p, p) from paired', ['paired.p'], ['pair_cmp unknown']],
  ['select max(list) from many_paired', ['many_paired.list'], ['pair_cmp unknown']],
  ['select list @> list from many_paired', ['many_paired.list'], ['pair_cmp unknown']],
  ['select count(distinct paired) from paired', ['paired.id', 'paired.p'], ['pair_cmp unknown']],
  ['select case p when p then 1 end from paired', ['paired.p'], ['pair_cmp unknown']],
  [`select array_remove(list, '(1,2)') from many_paired`, ['many_paired.list'], ['pair_cmp unknown']],
  ['select p from greatest_pairs', ['paired.p'], ['pair_cmp unknown']],
  ['select n from by_pair', ['by_pair.n'], ['pair_cmp unknown']],
  ['insert into spans values (1, null)', [], ['gap unknown']],
  // What is stored on a table runs over rows that no text names.
  ['analyze indexed', [], ['shout unknown']],
  ['analyze indexed (id)', [], ['shout unknown']],
  ['vacuum full indexed', [], ['shout unknown']],
  ['reindex table indexed', [], ['shout unknown']],
  ['reindex index indexed_lower_shout_idx', [], ['shout unknown']],
  ['reindex schema public', [], ['gap unknown', 'pair_cmp unknown', 'shout unknown']],
  ['analyze', [], ['gap unknown', 'pair_cmp unknown', 'shout unknown']],
  ['cluster indexed using indexed_lower_shout_idx', ['indexed.id', 'indexed.t'], ['shout unknown']],
  ['analyze counted_by', [], ['shout unknown']],
  ['analyze spans', [], ['gap unknown']],
  ['insert into parted values (1, null)', [], ['shout unknown']],
  ['insert into parted_x values (1, null)', [], ['shout unknown']],
  ['alter table indexed set unlogged', [], ['shout unknown']],
  ['alter table checked_by add n int default 1', [], ['is_mail unknown', 'odd unknown']],
  ['alter table checked_by alter id set statistics 5', [], []],
  ['analyze notes', [], []],
  // TRUNCATE takes tables along, with their triggers.
  ['truncate emptied', [], []],
  ['truncate emptied cascade', [], ['on_truncate unknown']],
  ['truncate along', [], ['on_truncate unknown']],
  // A copy shows what functions gave it.
  ['select s from copied', ['copied.s', 'people.id', 'people.ssn'], []],
  // Casts: a function of its own, or a domain's checks, at any depth.
  [`select 'x'::text::worth`, [], ['worth_of unknown']],
  [`select 'x'::code`, [], ['is_code unknown']],
  [`select '{x}'::of_codes`, [], ['is_code unknown']],
  [`select cast(null as code[])`, [], ['is_code unknown']],
  [`select code('x')`, [], ['is_code unknown']],
];

describe.each([15, 18] as const)('functions of Postgres %i', (major) => {
  let postgres: TestPostgres;
  let analyse: (sql: string) => Analysis;
  let snapshot: Snapshot;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off'] });
    const plain = schema.replace('CREATE FUNCTION ssn_of', 'CREATE SEQUENCE s; CREATE FUNCTION ssn_of');
    await query(postgres.url(), before + plain);
    snapshot = await readSnapshot(async (sql) =>
      (await query(postgres.url(), `SET search_path = ''; ${sql}`)).map(
        (row) => Object.values(row) as (string | null)[],
      ),
    );
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
  afterAll(() => postgres.stop());

  test.each(cases)('%s', (sql, reads, functions) => {
    const found = analyse(sql);
    const columns = found.reads.map(({ column }) => `${column.relation.name}.${column.column}`);
    expect([...new Set(columns)].sort()).toEqual(reads);
    const impure = found.functions
      .filter((each) => each.nature !== 'pure')
      .map((each) => `${each.name} ${each.nature}`);
    expect(impure.sort()).toEqual(functions);
    // Made while it is parsed: nobody may even be asked what it means.
    const early = sql === `select '{x}'::of_codes`;
    expect(found.early === true).toBe(early);
    expect(found.unknowns).toHaveLength(early ? 1 : 0);
  });

  test('a cast that might stand in between makes no text compare', async () => {
    const parser = await loadParser(major);
    const resolvers = new SchemaResolvers(parser);
    const lt = snapshot.functions.find(({ name }) => name === 'pair_lt');
    const [source, target] = [25, lt?.arguments[0]?.type ?? 0];
    const cast = { source, target, function: lt?.oid ?? 0, context: 'implicit', method: 'function' } as const;
    resolvers.add({ ...snapshot, casts: [...snapshot.casts, cast] });
    const state = { searchPath: known(['public']), role: 'postgres', temp: known([]) };
    const job = { text: 'select 1', schemaVersion: snapshot.schemaVersion, state };
    const answer = analyseText(parser, resolvers.resolver, job);
    const found = answer.kind === 'statements' ? answer.statements.flatMap(({ analysis }) => analysis.functions) : [];
    expect(found.map(({ name }) => name)).toEqual(['pair_lt']);
  });

  test('a TRUNCATE that takes tables along names them', () => {
    const wholes = analyse('truncate emptied cascade').wholeTables.map(({ name }) => name);
    expect(wholes.sort()).toEqual(['along', 'emptied']);
  });

  test('definitions run what event triggers say', async () => {
    const impure = (sql: string): readonly string[] =>
      analyse(sql)
        .functions.filter((each) => each.nature !== 'pure')
        .map((each) => each.name);
    expect(impure('create table t (id int)')).toEqual([]);
    await query(postgres.url(), 'CREATE EVENT TRIGGER every_ddl ON ddl_command_end EXECUTE FUNCTION on_ddl()');
    try {
      const parser = await loadParser(major);
      const resolvers = new SchemaResolvers(parser);
      const watched = await readSnapshot(async (sql) =>
        (await query(postgres.url(), `SET search_path = ''; ${sql}`)).map(
          (row) => Object.values(row) as (string | null)[],
        ),
      );
      resolvers.add(watched);
      const state = { searchPath: known(['public']), role: 'postgres', temp: known([]) };
      const named = (text: string): readonly string[] => {
        const answer = analyseText(parser, resolvers.resolver, { text, schemaVersion: watched.schemaVersion, state });
        const one = answer.kind === 'statements' ? answer.statements[0] : undefined;
        return (one?.analysis.functions ?? []).filter(({ nature }) => nature !== 'pure').map(({ name }) => name);
      };
      expect(named('create table t (id int)')).toEqual(['on_ddl']);
      expect(named('grant select on notes to public')).toEqual(['on_ddl']);
      expect(named('drop table notes')).toEqual(['on_ddl']);
      expect(named('create table t as select id from notes')).toEqual(['on_ddl']);
      expect(named('select id into t from notes')).toEqual(['on_ddl']);
      expect(named('select id from notes')).toEqual([]);
      expect(named('analyze notes')).toEqual([]);
    } finally {
      await query(postgres.url(), 'DROP EVENT TRIGGER every_ddl');
    }
  });

  test('a write whose check cannot be read is not known', async () => {
    const parser = await loadParser(major);
    // A text that a future minor prints and this parser does not read.
    const unreadable = (text: string) =>
      text.startsWith('SELECT (')
        ? ({ kind: 'syntaxError', message: 'no', cursorPosition: 0 } as const)
        : parser.parse(text);
    const resolvers = new SchemaResolvers({ major, parse: unreadable });
    resolvers.add(snapshot);
    const state = { searchPath: known(['public']), role: 'postgres', temp: known([]) };
    const whysOf = (text: string) => {
      const answer = analyseText(parser, resolvers.resolver, { text, schemaVersion: snapshot.schemaVersion, state });
      return answer.kind === 'statements' ? answer.statements.flatMap((one) => one.analysis.unknowns) : [];
    };
    expect(whysOf(`insert into notes (id) values (1)`)).toEqual([
      { why: 'what the write sets off cannot be followed to its end', at: undefined },
    ]);
    expect(whysOf(`select 'x'::code`)).toEqual([
      { why: 'what the values are checked by cannot be followed to its end', at: undefined },
    ]);
    expect(whysOf('select id from notes')).toEqual([]);
  });

  test('a delete that cascades writes where the foreign keys say', () => {
    const writes = analyse('delete from people where id = 1').writes.map(
      ({ column, how }) => `${column.relation.name} ${how}`,
    );
    expect([...new Set(writes)].sort()).toEqual(['notes delete', 'people delete']);
  });

  test('every volatile function of the server is on one of the lists', async () => {
    const rows = await query(
      postgres.url(),
      `SELECT DISTINCT p.proname AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE n.nspname = 'pg_catalog' AND p.provolatile = 'v'
         AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)`,
    );
    const names = rows.map((row) => String(row['name']));
    expect(names.length).toBeGreaterThan(150);
    expect(names.filter((name) => !needsWord(name) && !isHarmless(name))).toEqual([]);
    const all = await query(postgres.url(), `SELECT DISTINCT proname AS name FROM pg_proc WHERE oid < 16384`);
    const listed = all.map((row) => String(row['name'])).filter(needsWord);
    expect(listed).toEqual(
      expect.arrayContaining(['query_to_xml', 'ts_stat', 'lo_get', 'pg_read_file', 'pg_notify', 'setval']),
    );
    expect(listed.filter((name) => /^(?:lower|now|count|jsonb_|to_char|pg_get_viewdef|has_)/.test(name))).toEqual([]);
  });
});
