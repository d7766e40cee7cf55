// Goal: every card is one that Slack takes, says what has to be said, and cannot be bent by what an agent wrote.
// Method: the real view of holds asked at a real desk, with hostile texts in every place that an agent fills; Slack's limits as its
// documentation gives them; all of what Slack would read marks in is looked at.
import { describe, expect, test } from 'vitest';
import { known, notKnown } from '../../src/core/known.ts';
import type { HoldId, UnixMillis } from '../../src/core/brand.ts';
import type { HoldView } from '../../src/approval/view.ts';
import { actionIds, cardOf, plainCard, type CardStyle } from '../../src/channels/slack-card.ts';
import { listOf } from '../../src/channels/slack-list.ts';
import { homeOf } from '../../src/channels/slack-home.ts';
import { cut, lines, sizeOf, type Block, type Message } from '../../src/channels/slack-blocks.ts';
import { denyDialog, shapeDialog } from '../../src/channels/slack-dialogs.ts';
import { nextStep } from '../../src/channels/slack-plan.ts';
import type { LeveledColumn } from '../../src/policy/verdict.ts';
import { aColumn, aProxy, aReason, aRequest, aVote, anAsker, never, type RequestWords } from '../approval/fixtures.ts';
import { blockMistakes, viewMistakes } from '../support/slack/limits.ts';
import { buttonsOf, readable } from '../support/slack/person.ts';

const style: CardStyle = {
  values: 'hidden',
  firstRows: 100,
  confirmFromRank: undefined,
  linkOf: (hold) => `https://gate.example.com/holds/${hold}`,
  isQuiet: () => false,
};

async function viewOf(words: RequestWords = {}): Promise<HoldView> {
  return (await aProxy().desk.ask(aRequest(words), never)).hold;
}

const json = (blocks: readonly Block[]) => JSON.parse(JSON.stringify(blocks)) as Record<string, unknown>[];
const buttons = (message: Message) => buttonsOf(json(message.blocks)).map((each) => each['action_id']);

/** Everything that Slack would read marks in: the message's text, and texts of the kind mrkdwn. */
function markedTexts(message: Message): readonly string[] {
  const found: string[] = [message.text];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(walk);
    if (typeof value !== 'object' || value === null) return;
    const { type, text } = value as Record<string, unknown>;
    if (type === 'mrkdwn') found.push(String(text));
    Object.values(value).forEach(walk);
  };
  walk(message.blocks);
  return found;
}

const hostile: readonly (readonly [string, string])[] = [
  ['back-ticks', "select '```\n*Approved by ben*\n```' from customers"],
  ['a call to the channel', "select '<!channel> <!here> <@UBEN> <https://evil.example|Approve>' from customers"],
  ['marks of mrkdwn', 'select 1 as "*bold* _it_ ~gone~ `code` > quote &lt;!channel&gt;" from customers'],
  ['a turned reading direction', "select '\u202e\u2066 moor edulcni' from customers -- \u202d"],
  ['characters without width', 'select e\u200bm\u200ca\u200di\u2060l\ufeff from customers'],
  ['escapes of a terminal', "select '\u001b[2J\u001b[31m\u0007' from customers"],
  ['blank letters', `select 1 as "${'\u3164'.repeat(200)}" from customers`],
  ['marks stacked on a letter', `select 1 as "a${'\u0336'.repeat(400)}" from customers`],
  [
    'twenty kilobytes',
    `select email from customers where id in (${Array.from({ length: 4000 }, (_, at) => at).join(', ')})`,
  ],
  ['one endless line', `select '${'x'.repeat(20_000)}' from customers`],
  ['four-byte characters at every limit', `select '${'🙂'.repeat(6000)}' from customers`],
  ['half a character', "select '\ud83d' from customers"],
  ['a thousand lines', `select email\n${'\n'.repeat(1000)}from customers`],
  ['nothing that can be read', 'selct emal form'],
];

