// Goal: no row beyond what was allowed or approved reaches the client, in any way of reading; what passes is Postgres's own, and what
// stops ends as an error of Postgres would.
// Method: the pg driver through a proxy in this process before real Postgres 15 and 18; a real desk whose people answer by the test's
// rule; rows are counted where they arrive.
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startBothWays, type BothWays } from '../support/both-ways.ts';
import { cancel } from '../support/client.ts';
import { connectRaw } from '../support/raw.ts';
import { startRowsProxy } from '../support/rows-proxy.ts';
import { waitFor } from '../support/wait.ts';
import { files, setUp } from './rows-bounded.ts';

describe.each([15, 18] as const)('rows from Postgres %i', (major) => {
  let ways: BothWays;

  beforeAll(async () => {
    ways = await startBothWays({ major, sql: setUp, files });
  }, 120_000);

  afterAll(() => ways.stop());

  beforeEach(() => ways.proxy.say(() => 'silence'));

  const approve = () => ways.proxy.say(() => ({ vote: 'approve' }));
  const deny = () => ways.proxy.say(() => ({ vote: 'deny' }));

  async function connected(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: ways.through });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  test('as many as allowed pass without a word', async () => {
    const asked = ways.proxy.asked.length;
    const client = await connected();
    expect((await client.query('select * from people limit 100')).rowCount).toBe(100);
    expect((await client.query('select * from plain')).rowCount).toBe(5000);
    expect(ways.proxy.asked.length).toBe(asked);
    await client.end();
  });

  test('more are asked about, and a yes lets ten times as many pass before it is asked again', async () => {
    const asked = ways.proxy.asked.length;
    approve();
    const client = await connected();
    expect((await client.query('select * from people')).rowCount).toBe(4000);
    const words = ways.proxy.asked.slice(asked).map((hold) => hold.reasons[0].words);
    expect(words).toEqual([
      '100 rows were sent and more are there; a yes lets it go on to 1,000',
      '1,000 rows were sent and more are there; a yes lets it go on to 10,000',
    ]);
    expect(ways.proxy.asked.at(-1)?.columns.map(({ column }) => column)).toEqual([
      'public.people.id',
      'public.people.name',
    ]);
    await client.end();
  });

  test.each([
    ['simple', []],
    ['extended', [0]],
  ] as const)('a no ends a %s query with an error, and the session lives', async (_, values) => {
    deny();
    const client = await connected();
    const rows: unknown[] = [];
    const query = new pg.Query(`select * from people${values.length === 0 ? '' : ' where id > $1'}`, [...values]);
    query.on('row', (row) => rows.push(row));
    const failed = new Promise<Error>((resolve) => query.on('error', resolve));
    client.query(query);
    const error = await failed;
    expect(error).toMatchObject({ code: '42501' });
    expect(error.message).toMatch(
      /^100 rows \(\d+ bytes\) were sent, the rest was not: denied by ben: that is too much$/,
    );
    expect(rows.length).toBe(100);
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await client.end();
  });

  test('a no in a transaction fails the transaction', async () => {
    deny();
    const client = await connected();
    await client.query('begin');
    await client.query('insert into written values (1)');
    await expect(client.query('select * from people limit 101')).rejects.toMatchObject({ code: '42501' });
    await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' });
    expect((await client.query('commit')).command).toBe('ROLLBACK');
    expect((await client.query('select count(*)::int as n from written')).rows).toEqual([{ n: 0 }]);
    await client.end();
  });

  test('a result that was over before the no still fails its transaction, in an extended query too', async () => {
    deny();
    const client = await connected();
    await client.query('begin');
    await expect(client.query('select * from people where id < $1', [150])).rejects.toMatchObject({ code: '42501' });
    await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' });
    await client.query('rollback');
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await client.end();
  });

  test('nobody’s answer is a no', async () => {
    const other = await startRowsProxy({ url: ways.direct, files, waitMs: 200 });
    const client = new pg.Client({ connectionString: other.url('db') });
    await client.connect();
    await expect(client.query('select * from people')).rejects.toMatchObject({ code: '42501' });
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await client.end();
    await other.stop();
  });

  test('a named number of rows is where it ends, without asking again', async () => {
    ways.proxy.say(() => ({ vote: 'approve', terms: { kind: 'rows', rowsMax: 250 } }));
    const client = await connected();
    const error = await client.query('select * from people').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: '42501' });
    await client.end();
    const asked = ways.proxy.asked.length;
    const held = await connected();
    await expect(held.query('select * from secrets')).rejects.toThrow(/^250 rows .* so many were approved$/);
    expect(ways.proxy.asked.length).toBe(asked + 1);
    await held.end();
  });

  test('one huge row is many', async () => {
    deny();
    const client = await connected();
    await expect(client.query(`select string_agg(name || repeat('x', 100), ',') from people`)).rejects.toThrow(
      /^no row was sent, the rest was not: denied/,
    );
    await client.end();
  });

  test.each([
    ['aggregated', 'select array_agg(id) from vast', []],
    ['as an array', 'select array(select id from people)', []],
    ['behind a LIMIT', `select (select string_agg(id::text, ',') from vast) limit 1`, []],
    ['with parameters, of a table too small to ask about', 'select json_agg(id) from people where id > $1', [0]],
  ] as const)('many short rows in one value are many: %s', async (_, sql, values) => {
    deny();
    const client = await connected();
    await expect(client.query(sql, [...values])).rejects.toMatchObject({ code: '42501' });
    await client.end();
  });

  test('few rows in one value are few, and counting is not showing', async () => {
    const asked = ways.proxy.asked.length;
    const client = await connected();
    await client.query('select array(select id from people limit 90)');
    await client.query('select json_agg(p) from (select * from people limit 90) p');
    await client.query('select count(*), max(id) from vast');
    expect(ways.proxy.asked.length).toBe(asked);
    await client.end();
  });

  test('a cancel while people are asked ends it as a cancel does', async () => {
    const client = await connected();
    const asked = ways.proxy.asked.length;
    const failed = client.query('select * from people').catch((thrown: unknown) => thrown);
    await waitFor('the question', () => ways.proxy.asked.length > asked);
    await cancel(client);
    expect(await failed).toMatchObject({ code: '57014' });
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await client.end();
  });

  test('an agent that leaves withdraws the question', async () => {
    const asked = ways.proxy.asked.length;
    const raw = await connectRaw(ways.through);
    raw.send({ kind: 'query', sql: Buffer.from('select * from people') });
    await waitFor('the question', () => ways.proxy.asked.length > asked);
    raw.close();
    const active = new pg.Client(ways.direct);
    await active.connect();
    await waitFor('the server to be rid of it', async () => {
      const { rows } = await active.query(
        `select 1 from pg_stat_activity where state = 'active' and query like '%from people%' and pid <> pg_backend_pid()`,
      );
      return rows.length === 0;
    });
    await active.end();
  });

  test('several statements of one text count together', async () => {
    deny();
    const client = await connected();
    const text = 'select * from people limit 60; select * from people limit 60; insert into written values (7)';
    await expect(client.query(text)).rejects.toThrow(/^100 rows/);
    await client.end();
  });

  test('what comes behind a stopped result is answered', async () => {
    deny();
    const client = await connected();
    const first = client.query('select * from people').catch((thrown: unknown) => thrown);
    const second = client.query('select 2 as two');
    expect(await first).toMatchObject({ code: '42501' });
    expect((await second).rows).toEqual([{ two: 2 }]);
    await client.end();
  });

  test('a budget holds over statements and connections, a yes adds to it', async () => {
    deny();
    const one = await connected();
    const two = await connected();
    expect((await one.query('select * from spent limit 30')).rowCount).toBe(30);
    const notices: string[] = [];
    two.on('notice', (notice) => notices.push(notice.message ?? ''));
    expect((await two.query('select * from spent offset 30 limit 20')).rowCount).toBe(20);
    expect(notices).toEqual(['100 % of the budget of counted is used: 50 rows in 1d']);
    await expect(one.query('select * from spent limit 1')).rejects.toThrow(/^no row was sent/);
    approve();
    expect((await one.query('select * from spent limit 10')).rowCount).toBe(10);
    expect(ways.proxy.asked.at(-1)?.reasons[0].words).toBe(
      'tester has used its budget of counted: 50 of 50 rows in 1d; a yes adds 50 rows',
    );
    deny();
    expect((await two.query('select * from spent limit 40')).rowCount).toBe(40);
    await expect(two.query('select * from spent limit 1')).rejects.toThrow(/^no row was sent/);
    await one.end();
    await two.end();
  });

  test('a result that is expected to be large is asked about before it runs, with the number', async () => {
    deny();
    const asked = ways.proxy.asked.length;
    const client = await connected();
    const error = await client.query('select * from vast').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: '42501', message: 'denied by ben: that is too much' });
    expect(ways.proxy.asked.slice(asked).map((hold) => [hold.estimate, hold.reasons[0].words])).toEqual([
      [{ known: true, value: 20000 }, 'about 20000 rows; 100 at once are let through'],
    ]);
    approve();
    const before = ways.proxy.asked.length;
    expect((await client.query('select * from vast')).rowCount).toBe(20000);
    expect(ways.proxy.asked.length).toBe(before + 1);
    deny();
    expect((await client.query('select * from vast limit 5')).rowCount).toBe(5);
    await client.end();
  });
});
