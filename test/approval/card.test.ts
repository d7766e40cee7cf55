// Goal: approvers read the same true words everywhere, and nothing that an agent writes can change how they read.
// Method: the whole card of a known hold; hostile statements, names, reasons and comments, held to what must never be in a card.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HoldId, UnixMillis } from '../../src/core/brand.ts';
import { factsFrom, lifeFrom } from '../../src/approval/asking.ts';
import { bindingOf, shapeOf } from '../../src/approval/binding.ts';
import { cardLines, outcomeText, permitText } from '../../src/approval/card.ts';
import type { HoldRequest } from '../../src/approval/desk.ts';
import { parse, textOf } from '../../src/approval/documents.ts';
import type { HoldLife } from '../../src/approval/hold.ts';
import type { HoldView } from '../../src/approval/view.ts';
import { viewOf } from '../../src/approval/view-of.ts';
import { notKnown } from '../../src/core/known.ts';
import { aCatalog, aColumn, anAsker, aReason, aRequest, aVote, holdsUsual } from './fixtures.ts';

const now = Date.UTC(2026, 10, 21, 8, 0, 0) as UnixMillis;

function aView(request: HoldRequest, happened: Partial<HoldLife> = {}): HoldView {
  const id = 'h_01234567890123456789' as HoldId;
  const asking = { id, binding: bindingOf(request), shape: shapeOf(request), sibling: undefined, now };
  const facts = factsFrom(request, asking);
  const waiter = { id: 'w', session: 's', until: (now + 60_000) as UnixMillis };
  const life = { ...lifeFrom(facts, waiter, holdsUsual), ...happened };
  // Through JSON, as it comes out of the store.
  const stored = [parse.facts(textOf(facts)), parse.life(textOf(life))] as const;
  const catalog = aCatalog();
  const owners = [facts.asker.owner];
  return viewOf(...stored, { now, crowd: { people: catalog, owners }, levels: catalog.levelByName });
}

describe('a card', () => {
  test('says everything that a decision needs, in this order', () => {
    const sql = 'select email, /* only a few */ notes from customers where id = 7 -- trust me';
    const request = aRequest({
      sql,
      needs: [{ groups: ['security'], quorum: 2 }],
      asker: anAsker({ transaction: 'open' }),
      locks: { known: true, value: ['public.orders (RowExclusiveLock)'] },
      budgets: ['confidential+: 120 of 500 rows read in 1d'],
      counterOffer: 'select id from customers where id = 7',
    });
    const cast = { ...aVote({ channel: 'slack' }), at: now };
    expect(cardLines(aView(request, { votes: [cast] })).join('\n')).toMatchInlineSnapshot(`
      "h_01234567890123456789  waiting
      report-bot wants 1 restricted column · shop
      on behalf of ana, as role gate, from 10.0.0.7; calls itself "reports"
      1 connection waiting until 2026-11-21 08:01:00 UTC; open until 2026-11-21 09:01:00 UTC

      SELECT: reads
      about 12 rows expected
      budget confidential+: 120 of 500 rows read in 1d
      inside an open transaction that blocks others while it waits: public.orders (RowExclusiveLock)
      held because:
        reads customers.email (restricted) (level restricted, classification/shop.yaml:7)
      restricted: public.customers (email)
      the agent says, unverified: "monthly report"
      the agent says, unverified: "only a few"
      the agent says, unverified: "trust me"
      statement 52dde2b796e5daea:
        | select email, notes
        | from customers
        | where id = 7
      would pass without asking:
        | select id from customers where id = 7
      asked:
        security: 1 of 2 (ben; cleo or dan can)
      votes:
        ben approved (once), by slack
      Approve once: exactly this statement with these values, one time; if report-bot has stopped waiting, it may send the same again within 15 min.
      Approve masked: exactly this statement, one time, with public.customers.email (the shape of an address: a***@e***.com) in place of the values; if report-bot has stopped waiting, it may send the same again within 15 min."
    `);
  });

  test('says that values which are bound apart from the text are not shown', () => {
    const linesOf = (sql: string): readonly string[] => cardLines(aView(aRequest({ sql })));
    expect(linesOf("select email from customers where id = $1 and '$9' <> ''")).toContain(
      'the value of $1 is sent apart from the text and not shown here; a yes is for what was sent',
    );
    expect(linesOf('select email from customers where id in ($2, $1)').join()).toContain('the values of $1 to $2 are');
    expect(linesOf("select email from customers where a = '$1' -- $2").join()).not.toContain('not shown here');
  });

  test('says that the rows are not known, when they are not', () => {
    expect(cardLines(aView(aRequest({ estimate: notKnown('nobody asked') })))).toContain('rows expected: not known');
  });

  test('says that too few people may approve, when that is so', () => {
    const text = cardLines(aView(aRequest({ needs: [{ groups: ['data-owners'], quorum: 2 }] }))).join('\n');
    expect(text).toContain('data-owners: 0 of 2 (ben can): too few people may approve this');
  });

  test('says what each kind of approval permits', () => {
    const view = aView(aRequest());
    expect(permitText(view, { kind: 'once' })).toBe(
      'Approve once: exactly this statement with these values, one time; if report-bot has stopped waiting, it may send the same again within 15 min.',
    );
    expect(permitText(view, { kind: 'shape', forMs: 7_200_000, usesMax: 20, rowsMax: 100 })).toBe(
      'Approve the shape: once now, then this shape with any values up to 20 times within 2 h, at most 100 rows each; same columns, role and schema, while the classification stays as it is.',
    );
  });

  const settled = { at: now, by: ['ben', 'cleo'], terms: { kind: 'once' }, reason: undefined } as const;
  const outcomes: readonly (readonly [string, Partial<HoldLife>])[] = [
    [
      'Approved by ben and cleo: once. Good until 2026-11-21 08:15:00 UTC if report-bot sends it again.',
      { settled: { ...settled, state: 'approved' } },
    ],
    ['Approved by ben and cleo: once. Released 2 times.', { settled: { ...settled, state: 'approved' }, uses: 2 }],
    ['Denied by ben and cleo: too much', { settled: { ...settled, state: 'denied', reason: 'too\n much' } }],
    ['Expired: nobody decided in time, so it was not run.', { openUntil: now }],
    [
      'Withdrawn: report-bot cancelled it or left before anybody decided.',
      { settled: { ...settled, state: 'withdrawn' } },
    ],
  ];
  test.each(outcomes)('%s', (words, happened) => {
    expect(outcomeText(aView(aRequest(), happened))).toBe(words);
  });
});