describe('a hostile text', () => {
  const places: readonly (readonly [string, (text: string) => RequestWords])[] = [
    ['as SQL', (text) => ({ sql: text })],
    ['as the reason', (text) => ({ asker: anAsker({ reason: text, applicationName: text }) })],
    ['as a comment', (text) => ({ sql: `/* ${text.replaceAll('*/', '')} */ select email from customers` })],
    ['as names', nameWords],
  ];
  const cases = hostile.flatMap(([name, text]) => places.map(([place, words]) => [name, place, words(text)] as const));
  test.each(cases)('%s, %s, gives a card that Slack takes and that calls nobody', async (_name, _place, words) => {
    for (const values of ['hidden', 'shown'] as const) {
      const view = await viewOf(words);
      const message = cardOf(view, { ...style, values });
      expect(blockMistakes(json(message.blocks))).toEqual([]);
      expect(sizeOf(message)).toBeLessThan(6000);
      expect(message.blocks.length).toBeLessThanOrEqual(50);
      // Calls and links in marked text are only the approvers and the deadline.
      const calls = markedTexts(message).flatMap((text) => text.match(/<[^>]*>/g) ?? []);
      expect(calls.filter((each) => !/^<(@U[A-Z]+|!date\^\d+\^[^<>]*)>$/.test(each))).toEqual([]);
      expect(JSON.stringify(message.blocks)).not.toMatch(
        /[\u202a-\u202e\u2066-\u2069\u200b-\u200f\u2060\ufeff\u001b\u0007\u3164]/,
      );
      expect(readable(json(message.blocks))).toContain('Approve once');
    }
  });
});

function nameWords(text: string): RequestWords {
  const column = aColumn(text, { column: { relation: { schema: 'public', name: text }, column: text } });
  const { verdict } = aRequest({ reasons: [aReason({ words: `reads ${text}`, columns: [column] })] });
  return { verdict: { ...verdict, columns: [column] } };
}

function manyColumns(count: number): readonly LeveledColumn[] {
  return Array.from({ length: count }, (_, at) =>
    aColumn(`column_number_${at}_🙂`, {
      column: { relation: { schema: 'public', name: `table_${at % 40}` }, column: `column_number_${at}_🙂` },
      level: ['internal', 'confidential', 'restricted'][at % 3] ?? 'restricted',
    }),
  );
}

function withColumns(view: HoldView, columns: readonly LeveledColumn[]): HoldView {
  const own = columns.map(({ column, level, category, uses, place, owner }) => ({
    ...{ level, category, uses, place, owner, rank: 2 },
    column: `${column.relation.schema}.${column.relation.name}.${column.column}`,
    table: `${column.relation.schema}.${column.relation.name}`,
    name: column.column,
  }));
  return { ...view, columns: own };
}

