// Goal: a name that nobody gave to a statement or a cursor has Postgres's own error, and asks no people; and no name that comes to be in
// between, by SQL, the protocol or a function, is run by what was judged while it was not there.
// Method: conversations as data at Postgres 15 and 18 directly and through the proxy, every message compared; attacks whose secrets come
// out directly, and never through the proxy. Nobody says yes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bind, execute, extended, parse, sync } from '../support/agent-messages.ts';
import { startBothWays, type BothWays } from '../support/both-ways.ts';
import { query } from '../support/client.ts';
import { converse, type Step } from '../support/converse.ts';
import { watchedFiles } from '../support/watched-files.ts';

const files = watchedFiles({
  tables: '{ public.secrets: watched }',
  more: `functions:
  public.opens(): { level: public, reason: what it opens is looked at when it is read }
  public.prepares(): { level: public, reason: the same }
  public.plans(): { level: public, reason: the same }
  public.takes(text): { level: public, reason: it writes down what it is given }
`,
});

const setUp = [
  'create table secrets (word text)',
  "insert into secrets values ('canary')",
  'create table notes (word text)',
  "insert into notes values ('one'), ('two')",
  'create table taken (word text)',
  `create function takes(text) returns text language plpgsql as
    $$ begin insert into taken values ($1); return $1; end $$`,
  `create function opens() returns text language plpgsql as
    $$ declare c refcursor := 'c'; begin open c for select takes(word) from secrets; return 'opened'; end $$`,
  `create function prepares() returns text language plpgsql as
    $$ begin execute 'prepare p as select takes(word) from secrets'; return 'prepared'; end $$`,
  `create function plans() returns int language plpgsql immutable as
    $$ declare c refcursor := 'c'; begin open c for select takes(word) from secrets; return 1; end $$`,
];

const statements: readonly string[] = [
  'execute p',
  'execute p (1, (select max(word) from secrets))',
  'explain execute p',
  'explain (analyze, verbose) execute p (1)',
  'fetch all from c',
  'fetch backward 3 in c',
  'move 5 in c',
  'close c',
  'deallocate p',
  'execute "a ""name"" of its own"',
];

const around: Readonly<Record<string, (step: Step) => readonly Step[]>> = {
  'outside of transactions': (step) => [step, 'select 1', step],
  'in a transaction': (step) => ['begin', 'select 1', step, 'select 1', step, 'rollback', step],
  'as the first of a transaction': (step) => ['begin isolation level repeatable read', step, 'rollback', 'select 1'],
  'behind a savepoint': (step) => ['begin', 'savepoint a', step, 'rollback to a', step, 'rollback to a', 'commit'],
  'in a failed transaction': (step) => ['begin', 'select 1/0', step, 'rollback', step],
  'beside other names': (step) => ['prepare q as select 1', step, 'execute q', 'begin', step, 'rollback', 'execute q'],
};

const conversations: Readonly<Record<string, readonly Step[]>> = {
  'a name that was there, and is no more': [
    ...['prepare p as select word from notes', 'execute p', 'deallocate p', 'execute p', 'prepare p as select 2'],
    ...['execute p', 'discard all', 'execute p', extended('execute p'), 'prepare p as select 3', extended('execute p')],
  ],
  'a cursor that ended with its transaction': [
    ...['begin', 'declare c cursor for select word from notes', 'fetch 1 from c', 'commit', 'fetch 1 from c'],
    ...['begin', extended('fetch 1 from c'), 'rollback'],
  ],
  'a PREPARE that failed': ['prepare p as select nothing', 'execute p', extended('execute p')],
  'in a pipeline': [
    [...extended('select word from notes').slice(0, 4), ...extended('execute p').slice(0, 4), ...extended('select 2')],
    'select 3',
  ],
  'several batches at once': [
    [...extended('prepare p as select 1'), ...extended('execute p'), ...extended('execute q')].slice(0, 5),
  ],
  'a batch that runs something and then names nothing': [
    [...extended("insert into notes values ('three')").slice(0, 4), ...extended('fetch all from c')],
    'select count(*) from notes',
  ],
};

