// Goal: pg_dump is asked about once, with its tables, levels and sizes, and then nothing passes but those; without classified data nobody
// is asked. Somebody else who behaves like it gets no more than what people have seen.
// Method: Debian's pg_dump against a real Postgres 15 behind a proxy, alone and with two jobs; then the same conversation by hand, with a
// table that was not listed, one that is read twice, another classification, and another session.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordsIn } from '../audit/fixtures.ts';
import { agentPassword } from '../support/proxy.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';

const filesOf = (tables: string): Readonly<Record<string, string>> => ({
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: confidential, read: hold, rows: 5, approvers: [owners] }
  - { name: restricted, read: hold, approvers: [security] }
defaults: { unclassified: public }
`,
  'db.yaml': `version: 1\ndatabase: db\nowner: owners\ntables: ${tables}\n`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [security, owners] } }\n',
});

const classified = filesOf(
  '{ public.people: { default: public, columns: { ssn: restricted, email: confidential } }, public.notes: confidential }',
);

const setUp = `
create role dumper login password 'dumper';
create table people (id int, ssn text, email text);
insert into people select n, 'secret-' || n, n || '@x' from generate_series(1, 50) n;
create table notes (id int, words text);
insert into notes select n, 'w' || n from generate_series(1, 20) n;
create table free (id int);
insert into free values (1);
grant select on all tables in schema public to dumper;
analyze;
`;

interface Dumped {
  readonly code: number | null;
  readonly text: string;
  readonly complaints: string;
}

describe('pg_dump', () => {
  let postgres: TestPostgres;
  let proxy: RowsProxy;
  let open: RowsProxy;

  beforeAll(async () => {
    postgres = await startPostgres({ major: 15, fill: [{ database: 'postgres', sql: setUp }] });
    const url = new URL(postgres.url('postgres'));
    [url.username, url.password] = ['dumper', 'dumper'];
    proxy = await startRowsProxy({ url: url.href, files: classified });
    open = await startRowsProxy({ url: url.href, files: filesOf('{ public.people: public }') });
  }, 120_000);

  afterAll(async () => {
    await open.stop();
    await proxy.stop();
    await postgres.stop();
  });

  async function dump(by: RowsProxy, args: readonly string[] = []): Promise<Dumped> {
    const child = spawn('pg_dump', ['-h', '127.0.0.1', '-p', String(by.port), '-U', 'tester', ...args, 'db'], {
      env: { ...process.env, PGPASSWORD: agentPassword },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [text, complaints] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    const code = await new Promise<number | null>((settle) => child.once('close', settle));
    return { code, text, complaints };
  }

  const people = [/COPY public\.people/, /secret-50\t50@x/, /w20/];

  test('of nothing classified asks nobody', async () => {
    open.say(() => ({ vote: 'deny' }));
    const { code, text, complaints } = await dump(open);
    expect([code, complaints]).toEqual([0, '']);
    for (const part of people) expect(text).toMatch(part);
    expect(open.asked).toEqual([]);
  }, 60_000);

  test('is one card with tables, levels and sizes, one decision, and passes whole', async () => {
    proxy.say(() => ({ vote: 'approve' }));
    const { code, text, complaints } = await dump(proxy);
    expect([code, complaints]).toEqual([0, '']);
    for (const part of people) expect(text).toMatch(part);
    const [card, ...more] = proxy.asked;
    expect(more).toEqual([]);
    const words = card?.reasons.map((reason) => reason.words).join('\n');
    expect(words).toContain('a dump of 3 tables in one transaction, all rows of each once; people are asked about 2');
    expect(words).toMatch(/public\.people: ssn \(restricted\), email \(confidential\); about 50 rows, \d+ kB/);
    expect(words).toMatch(/public\.notes: .*words \(confidential\).*; about 20 rows, \d+ kB/);
    expect(card?.offers).toEqual(['once']);
    expect(card?.needs.map((need) => need.groups)).toEqual([['security'], ['owners']]);
    proxy.audit.log.flush();
    const released = recordsIn(proxy.auditDir).filter((one) => one.kind === 'released' && one.hold === card?.id);
    // The whole, and each of two tables.
    expect(released).toHaveLength(3);
  }, 60_000);

  test.each([2, 8])(
    'with %i jobs is one card too',
    async (jobs) => {
      proxy.say(() => ({ vote: 'approve' }));
      const [asked, folder] = [proxy.asked.length, mkdtempSync(join(tmpdir(), 'countersign-dump-'))];
      const { code, complaints } = await dump(proxy, ['-j', String(jobs), '-F', 'd', '-f', join(folder, 'dump')]);
      rmSync(folder, { recursive: true });
      expect([code, complaints]).toEqual([0, '']);
      expect(proxy.asked).toHaveLength(asked + 1);
    },
    60_000,
  );

  test('that is denied gives out nothing', async () => {
    proxy.say(() => ({ vote: 'deny' }));
    const { code, text } = await dump(proxy);
    expect(code).toBe(1);
    expect(text).not.toMatch(/secret-|w20/);
  }, 60_000);

  async function connected(name = 'pg_dump'): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: proxy.url('db'), application_name: name });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  const begin = 'begin; set transaction isolation level repeatable read, read only';
  const copyPeople = 'copy public.people (id, ssn, email) to stdout';

  const beyond: readonly (readonly [what: string, sql: string])[] = [
    ['a table that was not locked', 'copy public.notes (id, words) to stdout'],
    ['the same table once more', copyPeople],
    ['a listed table with a filter', "copy (select ssn from public.people where email like '1%') to stdout"],
    ['a listed table in another way', 'select ssn from public.people'],
  ];
  test.each(beyond)(
    'lets nobody read %s under its name',
    async (_, sql) => {
      proxy.say(() => ({ vote: 'approve' }));
      const client = await connected();
      for (const one of begin.split('; ')) await client.query(one);
      await client.query('lock table public.people in access share mode');
      const asked = proxy.asked.length;
      await client.query(copyPeople);
      expect(proxy.asked).toHaveLength(asked + 1);
      expect(proxy.asked[asked]?.command).toBe('DUMP');
      proxy.say(() => ({ vote: 'deny' }));
      await expect(client.query(sql)).rejects.toThrow(/denied/);
      await client.end();
    },
    60_000,
  );

  test('by name alone is no dump, nor is a transaction that may write', async () => {
    proxy.say(() => ({ vote: 'deny' }));
    for (const how of ['begin', 'begin; set transaction isolation level repeatable read']) {
      const client = await connected();
      for (const one of how.split('; ')) await client.query(one);
      await client.query('lock table public.people in access share mode');
      const asked = proxy.asked.length;
      await expect(client.query(copyPeople)).rejects.toThrow(/denied/);
      expect(proxy.asked[asked]?.command).toBe('COPY TO STDOUT');
      await client.end();
    }
  }, 60_000);

  test('leaves nothing to the next transaction', async () => {
    const client = await connected();
    for (const [say, command] of [
      ['approve', 'DUMP'],
      ['deny', 'COPY TO STDOUT'],
    ] as const) {
      proxy.say(() => ({ vote: say }));
      const asked = proxy.asked.length;
      if (say === 'approve') {
        for (const one of begin.split('; ')) await client.query(one);
        await client.query('lock table public.people, public.notes in access share mode');
        await client.query(copyPeople);
        await client.query('commit');
      } else await expect(client.query('copy public.notes (id, words) to stdout')).rejects.toThrow(/denied/);
      expect(proxy.asked[asked]?.command).toBe(command);
    }
    await client.end();
  }, 60_000);
});
