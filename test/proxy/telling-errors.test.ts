// Goal: a write that fails tells an agent nothing about columns it may not read, and every other write and error is the server's own.
// Method: attacks as data, each of which shows a watched value when it is sent to Postgres 15 and 18 directly; then honest writes, whose
// every message must be as it is without us.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import type { ServerMessage } from '../../src/wire/server-messages.ts';
import { copyData, copyDone, extended, simple as query } from '../support/agent-messages.ts';
import { startBothWays, type BothWays } from '../support/both-ways.ts';
import { converse } from '../support/converse.ts';
import { watchedFiles } from '../support/watched-files.ts';

const files = watchedFiles({
  tables: `  public.people: { columns: { ssn: watched, pay: watched, seat: watched, kind: watched } }
  public.visits: { columns: { guest: watched } }
  public.parts: { columns: { ssn: watched } }`,
});

const schema = `
  create table people (id int primary key, points int not null check (points >= 0), ssn text unique, pay int, seat int4range,
    late text, exclude using gist (seat with &&), check (points < pay),
    twin int, unique (twin, kind) deferrable initially deferred, kind text default 'canary');
  create table badges (ssn text references people (ssn), word text not null);
  create table visits (person int references people (id), guest text);
  create table notes (id int primary key, word text not null check (word <> ''));
  create table parts (id int, word text not null, ssn text) partition by range (id);
  create table parts_low partition of parts for values from (0) to (10);
  create view wishes as select id, word from notes;
  create function grants() returns trigger language plpgsql as
    'begin new.word := (select ssn from people where id = 1); return new; end';
  create trigger grants instead of insert or update on wishes for each row execute function grants();
  create view deeper as select id as number, word as wish from wishes;
  create view few as select id, points, ssn from people where points < 500 with check option;
  insert into people (id, points, ssn, pay, seat, late)
    values (1, 10, 'canary', 100, '[1,5)', 'a'), (2, 20, 'other', 200, '[7,9)', 'a');
  insert into badges values ('canary', 'x');
  insert into visits values (2, 'canary');
  insert into notes values (1, 'one');
  insert into parts values (1, 'one', 'canary');
`;

const simple = (sql: string): readonly ClientMessage[] => [query(sql)];
const copied = (sql: string, row: string): readonly ClientMessage[] => [query(sql), copyData(row), copyDone];

/** Rows that are there and not the agent's to see come out. */
const shown: Readonly<Record<string, readonly ClientMessage[]>> = {
  'a check': simple('update people set points = -1 where id = 1'),
  'a check, in Parse and Bind': extended('update people set points = -1 where id = 1'),
  'a missing value': simple('update people set points = null where id = 1'),
  'a key that is looked at later than the statement': simple(
    "update people set late = 'a', points = 5 where id = 2; update people set twin = 1; set constraints all immediate",
  ),
  'a reference to a row that goes': simple('delete from people where id = 1'),
  'a key of others': simple("insert into people (id, points, seat) values (9, 1, '[3,4)')"),
  'WITH CHECK OPTION': simple('update few set points = 700 where id = 1'),
  'a partition': simple('update parts_low set word = null where id = 1'),
  'a row that no partition takes': simple('update parts set id = 1, word = null where id = 1'),
  'a trigger in the place of an INSERT into a view': simple('insert into wishes values (5) returning word'),
  'a trigger in the place of an UPDATE of a view': simple("update wishes set word = 'x' where id = 1 returning word"),
  'a trigger on the view under a view': simple('insert into deeper values (5) returning wish'),
  'a row in ON CONFLICT': simple(
    'insert into people (id, points) values (1, 1) on conflict (id) do update set points = -1',
  ),
  'a row in MERGE': simple('merge into people p using notes n on p.id = n.id when matched then update set points = -1'),
};

