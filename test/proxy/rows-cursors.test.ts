// Goal: a cursor gives no row more than its level lets through, whatever is said between two pieces of it; a new one of the same name
// begins anew.
// Method: raw bytes through a proxy before real Postgres 15 and 18, where people say no. Each conversation is sent message by message and
// then all at once; the rows that arrive are compared with the level's 100.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bind, execute, parse, simple as query, sync } from '../support/agent-messages.ts';
import { startBothWays, type BothWays } from '../support/both-ways.ts';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import { connectRaw } from '../support/raw.ts';

const rowsMax = 100;

const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: internal, read: allow, rows: ${rowsMax}, approvers: [security] }
defaults: { unclassified: public }
`,
  'db.yaml': 'version: 1\ndatabase: db\nowner: security\ntables: { public.people: internal }\n',
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [security] } }\n',
};

const setUp = `
create table people as select g as id, 'person ' || g as name from generate_series(1, 1000) g;
create table free as select g as id from generate_series(1, 1000) g;
analyze;
`;

const executed = (portal: string, maxRows: number): readonly ClientMessage[] => [execute(portal, maxRows), sync];
const bound = (sql: string, portal: string): readonly ClientMessage[] => [parse(sql), bind(portal)];

// Of an expression no column of a table is named in what the server says its rows hold.
const declare = query('declare c cursor for select upper(name) from people');
const begun = [query('begin'), declare];
const fetch = (rows: number): ClientMessage => query(`fetch ${rows} from c`);

/** What stands under the name is not known any more, so the next piece is asked about as a whole. */
const asked = (rows: number): number => rows;

interface Conversation {
  readonly name: string;
  readonly messages: readonly ClientMessage[];
  readonly rows: number;
}

const conversations: readonly Conversation[] = [
  {
    name: 'a declaration of the same name that the server refuses',
    messages: [
      ...begun,
      fetch(60),
      ...[query('savepoint s'), declare, query('rollback to s')],
      fetch(60),
      ...[query('savepoint s'), declare, query('rollback to s')],
      fetch(60),
    ],
    rows: asked(60),
  },
  {
    name: 'a DISCARD ALL that the server refuses',
    messages: [...begun, fetch(60), query('savepoint s'), query('discard all'), query('rollback to s'), fetch(60)],
    rows: asked(60),
  },
  {
    name: 'an EXPLAIN of another declaration',
    messages: [...begun, fetch(60), query('explain declare c cursor for select 1'), fetch(60)],
    rows: asked(60),
  },
  {
    name: 'an EXPLAIN of another declaration, before anything was read',
    messages: [...begun, query('explain (analyze) declare c cursor for select id from free'), fetch(160)],
    rows: asked(0),
  },
  {
    name: 'several pieces in one text, again and again',
    messages: [...begun, ...Array.from({ length: 5 }, () => query('fetch 20 from c; fetch 15 from c'))],
    rows: rowsMax,
  },
  {
    name: 'a first piece in the text that declares it',
    messages: [
      query('begin'),
      query('declare c cursor for select name from people; fetch 60 from c'),
      ...[fetch(30), fetch(30)],
    ],
    rows: asked(0),
  },
  {
    name: 'a first piece in a text that commits and then fails',
    messages: [
      query('begin'),
      query('declare c cursor with hold for select name from people; fetch 60 from c; commit; select 1 / 0'),
      ...[fetch(30), fetch(30)],
    ],
    rows: asked(0),
  },
  {
    name: 'pieces in both protocols by turns',
    messages: [...begun, fetch(40), ...executed('c', 40), fetch(40), ...executed('c', 40)],
    rows: rowsMax,
  },
  {
    name: 'two portals of its pieces, read by turns',
    messages: [
      ...begun,
      ...bound('fetch 80 from c', 'p'),
      ...executed('p', 10),
      ...bound('fetch 80 from c', 'q'),
      ...executed('q', 10),
      ...[executed('p', 40), executed('q', 40), executed('p', 30), executed('q', 30)].flat(),
    ],
    rows: rowsMax,
  },
  {
    name: 'another cursor in the same text',
    messages: [
      ...begun,
      query('declare d cursor for select name from people'),
      ...[fetch(60), query('fetch 10 from c; fetch 10 from d'), query('fetch 30 from d')],
    ],
    rows: rowsMax,
  },
  {
    name: 'the end of it, and a new one of the same name',
    messages: [...begun, fetch(90), query('close c'), declare, fetch(90), query('commit'), ...begun, fetch(90)],
    rows: 270,
  },
  {
    name: 'the end of it and a new one with its first piece, in one text',
    messages: [
      ...[...begun, fetch(90)],
      ...[query('close c; declare c cursor for select name from people; fetch 60 from c'), fetch(40)],
    ],
    rows: 190,
  },
  {
    name: 'another cursor beside it',
    messages: [...begun, query('declare d cursor for select name from people'), fetch(90), query('fetch 90 from d')],
    rows: 180,
  },
];

describe.each([15, 18] as const)('of Postgres %i a cursor with', (major) => {
  let ways: BothWays;

  beforeAll(async () => {
    ways = await startBothWays({ major, sql: setUp, files });
  }, 120_000);

  afterAll(() => ways.stop());

  const isAnswered = ({ kind }: ClientMessage): boolean => kind === 'sync' || kind === 'query';

  describe.each(['message by message', 'all at once'] as const)('%s', (how) => {
    test.each(conversations)('$name', async ({ messages, rows }) => {
      const raw = await connectRaw(ways.through);
      if (how === 'all at once') raw.send(...messages);
      let readies = 0;
      for (const message of messages) {
        if (how === 'message by message') raw.send(message);
        if (isAnswered(message)) await raw.readies((readies += 1));
      }
      raw.close();
      const people = raw.said.filter((one) => one.kind === 'dataRow' && /^person/i.test(String(one.values[0])));
      expect(people.length).toBe(rows);
    });
  });
});
