// Goal: a stricter classification takes effect at once, also for what was bound, declared or begun before it; one that changes nothing
// for a statement is not noticed by it.
// Method: real Postgres 15 and 18 behind a proxy whose people say no. In the middle of a portal, a cursor, a stream or a question about
// going on, the files in force are changed. Every byte that comes behind that is searched for the values.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import { fieldOf, type ServerMessage } from '../../src/wire/server-messages.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { connectRaw, type Raw } from '../support/raw.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';
import { waitFor } from '../support/wait.ts';

type Read = 'allow' | 'hold' | 'deny' | 'mask' | 'rows';

const levels: Readonly<Record<Read, string>> = {
  allow: 'read: allow',
  hold: 'read: hold, approvers: [security]',
  deny: 'read: deny',
  mask: 'read: mask, approvers: [security]',
  rows: 'read: allow, rows: 3, approvers: [security]',
};

const filesOf = (read: Read, note = ''): Readonly<Record<string, string>> => ({
  'taxonomy.yaml': `version: 1
levels: [{ name: public, read: allow }, { name: secret, ${levels[read]} }, { name: asked, read: hold, approvers: [security] }]
defaults: { unclassified: public }
`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [security] } }\n',
  'db.yaml': `# ${note}\nversion: 1\ndatabase: db\nowner: security\ntables:\n  public.people: { columns: { ssn: secret, mail: asked } }\n`,
});

const setUp = `
create table people (id int, ssn text, mail text, big text);
insert into people select i, 'canary-' || i, 'mail-' || i, repeat('x', 4000) from generate_series(1, 3000) i;
analyze people;
`;

const bind = (portal: string, sql: string): readonly ClientMessage[] => [
  { kind: 'parse', statement: '', sql: Buffer.from(sql), types: [] },
  { kind: 'bind', portal, statement: '', formats: [], parameters: [], resultFormats: [] },
];
const execute = (portal: string, maxRows: number): ClientMessage => ({ kind: 'execute', portal, maxRows });
const query = (sql: string): ClientMessage => ({ kind: 'query', sql: Buffer.from(sql) });
const sync: ClientMessage = { kind: 'sync' };

const textOf = (said: readonly ServerMessage[]): string =>
  said
    .map((message) => {
      if (message.kind === 'dataRow')
        return message.values.map((value) => value?.toString('latin1') ?? 'NULL').join('|');
      if (message.kind === 'copyData') return message.data.toString('latin1');
      if (message.kind === 'error')
        return `error ${fieldOf(message.fields, 'C') ?? ''} ${fieldOf(message.fields, 'M') ?? ''}`;
      return message.kind === 'commandComplete' || message.kind === 'portalSuspended' ? message.kind : '';
    })
    .filter((line) => line !== '')
    .join('\n');

interface Case {
  readonly name: string;
  /** Before the edit, each up to its ReadyForQuery. */
  readonly first: readonly (readonly ClientMessage[])[];
  readonly then: readonly ClientMessage[];
}

const begin = [query('begin')];
const stricter: readonly Case[] = [
  {
    name: 'a portal that was bound and not executed',
    first: [begin, [...bind('p', 'select ssn from people'), sync]],
    then: [execute('p', 0), sync],
  },
  {
    name: 'a portal that rests',
    first: [begin, [...bind('p', 'select ssn from people'), execute('p', 2), sync]],
    then: [execute('p', 2), sync],
  },
  {
    name: 'a portal of what is no query',
    first: [begin, [...bind('p', 'copy people (ssn) to stdout'), sync]],
    then: [execute('p', 0), sync],
  },
  {
    name: 'a statement that SQL prepared',
    first: [[query('prepare q as select ssn from people')]],
    then: [query('execute q')],
  },
  {
    name: 'a portal of EXECUTE',
    first: [[query('prepare q2 as select ssn from people')], begin, [...bind('p', 'execute q2'), sync]],
    then: [execute('p', 0), sync],
  },
  {
    name: 'a cursor that SQL declared',
    first: [begin, [query('declare c cursor for select ssn from people')]],
    then: [query('fetch 3 from c')],
  },
  {
    name: 'a cursor WITH HOLD, read by the protocol',
    first: [[query('declare h cursor with hold for select ssn from people')]],
    then: [execute('h', 2), sync],
  },
];

