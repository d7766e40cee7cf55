// Goal: what the proxy itself answers comes as Postgres would give it, in every form of the protocol; what is asked in another form, or
// stands beside it, is answered or judged as anything else.
// Method: the same conversations through the proxy and directly, where a real schema `countersign` holds the same rows; then what rows say.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import pg from 'pg';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import type { ServerMessage } from '../../src/wire/server-messages.ts';
import { recordsIn } from '../audit/fixtures.ts';
import { query as queryAt } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { connectRaw } from '../support/raw.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';
import { waitFor } from '../support/wait.ts';

const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: counted, read: allow }
  - { name: watched, read: hold, approvers: [people] }
  - { name: secret, read: deny }
defaults: { unclassified: public }
`,
  'approvers.yaml':
    'version: 1\napprovers: { ben: { email: ben@example.com, groups: [people] }, ana: { email: ana@example.com, groups: [people] } }\n',
  'db.yaml':
    'version: 1\ndatabase: db\nowner: people\ntables: { public.words: watched, public.numbers: counted, public.keys: secret }\n',
  'policy.yaml': `version: 1
budgets:
  - { level: counted, rows: 100, per: 1d }
  - { level: watched, rows: 7, per: 1h }
`,
};

let postgres: TestPostgres;
let proxy: RowsProxy;

/** The same rows as ours, in tables of the database; which only whoever does not go through the proxy can see. */
const same = `
create schema countersign;
create table countersign.budgets (level text, per text, rows_max int8, rows_used int8, rows_left int8, rows_added int8);
insert into countersign.budgets values ('counted', '1d', 100, 0, 100, 0), ('watched', '1h', 7, 0, 7, 0);
create table countersign.holds (id text, state text, asked_at timestamptz, waits_until timestamptz, open_until timestamptz,
  usable_until timestamptz, command text, sql text, rule text, reason text, columns jsonb, asked jsonb, decided_at timestamptz,
  decided_by jsonb, decision text, would_pass text, uses int8);
create function countersign.explain(sql text) returns table (verdict text, reason text, rule text, place text, command text,
  columns jsonb, asked jsonb, rows_expected int8, rows_max int8, would_pass text, reasons jsonb) language sql strict as
  $$ values ('allow', null, null, null, 'SELECT', '[]'::jsonb, '[]'::jsonb, null::int8, null::int8, null, '[]'::jsonb) $$;