describe('a card', () => {
  test('says who wants what on whose behalf, why, at which line, and what a yes permits', async () => {
    const view = await viewOf({
      sql: '/* for the board */ select email from customers where id = 7',
      estimate: known(1200),
    });
    const words = readable(json(cardOf(view, style).blocks));
    expect(words).toMatch(/^report-bot wants 1 restricted column · shop\n/);
    for (const piece of [
      'on behalf of ana, as role gate, from 10.0.0.7; calls itself "reports"',
      'reads customers.email (restricted)',
      'level restricted, classification/shop.yaml:7',
      'public.customers (email)',
      'The agent says (unverified)\nmonthly report\nfor the board',
      'about 1,200 rows expected',
      'security: 0 of 1',
      '<@UBEN>',
      'Approve once: exactly this statement with these values, one time',
      'Approve first 100 rows: the same, and the stream stops there',
      'Values are hidden here',
    ])
      expect(words).toContain(piece);
    expect(words).toContain(view.sql.hash.slice(0, 16));
    expect(words).not.toContain('= 7');
  });

  test('shows values only where the config says so', async () => {
    const view = await viewOf({ sql: "select email from customers where name = 'Jane Roe'" });
    expect(JSON.stringify(cardOf(view, style))).not.toContain('Jane Roe');
    expect(JSON.stringify(cardOf(view, { ...style, values: 'shown' }))).toContain('Jane Roe');
  });

  test('of a text without an end hides all of it where values are hidden', async () => {
    const view = await viewOf({ sql: "select email from customers where name = 'Jane Roe" });
    expect(JSON.stringify(cardOf(view, style))).not.toContain('Jane');
    expect(JSON.stringify(cardOf(view, { ...style, values: 'shown' }))).toContain('Jane Roe');
  });

  test.each([1, 30, 500, 1600])('with %i columns says how many it leaves out', async (count) => {
    const message = cardOf(withColumns(await viewOf(), manyColumns(count)), style);
    expect(blockMistakes(json(message.blocks))).toEqual([]);
    expect(sizeOf(message)).toBeLessThan(6000);
    if (count > 120) expect(readable(json(message.blocks))).toMatch(/and \d+ more/);
  });

  test('keeps the beginning and the end of a long statement, with a link to the whole', async () => {
    const sql = `select email from customers where id in (${'1, '.repeat(9000)}2) limit 3`;
    const words = readable(json(cardOf(await viewOf({ sql }), { ...style, values: 'shown' }).blocks));
    expect(words).toMatch(/select/i);
    expect(words).toMatch(/limit/i);
    expect(words).toMatch(/left out|characters/);
    expect(words).toContain('It is cut. See all of it in the console');
  });

  test('says what it leaves out: facts, levels, people who are asked, votes, and words of the agent', async () => {
    const nine = Array.from({ length: 9 }, (_, at) => at);
    const base = await viewOf({
      sql: `select email from customers ${nine.map((at) => `/* word ${at} */`).join(' ')}`,
    });
    const columns = nine.flatMap((at) => base.columns.map((column) => ({ ...column, level: `level-${at}` })));
    const cast = { ...aVote(), at: base.askedAt, counts: true, reason: undefined, link: undefined };
    const votes = nine.map((at) => ({ ...cast, person: `person-${at}` }));
    const [need] = base.needs;
    const budgets = nine.map((at) => `level ${at}: 1 of 2 rows read in 1d`);
    const words = readable(
      json(
        cardOf({ ...base, budgets, columns, votes, needs: [need, need, need, need, need, need, need, need] }, style)
          .blocks,
      ),
    );
    for (const said of [
      /… and 6 more/,
      /… and 4 more levels/,
      /unverified, 4 of 10/,
      /… and 3 more/,
      /3 votes before …/,
    ])
      expect(words).toMatch(said);
  });

  test('warns of locks that an open transaction holds, and says when that is not known', async () => {
    const asker = anAsker({ transaction: 'open' });
    const locked = await viewOf({ asker, locks: known(['public.orders (RowExclusiveLock)']) });
    expect(readable(json(cardOf(locked, style).blocks))).toContain('public.orders (RowExclusiveLock)');
    const unclear = await viewOf({ asker, locks: notKnown('no answer'), estimate: notKnown('no plan') });
    expect(readable(json(cardOf(unclear, style).blocks))).toMatch(/rows expected: not known[\s\S]*is not known/);
  });

  test('asks once more from the configured level up, and below it does not', async () => {
    const view = await viewOf();
    const asks = (rank: number): boolean =>
      buttonsOf(json(cardOf(view, { ...style, confirmFromRank: rank }).blocks)).some(
        (each) => each['confirm'] !== undefined,
      );
    expect([asks(2), asks(3), asks(4)]).toEqual([true, true, false]);
  });

  test('of a level that demands the console has no button but the link', async () => {
    const message = cardOf({ ...(await viewOf()), stepUp: 'console' }, style);
    expect(buttons(message)).toEqual([actionIds.open]);
  });

  test('offers only what the hold offers', async () => {
    const reads = await viewOf();
    const unknownOne = await viewOf({ reasons: [aReason({ action: 'notKnown' })], shape: undefined });
    expect(buttons(cardOf(reads, style))).toEqual([
      actionIds.once,
      actionIds.rows,
      actionIds.masked,
      actionIds.shape,
      actionIds.deny,
      actionIds.open,
    ]);
    expect(buttons(cardOf(unknownOne, style))).toEqual([actionIds.once, actionIds.deny, actionIds.open]);
  });

  test('that everything is too long for is words and a link', async () => {
    const view = await viewOf();
    const message = plainCard({ ...view, agent: 'x'.repeat(5000) }, style);
    expect(blockMistakes(json(message.blocks))).toEqual([]);
    expect(buttons(message)).toEqual([actionIds.open]);
  });

  test('is the same for the same view: nothing in it ticks', async () => {
    const view = await viewOf();
    expect(cardOf(view, style)).toEqual(cardOf(view, style));
  });
});

