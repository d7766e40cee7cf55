// Goal: a yes lasts while definitions move that the statement has nothing to do with, and is void where it would do anything else.
// Method: a statement waits for people; definitions as data move at Postgres 15 and 18, the proxy has seen them, and then people say yes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HoldView } from '../../src/approval/view.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';
import { waitFor } from '../support/wait.ts';
import { watchedFiles } from '../support/watched-files.ts';
import { aVote } from '../approval/fixtures.ts';

const files = watchedFiles({
  tables: '{ public.people: { columns: { ssn: watched } }, public.paid: { columns: { ssn: watched } } }',
});

const schema = `
  drop schema public cascade; create schema public;
  create table people (id int primary key, ssn text);
  create table visits (person int references people, at timestamptz);
  create table paid (id int, ssn text);
  create table beside (id int, word text);
  create view shown as select id, ssn from people where id > 0;
  create domain code as text check (value <> '');
  create function says() returns int language sql as 'select 1';
  create sequence numbers;
  insert into people values (1, 'canary');
  insert into paid values (2, 'other canary');`;

const reading = 'select id, ssn from shown';

/** Nothing of what is read or written. */
const besides: readonly (readonly [string, string])[] = [
  [reading, 'create table more (id int primary key, word text default upper($$x$$))'],
  [reading, 'create index on beside (lower(word))'],
  [reading, 'alter table beside add check (id > 0), add unique (id)'],
  [reading, 'create view beside_shown as select word from beside'],
  [reading, 'create view shown_too as select id from shown'],
  [reading, 'drop table beside'],
  [
    reading,
    'create table parted (id int) partition by list (id); create table part partition of parted for values in (1)',
  ],
  ['update people set ssn = $$y$$ where ssn = $$q$$', 'create index on beside (id)'],
  ["select setval('numbers', 7), ssn from people", 'create table more (id int)'],
];

const touching: readonly (readonly [string, string])[] = [
  [reading, 'create or replace view shown as select id, ssn from people'],
  [
    reading,
    'alter table people rename to old; alter table paid rename to people; create or replace view shown as select id, ssn from people',
  ],
  ['select id, ssn from people', 'alter table people rename to old; alter table paid rename to people'],
  [reading, 'alter table people enable row level security'],
  [reading, 'create table child () inherits (people)'],
  [reading, 'alter table people alter column ssn set default $$x$$'],
  [reading, 'alter table beside add column more int'],
  [reading, 'create or replace function says() returns int language sql as $$ select 2 $$'],
  [reading, 'create function more() returns int language sql as $$ select 2 $$'],
  [reading, 'alter domain code add check (value <> $$x$$)'],
  [reading, 'create schema another'],
  ['select says(), ssn from people', 'create table more (id int)'],
  ['update people set ssn = $$y$$ where ssn = $$q$$', 'create rule r as on update to people do also select 1'],
  ['delete from people where ssn = $$y$$', 'alter table visits drop constraint visits_person_fkey'],
];

describe.each([15, 18] as const)('with Postgres %i', (major) => {
  let postgres: TestPostgres;
  let proxy: RowsProxy;
  let times = 0;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off'] });
    await query(postgres.url(), schema);
    proxy = await startRowsProxy({ url: postgres.url(), files });
    proxy.say(() => 'silence');
  }, 120_000);

  afterAll(async () => {
    await proxy.stop();
    await postgres.stop();
  });

  /** What the proxy can read a new table by, it has seen all before it by. */
  async function defined(sql: string): Promise<void> {
    times += 1;
    const seen = `seen_${String(times)}`;
    await query(postgres.url(), `${sql}; create table ${seen} (id int)`);
    await waitFor('the proxy to know the definitions', () =>
      query(proxy.url('db'), `select count(*) from ${seen}`).then(
        () => true,
        () => false,
      ),
    );
  }

  async function approvedAfter(sql: string, definitions: string): Promise<string> {
    await defined(schema);
    const before = new Set(proxy.asked.map(({ id }) => id));
    const answer = query(proxy.url('db'), sql).then(
      (rows) => JSON.stringify(rows),
      (error: unknown) => String(error),
    );
    const asked = (): HoldView | undefined => proxy.asked.find(({ id }) => !before.has(id));
    await waitFor('people to be asked', () => asked() !== undefined);
    const hold = asked();
    if (hold === undefined) throw new Error('nobody was asked');
    await defined(definitions);
    await proxy.desk.vote(hold.id, aVote());
    return answer;
  }

  test.each(besides)('%s is let through though meanwhile: %s', async (sql, definitions) => {
    expect(await approvedAfter(sql, definitions)).toMatch(/canary|^\[\]$/);
  });

  test.each(touching)('%s is not let through where meanwhile: %s', async (sql, definitions) => {
    const answer = await approvedAfter(sql, definitions);
    expect(answer).not.toContain('canary');
    expect(answer).toContain('what it means changed while it waited');
  });
});
