// Goal: a cancel or a time-out of the agent's own that meets a question of ours stops the agent's statement as it would without us: the
// server's error, in the transaction's state, and the session goes on. Nothing passes unjudged for it.
// Method: a lock that stands in the way of both our question and the statement, on real Postgres 15 and 18, each protocol; the same
// conversation directly and through the proxy. Then many statements with a time-out of a millisecond, and with cancels at any moment.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBothWays, type BothWays } from '../support/both-ways.ts';
import { cancel, query, withClient } from '../support/client.ts';
import { waitFor } from '../support/wait.ts';
import { watchedFiles } from '../support/watched-files.ts';

const files = watchedFiles({ tables: '{ public.secrets: watched }' });

const setUp = [
  'create table notes (word text)',
  "insert into notes values ('one')",
  'create table secrets (word text)',
  "insert into secrets values ('canary')",
];

interface Said {
  readonly code?: string | undefined;
  readonly message?: string;
  readonly rows?: readonly unknown[];
}

interface Stop {
  /** Before the statement. */
  readonly settings: readonly string[];
  readonly cancels: boolean;
}

const stops: Readonly<Record<string, Stop>> = {
  'a cancel': { settings: [], cancels: true },
  lock_timeout: { settings: ['set lock_timeout = 200'], cancels: false },
  statement_timeout: { settings: ['set statement_timeout = 300'], cancels: false },
};

const protocols: Readonly<Record<string, readonly unknown[] | undefined>> = {
  'a Query': undefined,
  'Parse, Bind and Execute': ['one'],
};

const places: Readonly<Record<string, readonly [before: readonly string[], after: readonly string[]]>> = {
  'outside of transactions': [[], []],
  'in a transaction': [
    ['begin', 'select 1'],
    ['select 2', 'rollback'],
  ],
  'behind a savepoint': [
    ['begin', 'select 1', 'savepoint a'],
    ['select 2', 'rollback to a', 'select 3', 'commit'],
  ],
  'as the first of a transaction': [['begin isolation level repeatable read'], ['rollback']],
};

let count = 0;

describe.each([15, 18] as const)('on Postgres %i', (major) => {
  let ways: BothWays;

  beforeAll(async () => {
    ways = await startBothWays({ major, sql: setUp, files });
  }, 120_000);

  afterAll(() => ways.stop());

  async function said(client: pg.Client, text: string, values?: readonly unknown[]): Promise<Said> {
    try {
      const { rows } = await client.query(values === undefined ? text : { text, values: [...values] });
      return { rows };
    } catch (thrown) {
      const { code, message } = thrown as Said;
      return { code, message: message ?? '' };
    }
  }

  const isWaiting = async (): Promise<boolean> =>
    (await query(ways.direct, "select from pg_locks where not granted and relation = 'notes'::regclass")).length > 0;

  /** While somebody else has the table: what the statement, and all around it, is answered. */
  async function conversation(
    url: string,
    { settings, cancels }: Stop,
    [before, after]: readonly [readonly string[], readonly string[]],
    values: readonly unknown[] | undefined,
  ): Promise<readonly Said[]> {
    count += 1;
    const text = `select word as word_${count} from notes where ${values === undefined ? "word = 'one'" : 'word = $1'}`;
    return await withClient(ways.direct, (locker) =>
      withClient(url, async (client) => {
        const told: Said[] = [];
        for (const sql of [...settings, ...before]) told.push(await said(client, sql));
        await locker.query('begin; lock table notes in access exclusive mode');
        const answer = said(client, text, values);
        await waitFor('the lock to be waited for', isWaiting);
        if (cancels) await cancel(client);
        told.push(await answer);
        await locker.query('rollback');
        for (const sql of [
          ...after,
          'show transaction_isolation',
          'show client_min_messages',
          'show debug_print_rewritten',
        ])
          told.push(await said(client, sql));
        const { rows, ...more } = await said(client, text, values);
        told.push({ ...more, rows: rows?.map((row) => Object.values(row as object)) ?? [] });
        return told;
      }),
    );
  }

  describe.each(Object.entries(stops))('%s while we ask about a statement', (_stop, stop) => {
    describe.each(Object.entries(protocols))('in %s', (_protocol, values) => {
      test.each(Object.entries(places))('%s', async (_place, place) => {
        const direct = await conversation(ways.direct, stop, place, values);
        expect(direct.some(({ code }) => code === '57014' || code === '55P03')).toBe(true);
        expect(await conversation(ways.through, stop, place, values)).toEqual(direct);
        expect(ways.proxy.all).toEqual([]);
      });
    });
  });

  const fates: ReadonlySet<string | undefined> = new Set([undefined, '57014']);

  /** Each statement is new, so that both witnesses are asked, and the session's state has to be asked for, too. */
  const texts = (n: number): readonly (readonly [sql: string, isWatched: boolean])[] => [
    [`set search_path = public, s${n}`, false],
    [`select word as w${n} from notes`, false],
    [`select word as w${n} from secrets`, true],
  ];

  test('a time-out of one millisecond fails no session and lets nothing pass', async () => {
    const codes = new Set<string | undefined>();
    await withClient(ways.through, async (client) => {
      await client.query('set statement_timeout = 1; set lock_timeout = 1');
      for (let n = 0; n < 60; n += 1) {
        if (n % 2 === 1) await said(client, 'begin');
        for (const [sql, isWatched] of texts(n)) {
          const { code, rows } = await said(client, sql, n % 3 === 0 ? [] : undefined);
          codes.add(code);
          if (isWatched) expect(rows).toBeUndefined();
          else expect([undefined, '57014', '25P02']).toContain(code);
        }
        if (n % 2 === 1) await said(client, 'rollback');
      }
      // On a busy machine this, too, may take longer than a millisecond.
      const isReset = async (): Promise<boolean> =>
        (await said(client, 'set statement_timeout = 0')).code === undefined;
      await waitFor('the time-out to be taken back', isReset);
      expect(await said(client, "select word from notes where word = 'one'")).toEqual({ rows: [{ word: 'one' }] });
    });
    expect(codes).toContain(undefined);
  });

  test('cancels at any moment stop their statement or nothing, and no session', async () => {
    const codes = new Map<string | undefined, number>();
    await withClient(ways.through, async (client) => {
      for (let n = 0; n < 60; n += 1) {
        for (const [sql, isWatched] of texts(1000 + n)) {
          const answer = said(client, sql, n % 3 === 0 ? [] : undefined);
          for (let turns = n % 20; turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
          await cancel(client);
          const { code, rows } = await answer;
          codes.set(code, (codes.get(code) ?? 0) + 1);
          if (isWatched) expect(rows).toBeUndefined();
          else expect(fates).toContain(code);
        }
      }
      // One that came late may stop what comes next, as it may without us.
      await said(client, 'select 1');
      expect(await said(client, "select word from notes where word = 'one'")).toEqual({ rows: [{ word: 'one' }] });
    });
    expect(codes.get('57014') ?? 0).toBeGreaterThan(0);
  });
});
