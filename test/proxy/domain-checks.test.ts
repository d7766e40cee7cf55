// Goal: no check of a domain that does more than compute runs before its text is judged: not when the server is asked what a text means,
// not when an agent sends Parse; and where domains only compute, nobody is held up.
// Method: a domain whose check writes, on real Postgres 15 and 18. Texts over it leave their row when they go to Postgres directly, in a Query and in Parse alone;
// through a proxy whose people say no, they must not. Beside it a database without such a domain, and honest texts in both.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import { parse, simple, sync } from '../support/agent-messages.ts';
import { startBothWays, type BothWays } from '../support/both-ways.ts';
import { query } from '../support/client.ts';
import { converse } from '../support/converse.ts';
import { watchedFiles } from '../support/watched-files.ts';

const files = watchedFiles();

const schema = `
  create table left_behind (n int);
  create function leaves(int) returns bool language plpgsql
    as 'begin insert into left_behind values ($1); return true; end';
  create function is_odd(int) returns bool language sql immutable as 'select $1 % 2 = 1';
  create domain marked as int check (leaves(value));
  create domain plain as int check (value > 0 and value <> 1.5);
  create domain odd as int check (is_odd(value));
  create type pair as (a marked);
  create table rows_of (list marked[], word text);
  create table words (word text);
  create view lists as select array[1::marked] as list;
  create function takes(marked[]) returns int language sql immutable as 'select 1';
  create table odds (n odd, word text);
`;

/** Each runs the check while it is parsed. */
const literals: readonly string[] = [
  `select '{1}'::marked[]`,
  `select '(1)'::pair`,
  `select '{"(1)"}'::pair[]`,
  `select cast('{1}' as marked[])`,
  `select marked[] '{1}'`.replace('marked[] ', '_marked '),
  `select 1 from rows_of where list = '{1}'`,
  `insert into rows_of values ('{1}', 'x')`,
  `update rows_of set list = '{1}'`,
  `select takes('{1}')`,
  `select 1 from lists where list = '{1}'`,
  `select '("{1}",x)'::rows_of`,
  `select 1 where array[1::marked] = '{1}'`,
  `select * from (select '{1}'::marked[] as a) as x`,
  `with a as (select '{1}'::marked[]) select 1`,
  `prepare p as select '{1}'::marked[]`,
  `explain select '{1}'::marked[]`,
  `copy (select '{1}'::marked[]) to stdout`,
  `select * from xmltable('/a' passing '<a/>' columns x marked[] path 'b' default '{1}')`,
];

/** These a server reads by Parse as well; the others are no queries, and their inner ones are parsed when they run. */
const queries = literals.filter((sql) => /^(?:select|insert|update|with)/.test(sql));

const honest: readonly string[] = [
  `select '{1}'::plain[] as list`,
  `select '{1}'::odd[] as list`,
  `select 'x' as word from words where word = 'y'`,
  `insert into odds values (1, 'one') returning word`,
  `select word from odds where word = 'one'`,
  `select 1 as n from rows_of`,
];

describe.each([15, 18] as const)('on Postgres %i', (major) => {
  let ways: BothWays;

  beforeAll(async () => {
    ways = await startBothWays({ major, sql: schema, files });
  }, 120_000);

  afterAll(() => ways.stop());

  const left = async (): Promise<number> => (await query(ways.direct, 'select from left_behind')).length;

  const said = async (url: string, messages: readonly ClientMessage[]): Promise<string> =>
    JSON.stringify(await converse(url, [messages]));

  const whole = (sql: string): readonly ClientMessage[] => [simple(sql)];
  const parsed = (sql: string, types: readonly number[] = []): readonly ClientMessage[] => [
    ...[parse(sql, 's', types), sync],
  ];

  async function leaves(
    messages: readonly ClientMessage[],
  ): Promise<{ readonly direct: number; readonly through: number }> {
    await query(ways.direct, 'truncate left_behind');
    await said(ways.direct, messages);
    const direct = await left();
    await query(ways.direct, 'truncate left_behind; truncate rows_of');
    expect(await said(ways.through, messages)).toContain('42501');
    return { direct, through: await left() };
  }

  describe('a check that writes', () => {
    test.each(literals)('a Query: %s', async (sql) => {
      const { direct, through } = await leaves(whole(sql));
      expect(direct).toBeGreaterThan(0);
      expect(through).toBe(0);
    });

    test.each(queries)('Parse and no more: %s', async (sql) => {
      const { direct, through } = await leaves(parsed(sql));
      expect(direct).toBeGreaterThan(0);
      expect(through).toBe(0);
    });

    test('a parameter of such a type beside a constant', async () => {
      const [row] = await query(ways.direct, `select '_marked'::regtype::oid::int as oid`);
      const { direct, through } = await leaves(parsed(`select $1 = '{1}'`, [Number(row?.['oid'])]));
      expect({ direct, through }).toEqual({ direct: 1, through: 0 });
    });
  });

  describe('nobody is held up', () => {
    test.each(honest)('%s', async (sql) => {
      expect(await query(ways.through, sql)).toEqual(await query(ways.direct, sql));
      expect(await said(ways.through, parsed(sql))).not.toContain('42501');
    });

    test('a text that nobody can read has the server’s own error', async () => {
      for (const messages of [whole('selec 1'), parsed('selec 1')])
        expect(await said(ways.through, messages)).toContain('42601');
    });
  });
});
