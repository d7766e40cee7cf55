// Goal: a body in plpgsql is read for everything that it reads, or it is not known; never for less.
// Method: bodies as data in test/sql/cases/plpgsql.yaml, made on real servers; what the server analyses while it runs each of them is
// the oracle. Triggers, and texts that no server takes, beside them.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import type { Analysis } from '../../src/sql/analysis.ts';
import { readPlpgsql } from '../../src/sql/plpgsql.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { columnsRun } from '../corpus/truth.ts';
import { Witnesses } from './witnesses.ts';

interface Case {
  readonly body: string;
  readonly head?: string;
  readonly name?: string;
  readonly call?: string;
  readonly reads?: readonly string[];
  readonly pure?: true;
  /** The witness says more than the server reads. */
  readonly over?: true;
  readonly nature?: string;
  /** What stands behind the arguments and is not known. */
  readonly calls?: string;
}

const text = (name: string) => readFileSync(new URL(name, import.meta.url).pathname, 'utf8');
const cases = parseYaml(text('cases/plpgsql.yaml')).cases as readonly Case[];
const named = cases.map((each, at) => ({ ...each, name: each.name ?? `body_${at}` }));
const fixture = `${text('fixture/columns.sql')}
  CREATE FUNCTION told(text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SELECT 1''; RETURN true; END';
  CREATE DOMAIN sneaky AS text CHECK (told(VALUE));
  CREATE TABLE of_sneaky (id int, k sneaky);
  INSERT INTO users (id, name, ssn) VALUES (1, 'Ana', '078');
  INSERT INTO orders (id, user_id, note, card) VALUES (1, 1, 'n', 'c');
`;

function made({ name, head, body }: (typeof named)[number]): string {
  return `CREATE FUNCTION shop.${name}${head ?? '() RETURNS text'} LANGUAGE plpgsql AS $body$${body}$body$`;
}

