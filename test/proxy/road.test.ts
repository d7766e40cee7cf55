// Goal: to an allowed statement the proxy is invisible, and a refused one ends as the server's own error would.
// Method: psql and pg through a proxy in this process, before a real Postgres; the same asked directly, and compared.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import type { Admission } from '../../src/gate.ts';
import type { Execution } from '../../src/gate-data.ts';
import { psql } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { waitFor } from '../support/wait.ts';

let postgres: TestPostgres;
let proxy: TestProxy;

/** What the gate of these tests says: a statement names its own fate in a comment. */
async function later(execution: Execution, usual: () => Admission | Promise<Admission>): Promise<Admission> {
  const signal = execution.withdrawn();
  return await new Promise((resolve) => {
    const decided = setTimeout(() => void Promise.resolve(usual()).then(resolve), 150);
    signal.addEventListener('abort', () => {
      clearTimeout(decided);
      resolve({ kind: 'refuse', error: signal.reason as ProxyError });
    });
  });
}

beforeAll(async () => {
  postgres = await startPostgres();
  proxy = await startProxy({
    databases: { postgres: postgres.url('postgres') },
    admit: (execution, usual) => {
      const sql = execution.sql.toString();
      if (sql.includes('/*refuse*/')) {
        return { kind: 'refuse', error: new ProxyError('POLICY', 'a rule forbids this', { hint: 'ask for less' }) };
      }
      return sql.includes('/*later*/') ? later(execution, usual) : usual();
    },
  });
});

afterAll(async () => {
  await proxy.stop();
  await postgres.stop();
});

async function connected(url = proxy.url('postgres')): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // A failed test leaves its client behind for the server's stop to end.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

const script = `
select 1 as one, 'zwei' as two, null as three;
create table r (id int primary key, t text);
insert into r select g, 'row ' || g from generate_series(1, 2000) g;
select count(*), min(t), max(t) from r;
begin; savepoint a; insert into r values (1); rollback to a; select 'still here'; commit;
select 1/0;
\\copy r to '/dev/null'
copy (select * from r where id < 5) to stdout;
do $$ begin raise notice 'a notice'; end $$;
\\d r
listen ch; notify ch, 'hello';
prepare p(int) as select t from r where id = $1; execute p(7); deallocate p;
declare c cursor with hold for select id from r order by id; fetch 3 from c; close c;
drop table r;
select nothing from nowhere;
`;

describe('the road', () => {
  test('psql sees the same through the proxy as directly', async () => {
    const directly = await psql(postgres.url('postgres'), { input: script });
    const through = await psql(proxy.url('postgres'), { input: script });
    const same = (text: string): string => text.replace(/PID \d+/g, 'PID n');
    expect(same(through.out)).toBe(same(directly.out));
    expect(same(through.err)).toBe(same(directly.err));
    expect(through.out).toContain('still here');
  });

  test('a wrong password and a name that nobody has are refused in the same words', async () => {
    const wrong = proxy.url('postgres').replace(/:[^:@]+@/, ':wrong@');
    const first = await psql(wrong, { input: 'select 1' });
    const second = await psql(wrong.replace('tester', 'stranger'), { input: 'select 1' });
    expect(first.err).toContain('password authentication failed for user "tester"');
    expect(second.err.replaceAll('stranger', 'tester')).toBe(first.err);
  });

  test('an agent sees only its own databases', async () => {
    const { err } = await psql(proxy.url('template1'), { input: 'select 1' });
    expect(err).toContain('database "template1" does not exist here for agent "tester"');
    expect(err).toContain('This agent may use: postgres.');
  });

  test('a refused query leaves the session alive', async () => {
    const client = await connected();
    await expect(client.query('select 1 /*refuse*/')).rejects.toMatchObject({
      code: '42501',
      message: 'a rule forbids this',
      hint: 'ask for less',
      detail: expect.stringContaining('"code":"POLICY"'),
    });
    expect((await client.query('select 2 as two')).rows).toEqual([{ two: 2 }]);
    await client.end();
  });

  test.each([
    ['simple', undefined],
    ['extended', [1]],
  ] as const)('a refusal inside a transaction fails the transaction (%s)', async (_protocol, values) => {
    const client = await connected();
    await client.query('create temp table half (id int)');
    await client.query('begin');
    await client.query('insert into half values (1)');
    const refused =
      values === undefined
        ? client.query('select 1 /*refuse*/')
        : client.query('select $1::int /*refuse*/', [...values]);
    await expect(refused).rejects.toMatchObject({ code: '42501' });
    await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' });
    expect((await client.query('commit')).command).toBe('ROLLBACK');
    expect((await client.query('select count(*)::int as n from half')).rows).toEqual([{ n: 0 }]);
    await client.end();
  });

  test('a statement that is decided later runs then, and what was sent behind it runs after it', async () => {
    const client = await connected();
    const order: string[] = [];
    const first = client.query('select 1 /*later*/').then(() => order.push('first'));
    const second = client.query('select 2').then(() => order.push('second'));
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
    await client.end();
  });

  test('a cancel withdraws what waits, and stops what runs', async () => {
    const waiting = await psql(proxy.url('postgres'), {
      input: "set statement_timeout = '5s';\n\\! true\nselect pg_sleep(0) /*later*/;\nselect 'on' as goes;\n",
    });
    expect(waiting.out).toContain('on');
    const client = await connected();
    const cancel = async (sql: string): Promise<unknown> => {
      const running = client.query(sql).catch((thrown: unknown) => thrown);
      const asking = setInterval(() => {
        const canceller = new pg.Client({ connectionString: proxy.url('postgres') }) as pg.Client & {
          cancel(client: pg.Client, query: unknown): void;
        };
        canceller.cancel(client, (client as unknown as { activeQuery: unknown }).activeQuery);
      }, 50);
      const result = await running;
      clearInterval(asking);
      return result;
    };
    expect(await cancel('select pg_sleep(20)')).toMatchObject({ code: '57014' });
    await waitFor(
      'the session to be quiet',
      async () => (await client.query('select 1').catch(() => undefined)) !== undefined,
    );
    await client.end();
  });

  test('an agent that vanishes leaves no upstream session behind', async () => {
    const client = await connected();
    const { rows } = await client.query('select pg_backend_pid() as pid');
    client.query('select pg_sleep(100)').catch(() => undefined);
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    client.on('error', () => undefined);
    const watcher = await connected(postgres.url('postgres'));
    await waitFor('the upstream session to be gone', async () => {
      const found = await watcher.query('select 1 from pg_stat_activity where pid = $1', [rows[0].pid]);
      return found.rows.length === 0;
    });
    await watcher.end();
  });

  test('every statement is in the record, judged and finished', async () => {
    const client = await connected();
    const before = proxy.audit.log.head().records;
    await client.query('select 1');
    await client.query('select $1::int', [2]);
    // The word of how a statement ended goes with the records of a later turn, and the head counts what is in closed blocks.
    await waitFor('four records', () => proxy.audit.log.head().records - before >= 4);
    await client.end();
  });

  test('a million rows pass without being collected', async () => {
    const client = await connected();
    const before = process.memoryUsage().rss;
    const { rows } = await client.query('select count(*)::int as n from generate_series(1, 10)');
    expect(rows[0].n).toBe(10);
    const { out } = await psql(proxy.url('postgres'), {
      args: ['-qAt', '-c', 'copy (select g from generate_series(1, 1000000) g) to stdout'],
    });
    expect(out.length).toBe(6_888_896);
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
    await client.end();
  });
});
