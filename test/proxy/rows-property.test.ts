// Goal: over any sequence of reads no more rows of a level reach the client than were allowed or approved, and none are stopped short of it.
// Method: random sequences over several connections at once, in every way of reading, before real Postgres 15 and 18, with people who say
// yes, no, a number or nothing; a plain sum says what may arrive. A budget is compared with the sum over all connections.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { connectRaw } from '../support/raw.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';
import { waitFor } from '../support/wait.ts';

const [rowsMax, budgetRows, furtherBy] = [100, 150, 10] as const;

const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: internal, read: allow, rows: ${rowsMax}, approvers: [security] }
  - { name: counted, read: allow, approvers: [security] }
defaults: { unclassified: public }
`,
  'db.yaml': `version: 1
database: db
owner: security
tables: { public.people: internal, public.wide: internal, public.spent: counted }
`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [security] } }\n',
  'policy.yaml': `version: 1\nbudgets: [{ level: counted, rows: ${budgetRows}, per: 1d }]\n`,
};

const setUp = `
create table people as select g as id, 'person ' || g as name from generate_series(1, 4000) g;
create table spent as select g as id from generate_series(1, 4000) g;
create table wide as select g as id, repeat('w', 20000) as name from generate_series(1, 60) g;
analyze;
`;

const ways = [
  'simple',
  'extended',
  'binary',
  'parameters',
  'named',
  'portal',
  'cursor',
  'binary cursor',
  'execute',
  'copy',
  'copy binary',
] as const;
type Way = (typeof ways)[number];

let turn = 0;

/** How many pieces of how many rows a portal or a cursor is read in. */
const [pieceRows, pieces] = [70, 5] as const;

const query = (sql: string): ClientMessage => ({ kind: 'query', sql: Buffer.from(sql) });
const sync: ClientMessage = { kind: 'sync' };

function conversation(way: Way, table: string, rows: number): readonly (readonly ClientMessage[])[] {
  const sql = `select * from ${table} limit ${rows} /* ${turn} */`;
  const bound = (
    name: string,
    text: string,
    parameters: readonly Buffer[],
    results: readonly number[],
  ): readonly ClientMessage[] => [
    { kind: 'parse', statement: name, sql: Buffer.from(text), types: [] },
    { kind: 'bind', portal: name, statement: name, formats: [], parameters, resultFormats: results },
  ];
  const execute = (portal: string, maxRows: number): ClientMessage => ({ kind: 'execute', portal, maxRows });
  switch (way) {
    case 'simple':
      return [[query(sql)]];
    case 'extended':
      return [[...bound('', sql, [], []), execute('', 0), sync]];
    case 'binary':
      return [[...bound('', sql, [], [1]), execute('', 0), sync]];
    case 'parameters':
      return [
        [
          ...bound('', `select * from ${table} where id <= $1 /* ${turn} */`, [Buffer.from(String(rows))], [0]),
          execute('', 0),
          sync,
        ],
      ];
    case 'named':
      return [[...bound('n', sql, [], []), execute('n', 0), sync]];
    case 'portal': {
      const one = [execute('p', pieceRows), sync];
      return [[query('begin')], [...bound('p', sql, [], []), ...one], ...Array.from({ length: pieces - 1 }, () => one)];
    }
    case 'cursor':
    case 'binary cursor': {
      const declare = query(`declare c ${way === 'cursor' ? '' : 'binary '}cursor for ${sql}`);
      const fetches = Array.from({ length: pieces }, (_, index) => [
        query(index % 2 === 0 ? `fetch ${pieceRows} from c` : `fetch forward ${pieceRows} c`),
      ]);
      return [[query('begin')], [declare], ...fetches];
    }
    case 'execute':
      return [[query(`prepare q as ${sql}`)], [query('execute q')]];
    case 'copy':
      return [[query(`copy (${sql}) to stdout`)]];
    case 'copy binary':
      return [[query(`copy (${sql}) to stdout with (format binary)`)]];
  }
}

/** Errors that agents have heard, for whoever looks why a run failed. */
const told: string[] = [];

/** Rows that arrive, whatever becomes of the rest. COPY's binary form has a head and an end besides. */
async function rowsOf(url: string, way: Way, table: string, rows: number): Promise<number> {
  const raw = await connectRaw(url);
  let readies = 0;
  for (const messages of conversation(way, table, rows)) {
    raw.send(...messages);
    readies += messages.filter(({ kind }) => kind === 'sync' || kind === 'query').length;
    await raw.readies(readies);
  }
  raw.close();
  const errors = raw.said.filter(({ kind }) => kind === 'error').map((error) => JSON.stringify(error));
  // What follows the first in its transaction says nothing.
  told.push(...errors.filter((error) => !error.includes('25P02')));
  const found = raw.said.filter(({ kind }) => kind === 'dataRow' || kind === 'copyData');
  if (way !== 'copy binary') return found.length;
  return found.filter((one) => one.kind === 'copyData' && one.data.length > 2).length;
}

/** What a busy machine read too late is asked about as a whole, and may end at nothing. We may hear of it later than the agent. */
const unreadWords = 'a text that was not read in time';

type Word = 'approve' | 'deny' | 'silence' | number;

describe.each([15, 18] as const)('rows from Postgres %i', (major) => {
  let postgres: TestPostgres;
  let proxy: RowsProxy;
  /** Where people say nothing, and soon enough. On the same state. */
  let unanswered: RowsProxy;

  beforeAll(async () => {
    postgres = await startPostgres({ major, fill: [{ database: 'postgres', sql: setUp }] });
    proxy = await startRowsProxy({ url: postgres.url('postgres'), files });
    unanswered = await startRowsProxy({ url: postgres.url('postgres'), files, waitMs: 200, store: proxy.store });
  }, 120_000);

  afterAll(async () => {
    await unanswered.stop();
    await proxy.stop();
    await postgres.stop();
  });

  /** Gives the proxy to ask. */
  const say = (word: Word): RowsProxy => {
    // Each turn's texts are its own: what nobody answered stays open, and would be joined.
    turn += 1;
    // Both see the holds of their state.
    if (word === 'silence') {
      proxy.say(() => 'silence');
      return unanswered;
    }
    proxy.say(() =>
      typeof word === 'number' ? { vote: 'approve', terms: { kind: 'rows', rowsMax: word } } : { vote: word },
    );
    return proxy;
  };

  /** A hold of the turn before may be news to the other proxy still, and would count as one of this turn. */
  const bothKnow = (): Promise<unknown> =>
    waitFor('both proxies to know the same holds', () => proxy.asked.length === unanswered.asked.length);

  const way = fc.constantFrom(...ways);
  const word: fc.Arbitrary<Word> = fc.constantFrom<Word>('approve', 'deny', 'silence', 40, 150, 260);
  const limits = { endOnFailure: true, interruptAfterTimeLimit: 45_000, markInterruptAsFailure: false };

  /** Nobody's yes: the level's own. A number below what was sent already: not one more. */
  const mostFor = (said: Word): number =>
    said === 'approve' ? rowsMax * furtherBy * furtherBy : typeof said === 'number' ? Math.max(rowsMax, said) : rowsMax;

  test('of a level: each statement gives what was allowed or approved, whoever reads beside it', async () => {
    const read = fc.record({ way, rows: fc.oneof(fc.integer({ min: 1, max: 330 }), fc.constantFrom(99, 100, 101)) });
    const turns = fc.array(fc.record({ reads: fc.array(read, { minLength: 1, maxLength: 4 }), word }), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(turns, async (some) => {
        for (const { reads, word: said } of some) {
          // Before the new word: it would be said of them too.
          await bothKnow();
          const by = say(said);
          const [before, inAll] = [by.asked.length, by.askedInAll];
          const got = await Promise.all(reads.map((one) => rowsOf(by.url('db'), one.way, 'people', one.rows)));
          const most = reads.map(({ rows }) => Math.min(rows, mostFor(said)));
          got.forEach((rows, index) => expect(rows).toBeLessThanOrEqual(most[index] ?? 0));
          const unread = (): boolean => by.askedInAll - inAll > by.asked.length - before;
          if (got.some((rows, index) => rows !== most[index])) await waitFor(unreadWords, unread);
          if (reads.some(({ rows }) => rows > rowsMax))
            await waitFor(`the question (the last errors: ${told.slice(-3).join(' ')})`, () => by.askedInAll > inAll);
          else expect(by.asked.length).toBe(before);
        }
      }),
      { numRuns: 12, ...limits },
    );
  }, 120_000);

  test('of a level: a few huge rows are many', async () => {
    // 20 kB a row: the level's 100 rows of 1 kB are five of them, and a little.
    const read = fc.record({
      way,
      rows: fc.integer({ min: 1, max: 12 }),
      word: fc.constantFrom<Word>('deny', 'silence'),
    });
    await fc.assert(
      fc.asyncProperty(read, async ({ way: how, rows, word: said }) => {
        const by = say(said);
        const [before, inAll] = [by.asked.length, by.askedInAll];
        const [got, most] = [await rowsOf(by.url('db'), how, 'wide', rows), Math.min(rows, 5)];
        expect(got).toBeLessThanOrEqual(most);
        if (got < most) await waitFor(unreadWords, () => by.askedInAll - inAll > by.asked.length - before);
      }),
      { numRuns: 14, ...limits },
    );
  }, 120_000);

  test('of a budget: all connections together, for as long as it lasts, and what people added', async () => {
    const read = fc.record({ way, rows: fc.integer({ min: 1, max: 90 }) });
    const turns = fc.array(fc.record({ reads: fc.array(read, { minLength: 1, maxLength: 3 }), word }), {
      minLength: 3,
      maxLength: 8,
    });
    let [arrived, added] = [0, 0];
    await fc.assert(
      fc.asyncProperty(turns, async (some) => {
        for (const { reads, word: said } of some) {
          // Before the new word: it would be said of them too.
          await bothKnow();
          const by = say(said);
          const [before, inAll] = [by.asked.length, by.askedInAll];
          const got = await Promise.all(reads.map((one) => rowsOf(by.url('db'), one.way, 'spent', one.rows)));
          arrived += got.reduce((sum, rows) => sum + rows, 0);
          const asked = by.asked.length - before;
          if (said === 'approve') added += asked * budgetRows;
          else if (typeof said === 'number') added += asked * said;
          expect(arrived).toBeLessThanOrEqual(budgetRows + added);
          // Where nobody was asked, nothing was held back.
          if (got.some((rows, index) => rows !== reads[index]?.rows))
            await waitFor(`the question (the last errors: ${told.slice(-3).join(' ')})`, () => by.askedInAll > inAll);
        }
      }),
      { numRuns: 5, ...limits },
    );
    expect(arrived).toBeGreaterThan(budgetRows / 2);
  }, 120_000);
});
