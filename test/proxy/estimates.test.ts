// Goal: what the planner expects is known before anything runs, with parameters and in transactions too; asking leaves nothing behind, and
// costs nothing where a statement cannot be large.
// Method: real Postgres 15 and 18 behind a proxy, with an ear between the two that hears every message; people who say no.
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { connectRaw } from '../support/raw.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';
import { listenBefore, type UpstreamEar } from '../support/upstream-ear.ts';

const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: internal, read: allow, rows: 100, approvers: [security] }
  - { name: restricted, read: hold, approvers: [security] }
defaults: { unclassified: public }
`,
  'db.yaml': `version: 1
database: db
owner: security
tables:
  public.vast: { default: internal, columns: { secret: restricted } }
  public.few: internal
`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [security] } }\n',
  'policy.yaml': `version: 1
defaults: { schema: allow, destructive: allow, privilege: allow }
rules:
  - { name: not-so-many, when: { tables: [public.open], rows_over: 12000 }, then: hold }
`,
};

const setUp = `
create table vast as select g as id, 's' || g as secret from generate_series(1, 20000) g;
create index on vast (id);
create table few as select g as id from generate_series(1, 90) g;
create table open as select g as id from generate_series(1, 20000) g;
create table seen (x int);
create function seeing(x int) returns bool language plpgsql as 'begin insert into seen values (x); return true; end';
create domain picky as int check (seeing(value));
create table kept (id int);
analyze;
`;

describe.each([15, 18] as const)('what is expected of a statement, on Postgres %i', (major) => {
  let postgres: TestPostgres;
  let ear: UpstreamEar;
  let proxy: RowsProxy;
  let client: pg.Client;
  let [mark, marks] = ['', 0];

  beforeAll(async () => {
    postgres = await startPostgres({ major, fill: [{ database: 'postgres', sql: setUp }] });
    ear = await listenBefore(postgres.url('postgres'));
    proxy = await startRowsProxy({ url: ear.url, files });
  }, 120_000);

  afterAll(async () => {
    await proxy.stop();
    await ear.stop();
    await postgres.stop();
  });

  beforeEach(async () => {
    proxy.say(() => ({ vote: 'deny' }));
    client = new pg.Client({ connectionString: proxy.url('db') });
    client.on('error', () => undefined);
    await client.connect();
    mark = `select ${(marks += 1)} as mark`;
    await client.query(mark);
    return async () => await client.end();
  });

  /** The hold that it met before it ran: its estimate; undefined: it was not asked about. */
  async function expectedOf(sql: string, values: readonly unknown[] = []): Promise<number | string | undefined> {
    const asked = proxy.asked.length;
    const failed = await client.query(sql, [...values]).then(
      () => undefined,
      (thrown: Error) => thrown.message,
    );
    const hold = proxy.asked[asked];
    if (failed === undefined || hold === undefined) return failed;
    return hold.estimate.known ? hold.estimate.value : hold.estimate.why;
  }

  const close = (rows: number) => ({
    asymmetricMatch: (value: unknown) => typeof value === 'number' && value > rows * 0.8 && value < rows * 1.2,
    toString: () => `about ${rows}`,
  });

  test('is its own LIMIT where the planner is not asked for so few', async () => {
    expect(await expectedOf('select secret from vast limit 3')).toBe(3);
    expect(await expectedOf('select string_agg(secret, $$,$$) from vast limit 3')).not.toBe(3);
  });

  describe('with parameters', () => {
    test('is that of its own values: the same text is held for many rows and passes for few', async () => {
      const text = 'select id from vast where id > $1';
      expect(await expectedOf(text, [0])).toEqual(close(20_000));
      expect(await expectedOf(text, [19_950])).toBeUndefined();
      expect(await expectedOf(text, [10_000])).toEqual(close(10_000));
      expect(await expectedOf('select id from vast where id > $1 order by id limit $2', [0, 20])).toBeUndefined();
      expect(await expectedOf('select id from vast order by id limit $1', [5000])).toEqual(close(5000));
    });

    test('is asked for under a name of the agent’s as well, and in binary', async () => {
      const named = { name: 'mine', text: 'select id from vast where id <= $1 or id = $2' };
      expect((await client.query({ ...named, values: [50, 1] })).rowCount).toBe(50);
      await expect(client.query({ ...named, values: [9000, 1] })).rejects.toThrow(/^denied by ben/);
      expect((await client.query({ ...named, values: [40, 1] })).rowCount).toBe(40);
      expect(proxy.asked.at(-1)?.estimate).toEqual({ known: true, value: close(9000) });
      const raw = await connectRaw(proxy.url('db'));
      const four = (value: number): Buffer => {
        const bytes = Buffer.alloc(4);
        bytes.writeInt32BE(value);
        return bytes;
      };
      const asked = proxy.asked.length;
      raw.send(
        { kind: 'parse', statement: 's', sql: Buffer.from('select id, id from vast where id < $1'), types: [23] },
        ...[60, 15_000].flatMap(
          (value) =>
            [
              {
                ...({ kind: 'bind', portal: '', statement: 's', formats: [1] } as const),
                ...{ parameters: [four(value)], resultFormats: [1, 0] },
              },
              { kind: 'execute', portal: '', maxRows: 0 },
              { kind: 'sync' },
            ] as const,
        ),
      );
      await raw.readies(2);
      expect(raw.said.filter(({ kind }) => kind === 'dataRow')).toHaveLength(59);
      expect(proxy.asked.slice(asked).map(({ estimate }) => estimate)).toEqual([{ known: true, value: close(15_000) }]);
      raw.close();
    });

    test('runs no check of a domain: its values are not bound before people have said yes', async () => {
      const direct = new pg.Client(postgres.url('postgres'));
      await direct.connect();
      const { rows } = await direct.query<{ oid: number }>(`select 'picky'::regtype::oid::int as oid`);
      const raw = await connectRaw(proxy.url('db'));
      raw.send(
        ...([
          {
            kind: 'parse',
            statement: '',
            sql: Buffer.from('select id from vast where id > $1::int'),
            types: [rows[0]?.oid ?? 0],
          },
          {
            ...({ kind: 'bind', portal: '', statement: '', formats: [] } as const),
            ...{ parameters: [Buffer.from('0')], resultFormats: [] },
          },
          { kind: 'execute', portal: '', maxRows: 0 },
          { kind: 'sync' },
        ] as const),
      );
      await raw.readies(1);
      expect(raw.said.filter(({ kind }) => kind === 'error')).toHaveLength(1);
      expect((await direct.query('select * from seen')).rows).toEqual([]);
      raw.close();
      await direct.end();
    });
  });

  test('of a text that differs in a number only is asked for anew before it stops one', async () => {
    expect(await expectedOf('select id as n from vast where id > 0')).toEqual(close(20_000));
    expect(await expectedOf('select id as n from vast where id > 19950')).toBeUndefined();
    expect(await expectedOf('select id as n from vast where id > 8000')).toEqual(close(12_000));
  });

  test('speaks to rules of rows, with parameters too', async () => {
    expect(await expectedOf('select id from open where id > $1', [19_000])).toBeUndefined();
    expect(await expectedOf('select id from open where id > $1', [1000])).toEqual(close(19_000));
  });

  test('is known of COPY: of its query by the planner, of a table by its size', async () => {
    expect(await expectedOf('copy (select id from vast where id > 5000) to stdout')).toEqual(close(15_000));
    expect(await expectedOf('copy vast (id) to stdout')).toEqual(close(20_000));
  });

  describe('inside a transaction', () => {
    test('is known, and a no fails the transaction as any refusal does', async () => {
      await client.query('begin');
      await client.query('insert into kept values (1)');
      expect(await expectedOf('select id as a from vast')).toEqual(close(20_000));
      await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' });
      await client.query('rollback');
      await client.query('begin');
      expect(await expectedOf('select id as b from vast where id < $1', [7000])).toEqual(close(7000));
      await client.query('rollback');
    });

    test('leaves everything as it was: savepoints, names, settings, locks, the path and the transaction', async () => {
      await client.query('set search_path = public, pg_catalog');
      await client.query("set plan_cache_mode = 'force_custom_plan'");
      await client.query('prepare own as select 1');
      await client.query('begin isolation level repeatable read');
      await client.query('savepoint a');
      await client.query('insert into kept values (7)');
      await client.query('declare c cursor for select id from few');
      await client.query('fetch 3 from c');
      const facts = async (): Promise<unknown> =>
        (
          await client.query(`select
            (select array_agg(name order by name) from pg_prepared_statements) as names,
            (select array_agg(name order by name) from pg_cursors) as cursors,
            current_setting('search_path') as path, current_setting('plan_cache_mode') as mode,
            current_setting('transaction_isolation') as isolation, pg_current_xact_id_if_assigned()::text as xid,
            pg_current_snapshot()::text as snapshot, (select count(*)::int from kept) as kept`)
        ).rows;
      await facts();
      const before = await facts();
      ear.heard(mark);
      expect(await expectedOf('select id as c from vast where id > $1', [19_990])).toBeUndefined();
      expect(ear.heard(mark).texts.filter((text) => text.startsWith('EXPLAIN'))).toHaveLength(2);
      expect(await facts()).toEqual(before);
      expect((await client.query('fetch 1 from c')).rows).toEqual([{ id: 4 }]);
      const { rows } = await client.query(
        `select relation::regclass::text as name from pg_locks where pid = pg_backend_pid() and mode <> 'AccessShareLock'
         and relation is not null`,
      );
      expect(rows).toEqual([{ name: 'kept' }]);
      await client.query('rollback to savepoint a');
      await client.query('release savepoint a');
      await client.query('commit');
      expect((await client.query('select count(*)::int as n from kept where id = 7')).rows).toEqual([{ n: 0 }]);
    });

    test('an error of the planner is the statement’s own, and hurts nothing else', async () => {
      await client.query('begin');
      await client.query('insert into kept values (3)');
      await client.query('savepoint a');
      ear.heard(mark);
      // The planner works it out, and fails; a generic plan would too.
      expect(await expectedOf('select id, 1 / 0 from vast')).toBe('division by zero');
      expect(ear.heard(mark).texts.filter((text) => text.startsWith('EXPLAIN'))).toHaveLength(1);
      await client.query('rollback to savepoint a');
      // The names of our question are free again.
      expect(await expectedOf('select id as d from vast where id < $1', [50])).toBeUndefined();
      await client.query('commit');
      expect((await client.query('select count(*)::int as n from kept where id = 3')).rows).toEqual([{ n: 1 }]);
      expect(await expectedOf('select id, 2 / 0 from vast')).toBe('division by zero');
      expect(await expectedOf('select id as e from vast where id < 20')).toBeUndefined();
    });

    test('is not asked for in a pipeline, where an error would undo what stands before it: there rows are counted', async () => {
      const raw = await connectRaw(proxy.url('db'));
      const once = (sql: string) =>
        [
          { kind: 'parse', statement: '', sql: Buffer.from(sql), types: [] },
          { kind: 'bind', portal: '', statement: '', formats: [], parameters: [], resultFormats: [] },
          { kind: 'execute', portal: '', maxRows: 0 },
        ] as const;
      raw.send(...once('insert into kept values (9)'), ...once('select id as f from vast'), { kind: 'sync' });
      await raw.readies(1);
      expect(ear.heard('select id as f from vast').texts.some((text) => text.startsWith('EXPLAIN'))).toBe(false);
      expect(raw.said.filter(({ kind }) => kind === 'dataRow')).toHaveLength(100);
      raw.close();
    });
  });

  describe('costs nothing', () => {
    const cheap: readonly (readonly [of: string, sql: string, values: readonly unknown[]])[] = [
      ['a small table', 'select id as g from few where id = $1', [1]],
      ['no table', 'select $1::int as h', [1]],
      ['few rows of a large one', 'select id as i from vast limit 10', []],
      ['a write', 'insert into kept values ($1)', [4]],
    ];

    test.each(cheap)('when it is new: %s', async (_, sql, values) => {
      ear.heard(mark);
      await client.query(sql, [...values]);
      const { texts, exchanges } = ear.heard(mark);
      expect(texts.filter((text) => /EXPLAIN|SAVEPOINT|pg_class/.test(text))).toEqual([]);
      // The agent's own, and the question for the server's tree, which every new text has.
      expect(exchanges).toBeLessThanOrEqual(values.length === 0 ? 2 : 3);
    });

    test.each([...cheap, ['a large table', 'select id as j from vast where id > $1 and id < 300', [250]] as const])(
      'when it is known: %s',
      async (_, sql, values) => {
        const named = { name: 'again', text: sql, values: [...values] };
        await client.query(named);
        await client.query(named);
        ear.heard(mark);
        await client.query(named);
        expect(ear.heard(mark).messages.map(({ kind }) => kind)).toEqual(['bind', 'describe', 'execute', 'sync']);
      },
    );
  });
});