describe.each([15, 18] as const)('bodies on Postgres %i', (major) => {
  let postgres: TestPostgres;
  let both: Witnesses;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off'] });
    await query(postgres.url(), fixture);
    for (const each of named) await query(postgres.url(), `SET search_path = shop; ${made(each)}`);
    both = await Witnesses.open(postgres.url(), major, ['shop']);
  });
  afterAll(async () => {
    await both.close();
    await postgres.stop();
  });

  const useOf = (analysis: Analysis, name: string) => analysis.functions.find((use) => use.name === name);
  const readsOf = (analysis: Analysis): readonly string[] =>
    [...new Set(analysis.reads.map(({ column }) => `${column.relation.name}.${column.column}`))].sort();

  test.each(named)('$body', async (each) => {
    const sql = `select shop.${each.name}(${each.call ?? ''})`;
    const { analysis } = await both.static(sql);
    const nature = each.nature ?? (each.pure === true ? 'pure' : each.reads === undefined ? 'unknown' : 'reads');
    expect(useOf(analysis, each.name)?.nature).toBe(nature);
    if (each.calls !== undefined) expect(useOf(analysis, each.calls)?.nature).toBe('unknown');
    expect(readsOf(analysis)).toEqual(each.reads ?? []);
    expect(analysis.unknowns).toEqual([]);
    if (nature === 'unknown') return;
    // A fresh session: what is planned already is not analysed again.
    const ran = [...(await columnsRun(postgres.url(), `SET search_path = shop; ${sql}`))].sort();
    if (each.over === true) expect(readsOf(analysis)).toEqual(expect.arrayContaining(ran));
    else expect(ran.filter((column) => !readsOf(analysis).includes(column))).toEqual([]);
  });

  test.each([
    ['BEGIN NEW.note := lower(NEW.note); RETURN NEW; END', 'reads', ['note']],
    ['BEGIN NEW.note := now(); RETURN NEW; END', 'pure', []],
    [
      `BEGIN IF NEW.card IS DISTINCT FROM OLD.card THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END`,
      'reads',
      ['card'],
    ],
    [`BEGIN RAISE NOTICE '%', OLD; RETURN OLD; END`, 'reads', ['card', 'id', 'note', 'total', 'user_id']],
    ['BEGIN RETURN (SELECT u FROM orders u LIMIT 1); END', 'reads', ['card', 'id', 'note', 'total', 'user_id']],
    [`BEGIN IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NULL; END`, 'pure', []],
    // A record of the row: it flows where it is written, and nobody reads it.
    [`BEGIN INSERT INTO log_of VALUES (NEW.id, NEW.card); RETURN NEW; END`, 'reads', []],
    [`BEGIN INSERT INTO log_of VALUES (1, (SELECT max(ssn) FROM users)); RETURN NEW; END`, 'reads', []],
    [
      `BEGIN IF NEW.total > 5 THEN INSERT INTO log_of VALUES (NEW.id, NEW.card); END IF; RETURN NEW; END`,
      'reads',
      ['total'],
    ],
    [`BEGIN INSERT INTO log_of SELECT id, ssn FROM users; RETURN NEW; END`, 'unknown', []],
    [`BEGIN INSERT INTO log_of VALUES (NEW.id, NEW.card) ON CONFLICT DO NOTHING; RETURN NEW; END`, 'unknown', []],
    [`BEGIN UPDATE log_of SET what = NEW.card; RETURN NEW; END`, 'unknown', []],
    [`BEGIN DELETE FROM log_of WHERE id = NEW.id; RETURN NEW; END`, 'unknown', []],
    [`BEGIN EXECUTE format('SELECT %L', NEW.card); RETURN NEW; END`, 'unknown', []],
  ])('a trigger: %s', async (body, nature, reads) => {
    await query(
      postgres.url(),
      `SET search_path = shop; DROP FUNCTION IF EXISTS at_orders CASCADE;
       CREATE FUNCTION at_orders() RETURNS trigger LANGUAGE plpgsql AS $body$${body}$body$;
       CREATE TRIGGER at_orders BEFORE INSERT OR UPDATE OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION at_orders()`,
    );
    await both.learn();
    const { analysis } = await both.static('insert into orders (id) values ($1)');
    expect(useOf(analysis, 'at_orders')?.nature).toBe(nature);
    expect(readsOf(analysis)).toEqual(reads.map((name) => `orders.${name}`));
  });

  test('what a trigger keeps of its row is written and flows, with what that sets off', async () => {
    await query(
      postgres.url(),
      `SET search_path = shop; DROP FUNCTION IF EXISTS at_orders CASCADE;
       CREATE TABLE kept (id int, what jsonb, CHECK (told(what::text)));
       CREATE FUNCTION at_orders() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO kept VALUES (NEW.id, to_jsonb(OLD)); RETURN NEW; END';
       CREATE TRIGGER at_orders AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION at_orders()`,
    );
    await both.learn();
    const { analysis } = await both.static('update orders set note = $1 where id = 1');
    // The check of the table that it writes to is somebody's function.
    expect(useOf(analysis, 'at_orders')?.nature).toBe('unknown');
    await query(postgres.url(), `ALTER TABLE shop.kept DROP CONSTRAINT kept_what_check`);
    await both.learn();
    const kept = (await both.static('update orders set note = $1 where id = 1')).analysis;
    expect(useOf(kept, 'at_orders')?.nature).toBe('reads');
    expect(readsOf(kept)).toEqual(['orders.id']);
    expect(kept.writes.map((write) => write.column.column)).toEqual(expect.arrayContaining(['note', 'what']));
    const flows = kept.flows.map(({ from, to }) => `${from.column}>${to.relation.name}.${to.column}`);
    expect(flows).toEqual(expect.arrayContaining(['card>kept.what', 'id>kept.id']));
  });

  test('a trigger’s condition runs, and transition tables hide tables', async () => {
    await query(
      postgres.url(),
      `SET search_path = shop; DROP FUNCTION IF EXISTS at_orders CASCADE;
       CREATE FUNCTION at_orders() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
       CREATE TRIGGER at_orders AFTER INSERT ON orders FOR EACH ROW WHEN (told(NEW.card)) EXECUTE FUNCTION at_orders();
       CREATE FUNCTION of_moods() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM ssn FROM users; RETURN NULL; END';
       CREATE TRIGGER of_moods AFTER INSERT ON logged REFERENCING NEW TABLE AS users FOR EACH STATEMENT EXECUTE FUNCTION of_moods()`,
    );
    await both.learn();
    const inserted = (await both.static('insert into orders (id) values ($1)')).analysis;
    expect(useOf(inserted, 'told')?.nature).toBe('unknown');
    expect(inserted.unknowns).toEqual([]);
    expect(useOf((await both.static('insert into logged values (1)')).analysis, 'of_moods')?.nature).toBe('unknown');
  });
});

test.each([
  ['', 'begin is not where it should be'],
  ['BEGIN', 'a block without END'],
  ['BEGIN RETURN 1; END; SELECT 1', 'something behind the last END'],
  ['BEGIN RETURN (1; END', 'a semicolon where something goes on'],
  ['BEGIN x := 1; END', 'x is no variable of the body'],
  ['DECLARE loop int; BEGIN END', 'a variable is called loop'],
  ['DECLARE open int; BEGIN END', 'a variable is called open'],
  ['DECLARE U&"a" int; BEGIN END', 'a name that may be read otherwise'],
  [`DECLARE ${'a'.repeat(64)} int; BEGIN END`, 'a name that may be read otherwise'],
  ["BEGIN RETURN '", 'text without end'],
  ['#dump on\nBEGIN END', 'the option dump on'],
  ['DECLARE a int; BEGIN SELECT (SELECT 1 INTO a); END', 'INTO inside brackets'],
  ['DECLARE a int; BEGIN SELECT 1 INTO b FROM t; END', 'b is no variable of the body'],
  ['BEGIN COMMIT; END', 'COMMIT in a body'],
  ['BEGIN <<a>> SELECT 1; END', 'a label of nothing'],
  ['BEGIN END somewhere', 'an END with a label of nothing'],
  ['BEGIN DO $$ $$; END', 'DO in a body'],
])('what is not certain is not read: %s', (body, why) => {
  expect(readPlpgsql({ body, parameters: [], returns: 'value' })).toEqual({ known: false, why });
});

test('a body nested without end is not read, and hurts nobody', () => {
  const body = `${'BEGIN '.repeat(200_000)}${'END; '.repeat(200_000)}`;
  expect(readPlpgsql({ body, parameters: [], returns: 'value' }).known).toBe(false);
});
