// Goal: the rows that the proxy answers with say how things stand; what is asked in another form, or stands beside them, is refused or
// judged as anything else.
// Method: the pg driver through the proxy, with people who answer by the test's rule; what the rows say is held against what happened.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordsIn } from '../audit/fixtures.ts';
import { startBothWays, type BothWays } from '../support/both-ways.ts';
import { query } from '../support/client.ts';
import { waitFor } from '../support/wait.ts';
import { files, same, setUp } from './in-band-shop.ts';

let ways: BothWays;

beforeAll(async () => {
  ways = await startBothWays({ sql: [...setUp, same], files, waitMs: 20_000 });
});

afterAll(() => ways.stop());

/** What of the proxy's rows an agent sees, with a driver. */
async function asked(sql: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
  return query(ways.through, sql, values);
}

describe('what the rows say', () => {
  test('a hold that waits, and then how it was decided; another agent’s are not seen', async () => {
    ways.proxy.say(() => 'silence');
    const waiting = asked('select word from words where id = 1');
    const open = await waitFor('the hold', async () => (await asked('select * from countersign.holds'))[0]);
    expect(open).toMatchObject({
      ...{ state: 'open', command: 'SELECT', sql: 'select word from words where id = 1', uses: '0' },
      ...{ rule: 'level watched', asked: [{ groups: ['people'], quorum: 1, approved: 0 }], decided_by: null },
      columns: expect.arrayContaining([{ column: 'public.words.word', level: 'watched' }]),
    });
    for (const column of ['asked_at', 'waits_until', 'open_until']) expect(open[column]).toBeInstanceOf(Date);
    const id = ways.proxy.asked.at(-1)?.id;
    expect(open['id']).toBe(id);
    if (id === undefined) throw new Error('no hold');
    const base = { person: 'ben', channel: 'test', terms: undefined, link: undefined } as const;
    await ways.proxy.desk.vote(id, { ...base, vote: 'deny', reason: 'ask for "less", it’s enough \\ \u202e' });
    await expect(waiting).rejects.toThrow('ask for');
    const [denied, ...more] = await asked('select state, decision, decided_by from countersign.holds where id = $1', [
      id,
    ]);
    expect(more).toEqual([]);
    expect(denied).toMatchObject({ state: 'denied', decided_by: ['ben'] });
    expect(denied?.['decision']).toContain('Denied by ben: ask for "less", it’s enough \\ \\u{202e}');
  });

  test('a budget that is used', async () => {
    await asked('select id from numbers');
    const [counted] = await asked("select * from countersign.budgets where level = 'counted'");
    expect(counted).toEqual({
      ...{ level: 'counted', per: '1d', rows_max: '100', rows_used: '50', rows_left: '50', rows_added: '0' },
    });
  });

  test('the same by TABLE', async () => {
    const rows = await asked('select * from countersign.budgets');
    expect(rows.length).toBeGreaterThan(0);
    expect(await asked(' table countersign.budgets')).toEqual(rows);
    expect(await asked('(TABLE\tcountersign.budgets) limit 10')).toEqual(rows);
  });

  test.each([
    ['select id from numbers', { verdict: 'allow', command: 'SELECT' }],
    ['select word from words', { verdict: 'hold', rule: 'level watched', asked: [{ groups: ['people'], quorum: 1 }] }],
    ['select key from keys', { verdict: 'deny', rule: 'level secret' }],
    ['delete from numbers', { verdict: 'hold', command: 'DELETE' }],
    ['selec 1', { verdict: 'error', reason: expect.stringContaining('syntax error at or near') }],
    ['select * from nowhere', { verdict: 'error', reason: expect.stringContaining('does not exist') }],
    ['select * from countersign.holds', { verdict: 'allow' }],
    ['', { verdict: 'allow', reason: null }],
    ["select 'it''s' \\ 1", { verdict: 'error' }],
  ] as const)('an explanation of %s runs nothing', async (sql, row) => {
    const before = ways.proxy.asked.length;
    const constant = await asked(`select * from countersign.explain('${sql.replaceAll("'", "''")}')`);
    expect(constant).toEqual([expect.objectContaining(row)]);
    expect(await asked('select * from countersign.explain($1)', [sql])).toEqual(constant);
    expect(ways.proxy.asked.length).toBe(before);
    expect(await query(ways.direct, 'select count(*)::int as n from numbers')).toEqual([{ n: 50 }]);
  });

  test('an explanation speaks of the session as it is', async () => {
    const client = new pg.Client({ connectionString: ways.through });
    await client.connect();
    ways.proxy.say(() => ({ vote: 'approve' }));
    await client.query('create temp table words (harmless int)');
    const { rows } = await client.query("select verdict from countersign.explain('select * from words')");
    expect(rows).toEqual([{ verdict: 'allow' }]);
    await client.end();
  });

  test('it stands on the record like any other statement, as it ran', async () => {
    const before = recordsIn(ways.proxy.auditDir).length;
    await asked('select level from countersign.budgets');
    const records = await waitFor('the record', async () => {
      const fresh = recordsIn(ways.proxy.auditDir).slice(before);
      return fresh.some(({ kind }) => kind === 'finished') ? fresh : undefined;
    });
    const judged = records.filter((each) => each.kind === 'judged');
    expect(judged).toMatchObject([
      { verdict: 'allow', text: expect.stringContaining('jsonb_to_recordset($1) AS answer') },
    ]);
    expect(records).toContainEqual(expect.objectContaining({ kind: 'finished', rows: 2 }));
  });
});

