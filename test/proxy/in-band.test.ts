// Goal: what the proxy itself answers comes as Postgres would give it, in every form of the protocol.
// Method: the same conversations through the proxy and directly, where a real schema `countersign` holds the same rows.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import type { ServerMessage } from '../../src/wire/server-messages.ts';
import {
  bind,
  bindWith,
  close,
  describeOf,
  execute,
  flush,
  parse,
  simple as query,
  sync,
} from '../support/agent-messages.ts';
import { startBothWays, type BothWays } from '../support/both-ways.ts';
import { connectRaw } from '../support/raw.ts';
import { files, same, setUp } from './in-band-shop.ts';

let ways: BothWays;

beforeAll(async () => {
  ways = await startBothWays({ sql: [...setUp, same], files, waitMs: 20_000 });
});

afterAll(() => ways.stop());

const budgets = 'select * from countersign.budgets';

/** The number says how many ReadyForQuery there are. */
const conversations: Readonly<Record<string, readonly [number, ...(readonly ClientMessage[])]>> = {
  'a simple query': [1, query(budgets)],
  'no rows': [1, query('select * from countersign.holds')],
  'columns, a filter, an order and a limit': [
    1,
    query('select level, rows_left from countersign.budgets where rows_max > 1 order by rows_max limit 1'),
  ],
  'an aggregate': [1, query('select count(*), sum(rows_max) from countersign.budgets')],
  'its own name': [1, query('select budgets.level from countersign.budgets')],
  'a name of the agent’s': [1, query("select b.l from countersign.budgets b (l) where b.l = 'watched'")],
  'names in capitals, quotes and comments': [
    1,
    query('SELECT level FROM /* ours */ CounterSign /* . */ . -- so\n "budgets" -- all\n;'),
  ],
  'two in one write, and one behind': [3, query(budgets), query('select * from countersign.holds'), query('select 2')],
  'an extended statement': [
    ...[1, parse(budgets), describeOf('statement'), bind(), describeOf('portal'), execute(), sync],
  ] as const,
  'a prepared statement, twice, then closed': [
    4,
    parse('select level from countersign.budgets where level = $1', 's'),
    describeOf('statement', 's'),
    sync,
    ...[bindWith({ statement: 's', values: ['watched'] }), execute(), sync],
    ...[bindWith({ statement: 's', values: ['counted'] }), execute(), sync],
    ...[close('statement', 's'), sync],
  ],
  'a name that is there already': [
    3,
    ...[parse(budgets, 's'), sync],
    ...[parse('select 1', 's'), bind('', 's'), execute(), sync],
    ...[bind('', 's'), execute(), sync],
  ],
  'too few values': [
    3,
    ...[parse('select level from countersign.budgets where level = $1', 's'), bind('', 's'), sync],
    ...[bindWith({ statement: 's', values: ['counted', 'more'] }), execute(), sync],
    ...[parse('select level from countersign.budgets where level = $1'), bind(), execute(), sync],
  ],
  'binary results': [1, parse(budgets), bindWith({ formats: [1] }), describeOf('portal'), execute(), sync],
  'some binary, some text': [
    1,
    parse('select level, rows_max from countersign.budgets'),
    bindWith({ formats: [0, 1] }),
    execute(),
    sync,
  ],
  'a portal read a row at a time': [
    1,
    parse(budgets),
    bind('p'),
    ...[execute('p', 1), execute('p', 1), execute('p', 1), close('portal', 'p'), sync],
  ],
  'a portal over a Sync, in a transaction': [
    5,
    query('begin'),
    ...[parse(budgets), bind('p'), execute('p', 1), sync],
    ...[execute('p', 5), sync],
    query('commit'),
    ...[execute('p', 1), sync],
  ],
  'a pipeline with more before and behind': [
    2,
    ...[parse('select 1'), bind(), execute()],
    ...[parse(budgets), bind(), describeOf('portal'), execute()],
    ...[parse('select 3'), bind(), execute(), sync],
    query('select 4'),
  ],
  'a pipeline that failed before it': [
    3,
    ...[parse('select 1/0'), bind(), execute(), parse(budgets), bind(), execute(), sync],
    ...[parse(budgets), bind(), execute(), sync],
    query('select 4'),
  ],
  'a transaction block': [4, query('begin'), query(budgets), query('select 1'), query('commit')],
  'a transaction that failed': [
    6,
    query('begin'),
    query('select 1/0'),
    query(budgets),
    ...[parse(budgets), bind(), execute(), sync],
    query('rollback'),
    query(budgets),
  ],
  'prepared before, bound in a transaction that failed, and used again': [
    6,
    ...[parse(budgets, 's'), sync],
    ...[query('begin'), query('select 1/0')],
    ...[bind('', 's'), execute(), sync],
    query('rollback'),
    ...[describeOf('statement', 's'), bind('', 's'), execute(), sync],
  ],
  'a parameter missing': [
    2,
    ...[parse('select level from countersign.budgets where level = $1'), bind(), execute(), sync],
    query('select 1'),
  ],
  'a column that is not there': [2, query('select colour from countersign.budgets'), query('select 1')],
  'a column that is not there, prepared': [
    2,
    ...[parse('select colour from countersign.budgets'), bind(), execute(), sync],
    query('select 1'),
  ],
  'Flush instead of Sync': [1, parse(budgets), bind(), execute(), flush, sync],
  'an explanation': [1, query("select * from countersign.explain('select 1')")],
  'an explanation of NULL': [1, query('select * from countersign.explain(null)')],
  'an explanation, cast': [
    1,
    query("select verdict from countersign.explain('select 1'::text) e where verdict <> 'x'"),
  ],
  'an explanation by parameter': [
    1,
    parse('select * from countersign.explain($1)'),
    describeOf('statement'),
    bindWith({ values: ['select 1'] }),
    describeOf('portal'),
    execute(),
    sync,
  ],
  'an explanation by the second parameter, typed': [
    1,
    parse('select verdict from countersign.explain($2) where verdict like $1', '', [25, 25]),
    describeOf('statement'),
    ...[
      bindWith({ values: ['a%', 'select 1'], formats: [1] }),
      execute(),
      bindWith({ values: ['h%', 'select 1'] }),
      execute(),
      sync,
    ],
  ],
  'an explanation of a NULL parameter': [
    1,
    parse('select * from countersign.explain($1::text)'),
    ...[bindWith({ values: [null] }), execute(), sync],
  ],
  'other things of that schema': [
    1,
    query("select count(*) from pg_class where relnamespace::regnamespace::text = 'countersign'"),
  ],
  'a text of that name': [1, query("select 'countersign.holds' as name")],
};

/** Tables of the database have numbers, and errors say where in the text and in the server; neither is ours to give.
 * What is bound wrongly is told by our name for it. */
function bare(said: readonly ServerMessage[]): readonly unknown[] {
  return said.map((message) => {
    if (message.kind === 'rowDescription') {
      return { ...message, columns: message.columns.map((one) => ({ ...one, tableOid: 0, columnNumber: 0 })) };
    }
    if (message.kind !== 'error') return message;
    const fields = message.fields.filter(({ letter }) => 'SVCM'.includes(letter));
    return {
      ...message,
      fields: fields.map((one) => ({ ...one, text: one.text.replace(/"countersign answer \w+"/, '""') })),
    };
  });
}

describe.each(Object.entries(conversations))('%s', (_, [readies, ...messages]) => {
  test('is answered as the database would', async () => {
    const [direct, through] = await Promise.all(
      [ways.direct, ways.through].map(async (url) => {
        const raw = await connectRaw(url);
        raw.send(...messages);
        await raw.readies(readies);
        raw.close();
        return bare(raw.said);
      }),
    );
    expect(through).toEqual(direct);
    expect(direct?.length).toBeGreaterThan(readies);
  });
});
