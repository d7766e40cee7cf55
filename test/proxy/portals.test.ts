// Goal: a cursor that SQL opened is no way around what is counted: Execute reads a portal that was judged, or a cursor as FETCH does.
// Method: raw bytes before a real Postgres 15 and 18, of whose table 100 rows may pass; each way of putting another portal under a name.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import { fieldOf } from '../../src/wire/server-messages.ts';
import { bind, execute, flush, parse, simple as sql, sync } from '../support/agent-messages.ts';
import { query } from '../support/client.ts';
import { converse } from '../support/converse.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { connectRaw } from '../support/raw.ts';
import { waitFor } from '../support/wait.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';

const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: counted, read: allow, rows: 100, approvers: [people] }
defaults: { unclassified: public }
`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [people] } }\n',
  'db.yaml': `version: 1
database: db
owner: people
tables: { public.people: counted }
functions:
  'public.opened(refcursor)': { level: counted, reason: opens a cursor }
`,
};

const setUp = `
create table people as select g as id from generate_series(1, 4000) g;
create table plain as select g as id from generate_series(1, 5000) g;
create function opened(refcursor) returns refcursor language plpgsql as 'begin open $1 for select id from people; return $1; end';
`;

const bound = (portal: string, text: string): readonly ClientMessage[] => [parse(text), bind(portal)];

const declared = sql('declare c cursor for select id from people');
const harmless = bound('c', 'select id from plain');
const attacks: Readonly<Record<string, readonly (readonly ClientMessage[])[]>> = {
  'a cursor that SQL declared': [[sql('begin')], [declared], [execute('c'), sync]],
  'all in one go': [[sql('begin'), declared, execute('c'), sync]],
  'a cursor that outlives its transaction': [
    [sql('declare c cursor with hold for select id from people')],
    [execute('c'), sync],
  ],
  'one in place of a portal that SQL closed': [
    [sql('begin'), ...harmless, sync],
    [sql('close c'), declared, execute('c'), sync],
  ],
  'one in place of all portals that SQL closed': [
    [sql('begin'), ...harmless, sync],
    [sql('close all'), declared, execute('c'), sync],
  ],
  'one in place of a portal that a savepoint took along': [
    [sql('begin'), sql('savepoint s'), ...harmless, sync],
    [sql('rollback to s'), declared, execute('c'), sync],
  ],
  'a function’s, in place of one that SQL closed': [
    [sql('begin'), ...harmless, sync],
    [sql('close c'), sql("select opened('c')"), execute('c'), sync],
  ],
  'a function’s, in place of one that a savepoint took along': [
    [sql('begin'), sql('savepoint s'), ...harmless, sync],
    [sql('rollback to s'), sql("select opened('c')"), execute('c'), sync],
  ],
  'a function’s, in place of one whose transaction ended a moment ago': [
    [...harmless, sync, ...bound('', "select opened('c')"), execute(''), execute('c'), sync],
  ],
};

describe.each([15, 18] as const)('portals of Postgres %i', (major) => {
  let postgres: TestPostgres;
  let proxy: RowsProxy;

  beforeAll(async () => {
    postgres = await startPostgres({ major });
    await query(postgres.url(), setUp);
    proxy = await startRowsProxy({ url: postgres.url(), files, waitMs: 2_000 });
    proxy.say(() => ({ vote: 'deny' }));
    // Known from now on, so that nothing waits for a first reading.
    await query(proxy.url('db'), "begin; select opened('warm'); close warm; commit");
  }, 120_000);

  afterAll(async () => {
    await proxy.stop();
    await postgres.stop();
  });

  const said = (steps: readonly (readonly ClientMessage[])[]) => converse(proxy.url('db'), steps);

  test.each(Object.entries(attacks))('%s is counted or asked about like FETCH', async (name, steps) => {
    const got = await said(steps);
    const rows = got.filter((message) => message.kind === 'dataRow').length;
    const errors = got.flatMap((message) => (message.kind === 'error' ? [fieldOf(message.fields, 'M')] : []));
    // What a function has opened nobody knows, so people are asked.
    if (name.includes('function')) expect([rows, errors]).toEqual([1, ['denied by ben: that is too much']]);
    else expect([rows, errors]).toEqual([100, [expect.stringMatching(/^100 rows .* denied by ben/)]]);
  });

  test('a portal that is read on before its Sync is counted as one', async () => {
    const raw = await connectRaw(proxy.url('db'));
    const rows = (): number => raw.said.filter((message) => message.kind === 'dataRow').length;
    raw.send(...bound('', 'select id from people'), execute('', 60), flush);
    await waitFor('the first piece', () => raw.said.some((message) => message.kind === 'portalSuspended'));
    raw.send(execute('', 60), flush);
    await waitFor('the end', () => raw.said.some((message) => message.kind === 'error'));
    raw.send(sync);
    await raw.readies(1);
    expect(rows()).toBe(100);
    raw.close();
  });

  test('a portal is read on after a savepoint, a function and other statements', async () => {
    const got = await said([
      [sql('begin'), ...harmless, execute('c', 50), sync],
      [sql('savepoint s'), ...bound('d', 'select id from plain limit 3'), execute('d', 1), sync],
      [sql("select opened('e')")],
      [execute('c', 50), execute('d'), sync],
      [sql('rollback to s'), execute('c', 70), sync],
    ]);
    const rows = got.filter((message) => message.kind === 'dataRow').length;
    expect(got.filter((message) => message.kind === 'error')).toEqual([]);
    expect(rows).toBe(50 + 1 + 1 + 50 + 2 + 70);
  });
});
