// Goal: the snapshot is the live schema, its fingerprint moves with every DDL that matters, and kin are found both ways.
// Method: a real Postgres; a list of DDL as data, each of which must move fingerprint and version, and a list that must not.
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { known, notKnown } from '../../src/core/known.ts';
import { StaticWitness, type StaticFindings } from '../../src/sql/columns.ts';
import type { SessionNames } from '../../src/sql/columns-names.ts';
import { loadParser } from '../../src/sql/parser.ts';
import { buildSnapshot, groupText } from '../../src/sql/schema-build.ts';
import { fingerprintQuery, groupNames, type Group } from '../../src/sql/schema-groups.ts';
import { relationKin, SchemaIndex } from '../../src/sql/schema-index.ts';
import { readPicture, readSnapshot } from '../../src/sql/schema-picture.ts';
import type { Query } from '../../src/sql/schema-queries.ts';
import { readTemporary } from '../../src/sql/schema-temporary.ts';
import type { Relation, Snapshot } from '../../src/sql/schema.ts';
import { patched, patchOf } from '../../src/sql/snapshot-patch.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { rendered } from './rendered.ts';

const fixture = readFileSync(new URL('fixture/columns.sql', import.meta.url).pathname, 'utf8');

/** Each is done after the ones before it. */
const moving: readonly string[] = [
  'CREATE SCHEMA s',
  'CREATE TABLE s.t (a int, b text)',
  'ALTER TABLE s.t ADD COLUMN c int',
  'ALTER TABLE s.t RENAME COLUMN c TO d',
  'ALTER TABLE s.t RENAME TO u',
  'ALTER TABLE s.u ALTER COLUMN a TYPE bigint',
  'ALTER TABLE s.u ALTER COLUMN a SET DEFAULT 5',
  'ALTER TABLE s.u ALTER COLUMN a SET NOT NULL',
  'ALTER TABLE s.u DROP COLUMN d',
  'ALTER TABLE s.u SET SCHEMA shop',
  'ALTER TABLE shop.u ADD PRIMARY KEY (a)',
  "ALTER TABLE shop.u ADD CONSTRAINT k CHECK (b <> '')",
  'CREATE INDEX i ON shop.u (lower(b))',
  'CREATE STATISTICS s.over ON lower(b), a FROM shop.u',
  'CREATE VIEW s.v AS SELECT a FROM shop.u',
  'CREATE OR REPLACE VIEW s.v AS SELECT a + 0 AS a FROM shop.u',
  'ALTER VIEW s.v SET (security_invoker = on)',
  'CREATE MATERIALIZED VIEW s.m AS SELECT a FROM shop.u',
  "CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'select 1'",
  "CREATE OR REPLACE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'select 2'",
  'ALTER FUNCTION s.f() SECURITY DEFINER',
  'ALTER FUNCTION s.f() SET search_path = shop',
  'CREATE PROCEDURE s.p() LANGUAGE sql AS $$ $$',
  'CREATE TYPE s.c AS (x int)',
  'ALTER TYPE s.c ADD ATTRIBUTE y int',
  'CREATE DOMAIN s.d AS int',
  'ALTER DOMAIN s.d ADD CHECK (VALUE > 0)',
  'CREATE FUNCTION s.same(int, text) RETURNS boolean LANGUAGE sql AS $$ select true $$',
  'CREATE OPERATOR s.=== (LEFTARG = int, RIGHTARG = text, FUNCTION = s.same)',
  'CREATE FUNCTION s.made(int) RETURNS s.c LANGUAGE sql AS $$ select row(1, 2)::s.c $$',
  'CREATE CAST (int AS s.c) WITH FUNCTION s.made(int)',
  'CREATE AGGREGATE s.g (int) (SFUNC = int4pl, STYPE = int)',
  'CREATE RULE r AS ON DELETE TO shop.u DO ALSO SELECT 1',
  'ALTER TABLE shop.u ENABLE ROW LEVEL SECURITY',
  'CREATE POLICY q ON shop.u USING (a > 1)',
  'ALTER POLICY q ON shop.u USING (a > 2)',
  'CREATE FUNCTION s.trg() RETURNS trigger LANGUAGE plpgsql AS $$ begin return new; end $$',
  'CREATE TRIGGER t BEFORE INSERT ON shop.u FOR EACH ROW EXECUTE FUNCTION s.trg()',
  'ALTER TABLE shop.u DISABLE TRIGGER t',
  'CREATE FUNCTION s.evt() RETURNS event_trigger LANGUAGE plpgsql AS $$ begin end $$',
  'CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION s.evt()',
  'ALTER EVENT TRIGGER e DISABLE',
  'CREATE TABLE s.child () INHERITS (shop.u)',
  'ALTER TABLE s.child NO INHERIT shop.u',
  "CREATE TABLE shop.events_2027 PARTITION OF shop.events FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')",
  'ALTER TABLE shop.events DETACH PARTITION shop.events_2027',
  'ALTER TABLE shop.u ADD COLUMN g text GENERATED ALWAYS AS (upper(b)) STORED',
  'ALTER TABLE s.child ADD COLUMN h int GENERATED ALWAYS AS IDENTITY',
  'CREATE SEQUENCE s.q',
  'ALTER TABLE shop.u OWNER TO somebody',
  'ALTER ROLE somebody SET search_path = other',
  'ALTER ROLE somebody BYPASSRLS',
  'ALTER DATABASE postgres SET search_path = shop',
  'DROP FUNCTION s.f()',
  'DROP VIEW s.v',
];