describe.each([15, 18] as const)('files that change, Postgres %i', (major) => {
  let postgres: TestPostgres;
  let proxy: RowsProxy;

  beforeAll(async () => {
    postgres = await startPostgres({ major, fill: [{ database: 'postgres', sql: setUp }] });
    proxy = await startRowsProxy({ url: postgres.url('postgres'), files: filesOf('allow') });
  }, 120_000);

  beforeEach(() => {
    proxy.reclassify(filesOf('allow'));
    proxy.say(() => ({ vote: 'deny' }));
  });

  afterAll(async () => {
    await proxy.stop();
    await postgres.stop();
  });

  async function upTo(first: Case['first']): Promise<{ readonly raw: Raw; readonly readies: number }> {
    const raw = await connectRaw(proxy.url('db'));
    for (const [index, messages] of first.entries()) {
      raw.send(...messages);
      await raw.readies(index + 1);
    }
    return { raw, readies: first.length };
  }

  async function behind({ first, then }: Case, read: Read, note?: string): Promise<string> {
    const { raw, readies } = await upTo(first);
    proxy.reclassify(filesOf(read, note));
    const from = raw.said.length;
    raw.send(...then);
    await raw.readies(readies + 1);
    raw.close();
    return textOf(raw.said.slice(from));
  }

  describe.each(['hold', 'deny', 'mask'] as const)('that now %s', (read) => {
    test.each(stricter)('reach $name', async (one) => {
      const text = await behind(one, read);
      expect(text).not.toContain('canary');
      expect(text).toMatch(/^error 42501|NULL/);
    });
  });

  test.each(stricter)('and mean the same are not noticed by $name', async (one) => {
    expect(await behind(one, 'allow', 'another comment')).toMatch(/^canary-/);
  });

  test('with a bound on rows reach a portal that had none', async () => {
    const { raw, readies } = await upTo([begin, [...bind('p', 'select ssn from people'), execute('p', 2), sync]]);
    proxy.reclassify(filesOf('rows'));
    const from = raw.said.length;
    raw.send(execute('p', 0), sync);
    await raw.readies(readies + 1);
    raw.close();
    expect(textOf(raw.said.slice(from)).match(/canary/g)?.length ?? 0).toBeLessThanOrEqual(3);
  });

  test('reach what flows already', async () => {
    const raw = await connectRaw(proxy.url('db'));
    raw.send(query('select a.ssn, a.big from people a, generate_series(1, 10) s'));
    await waitFor('the first row', () => raw.said.some(({ kind }) => kind === 'dataRow'));
    // More than fits between server and agent is to come.
    raw.socket.pause();
    proxy.reclassify(filesOf('deny'));
    raw.socket.resume();
    await raw.readies(1);
    raw.close();
    const rows = raw.said.filter(({ kind }) => kind === 'dataRow').length;
    expect(rows).toBeLessThan(30_000);
    expect(textOf(raw.said.filter(({ kind }) => kind === 'error'))).toMatch(/^error 42501/);
  });

  test('reach a result that waits for a yes to going on', async () => {
    proxy.reclassify(filesOf('rows'));
    proxy.say(() => {
      proxy.reclassify(filesOf('deny'));
      return { vote: 'approve' };
    });
    const raw = await connectRaw(proxy.url('db'));
    raw.send(query('select ssn from people limit 100 offset 1'));
    await raw.readies(1);
    raw.close();
    const text = textOf(raw.said);
    expect(text.match(/canary/g)?.length ?? 0).toBeLessThanOrEqual(3);
    expect(text).toContain('error 42501');
  });

  test('void what people let through, where it is stricter by now; an edit of something else does not', async () => {
    const portal: Case = {
      name: 'approved',
      first: [begin, [...bind('p', 'select mail from people order by id'), execute('p', 2), sync]],
      then: [execute('p', 2), sync],
    };
    proxy.say(() => ({ vote: 'approve' }));
    expect(await behind(portal, 'allow', 'another comment')).toMatch(/^mail-3\nmail-4\nportalSuspended/);
    const asked = filesOf('allow');
    const { raw, readies } = await upTo(portal.first);
    proxy.reclassify({
      ...asked,
      'db.yaml': (asked['db.yaml'] ?? '').replace('mail: asked', 'mail: secret'),
      'taxonomy.yaml': (asked['taxonomy.yaml'] ?? '').replace('name: secret, read: allow', 'name: secret, read: deny'),
    });
    const from = raw.said.length;
    raw.send(...portal.then);
    await raw.readies(readies + 1);
    raw.close();
    expect(textOf(raw.said.slice(from))).toMatch(/^error 42501/);
  });
});