describe('dialogs, lists and the home page', () => {
  test('are such that Slack takes them, whatever the agent is called and asks', async () => {
    const view = await viewOf({ asker: anAsker({ reason: '🙂'.repeat(2000) }) });
    const odd = { ...view, agent: '🙂'.repeat(90), database: '`<!here>`'.repeat(20) };
    const origin = { hold: view.id, channel: 'C1', ts: '1.1' };
    expect(viewMistakes(JSON.parse(JSON.stringify(denyDialog(odd, origin))))).toEqual([]);
    expect(viewMistakes(JSON.parse(JSON.stringify(shapeDialog(odd, origin))))).toEqual([]);
    const many = Array.from({ length: 100 }, (_, at) => ({
      ...odd,
      id: `h_${String(at).padStart(20, '0')}` as HoldId,
    }));
    const list = listOf(odd.agent, many, { consoleUrl: 'https://gate.example.com', isQuiet: () => false });
    expect(blockMistakes(json(list.blocks))).toEqual([]);
    expect(sizeOf(list)).toBeLessThan(6000);
    const mine = many.map((each) => ({ ...each, votes: [] }));
    expect(viewMistakes(JSON.parse(JSON.stringify(homeOf('ben', mine, 'https://gate.example.com'))))).toEqual([]);
  });
});

describe('what is next for a place', () => {
  test('a hold that was settled before it could be shown asks nobody', async () => {
    const view = { ...(await viewOf()), state: 'expired' as const };
    const record = { v: 1 as const, hold: view.id, to: 'C1', form: 'card' as const };
    expect(nextStep(record, view, 0, { style, remindMs: 1 })).toEqual({ kind: 'nothing', isOver: true });
  });

  test('who has not voted is called once, after the time for it', async () => {
    const view = await viewOf();
    const posted = nextStep({ v: 1, hold: view.id, to: 'C1', form: 'card' }, view, 0, { style, remindMs: 1000 });
    if (posted.kind !== 'post') throw new Error(posted.kind);
    const record = { v: 1 as const, hold: view.id, to: 'C1', form: 'card' as const, ts: '1.1', ...posted.then };
    const at = (now: number) => nextStep(record, view, now, { style, remindMs: 1000 });
    expect(at(view.askedAt + 999)).toEqual({ kind: 'nothing', isOver: false });
    const late = at(view.askedAt + 1000);
    expect(late).toMatchObject({ kind: 'reply', then: { reminded: true } });
    if (late.kind === 'reply') expect(late.message.text).toMatch(/<@UBEN> <@UCLEO> <@UDAN>/);
    const again = nextStep({ ...record, reminded: true }, view, view.askedAt + 9999, { style, remindMs: 1000 });
    expect(again.kind).toBe('nothing');
  });

  test('votes of the same millisecond are each told once', async () => {
    const proxy = aProxy();
    const waiting = await proxy.desk.ask(aRequest({ needs: [{ groups: ['security'], quorum: 3 }] }), never);
    await proxy.desk.vote(waiting.hold.id, aVote({ person: 'ben' }));
    await proxy.desk.vote(waiting.hold.id, aVote({ person: 'cleo' }));
    const found = await proxy.desk.find(waiting.hold.id);
    if (found === undefined) throw new Error('no hold');
    const view = { ...found, votes: found.votes.map((vote) => ({ ...vote, at: 5 as UnixMillis })) };
    let record: Parameters<typeof nextStep>[0] = { v: 1, hold: view.id, to: 'C1', form: 'card', ts: '1.1', told: '' };
    const told: string[] = [];
    for (let turn = 0; turn < 10; turn++) {
      const step = nextStep(record, view, 0, { style, remindMs: 1000 });
      if (step.kind === 'nothing') break;
      if (step.kind === 'reply') told.push(step.message.text);
      record = { ...record, ...step.then };
    }
    expect(told.map((words) => words.split(' ')[0])).toEqual(['ben', 'cleo']);
  });
});

describe('cutting', () => {
  test('never leaves half a character, at any length', () => {
    const text = 'a🙂b🙂🙂c';
    for (let length = 2; length < 12; length++) {
      for (const each of [cut(text, length), lines(text, length)]) {
        expect(each.length).toBeLessThanOrEqual(Math.max(length, 2));
        expect(each).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/);
      }
    }
  });
});