/** Each gives the secret directly, as a row or to a table: what is bound while the name is not there gives no rows, but it runs. */
const attacks: Readonly<Record<string, readonly Step[]>> = {
  'Parse takes the name between Bind and Execute': [
    [parse('execute p', 'e'), bind('x', 'e'), parse('select takes(word) from secrets', 'p'), execute('x'), sync],
  ],
  'the same over a Sync': [
    'begin',
    [parse('execute p', 'e'), bind('x', 'e'), sync],
    [parse('select takes(word) from secrets', 'p'), sync],
    [execute('x'), sync],
  ],
  'Bind takes the name of a cursor between Bind and Execute': [
    'begin',
    [
      parse('fetch all from c', 'f'),
      bind('x', 'f'),
      parse('select takes(word) from secrets'),
      bind('c'),
      execute('x'),
      sync,
    ],
  ],
  'a function opens the cursor between Bind and Execute': [
    'begin',
    [
      parse('fetch all from c', 'f'),
      bind('x', 'f'),
      parse('select opens()'),
      bind(''),
      execute(''),
      execute('x'),
      sync,
    ],
  ],
  'a function opens it in a Query': [
    'begin',
    [parse('fetch all from c', 'f'), bind('x', 'f'), sync],
    'select opens()',
    [execute('x'), sync],
  ],
  'a function prepares between Bind and Execute': [
    [parse('execute p', 'e'), bind('x', 'e'), parse('select prepares()'), bind(''), execute(''), execute('x'), sync],
  ],
  'a function opens it when another statement is planned': [
    'begin',
    [parse('fetch all from c', 'f'), bind('x', 'f'), parse('select plans()'), bind(''), execute('x'), sync],
  ],
  'a function opens it, and then it is asked for': ['begin', 'select opens()', 'fetch all from c'],
  'the same in one go': [
    'begin',
    [parse('select opens()'), bind(''), execute(''), parse('fetch all from c'), bind(''), execute(''), sync],
  ],
  'a function prepares, and then it is asked for': ['select prepares()', 'execute p'],
  'Parse puts it there': [[parse('select takes(word) from secrets', 'p'), sync], 'execute p'],
  'the same in one go, in a batch of its own': [
    [parse('select takes(word) from secrets', 'p'), sync, parse('execute p'), bind(''), execute(''), sync],
  ],
  'a Query makes it and names it': ['begin', 'select opens(); fetch all from c'],
  'it is asked for before and after it comes to be': ['execute p', 'select prepares()', 'execute p'],
};

describe.each([15, 18] as const)('names that are not there, on Postgres %i', (major) => {
  let ways: BothWays;

  beforeAll(async () => {
    ways = await startBothWays({ major, sql: setUp, files });
  }, 120_000);

  afterAll(() => ways.stop());

  async function same(steps: readonly Step[]): Promise<void> {
    const direct = await converse(ways.direct, steps);
    const before = ways.proxy.all.length;
    expect(await converse(ways.through, steps)).toEqual(direct);
    expect(ways.proxy.all.slice(before)).toEqual([]);
  }

  describe.each(Object.entries(around))('%s', (_, steps) => {
    test.each(statements)('a Query: %s', (sql) => same(steps(sql)));
    test.each(statements)('Parse, Bind and Execute: %s', (sql) => same(steps(extended(sql))));
  });

  test.each(Object.entries(conversations))('%s', (_, steps) => same(steps));

  /** Rows that came, and what was taken meanwhile. */
  async function taken(url: string, steps: readonly Step[]): Promise<string> {
    await query(ways.direct, 'truncate taken');
    const said = await converse(url, [...steps, 'commit', 'select word from taken']);
    return said.map((one) => (one.kind === 'dataRow' ? one.values.join() : '')).join();
  }

  test.each(Object.entries(attacks))('%s: nothing comes out', async (_, steps) => {
    expect(await taken(ways.through, steps)).not.toContain('canary');
  });

  test.each(Object.entries(attacks))('%s: it does without us', async (_, steps) => {
    expect(await taken(ways.direct, steps)).toContain('canary');
  });
});