/** No value comes out, but whether it is there: each pair of texts is answered differently. */
const told: Readonly<Record<string, readonly [readonly ClientMessage[], readonly ClientMessage[]]>> = {
  'a unique column': [
    simple("insert into people (id, points, ssn) values (8, 1, 'canary')"),
    simple("insert into people (id, points, ssn) values (8, 1, 'nobody')"),
  ],
  'a unique column with ON CONFLICT DO NOTHING': [
    simple("insert into people (id, points, ssn) values (8, 1, 'canary') on conflict do nothing"),
    simple("insert into people (id, points, ssn) values (8, 1, 'nobody') on conflict do nothing"),
  ],
  'a unique column in COPY': [
    copied('copy people (id, points, ssn) from stdin', '8\t1\tcanary\n'),
    copied('copy people (id, points, ssn) from stdin', '8\t1\tnobody\n'),
  ],
  'a foreign key to a watched column': [
    simple("insert into badges values ('canary', 'y')"),
    simple("insert into badges values ('nobody', 'y')"),
  ],
  'a check over two columns': [
    simple('update people set points = 99 where id = 1'),
    simple('update people set points = 101 where id = 1'),
  ],
};

const honest: Readonly<Record<string, readonly ClientMessage[]>> = {
  'a key of a public table': simple("insert into notes values (1, 'again')"),
  'a check of a public table': simple("update notes set word = '' where id = 1"),
  'a missing value of a public table': extended('insert into notes values (2, null)'),
  'a public reference': simple('insert into visits (person) values (77)'),
  'a public column of a watched table': simple('update people set late = late where id = 2'),
  'a new row without what is watched': simple("insert into people (id, points, late) values (50, 1, 'z')"),
  'a division': simple('select 1 / 0'),
};

describe.each([15, 18] as const)('with Postgres %i', (major) => {
  let ways: BothWays;

  beforeAll(async () => {
    ways = await startBothWays({ major, sql: schema, files });
  }, 120_000);

  afterAll(() => ways.stop());

  /** In a transaction that is rolled back, so that every attack meets the same rows. */
  async function said(url: string, messages: readonly ClientMessage[]): Promise<readonly ServerMessage[]> {
    const all = await converse(url, ['begin', messages, 'rollback']);
    const ends = all.flatMap(({ kind }, at) => (kind === 'readyForQuery' ? [at] : []));
    return all.slice((ends[0] ?? 0) + 1, (ends[1] ?? 0) + 1);
  }

  const textOf = (messages: readonly ServerMessage[]): string =>
    messages.map((message) => encodeURI(JSON.stringify(message, bytesAsText))).join('\n');
  const statesOf = (messages: readonly ServerMessage[]): readonly string[] =>
    messages.flatMap((message) =>
      message.kind === 'error'
        ? message.fields.filter(({ letter }) => letter === 'C').map(({ text }) => text)
        : message.kind === 'commandComplete'
          ? [message.tag]
          : [],
    );

  test.each(Object.entries(shown))('%s shows nothing', async (_name, messages) => {
    expect(textOf(await said(ways.direct, messages))).toMatch(/canary|%5B1,5\)|%5B1,%205/);
    expect(textOf(await said(ways.through, messages))).not.toMatch(/canary|%5B1,5\)/);
  });

  test.each(Object.entries(told))('%s is not asked', async (_name, [yes, no]) => {
    const direct = [await said(ways.direct, yes), await said(ways.direct, no)].map(statesOf);
    expect(direct[0]).not.toEqual(direct[1]);
    const through = [await said(ways.through, yes), await said(ways.through, no)].map(statesOf);
    expect(through).toEqual([['42501'], ['42501']]);
  });

  test.each(Object.entries(honest))('%s: the server’s own words', async (_name, messages) => {
    expect(textOf(await said(ways.through, messages))).toBe(textOf(await said(ways.direct, messages)));
  });
});

const bytesAsText = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer' && 'data' in value
    ? Buffer.from(value.data as number[]).toString('latin1')
    : value;
