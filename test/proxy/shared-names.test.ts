// Goal: SQL and the protocol share the server's names for prepared statements, cursors and portals, and no name lends what one result was
// judged by to another; who uses both honestly notices nothing.
// Method: raw conversations through a proxy before real Postgres 15 and 18, in which the likenesses of secrets are counted where they
// arrive; nobody ever says yes.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import type { ServerMessage } from '../../src/wire/server-messages.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { connectRaw, type Raw } from '../support/raw.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';

const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: bounded, read: allow, rows: 100, approvers: [security] }
  - { name: counted, read: allow, approvers: [security] }
  - { name: masked, read: mask, mask: fixed, approvers: [security] }
  - { name: restricted, read: hold, approvers: [security] }
defaults: { unclassified: public }
`,
  'db.yaml': `version: 1
database: db
owner: security
tables:
  public.people: bounded
  public.spent: counted
  public.veiled: masked
  public.secrets: restricted
  other.setting: restricted
`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [security] } }\n',
  'policy.yaml': 'version: 1\nbudgets:\n  - { level: counted, rows: 50, per: 1d }\n',
};

const setUp = `
create table people as select 'CANARY' || g as id from generate_series(1, 1000) g;
create table spent as select 'CANARY' || g as id from generate_series(1, 1000) g;
create table veiled as select 'CANARY' || g as id from generate_series(1, 1000) g;
create table secrets as select 'CANARY' || g as id from generate_series(1, 1000) g;
create table plain as select g as id from generate_series(1, 1000) g;
create function opens() returns text language plpgsql as
  $$ declare c refcursor := 'c'; begin open c for select id || '' from people; return 'opened'; end $$;
create schema other;
create table setting as select 'harmless ' || g as id from generate_series(1, 3) g;
create table other.setting as select 'CANARY' || g as id from generate_series(1, 1000) g;
create function reads() returns setof text language plpgsql as
  $$ begin return query select id::text from setting; end $$;