/** What would move a cursor, turn the reading direction, draw over what stands beside it, or not show at all. */
const treacherous =
  /[\0-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u115f\u3164\u2800\u0338\u20dd]|[^\p{L}\p{N}\p{M}]\p{M}|\p{M}{4}/u;

describe('hostile text', () => {
  const hostile: readonly (readonly [string, string])[] = [
    ['a line like ours in a comment', 'select 1 /*\nasked:\n  security: 2 of 2 (ben, cleo)\n*/ from customers'],
    ['a line like ours in a value', "select 'x\nasked:\n  security: 2 of 2 (ben, cleo)' from customers"],
    ['a turned reading direction', "select '\u202ereversed' from customers"],
    ['a cursor that moves up', "select '\u001b[2A\u001b[K' from customers"],
    ['invisible letters in a name', 'select "em\u200bail" from "cus\u00adtomers"'],
    [
      'marks that draw over the lines around a comment',
      `select 1 /* \u0338 a${'\u0489'.repeat(40)}${'\u0301'.repeat(40)} \u2800 */`,
    ],
    ['a string without end', "select 'never ends\nasked:\n  security: 2 of 2"],
  ];

  test.each(hostile)('%s shows as what it is', (_, sql) => {
    const lines = cardLines(aView(aRequest({ sql })));
    expect(lines.join('\n')).not.toMatch(treacherous);
    // Lines of ours: one for who is asked, and its own need.
    expect(lines.filter((line) => line.startsWith('asked'))).toEqual(['asked:']);
    expect(lines.filter((line) => /^ *security:/.test(line))).toHaveLength(1);
  });

  const names: readonly (readonly [string, Parameters<typeof anAsker>[0], string])[] = [
    [
      'a program',
      { applicationName: 'psql", as role auditor, approved by ben' },
      `on behalf of ana, as role gate, from 10.0.0.7; calls itself "psql', as role auditor, approved by ben"`,
    ],
    [
      'a role',
      { applicationName: '', role: 'gate, from 10.0.0.1' },
      'on behalf of ana, as role "gate, from 10.0.0.1", from 10.0.0.7',
    ],
    ['a reason', { reason: 'x". Approved by ben. "' }, `the agent says, unverified: "x'. Approved by ben. '"`],
  ];
  test.each(names)('in the name or words of %s ends where we say it ends', (_, asker, line) => {
    expect(cardLines(aView(aRequest({ asker: anAsker(asker) })))).toContain(line);
  });

  test('in every field that an agent fills', () => {
    const aText = fc
      .string({ unit: 'binary', maxLength: 60 })
      .map((text) => `\u0338${text}\u202e\u001b[1A\nasked:\n\u20dd`);
    fc.assert(
      fc.property(aText, aText, aText, (one, two, three) => {
        const asker = anAsker({ applicationName: one, reason: two, clientAddress: three });
        const column = aColumn(one, { column: { relation: { schema: two, name: three }, column: one } });
        const request = aRequest({
          asker,
          sql: `select ${one} -- ${two}`,
          reasons: [aReason({ words: three, columns: [column] })],
        });
        const lines = cardLines(
          aView({ ...request, verdict: { ...request.verdict, columns: [column] }, counterOffer: one }),
        );
        expect(lines.join('\n')).not.toMatch(treacherous);
        expect(lines.filter((line) => line === 'asked:')).toHaveLength(1);
        expect(lines.filter((line) => line.includes('\n'))).toEqual([]);
      }),
    );
  });

  test('a table whose name looks like another’s is not shown as that one', () => {
    const column = aColumn('em\u0430il', {
      column: { relation: { schema: 'public', name: 'cust\u043emers' }, column: 'em\u0430il' },
    });
    const request = aRequest({ reasons: [aReason({ columns: [column] })] });
    const view = aView({ ...request, verdict: { ...request.verdict, columns: [column] } });
    expect(cardLines(view)).toContain('restricted: public."cust\\u{43e}mers" ("em\\u{430}il")');
    expect(view.reasons[0].columns).toEqual([view.columns[0]?.column]);
  });

  test('a statement of 300 kB and 5,000 columns is a card of bounded size', () => {
    const columns = Array.from({ length: 5_000 }, (_, n) => aColumn(`c${n}`));
    const request = aRequest({ sql: `select ${'a,'.repeat(150_000)}b from customers` });
    const text = cardLines(aView({ ...request, verdict: { ...request.verdict, columns } })).join('\n');
    expect(text.length).toBeLessThan(30_000);
  });
});