/** What is printed with names of other objects; the last reading of each is kept where its names stand. */
const printed = `
  DROP SCHEMA IF EXISTS n, m CASCADE; CREATE SCHEMA n; CREATE SCHEMA m;
  CREATE TABLE n.one (id int PRIMARY KEY, word text DEFAULT upper('x') CHECK (word <> ''), twice int GENERATED ALWAYS AS (id * 2) STORED);
  CREATE TABLE n.two (id int REFERENCES n.one, word text);
  CREATE VIEW n.both AS SELECT o.id, t.word FROM n.one o JOIN n.two t USING (id) WHERE o.word <> t.word;
  CREATE FUNCTION n.ids() RETURNS SETOF int BEGIN ATOMIC SELECT id FROM n.one; END;
  CREATE FUNCTION n.fits(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
  CREATE TABLE n.three (id int CHECK (n.fits(id)), at int);
  CREATE INDEX ON n.three ((id + 1)) WHERE n.fits(at);
  CREATE POLICY p ON n.two USING (EXISTS (SELECT FROM n.one WHERE one.id = two.id));
  CREATE RULE r AS ON DELETE TO n.two DO ALSO SELECT word FROM n.one;
  CREATE FUNCTION n.t() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';
  CREATE TRIGGER t BEFORE UPDATE ON n.three FOR EACH ROW WHEN (n.fits(NEW.id)) EXECUTE FUNCTION n.t()`;
const renaming: readonly string[] = [
  'CREATE TABLE n.four (id int DEFAULT 4 CHECK (id > 4)); CREATE VIEW n.fours AS SELECT id FROM n.four',
  'ALTER TABLE n.one RENAME TO uno',
  'ALTER TABLE n.uno RENAME TO one',
  'ALTER TABLE n.one RENAME TO x; ALTER TABLE n.two RENAME TO one; ALTER TABLE n.x RENAME TO two',
  'ALTER TABLE n.two RENAME COLUMN word TO said',
  'ALTER TABLE n.two RENAME COLUMN said TO x; ALTER TABLE n.two RENAME COLUMN id TO said; ALTER TABLE n.two RENAME COLUMN x TO id',
  'ALTER TABLE n.one ADD COLUMN said text',
  'ALTER TABLE n.three DROP COLUMN at CASCADE',
  'ALTER SCHEMA m RENAME TO x; ALTER SCHEMA n RENAME TO m; ALTER SCHEMA x RENAME TO n',
  'ALTER FUNCTION m.fits(int) RENAME TO suits',
  'CREATE FUNCTION m.fits(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT true $$',
  'ALTER FUNCTION m.suits(int) SET SCHEMA n',
  'ALTER TABLE m.three SET SCHEMA n; CREATE TABLE m.three (id int)',
  'ALTER POLICY p ON m.one USING (false)',
  'CREATE OR REPLACE TRIGGER t BEFORE INSERT ON n.three FOR EACH ROW WHEN (NEW.id > 1) EXECUTE FUNCTION m.t()',
  'CREATE OR REPLACE VIEW m.fours AS SELECT id + 0 AS id FROM m.four',
];

/** These change rows, statistics or one session's own things. */
const still: readonly string[] = [
  "INSERT INTO shop.users (id, ssn) SELECT g, 'x' FROM generate_series(1, 500) g",
  'ANALYZE',
  'VACUUM shop.users',
  'CREATE TEMP TABLE mine (a int, b text DEFAULT $$x$$ CHECK (b <> $$y$$), PRIMARY KEY (a))',
  'ALTER TABLE mine ADD COLUMN c int',
  'CREATE TEMP VIEW mine_too AS SELECT * FROM mine',
  'SET search_path = other',
  'BEGIN; LOCK TABLE shop.users; COMMIT',
];

