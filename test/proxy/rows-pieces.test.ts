// Goal: what is read in pieces, of a portal or of a cursor, one after the other or all sent at once, gives no row more than what is read
// at once: neither of a level's rows nor of a budget.
// Method: raw bytes through a proxy before real Postgres 15 and 18, where people say no; each case has a level, a table and a budget of
// its own, and the rows that arrive are compared with the bound.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bind, execute, flush, parse, simple as query, sync } from '../support/agent-messages.ts';
import { startBothWays, type BothWays } from '../support/both-ways.ts';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import { connectRaw } from '../support/raw.ts';

const bound = (sql: string, portal = ''): readonly ClientMessage[] => [parse(sql), bind(portal)];

interface Reading {
  readonly name: string;
  /** What makes it; then one piece, many times. */
  readonly first: (table: string) => readonly ClientMessage[];
  readonly piece: (rows: number) => readonly ClientMessage[];
}

const readings: readonly Reading[] = [
  {
    name: 'a portal',
    first: (table) => [query('begin'), ...bound(`select * from ${table}`, 'p')],
    piece: (rows) => [execute('p', rows), sync],
  },
  {
    name: 'a portal without a Sync between',
    first: (table) => [query('begin'), ...bound(`select * from ${table}`, 'p')],
    piece: (rows) => [execute('p', rows), flush],
  },
  {
    name: 'a cursor',
    first: (table) => [query('begin'), query(`declare c cursor for select * from ${table}`)],
    piece: (rows) => [query(`fetch ${rows} from c`)],
  },
  {
    name: 'a cursor by extended queries',
    first: (table) => [query('begin'), query(`declare c cursor for select * from ${table}`)],
    piece: (rows) => [...bound(`fetch ${rows} from c`), execute(), sync],
  },
  {
    name: 'a cursor in one batch',
    first: (table) => [query('begin'), query(`declare c cursor for select * from ${table}`)],
    piece: (rows) => [...bound(`fetch ${rows} from c`), execute()],
  },
];

const bounds = [
  {
    of: 'a level',
    level: (name: string) => `  - { name: ${name}, read: allow, rows: 100, approvers: [security] }`,
    most: 100,
  },
  { of: 'a budget', level: (name: string) => `  - { name: ${name}, read: allow, approvers: [security] }`, most: 300 },
] as const;

interface Case {
  readonly title: string;
  readonly reading: Reading;
  readonly bound: (typeof bounds)[number];
  readonly rows: number;
  readonly how: 'one after the other' | 'all at once';
  readonly table: string;
}

const cases: readonly Case[] = bounds
  .flatMap((each) =>
    readings.flatMap((reading) => ([1, 7, 90] as const).map((rows) => ({ bound: each, reading, rows }))),
  )
  .flatMap((each) => (['one after the other', 'all at once'] as const).map((how) => ({ ...each, how })))
  .map((each, index) => ({
    ...each,
    table: `t${index}`,
    title: `${each.reading.name} in pieces of ${each.rows}, ${each.how}, of ${each.bound.of}`,
  }));

const files = {
  'taxonomy.yaml': [
    'version: 1',
    'levels:',
    '  - { name: public, read: allow }',
    ...cases.map((one) => one.bound.level(one.table)),
    'defaults: { unclassified: public }',
    '',
  ].join('\n'),
  'db.yaml': `version: 1\ndatabase: db\nowner: security\ntables: { ${cases.map(({ table }) => `public.${table}: ${table}`).join(', ')} }\n`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [security] } }\n',
  'policy.yaml': `version: 1\nbudgets:\n${cases
    .filter((one) => one.bound.of === 'a budget')
    .map(({ table, bound: { most } }) => `  - { level: ${table}, rows: ${most}, per: 1d }\n`)
    .join('')}`,
};

const setUp = `${cases.map(({ table }) => `create table ${table} as select g as id from generate_series(1, 1000) g;`).join('\n')}
analyze;
`;

describe.each([15, 18] as const)('of Postgres %i', (major) => {
  let ways: BothWays;

  beforeAll(async () => {
    ways = await startBothWays({ major, sql: setUp, files });
  }, 120_000);

  afterAll(() => ways.stop());

  test.each(cases)('$title', async ({ reading, rows, how, table, bound: { most } }) => {
    const raw = await connectRaw(ways.through);
    const first = reading.first(table);
    const pieces = Array.from({ length: Math.ceil(most / rows) + 3 }, () => reading.piece(rows));
    const readiesOf = (messages: readonly ClientMessage[]): number =>
      messages.filter(({ kind }) => kind === 'sync' || kind === 'query').length;
    let readies = 0;
    const said = async (...messages: readonly ClientMessage[]): Promise<void> => {
      raw.send(...messages);
      readies += readiesOf(messages);
      await raw.readies(readies);
    };
    if (how === 'all at once') await said(...first, ...pieces.flat(), sync);
    else {
      await said(...first);
      for (const piece of pieces) await said(...piece, ...(readiesOf(piece) === 0 ? [sync] : []));
    }
    raw.close();
    expect(raw.said.filter(({ kind }) => kind === 'dataRow').length).toBe(most);
    expect(raw.said.some(({ kind }) => kind === 'error')).toBe(true);
  });
});