describe('what stands beside a name of ours', () => {
  test.each([
    'select (select max(word) from words) from countersign.budgets',
    'select 1 from countersign.budgets where exists (select from words)',
    'select 1 from countersign.budgets order by (select word from words limit 1)',
    'select 1 from countersign.budgets union all select 1 from words',
    'with w as (select word from words) select (select word from w) from countersign.budgets',
  ])('is judged: %s', async (sql) => {
    ways.proxy.say(() => ({ vote: 'deny' }));
    await expect(asked(sql)).rejects.toThrow(/denied by ben|asked alone/);
    await expect(asked(`${sql} -- $1`, [])).rejects.toThrow();
    const client = new pg.Client({ connectionString: ways.through });
    await client.connect();
    await expect(client.query({ text: sql, name: 'prepared' })).rejects.toThrow(/denied by ben|asked alone/);
    await client.end();
  });

  test.each([
    'select * from countersign.budgets; select 1',
    'select 1; select * from countersign.budgets',
    'select * from countersign.budgets, countersign.holds',
    'select * from numbers, countersign.budgets',
    'select * from numbers join countersign.budgets on true',
    'select * from (select * from countersign.budgets) b',
    'select * into temp t from countersign.budgets',
    'select * from countersign.budgets for update',
    'select * from only countersign.budgets',
    'select * from countersign.budgets tablesample system (1)',
    'create temp table t as select * from countersign.budgets',
    "insert into countersign.budgets values ('x')",
    'delete from countersign.holds',
    'truncate countersign.holds',
    'copy countersign.holds to stdout',
    'explain select * from countersign.budgets',
    'declare c cursor for select * from countersign.budgets',
    'prepare p as select * from countersign.budgets',
    "select countersign.explain('select 1')",
    "select * from countersign.explain('select ' || '1')",
    'select * from countersign.explain(1)',
    "select * from countersign.explain('a', 'b')",
    "select * from countersign.explain('a') with ordinality",
    "select * from rows from (countersign.explain('a'), generate_series(1, 2))",
  ])('another form is refused with the forms that work: %s', async (sql) => {
    const error = await asked(sql).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: '0A000', hint: expect.stringContaining('SELECT * FROM countersign.holds') });
  });

  test('a table of the database’s own in that schema is judged as any other', async () => {
    await query(ways.direct, 'create table if not exists countersign.other as select 7 as n');
    expect(
      await waitFor('the schema', async () => asked('select n from countersign.other').catch(() => undefined)),
    ).toEqual([{ n: 7 }]);
  });
});

describe('the reason', () => {
  const reasons = async (url: string, ...texts: readonly string[]): Promise<readonly unknown[]> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const seen: unknown[] = [];
    for (const text of texts) {
      const result = await client.query(text).catch((thrown: unknown) => (thrown as { readonly code: string }).code);
      if (text.startsWith('show'))
        seen.push(typeof result === 'string' ? result : result.rows[0]['countersign.reason']);
    }
    await client.end();
    return seen;
  };
  const show = 'show countersign.reason';

  test.each([
    ['nothing said', [show], ['']],
    ['SET', ["set countersign.reason = 'why'", show, 'reset countersign.reason', show], ['why', '']],
    ['SET LOCAL', ['begin', "set local countersign.reason = 'here'", show, 'commit', show], ['here', '']],
    ['taken back', ['begin', "set countersign.reason = 'no'", 'rollback', show], ['']],
    ['RESET ALL', ["set countersign.reason = 'why'", 'reset all', show], ['']],
    ['a failed transaction', ['begin', 'select 1/0', show, 'rollback', show], ['25P02', '']],
  ] as const)('%s', async (_, texts, seen) => {
    expect(await reasons(ways.through, ...texts)).toEqual(seen);
  });

  test('given with the connection it is shown, gone back to, and on the card', async () => {
    const url = ways.proxy.url('db', undefined, `?options=${encodeURIComponent('-c countersign.reason=nightly')}`);
    expect(await reasons(url, show, "set countersign.reason = 'x'", 'reset countersign.reason', show)).toEqual([
      'nightly',
      'nightly',
    ]);
    ways.proxy.say(() => ({ vote: 'approve' }));
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('begin');
    await client.query("set local countersign.reason = 'only here'");
    await client.query('commit');
    await client.query('select word from words where id = 1 -- by the way');
    await client.end();
    expect(ways.proxy.asked.at(-1)?.agentReason).toBe('nightly');
  });
});
