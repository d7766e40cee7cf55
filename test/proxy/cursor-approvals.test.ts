// Goal: who let a cursor be declared has let it be read: its FETCHes run without asking again, within the rows that were approved, and
// nothing else runs by that yes.
// Method: DECLARE and FETCH as drivers send them, with people who say yes once and then no, before Postgres 15 and 18.
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { HoldView } from '../../src/approval/view.ts';
import { recordsIn } from '../audit/fixtures.ts';
import { query as queryAt } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startRowsProxy, type RowsProxy, type Word } from '../support/rows-proxy.ts';

const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: watched, read: hold, approvers: [people] }
  - { name: guarded, read: hold, approvers: [people], rows: 15 }
defaults: { unclassified: public }
`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [people] } }\n',
  'db.yaml': `version: 1
database: db
owner: people
tables: { public.secrets: watched, public.others: guarded }
`,
};

const declare = 'declare c cursor for select id from secrets order by id';

describe.each([15, 18] as const)('with Postgres %i', (major) => {
  let postgres: TestPostgres;
  let proxy: RowsProxy;
  let client: pg.Client;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off'] });
    await queryAt(
      postgres.url(),
      `create table secrets as select g as id from generate_series(1, 100) g;
       create table others as select g as id from generate_series(1, 100) g`,
    );
    proxy = await startRowsProxy({ url: postgres.url(), files });
  }, 120_000);

  afterAll(async () => {
    await proxy.stop();
    await postgres.stop();
  });

  beforeEach(async () => {
    client = new pg.Client({ connectionString: proxy.url('db') });
    client.on('error', () => undefined);
    await client.connect();
    return () => client.end();
  });

  /** The first is asked about gets this word, everything after it a no. */
  function sayOnce(word: Word): void {
    let left = 1;
    proxy.say(() => (left-- > 0 ? word : { vote: 'deny' }));
  }

  const rows = async (sql: string): Promise<number | null> => (await client.query(sql)).rowCount;
  const refused = { code: '42501' };

  test('FETCH after FETCH, in both protocols and over the end of its transaction', async () => {
    sayOnce({ vote: 'approve' });
    const asked = proxy.asked.length;
    await client.query('begin');
    await client.query(declare.replace('cursor', 'scroll cursor with hold'));
    expect(await rows('fetch 10 from c')).toBe(10);
    await client.query('commit');
    expect((await client.query('fetch 10 from c', [])).rowCount).toBe(10);
    expect((await client.query({ text: 'fetch backward 5 from c', name: 'back' })).rowCount).toBe(5);
    expect(await rows('fetch all from c')).toBe(85);
    expect(proxy.asked.length - asked).toBe(1);
  });

  test('each release is on the record, by the hold that people decided', async () => {
    sayOnce({ vote: 'approve' });
    await client.query('begin');
    await client.query(declare);
    await client.query('fetch 1 from c');
    await client.query('fetch 1 from c');
    const hold = proxy.asked.at(-1)?.id;
    await client.query('commit');
    const released = recordsIn(proxy.auditDir).filter((one) => one.kind === 'released' && one.hold === hold);
    expect(released).toHaveLength(3);
  });

  test('a cursor declared anew under that name is another', async () => {
    sayOnce({ vote: 'approve' });
    await client.query('begin');
    await client.query(declare);
    await client.query('close c');
    await expect(client.query('declare c cursor for select id from others')).rejects.toMatchObject(refused);
  });

  test('what was declared by nobody’s yes is held', async () => {
    proxy.say(() => ({ vote: 'deny' }));
    await client.query('begin');
    await expect(client.query(declare)).rejects.toMatchObject(refused);
  });

  test('a FETCH beside another statement is asked about', async () => {
    sayOnce({ vote: 'approve' });
    await client.query('begin');
    await client.query(declare);
    await expect(client.query('fetch 1 from c; select id from others')).rejects.toMatchObject(refused);
  });

  test('a yes to some rows, or to likenesses, is not taken: it would say nothing about what FETCH gives', async () => {
    const taken: string[] = [];
    const vote = async (id: HoldView['id'], word: Exclude<Word, 'silence'>): Promise<string> => {
      const by = { person: 'ben', channel: 'test', reason: 'no', terms: undefined, link: undefined };
      return (await proxy.desk.vote(id, { ...by, ...word })).kind;
    };
    proxy.say((hold) => {
      const words = [{ kind: 'rows', rowsMax: 3 } as const, { kind: 'masked', rowsMax: undefined } as const];
      void Promise.all(words.map((terms) => vote(hold.id, { vote: 'approve', terms })))
        .then((kinds) => taken.push(...kinds))
        .then(() => vote(hold.id, { vote: 'deny' }));
      return 'silence';
    });
    await client.query('begin');
    await expect(client.query(declare)).rejects.toMatchObject(refused);
    expect(taken).toEqual(['invalid', 'invalid']);
  });

  test('the rows of a level are counted over all of them, and beyond them people are asked again', async () => {
    sayOnce({ vote: 'approve' });
    await client.query('begin');
    await client.query('declare c cursor for select id from others');
    expect(await rows('fetch 10 from c')).toBe(10);
    await expect(client.query('fetch 10 from c')).rejects.toMatchObject(refused);
  });
});
