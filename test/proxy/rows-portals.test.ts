// Goal: however a result is read (portals and cursors piece by piece, COPY), no row beyond what was allowed or approved reaches the client.
// Method: psql, pg and raw bytes through a proxy in this process before real Postgres 15 and 18; a real desk whose people answer by the
// test's rule; rows are counted where they arrive.
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startBothWays, type BothWays } from '../support/both-ways.ts';
import { bind, bindWith, execute, flush, parse, simple as query, sync } from '../support/agent-messages.ts';
import { psql } from '../support/client.ts';
import { connectRaw } from '../support/raw.ts';
import { waitFor } from '../support/wait.ts';
import { files, setUp } from './rows-bounded.ts';

describe.each([15, 18] as const)('rows read in pieces from Postgres %i', (major) => {
  let ways: BothWays;

  beforeAll(async () => {
    ways = await startBothWays({ major, sql: setUp, files });
  }, 120_000);

  afterAll(() => ways.stop());

  beforeEach(() => ways.proxy.say(() => 'silence'));

  const approve = () => ways.proxy.say(() => ({ vote: 'approve' }));
  const deny = () => ways.proxy.say(() => ({ vote: 'deny' }));

  async function connected(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: ways.through });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  test('a portal that is read in pieces counts as one', async () => {
    deny();
    const raw = await connectRaw(ways.through);
    raw.send(query('begin'), parse('select * from people'), bind('p'), execute('p', 60), sync);
    await raw.readies(2);
    raw.send(execute('p', 60), sync);
    await raw.readies(3);
    raw.send(query('select 1'), query('rollback'));
    await raw.readies(5);
    const kinds = raw.said.map((message) => (message.kind === 'readyForQuery' ? message.status : message.kind));
    expect(kinds.filter((kind) => kind === 'dataRow').length).toBe(100);
    expect(kinds.filter((kind) => kind !== 'dataRow' && kind !== 'notice')).toEqual([
      ...['commandComplete', 'T', 'parseComplete', 'bindComplete', 'portalSuspended', 'T'],
      ...['error', 'E', 'error', 'E', 'commandComplete', 'I'],
    ]);
    raw.close();
  });

  test('a portal whose end the agent has not asked for yet: what it sends is thrown away until Sync', async () => {
    deny();
    const raw = await connectRaw(ways.through);
    raw.send(query('begin'), parse('select * from people'), bind('p'), execute('p', 120), flush);
    await waitFor('the error', () => raw.said.some((message) => message.kind === 'error'));
    raw.send(execute('p', 120), sync);
    await raw.readies(2);
    const last = raw.said.at(-1);
    expect(last).toEqual({ kind: 'readyForQuery', status: 'E' });
    expect(raw.said.filter((message) => message.kind === 'dataRow').length).toBe(100);
    expect(raw.said.filter((message) => message.kind === 'error').length).toBe(1);
    raw.close();
  });

  test('a cursor that is fetched in pieces counts as one', async () => {
    deny();
    const client = await connected();
    await client.query('begin');
    await client.query('declare c cursor for select * from people');
    expect((await client.query('fetch 60 from c')).rowCount).toBe(60);
    await expect(client.query('fetch 60 from c')).rejects.toThrow(/^100 rows/);
    await client.query('rollback');
    await client.query('begin');
    await client.query('declare c cursor for select * from people');
    expect((await client.query('fetch 90 from c')).rowCount).toBe(90);
    await client.query('commit');
    await client.end();
  });

  test.each([
    'copy people to stdout',
    'copy (select * from people) to stdout with (format csv)',
    'copy people to stdout with (format binary)',
  ])('%s stops at the row, asks, and goes on or ends', async (sql) => {
    approve();
    const whole = await psql(ways.through, { args: ['-c', sql] });
    const direct = await psql(ways.direct, { args: ['-c', sql] });
    expect(whole.out).toBe(direct.out);
    deny();
    const raw = await connectRaw(ways.through);
    raw.send(query(sql));
    await raw.readies(1);
    expect(raw.said.filter((message) => message.kind === 'copyData').length).toBe(100);
    expect(raw.said.at(-2)?.kind).toBe('error');
    expect(raw.said.at(-1)).toEqual({ kind: 'readyForQuery', status: 'I' });
    raw.send(query('select 1'));
    await raw.readies(2);
    expect(raw.said.at(-2)).toMatchObject({ kind: 'commandComplete' });
    raw.close();
  });

  test('over any sequence of reads no more rows arrive than were allowed or approved', async () => {
    type Way = 'simple' | 'extended' | 'portal' | 'cursor' | 'copy';
    const way = fc.constantFrom<Way>('simple', 'extended', 'portal', 'cursor', 'copy');
    const read = fc.record({ way, rows: fc.integer({ min: 1, max: 260 }), wide: fc.boolean() });
    const words = fc.constantFrom<'approve' | 'deny' | number>('approve', 'deny', 150);
    const runs = fc.array(fc.record({ reads: fc.array(read, { minLength: 1, maxLength: 4 }), word: words }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(runs, async (sessions) => {
        for (const { reads, word } of sessions) {
          ways.proxy.say(() => {
            if (word === 'approve' || word === 'deny') return { vote: word };
            return { vote: 'approve', terms: { kind: 'rows', rowsMax: word } };
          });
          const most = word === 'approve' ? Infinity : word === 'deny' ? 100 : word;
          for (const { way, rows, wide } of reads) {
            const before = ways.proxy.asked.length;
            const got = await countedRows(
              ways.through,
              way,
              `select ${wide ? 'p.*, p.*' : 'id'} from people p limit ${rows}`,
            );
            expect(got).toBe(Math.min(rows, most));
            expect(ways.proxy.asked.length > before).toBe(rows > 100);
          }
        }
      }),
      { numRuns: 6, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: false, endOnFailure: true },
    );
  }, 120_000);
});

/** Rows that arrive at a client that asks in this way, whatever becomes of the rest. */
async function countedRows(
  url: string,
  way: 'simple' | 'extended' | 'portal' | 'cursor' | 'copy',
  sql: string,
): Promise<number> {
  const raw = await connectRaw(url);
  const bound = [parse(sql), bindWith({ portal: 'p', formats: [1] })];
  const piece = [execute('p', 70), sync];
  switch (way) {
    case 'simple':
      raw.send(query(sql));
      await raw.readies(1);
      break;
    case 'copy':
      raw.send(query(`copy (${sql}) to stdout`));
      await raw.readies(1);
      break;
    case 'extended':
      raw.send(...bound, execute('p'), sync);
      await raw.readies(1);
      break;
    case 'portal':
      raw.send(query('begin'), ...bound, ...piece);
      await raw.readies(2);
      for (let done = 2; done < 6; done += 1) {
        raw.send(...piece);
        await raw.readies(done + 1);
      }
      break;
    case 'cursor':
      raw.send(query('begin'), query(`declare c cursor for ${sql}`));
      await raw.readies(2);
      for (let done = 2; done < 6; done += 1) {
        raw.send(query('fetch 70 from c'));
        await raw.readies(done + 1);
      }
  }
  raw.close();
  return raw.said.filter((message) => message.kind === 'dataRow' || message.kind === 'copyData').length;
}