analyze;
`;

/** One step is answered before the next is sent; several messages in one list go together. */
type Step = string | readonly ClientMessage[];

const sync: ClientMessage = { kind: 'sync' };
const parse = (sql: string, statement = ''): ClientMessage => ({
  ...{ kind: 'parse', statement, sql: Buffer.from(sql), types: [] },
});
const bind = (portal: string, statement = ''): ClientMessage => ({
  ...{ kind: 'bind', portal, statement, formats: [], parameters: [], resultFormats: [] },
});
const execute = (portal: string, maxRows = 0): ClientMessage => ({ kind: 'execute', portal, maxRows });
const close = (target: 'portal' | 'statement', name: string): ClientMessage => ({ kind: 'close', target, name });
const run = (portal: string): Step => [execute(portal), sync];
const bound = (portal: string, sql: string): Step => [parse(sql), bind(portal), sync];

const long = 'c'.repeat(63);

/** The most likenesses that may arrive: those of a result that was judged as what it is. */
const attacks: Readonly<Record<string, readonly [most: number, ...Step[]]>> = {
  'PREPARE fails since Parse has the name, and EXECUTE runs what Parse left': [
    0,
    [parse("select id || '' from secrets", 's'), sync],
    'prepare s as select 1',
    'execute s',
  ],
  'PREPARE fails in a batch of its own, and EXECUTE is sent with it': [
    0,
    [parse("select id || '' from secrets", 's'), sync],
    [parse('prepare s as select 1'), bind(''), execute(''), sync, parse('execute s'), bind(''), execute(''), sync],
  ],
  'a cursor of SQL is executed by the protocol': [100, 'begin', 'declare c cursor for select * from people', run('c')],
  'a cursor that outlives its transaction is': [
    100,
    'begin',
    'declare c cursor with hold for select * from people',
    'commit',
    run('c'),
  ],
  'a cursor draws on a budget': [50, 'begin', 'declare c cursor for select * from spent', run('c')],
  'a cursor is executed piece by piece': [
    100,
    'begin',
    'declare c cursor for select * from people',
    ...Array.from({ length: 5 }, (): Step => [execute('c', 60), sync]),
  ],
  'the protocol takes the name of a cursor, and FETCH reads its portal': [
    0,
    'begin',
    'declare c cursor for select 1',
    [close('portal', 'c'), ...[parse("select id || '' from veiled"), bind('c')], sync],
    'fetch all from c',
  ],
  'the same in one go': [
    0,
    'begin',
    [
      ...[parse('declare c cursor for select 1'), bind(''), execute(''), close('portal', 'c')],
      ...[parse("select id || '' from veiled"), bind('c'), parse('fetch all from c'), bind(''), execute(''), sync],
    ],
  ],
  'SQL takes the name of a portal': [
    100,
    'begin',
    bound('c', 'select 1'),
    'close c',
    'declare c cursor for select id from people',
    run('c'),
  ],
  'SQL closes all portals': [100, 'begin', bound('c', 'select 1'), 'close all', 'select opens()', run('c')],
  'a portal ends with its savepoint': [
    100,
    ...['begin', 'savepoint a', bound('c', 'select 1'), 'rollback to a', 'select opens()'],
    run('c'),
  ],
  'a cursor ends with its savepoint': [
    100,
    ...['begin', 'savepoint a', 'declare c cursor for select 1', 'rollback to a', 'select opens()', 'fetch all from c'],
  ],
  'a portal ends with a transaction that another follows at once': [
    100,
    'begin',
    bound('c', 'select 1'),
    'commit and chain',
    'select opens()',
    run('c'),
  ],
  'a portal ends with its batch, in one go': [
    100,
    [
      ...[parse('select 1'), bind('c'), sync, parse('begin'), bind(''), execute(''), sync],
      ...[parse('select opens()'), bind(''), execute(''), sync, execute('c'), sync],
    ],
  ],
  'a cursor of that name is there already': [
    100,
    'begin',
    'declare c cursor with hold for select id || $$$$ from people',
    'commit',
    'declare c cursor with hold for select 1',
    'fetch all from c',
  ],
  'names within a function change between Bind and Execute': [
    0,
    'begin',
    bound('p', 'select * from reads()'),
    'set search_path = other',
    run('p'),
  ],
  'names within a function change between DECLARE and FETCH': [
    0,
    'begin',
    'declare c cursor for select id from reads() as r(id)',
    'set search_path = other',
    'fetch all from c',
  ],
  'what COPY names changes between Bind and Execute': [
    0,
    'begin',
    bound('p', 'copy setting to stdout'),
    'set search_path = other',
    run('p'),
  ],
  'what COPY names changes in one go': [
    0,
    [
      ...[
        parse('begin'),
        bind(''),
        execute(''),
        parse('set search_path = other', 's'),
        parse('copy setting to stdout', 'c'),
      ],
      ...[bind('s', 's'), bind('c', 'c'), execute('s'), execute('c'), sync],
    ],
  ],
  'what a function names changes in one go': [
    0,
    [
      ...[
        parse('begin'),
        bind(''),
        execute(''),
        parse('set search_path = other', 's'),
        parse('select * from reads()', 'c'),
      ],
      ...[bind('s', 's'), bind('c', 'c'), execute('s'), execute('c'), sync],
    ],
  ],
  'names change back with the transaction, and the unnamed portal stays': [
    0,
    [
      ...[parse('set search_path = other', 's'), parse('select * from reads()', 'c')],
      ...[bind('', 'c'), bind('s', 's'), execute('s'), execute(''), sync],
    ],
  ],
  'what EXECUTE names changes between Bind and Execute': [
    0,
    'prepare s as select $$x$$',
    'begin',
    bound('p', 'execute s'),
    [close('statement', 's'), parse("select id || '' from secrets", 's'), sync],
    run('p'),
  ],
  'what EXECUTE names changes in one go': [
    0,
    'prepare s as select $$x$$',
    [
      ...[parse('execute s', 'e'), bind('p', 'e'), close('statement', 's'), parse("select id || '' from secrets", 's')],
      ...[execute('p'), sync],
    ],
  ],
  'what FETCH names changes between Bind and Execute': [
    100,
    'begin',
    'declare c cursor for select $$x$$',
    bound('p', 'fetch all from c'),
    'close c',
    'declare c cursor for select id from people',
    run('p'),
  ],
  'what FETCH names changes in one go': [
    0,
    'begin',
    'declare c cursor for select $$x$$',
    [
      ...[parse('fetch all from c', 'f'), bind('p', 'f'), close('portal', 'c')],
      ...[parse("select id || '' from veiled"), bind('c'), execute('p'), sync],
    ],
  ],
  'a CLOSE that was bound before runs behind the Bind of that name': [
    100,
    'begin',
    [parse('close c', 'x'), bind('x', 'x'), parse('select 1'), bind('c'), sync],
    run('x'),
    'select opens()',
    run('c'),
  ],
  'a temporary table is made between Bind and Execute': [
    0,
    'begin',
    bound('p', 'select * from reads()'),
    'create temp view setting as select * from other.setting',
    run('p'),
  ],
  'a cursor is executed by a longer name than the server looks at': [
    100,
    'begin',
    `declare ${long} cursor for select id from people`,
    run(`${long}cccc`),
  ],
  'a portal has a longer name than the server looks at': [
    100,
    'begin',
    bound(`${long}cccc`, 'select 1'),
    `close ${long}`,
    `declare ${long} cursor for select id from people`,
    run(`${long}cccc`),
  ],
};

const shown: ReadonlySet<string> = new Set(['dataRow', 'copyData', 'error']);

function textOf(message: ServerMessage): string {
  if (message.kind === 'copyData') return message.data.toString();
  return message.kind === 'dataRow' ? (message.values[0]?.toString() ?? 'null') : message.kind;
}

async function play(raw: Raw, steps: readonly Step[]): Promise<readonly string[]> {
  const seen: string[] = [];
  let readies = 0;
  for (const step of steps) {
    const before = raw.said.length;
    const messages = typeof step === 'string' ? [{ kind: 'query', sql: Buffer.from(step) } as const] : step;
    readies += messages.filter(({ kind }) => kind === 'sync' || kind === 'query').length;
    raw.send(...messages);
    await raw.readies(readies);
    const said = raw.said.slice(before).filter(({ kind }) => shown.has(kind));
    seen.push(said.map((one) => textOf(one)).join());
  }
  raw.close();
  return seen;
}

describe.each([15, 18] as const)('names that SQL and the protocol share, before Postgres %i', (major) => {
  let postgres: TestPostgres;
  let proxy: RowsProxy;

  beforeAll(async () => {
    postgres = await startPostgres({ major });
    const client = new pg.Client(postgres.url('postgres'));
    await client.connect();
    await client.query(setUp);
    await client.end();
    proxy = await startRowsProxy({ url: postgres.url('postgres'), files, waitMs: 200 });
  }, 120_000);

  afterAll(async () => {
    await proxy.stop();
    await postgres.stop();
  });

  test.each(Object.entries(attacks))('%s: no more comes than was judged', async (_, [most, ...steps]) => {
    const seen = await play(await connectRaw(proxy.url('db')), steps);
    expect(seen.join().split('CANARY').length - 1, seen.join('\n').slice(0, 2000)).toBeLessThanOrEqual(most);
  });

  /** Straight at the server they do leak: an attack that does nothing proves nothing. */
  test.each(Object.entries(attacks))('%s: leaks without us', async (_, [most, ...steps]) => {
    const seen = await play(await connectRaw(postgres.url('postgres')), steps);
    expect(seen.join().split('CANARY').length - 1).toBeGreaterThan(most);
  });

  const honest: Readonly<Record<string, readonly Step[]>> = {
    'a cursor executed whole': ['begin', 'declare c cursor for select id from plain where id < 4', run('c')],
    'a cursor executed in pieces': [
      ...['begin', 'declare c cursor for select id from plain order by id'],
      ...[[execute('c', 2), sync] as const, [execute('c', 2), sync] as const, 'fetch 2 from c', 'commit'],
    ],
    'a cursor by its rows, then closed by the protocol': [
      ...['begin', 'declare c cursor for select id from people where id like $$%7$$ order by id limit 5'],
      ...[[execute('c', 2), sync] as const, [close('portal', 'c'), sync] as const, 'commit'],
    ],
    'a portal that goes on behind ROLLBACK TO a savepoint that was set after it': [
      ...['begin', bound('p', 'select id from plain order by id'), [execute('p', 2), sync] as const],
      ...['savepoint a', 'select 1/0', 'rollback to a', [execute('p', 2), sync] as const, 'commit'],
    ],
    'a cursor that does': [
      ...['begin', 'declare c cursor for select id from plain order by id', 'savepoint a', 'fetch 2 from c'],
      ...['select 1/0', 'rollback to a', 'fetch 2 from c', 'release a', 'fetch 2 from c', 'commit'],
    ],
    'a cursor that outlives its transaction, and ends with the next that fails': [
      ...['begin', 'declare c cursor with hold for select id from plain order by id', 'commit', 'fetch 2 from c'],
      ...['begin', 'declare d cursor with hold for select id from plain', 'select 1/0', 'rollback', 'fetch 2 from c'],
    ],
    'a portal that is bound, executed and bound again in one go': [
      [
        ...[parse('select id from plain where id < 3', 's'), bind('', 's'), execute('')],
        ...[bind('', 's'), execute(''), bind('p', 's'), execute('p', 1), execute('p', 1), sync],
      ],
    ],
    'statements that change names, one after the other in one go': [
      [
        ...[
          parse('set search_path = other, public'),
          bind(''),
          execute(''),
          parse('select * from plain where id < 3'),
          bind(''),
        ],
        ...[execute(''), parse('copy (select 1) to stdout'), bind(''), execute(''), sync],
      ],
      [
        parse('declare c cursor for select 1'),
        bind(''),
        parse('begin', 'b'),
        bind('b', 'b'),
        execute('b'),
        execute(''),
        sync,
      ],
    ],
    'a portal that is not there': [
      'begin',
      bound('p', 'select 1'),
      'commit',
      run('p'),
      'begin',
      run('q'),
      run('q'),
      'rollback',
      'select 1',
    ],
    'PREPARE that fails, then another name': [
      'prepare s as select 1',
      'prepare s as select 2',
      'prepare t as select 3',
      'execute t',
    ],
  };

  test.each(Object.entries(honest))('%s is as it is without us', async (_, steps) => {
    const asked = proxy.asked.length;
    const through = await play(await connectRaw(proxy.url('db')), steps);
    expect(through).toEqual(await play(await connectRaw(postgres.url('postgres')), steps));
    expect(proxy.asked.length).toBe(asked);
  });
});