`;

beforeAll(async () => {
  postgres = await startPostgres();
  await queryAt(
    postgres.url(),
    "create table words (id int primary key, word text); insert into words values (1, 'one')",
  );
  await queryAt(postgres.url(), 'create table numbers (id int); insert into numbers select generate_series(1, 50)');
  await queryAt(postgres.url(), 'create table keys (key text)');
  await queryAt(postgres.url(), same);
  proxy = await startRowsProxy({ url: postgres.url(), files, waitMs: 20_000 });
});

afterAll(async () => {
  await proxy.stop();
  await postgres.stop();
});

const query = (sql: string): ClientMessage => ({ kind: 'query', sql: Buffer.from(sql) });
const parse = (sql: string, statement = '', types: readonly number[] = []): ClientMessage => ({
  ...{ kind: 'parse', statement, types },
  sql: Buffer.from(sql),
});
const bind = (
  values: readonly (string | null)[] = [],
  more: { readonly portal?: string; readonly statement?: string; readonly formats?: readonly number[] } = {},
): ClientMessage => ({
  ...{ kind: 'bind', formats: [], portal: more.portal ?? '', statement: more.statement ?? '' },
  parameters: values.map((value) => (value === null ? null : Buffer.from(value))),
  resultFormats: more.formats ?? [],
});
const execute = (maxRows = 0, portal = ''): ClientMessage => ({ kind: 'execute', portal, maxRows });
const describeOf = (target: 'statement' | 'portal', name = ''): ClientMessage => ({ kind: 'describe', target, name });
const close = (target: 'statement' | 'portal', name = ''): ClientMessage => ({ kind: 'close', target, name });
const sync: ClientMessage = { kind: 'sync' };

const budgets = 'select * from countersign.budgets';

/** The number says how many ReadyForQuery there are. */
const conversations: Readonly<Record<string, readonly [number, ...(readonly ClientMessage[])]>> = {
  'a simple query': [1, query(budgets)],
  'no rows': [1, query('select * from countersign.holds')],
  'columns, a filter, an order and a limit': [
    1,
    query('select level, rows_left from countersign.budgets where rows_max > 1 order by rows_max limit 1'),
  ],
  'an aggregate': [1, query('select count(*), sum(rows_max) from countersign.budgets')],
  'its own name': [1, query('select budgets.level from countersign.budgets')],
  'a name of the agent’s': [1, query("select b.l from countersign.budgets b (l) where b.l = 'watched'")],
  'names in capitals, quotes and comments': [
    1,
    query('SELECT level FROM /* ours */ CounterSign /* . */ . -- so\n "budgets" -- all\n;'),
  ],
  'two in one write, and one behind': [3, query(budgets), query('select * from countersign.holds'), query('select 2')],
  'an extended statement': [
    ...[1, parse(budgets), describeOf('statement'), bind(), describeOf('portal'), execute(), sync],
  ] as const,
  'a prepared statement, twice, then closed': [
    4,
    parse('select level from countersign.budgets where level = $1', 's'),
    describeOf('statement', 's'),
    sync,
    ...[bind(['watched'], { statement: 's' }), execute(), sync],
    ...[bind(['counted'], { statement: 's' }), execute(), sync],
    ...[close('statement', 's'), sync],
  ],
  'a name that is there already': [
    3,
    ...[parse(budgets, 's'), sync],
    ...[parse('select 1', 's'), bind([], { statement: 's' }), execute(), sync],
    ...[bind([], { statement: 's' }), execute(), sync],
  ],
  'too few values': [
    3,
    ...[parse('select level from countersign.budgets where level = $1', 's'), bind([], { statement: 's' }), sync],
    ...[bind(['counted', 'more'], { statement: 's' }), execute(), sync],
    ...[parse('select level from countersign.budgets where level = $1'), bind(), execute(), sync],
  ],
  'binary results': [1, parse(budgets), bind([], { formats: [1] }), describeOf('portal'), execute(), sync],
  'some binary, some text': [
    1,
    parse('select level, rows_max from countersign.budgets'),
    bind([], { formats: [0, 1] }),
    execute(),
    sync,
  ],
  'a portal read a row at a time': [
    1,
    parse(budgets),
    bind([], { portal: 'p' }),
    ...[execute(1, 'p'), execute(1, 'p'), execute(1, 'p'), close('portal', 'p'), sync],
  ],
  'a portal over a Sync, in a transaction': [
    5,
    query('begin'),
    ...[parse(budgets), bind([], { portal: 'p' }), execute(1, 'p'), sync],
    ...[execute(5, 'p'), sync],
    query('commit'),
    ...[execute(1, 'p'), sync],
  ],
  'a pipeline with more before and behind': [
    2,
    ...[parse('select 1'), bind(), execute()],
    ...[parse(budgets), bind(), describeOf('portal'), execute()],
    ...[parse('select 3'), bind(), execute(), sync],
    query('select 4'),
  ],
  'a pipeline that failed before it': [
    3,
    ...[parse('select 1/0'), bind(), execute(), parse(budgets), bind(), execute(), sync],
    ...[parse(budgets), bind(), execute(), sync],
    query('select 4'),
  ],
  'a transaction block': [4, query('begin'), query(budgets), query('select 1'), query('commit')],
  'a transaction that failed': [
    6,
    query('begin'),
    query('select 1/0'),
    query(budgets),
    ...[parse(budgets), bind(), execute(), sync],
    query('rollback'),
    query(budgets),
  ],
  'prepared before, bound in a transaction that failed, and used again': [
    6,
    ...[parse(budgets, 's'), sync],
    ...[query('begin'), query('select 1/0')],
    ...[bind([], { statement: 's' }), execute(), sync],
    query('rollback'),
    ...[describeOf('statement', 's'), bind([], { statement: 's' }), execute(), sync],
  ],
  'a parameter missing': [
    2,
    ...[parse('select level from countersign.budgets where level = $1'), bind([]), execute(), sync],
    query('select 1'),
  ],
  'a column that is not there': [2, query('select colour from countersign.budgets'), query('select 1')],
  'a column that is not there, prepared': [
    2,
    ...[parse('select colour from countersign.budgets'), bind(), execute(), sync],
    query('select 1'),
  ],
  'Flush instead of Sync': [1, parse(budgets), bind(), execute(), { kind: 'flush' }, sync],
  'an explanation': [1, query("select * from countersign.explain('select 1')")],
  'an explanation of NULL': [1, query('select * from countersign.explain(null)')],
  'an explanation, cast': [
    1,
    query("select verdict from countersign.explain('select 1'::text) e where verdict <> 'x'"),
  ],
  'an explanation by parameter': [
    1,
    parse('select * from countersign.explain($1)'),
    describeOf('statement'),
    bind(['select 1']),
    describeOf('portal'),
    execute(),
    sync,
  ],
  'an explanation by the second parameter, typed': [
    1,
    parse('select verdict from countersign.explain($2) where verdict like $1', '', [25, 25]),
    describeOf('statement'),
    ...[bind(['a%', 'select 1'], { formats: [1] }), execute(), bind(['h%', 'select 1']), execute(), sync],
  ],
  'an explanation of a NULL parameter': [
    1,
    parse('select * from countersign.explain($1::text)'),
    ...[bind([null]), execute(), sync],
  ],
  'other things of that schema': [
    1,
    query("select count(*) from pg_class where relnamespace::regnamespace::text = 'countersign'"),
  ],
  'a text of that name': [1, query("select 'countersign.holds' as name")],
};

/** Tables of the database have numbers, and errors say where in the text and in the server; neither is ours to give.
 * What is bound wrongly is told by our name for it. */
function bare(said: readonly ServerMessage[]): readonly unknown[] {
  return said.map((message) => {
    if (message.kind === 'rowDescription') {
      return { ...message, columns: message.columns.map((one) => ({ ...one, tableOid: 0, columnNumber: 0 })) };
    }
    if (message.kind !== 'error') return message;
    const fields = message.fields.filter(({ letter }) => 'SVCM'.includes(letter));
    return {
      ...message,
      fields: fields.map((one) => ({ ...one, text: one.text.replace(/"countersign answer \w+"/, '""') })),
    };
  });
}

describe.each(Object.entries(conversations))('%s', (_, [readies, ...messages]) => {
  test('is answered as the database would', async () => {
    const [direct, through] = await Promise.all(
      [postgres.url(), proxy.url('db')].map(async (url) => {
        const raw = await connectRaw(url);
        raw.send(...messages);
        await raw.readies(readies);
        raw.close();
        return bare(raw.said);
      }),
    );
    expect(through).toEqual(direct);
    expect(direct?.length).toBeGreaterThan(readies);
  });
});

/** What of the proxy's rows an agent sees, with a driver. */
async function asked(sql: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
  return queryAt(proxy.url('db'), sql, values);
}

describe('what the rows say', () => {
  test('a hold that waits, and then how it was decided; another agent’s are not seen', async () => {
    proxy.say(() => 'silence');
    const waiting = asked('select word from words where id = 1');
    const open = await waitFor('the hold', async () => (await asked('select * from countersign.holds'))[0]);
    expect(open).toMatchObject({
      ...{ state: 'open', command: 'SELECT', sql: 'select word from words where id = 1', uses: '0' },
      ...{ rule: 'level watched', asked: [{ groups: ['people'], needed: 1, approved: 0 }], decided_by: null },
      columns: expect.arrayContaining([{ column: 'public.words.word', level: 'watched' }]),
    });
    for (const column of ['asked_at', 'waits_until', 'open_until']) expect(open[column]).toBeInstanceOf(Date);
    const id = proxy.asked.at(-1)?.id;
    expect(open['id']).toBe(id);
    if (id === undefined) throw new Error('no hold');
    const base = { person: 'ben', channel: 'test', terms: undefined, link: undefined } as const;
    await proxy.desk.vote(id, { ...base, vote: 'deny', reason: 'ask for "less", it’s enough \\ \u202e' });
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

  test.each([
    ['select id from numbers', { verdict: 'allow', command: 'SELECT' }],
    ['select word from words', { verdict: 'hold', rule: 'level watched', asked: [{ groups: ['people'], needed: 1 }] }],
    ['select key from keys', { verdict: 'deny', rule: 'level secret' }],
    ['delete from numbers', { verdict: 'hold', command: 'DELETE' }],
    ['selec 1', { verdict: 'error', reason: expect.stringContaining('syntax error at or near') }],
    ['select * from nowhere', { verdict: 'error', reason: expect.stringContaining('does not exist') }],
    ['select * from countersign.holds', { verdict: 'allow' }],
    ['', { verdict: 'allow', reason: null }],
    ["select 'it''s' \\ 1", { verdict: 'error' }],
  ] as const)('an explanation of %s runs nothing', async (sql, row) => {
    const before = proxy.asked.length;
    const constant = await asked(`select * from countersign.explain('${sql.replaceAll("'", "''")}')`);
    expect(constant).toEqual([expect.objectContaining(row)]);
    expect(await asked('select * from countersign.explain($1)', [sql])).toEqual(constant);
    expect(proxy.asked.length).toBe(before);
    expect(await queryAt(postgres.url(), 'select count(*)::int as n from numbers')).toEqual([{ n: 50 }]);
  });

  test('an explanation speaks of the session as it is', async () => {
    const client = new pg.Client({ connectionString: proxy.url('db') });
    await client.connect();
    proxy.say(() => ({ vote: 'approve' }));
    await client.query('create temp table words (harmless int)');
    const { rows } = await client.query("select verdict from countersign.explain('select * from words')");
    expect(rows).toEqual([{ verdict: 'allow' }]);
    await client.end();
  });

  test('it stands on the record like any other statement, as it ran', async () => {
    const before = recordsIn(proxy.auditDir).length;
    await asked('select level from countersign.budgets');
    const records = await waitFor('the record', async () => {
      const fresh = recordsIn(proxy.auditDir).slice(before);
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
    proxy.say(() => ({ vote: 'deny' }));
    await expect(asked(sql)).rejects.toThrow(/denied by ben|asked alone/);
    await expect(asked(`${sql} -- $1`, [])).rejects.toThrow();
    const client = new pg.Client({ connectionString: proxy.url('db') });
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
    await queryAt(postgres.url(), 'create table if not exists countersign.other as select 7 as n');
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
    expect(await reasons(proxy.url('db'), ...texts)).toEqual(seen);
  });

  test('given with the connection it is shown, gone back to, and on the card', async () => {
    const url = proxy.url('db', undefined, `?options=${encodeURIComponent('-c countersign.reason=nightly')}`);
    expect(await reasons(url, show, "set countersign.reason = 'x'", 'reset countersign.reason', show)).toEqual([
      'nightly',
      'nightly',
    ]);
    proxy.say(() => ({ vote: 'approve' }));
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('begin');
    await client.query("set local countersign.reason = 'only here'");
    await client.query('commit');
    await client.query('select word from words where id = 1 -- by the way');
    await client.end();
    expect(proxy.asked.at(-1)?.agentReason).toBe('nightly');
  });
});