describe.each([15, 18] as const)('on Postgres %i', (major) => {
  let postgres: TestPostgres;
  let client: pg.Client;
  let rows: Query;
  let first: Snapshot;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off', 'autovacuum=off'] });
    client = new pg.Client({ connectionString: postgres.url() });
    await client.connect();
    await client.query(`CREATE ROLE somebody; CREATE ROLE an_agent; ${fixture}; RESET search_path`);
    rows = async (sql) => (await client.query<(string | null)[]>({ text: sql, rowMode: 'array' })).rows;
    first = await readSnapshot(rows);
  });
  afterAll(async () => {
    await client.end();
    await postgres.stop();
  });

  const fingerprint = async (): Promise<string> => String((await rows(fingerprintQuery))[0]?.[0]);
  const relationIn = (snapshot: Snapshot, name: string): Relation => {
    const found = snapshot.relations.find((each) => each.schema === 'shop' && each.name === name);
    if (found === undefined) throw new Error(`no relation ${name}`);
    return found;
  };

  test('the snapshot holds columns by their numbers, dropped ones left out', () => {
    expect(relationIn(first, 'dropped').attributes.map((each) => [each.num, each.name])).toEqual([
      [1, 'a'],
      [3, 'ssn'],
      [4, 'z'],
    ]);
  });

  test('a generated column names the columns that it is made of', () => {
    const tail = relationIn(first, 'users').attributes.find((each) => each.name === 'ssn_tail');
    expect(tail).toMatchObject({ generated: 'stored', generatedFrom: [3] });
  });

  test('functions, rules, policies and constraints are there with what they run', () => {
    const outs = first.functions.find((each) => each.name === 'outs');
    expect(outs?.arguments.map((each) => [each.name, each.mode])).toEqual([
      ['x', 'in'],
      ['p', 'out'],
      ['q', 'out'],
    ]);
    expect(first.rules.find((each) => each.name === 'logged_also')).toMatchObject({ event: 'insert', instead: false });
    expect(first.policies[0]?.using).toContain('FROM shop.users');
    expect(first.constraints.find((each) => each.kind === 'foreign key')).toMatchObject({ onDelete: 'c' });
    expect(first.serverMajor).toBe(major);
  });

  test('it survives being sent to a worker, and is the same when nothing happened', async () => {
    expect(structuredClone(first)).toEqual(first);
    expect((await readSnapshot(rows)).schemaVersion).toBe(first.schemaVersion);
  });

  test('a session tells its own temporary relations, not yet committed ones too', async () => {
    const mine = new pg.Client({ connectionString: postgres.url() });
    await mine.connect();
    const ask: Query = async (sql) => (await mine.query<(string | null)[]>({ text: sql, rowMode: 'array' })).rows;
    expect(await readTemporary(ask)).toEqual(known([]));
    await mine.query('BEGIN; CREATE TEMP TABLE users (a int, b text); CREATE TEMP VIEW seen AS SELECT a FROM users');
    const found = await readTemporary(ask);
    if (!found.known) throw new Error(found.why);
    expect(
      found.value.map((each) => [
        each.name,
        each.persistence,
        each.attributes.map((column) => column.name),
        each.unread,
      ]),
    ).toEqual([
      ['users', 'temporary', ['a', 'b'], undefined],
      ['seen', 'temporary', ['a'], 'is a view'],
    ]);
    expect(await readTemporary(rows)).toEqual(known([]));
    await mine.end();
  });

  test.each([
    ["CREATE TEMP TABLE t (id serial, at timestamptz DEFAULT now(), word text DEFAULT 'it''s')", undefined],
    ['CREATE TEMP TABLE t (a int CHECK (a > 0))', 'has checks'],
    ['CREATE TEMP TABLE t (a int DEFAULT length(current_user))', 'has a computed default'],
    ['CREATE TEMP TABLE t (a int DEFAULT shop.one())', 'has a default that calls a function'],
    ['CREATE TEMP TABLE t (a text); CREATE INDEX ON t (lower(a))', 'has an index over an expression'],
    ['CREATE TEMP TABLE t (a int) PARTITION BY LIST (a)', 'is no plain table'],
    ['CREATE TEMP TABLE t (a int); CREATE RULE r AS ON INSERT TO t DO ALSO SELECT 1', 'has rules'],
    ["CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", 'the session made a temporary function'],
    ['CREATE DOMAIN pg_temp.text AS int', 'the session made a temporary type'],
  ])('what hangs on a temporary relation and is not read is told: %s', async (sql, wanted) => {
    const mine = new pg.Client({ connectionString: postgres.url() });
    await mine.connect();
    await mine.query(`BEGIN; CREATE FUNCTION shop.one() RETURNS int LANGUAGE sql AS 'SELECT 1'; ${sql}`);
    const found = await readTemporary(
      async (text) => (await mine.query<(string | null)[]>({ text, rowMode: 'array' })).rows,
    );
    await mine.end();
    expect(found.known ? found.value.find((each) => each.name === 't')?.unread : found.why).toBe(wanted);
  });

  test('a row of another shape is an error that names the query', () => {
    const built = (more: Partial<Record<Group, string>> = {}): Snapshot => {
      const texts: Partial<Record<Group, string>> = { server: '[180004, "shop", 5]', ...more };
      return buildSnapshot(new Map(groupNames.map((group) => [group, groupText(group, texts[group] ?? '')])));
    };
    expect(built().serverMajor).toBe(18);
    expect(() => built({ schemas: '["x", "y"]' })).toThrow(/schema query schemas/);
    expect(() => built({ casts: '[1, 2, 3, "?", "f"]' })).toThrow(/schema query casts/);
  });

  test('partitions and children are kin of their parents, both ways, and not of each other', () => {
    const index = new SchemaIndex(first);
    const kinOf = (name: string): readonly string[] =>
      relationKin(index, relationIn(first, name).oid)
        .map((each) => each.name)
        .sort();
    expect(kinOf('events')).toEqual(['events_2025', 'events_2026']);
    expect(kinOf('events_2025')).toEqual(['events']);
    expect(kinOf('child')).toEqual(['parent']);
    expect(kinOf('parent')).toEqual(['child']);
    expect(kinOf('users')).toEqual([]);
  });

  describe('a statement', () => {
    const ask = async (sql: string, session: Partial<SessionNames> = {}): Promise<StaticFindings> => {
      const parser = await loadParser(major);
      const node = (text: string): ReturnType<typeof only> => only(parser.parse(text));
      const witness = new StaticWitness(new SchemaIndex(first), node);
      const tree = node(sql);
      if (tree === undefined) throw new Error(sql);
      return witness.analyse(tree, { searchPath: known(['shop']), role: 'an_agent', temp: known([]), ...session });
    };

    test('names the kin of each column: children, parents, sources of generated and copied ones', async () => {
      const kinOf = async (sql: string): Promise<readonly string[]> =>
        (await ask(sql)).reads.flatMap((read) => read.kin.map((kin) => `${kin.relation.name}.${kin.column}`)).sort();
      expect(await kinOf('select payload from events')).toEqual(['events_2025.payload', 'events_2026.payload']);
      expect(await kinOf('select payload from events_2026')).toEqual(['events.at', 'events.payload']);
      expect(await kinOf('select secret from child')).toEqual(['parent.secret']);
      expect(await kinOf('select extra from child')).toEqual([]);
      expect(await kinOf('select ssn_tail from users')).toEqual(['users.ssn']);
      expect(await kinOf('select ssn from m_ssn')).toEqual(['users.ssn']);
      expect(await kinOf('select n from m_ssn')).toEqual([]);
    });

    test('means the first relation of that name in the search_path', async () => {
      const reads = async (searchPath: readonly string[]): Promise<unknown> =>
        rendered(await ask('select id from users', { searchPath: known(searchPath) })).reads;
      expect(await reads(['other', 'shop'])).toEqual(['other.users.id output']);
      expect(await reads(['nowhere', 'shop', 'other'])).toEqual(['shop.users.id output']);
      expect(await reads(['$user', 'shop'])).toEqual(['shop.users.id output']);
    });

    test('means every relation of that name when the search_path is not known, and is not known', async () => {
      const found = rendered(await ask('select id from users', { searchPath: notKnown('set by a function') }));
      expect(found.reads).toContain('shop.users.ssn other');
      expect(found.reads).toContain('other.users.secret other');
      expect(found.unknown?.[0]).toMatch(/search_path is not known/);
    });

    test('is known without a search_path when each name has one meaning', async () => {
      const found = rendered(await ask('select card from orders', { searchPath: notKnown('set by a function') }));
      expect(found).toEqual({ reads: ['shop.orders.card output'], outputs: ['card = shop.orders.card'] });
    });

    test('means a temporary relation before all others, and only those that the session has', async () => {
      const mine: Relation = {
        ...relationIn(first, 'orders'),
        oid: 1,
        schema: 'pg_temp_3',
        name: 'users',
        persistence: 'temporary',
      };
      const found = rendered(await ask('select note from users', { temp: known([mine]) }));
      expect(found.reads).toEqual(['pg_temp_3.users.note output']);
      const qualified = rendered(
        await ask('select pg_temp.users.note, shop.users.ssn from pg_temp.users, shop.users', { temp: known([mine]) }),
      );
      expect(qualified.reads).toEqual(['pg_temp_3.users.note output', 'shop.users.ssn output']);
      const behind = { temp: known([mine]), searchPath: known(['shop', 'pg_temp']) };
      expect(rendered(await ask('select ssn from users', behind)).reads).toEqual(['shop.users.ssn output']);
    });

    test('is not known when a temporary relation may hide what it names', async () => {
      const temp = notKnown('CREATE TEMP TABLE in a function');
      expect(rendered(await ask('select id from users', { temp })).unknown?.[0]).toMatch(/temporary/);
      expect(rendered(await ask('select id from shop.users', { temp })).unknown).toBeUndefined();
    });

    test('nested deeper than the stack is not known, and the next one is', async () => {
      const parser = await loadParser(major);
      const witness = new StaticWitness(new SchemaIndex(first), () => undefined);
      const session: SessionNames = { searchPath: known(['shop']), role: 'x', temp: known([]) };
      let node = only(parser.parse('select id from users')) ?? {};
      const inner = node;
      for (let depth = 0; depth < 60_000; depth += 1) node = { BoolExpr: { args: [node] } };
      const found = witness.analyse({ SelectStmt: { targetList: [{ ResTarget: { val: node } }] } }, session);
      expect(found.unknowns.map((each) => each.why)).toContain('the statement is nested too deeply');
      expect(rendered(witness.analyse(inner, session)).reads).toEqual(['shop.users.id output']);
    });
  });

  test('what was printed before is what would be printed now, whatever is called otherwise', async () => {
    await client.query(printed);
    let picture = await readPicture(rows);
    for (const sql of renaming) {
      await client.query(sql);
      picture = await readPicture(rows, picture);
      expect([sql, picture.snapshot]).toEqual([sql, await readSnapshot(rows)]);
    }
    await client.query('DROP SCHEMA n, m CASCADE');
  }, 120_000);

  test('a table that somebody keeps locked keeps nobody from reading what others define', async () => {
    await client.query(printed);
    const before = await readPicture(rows);
    const holding = new pg.Client({ connectionString: postgres.url() });
    await holding.connect();
    await holding.query('BEGIN; LOCK TABLE n.one, n.two, n.three, shop.users, shop.orders IN ACCESS EXCLUSIVE MODE');
    await client.query('CREATE TABLE m.beside (id int DEFAULT 4 CHECK (id > 4)); CREATE INDEX ON m.beside ((id + 1))');
    const meanwhile = await readPicture(rows, before);
    expect(meanwhile.snapshot.schemaVersion).not.toBe(before.snapshot.schemaVersion);
    // What has to be printed anew waits in vain, and is not guessed.
    await client.query('ALTER SCHEMA m RENAME TO x');
    await expect(readPicture(rows, meanwhile)).rejects.toThrow(/lock timeout/);
    await client.query('ALTER SCHEMA x RENAME TO m');
    await holding.query('ROLLBACK');
    await holding.end();
    expect(meanwhile.snapshot).toEqual(await readSnapshot(rows));
    await client.query('DROP SCHEMA n, m CASCADE');
  }, 60_000);

  test.each(still)('%s leaves fingerprint and version alone', async (sql) => {
    const before = { fingerprint: await fingerprint(), version: (await readSnapshot(rows)).schemaVersion };
    await client.query(sql);
    expect({ fingerprint: await fingerprint(), version: (await readSnapshot(rows)).schemaVersion }).toEqual(before);
  });

  test.each(moving)('%s moves fingerprint and version', async (sql) => {
    const before = { fingerprint: await fingerprint(), picture: await readPicture(rows) };
    await client.query(sql);
    expect(await fingerprint()).not.toBe(before.fingerprint);
    const whole = await readSnapshot(rows);
    expect(whole.schemaVersion).not.toBe(before.picture.snapshot.schemaVersion);
    // Reading only what moved comes to the same as reading all of it.
    const next = (await readPicture(rows, before.picture)).snapshot;
    expect(next).toEqual(whole);
    const patch = structuredClone(patchOf(before.picture.snapshot, next));
    expect(patched(before.picture.snapshot, patch)).toEqual(whole);
    expect(JSON.stringify(patch).length).toBeLessThan(JSON.stringify(whole).length / 4);
  });
});

function only(parsed: ReturnType<Awaited<ReturnType<typeof loadParser>>['parse']>) {
  return parsed.kind === 'statements' && parsed.statements.length === 1 ? parsed.statements[0]?.node : undefined;
}
