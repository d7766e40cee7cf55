// Goal: SQL and the protocol share the server's names for prepared statements, cursors and portals, and no name lends what one result was
// judged by to another; who uses both honestly notices nothing.
// Method: raw conversations through a proxy before real Postgres 15 and 18, in which the likenesses of secrets are counted where they
// arrive; nobody ever says yes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fieldOf, type ServerMessage } from '../../src/wire/server-messages.ts';
import { bind, close, execute, parse, sync } from '../support/agent-messages.ts';
import { converse, type Step } from '../support/converse.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';
import { attacks, bound, run } from './shared-names-attacks.ts';

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
create table noted (id int);
create function notes() returns trigger language plpgsql as
  $$ begin raise exception '%', (select string_agg(id, ' ') from setting); end $$;
create constraint trigger notes after insert on noted deferrable initially deferred for each row execute function notes();
create function reads() returns setof text language plpgsql as
  $$ begin return query select id::text from setting; end $$;
analyze;
`;

const shown: ReadonlySet<string> = new Set(['dataRow', 'copyData', 'error', 'readyForQuery']);

function textOf(message: ServerMessage): string {
  if (message.kind === 'copyData') return message.data.toString();
  if (message.kind === 'error') return `error ${fieldOf(message.fields, 'M')}`;
  return message.kind === 'dataRow' ? (message.values[0]?.toString() ?? 'null') : message.kind;
}

const play = async (url: string, steps: readonly Step[]): Promise<readonly string[]> =>
  (await converse(url, steps)).filter(({ kind }) => shown.has(kind)).map(textOf);

describe.each([15, 18] as const)('names that SQL and the protocol share, before Postgres %i', (major) => {
  let postgres: TestPostgres;
  let proxy: RowsProxy;

  beforeAll(async () => {
    postgres = await startPostgres({ major, fill: [{ database: 'postgres', sql: setUp }] });
    proxy = await startRowsProxy({ url: postgres.url('postgres'), files, waitMs: 200 });
  }, 120_000);

  afterAll(async () => {
    await proxy.stop();
    await postgres.stop();
  });

  test.each(Object.entries(attacks))('%s: no more comes than was judged', async (_, [most, ...steps]) => {
    const seen = await play(proxy.url('db'), steps);
    expect(seen.join().split('CANARY').length - 1, seen.join('\n').slice(0, 2000)).toBeLessThanOrEqual(most);
  });

  /** Straight at the server they do leak: an attack that does nothing proves nothing. */
  test.each(Object.entries(attacks))('%s: leaks without us', async (_, [most, ...steps]) => {
    const seen = await play(postgres.url('postgres'), steps);
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
    const through = await play(proxy.url('db'), steps);
    expect(through).toEqual(await play(postgres.url('postgres'), steps));
    expect(proxy.asked.length).toBe(asked);
  });
});
