// Goal: the index finds exactly what reading every file finds, also while the log grows, turns to a new segment, is cut or archived.
// Method: random logs with holds that span segments, random questions with a printed seed; the plain search is the oracle.
import { readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openAudit, type Audit } from '../../src/audit/keeper.ts';
import { holdOf } from '../../src/audit/hold-records.ts';
import { SearchIndex } from '../../src/audit/search-index.ts';
import type { SearchFilter } from '../../src/audit/search-facts.ts';
import { segmentName } from '../../src/audit/segment-file.ts';
import { systemClock } from '../../src/core/clock.ts';
import { searchedLineByLine } from './searched.ts';
import { aJudged } from './fixtures.ts';
import { aFolder } from '../support/folders.ts';

/** A small generator of its own, so that a printed seed brings a run back. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const agents = ['report-bot', 'ci-bot', 'etl-bot'] as const;
const owners = ['ana', 'ben', 'eva'] as const;
const columns = ['public.customers.email', 'public.orders.total', 'hr.salaries.amount', 'public.customers.*'] as const;
const levels = ['public', 'internal', 'restricted'] as const;

const at = <T>(list: readonly [T, ...T[]], index: number): T => list[index % list.length] ?? list[0];

async function write(audit: Audit, roll: (below: number) => number, records: number): Promise<void> {
  const open: string[] = [];
  for (let n = 0; n < records; n += 1) {
    const who = roll(3);
    const asker = { session: `s_${roll(4)}`, agent: at(agents, who), owner: at(owners, who), database: 'shop' };
    const touched = [{ column: at(columns, roll(4)), level: at(levels, roll(3)) }];
    const kind = roll(12);
    if (kind === 0) {
      const hold = `h_${n}_${audit.log.segment}`;
      const statement = String(n).padEnd(64, '0');
      audit.log.record(aJudged({ ...asker, statement, columns: touched, verdict: 'hold' }));
      audit.log.record({
        ...asker,
        kind: 'held',
        hold,
        statement,
        parameters: 'p',
        columns: touched,
        rules: ['r'],
        deadline: 1,
      });
      open.push(hold);
    } else if (kind === 1 && open.length > 0) {
      const hold = open[roll(open.length)] ?? '';
      audit.log.record({ kind: 'voted', hold, person: at(owners, roll(3)), vote: 'approve', channel: 'slack' });
    } else if (kind === 2 && open.length > 0) {
      const [hold = ''] = open.splice(roll(open.length), 1);
      audit.log.record({ kind: 'decided', hold, state: 'approved', by: [at(owners, roll(3))] });
      const { seq } = audit.log.record({ ...asker, kind: 'released', hold, statement: 'x' });
      if (roll(2) === 0)
        audit.log.record({ kind: 'finished', session: asker.session, of: seq, rows: 1, bytes: 1, ms: 1 });
    } else if (kind === 3 && roll(40) === 0) audit.log.rotate();
    else audit.log.record(aJudged({ ...asker, columns: touched, verdict: roll(9) === 0 ? 'deny' : 'allow' }));
  }
  audit.log.flush();
}

function aFilter(roll: (below: number) => number): SearchFilter {
  const some = <T>(value: T): T | undefined => (roll(3) === 0 ? value : undefined);
  const given = {
    agent: some(at(agents, roll(3))),
    person: some(at(owners, roll(3))),
    column: some(at(['email', 'customers.email', 'public.customers.email', 'mail', 'salaries.amount', '*'], roll(6))),
    level: some(at(levels, roll(3))),
    verdict: some(at(['allow', 'hold', 'deny', 'approved', 'denied'], roll(5))),
    kind: some(at(['judged', 'held', 'voted', 'finished', 'segment'], roll(5))),
    database: some(at(['shop', 'other'], roll(2))),
    from: some(at(['2000', '2999'], roll(2))),
    to: some(at(['2000', '2999'], roll(2))),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

const quiet = { checkpointMs: 60_000 };

describe('the index', () => {
  const seed = Number(process.env['INDEX_SEED'] ?? Date.now() % 100_000);

  test(`finds what reading everything finds (seed ${seed})`, async () => {
    const roll = dice(seed);
    const dir = aFolder();
    const audit = await openAudit({ dir, clock: systemClock, limits: quiet });
    const index = new SearchIndex(dir);
    for (let round = 0; round < 4; round += 1) {
      await write(audit, roll, 1_500);
      for (let question = 0; question < 25; question += 1) {
        const filter = aFilter(roll);
        const limit = 1 + roll(200);
        const [found, truth] = [await index.search({ filter, limit }), await searchedLineByLine(dir, filter, limit)];
        expect(
          found.records.map((each) => each.seq),
          JSON.stringify(filter),
        ).toEqual(truth.records.map((each) => each.seq));
        expect(found.more).toBe(truth.more);
      }
    }
    await audit.stop();
  });

  test('gives page after page, each record once', async () => {
    const dir = aFolder();
    const audit = await openAudit({ dir, clock: systemClock, limits: quiet });
    await write(audit, dice(7), 2_000);
    const all = await audit.search({ filter: { agent: 'ci-bot' }, limit: 10_000 });
    const paged: number[] = [];
    for (let before = Infinity; ;) {
      const page = await audit.search({ filter: { agent: 'ci-bot' }, limit: 77, before });
      paged.push(...page.records.map((each) => each.seq));
      if (!page.more) break;
      before = paged.at(-1) ?? 0;
    }
    expect(paged).toEqual(all.records.map((each) => each.seq));
    await audit.stop();
  });

  test('forgets what is not in the files any more', async () => {
    const dir = aFolder();
    const audit = await openAudit({ dir, clock: systemClock, limits: quiet });
    audit.log.record(aJudged({ agent: 'old-bot' }));
    audit.log.rotate();
    audit.log.record(aJudged({ agent: 'new-bot' }));
    await audit.stop();
    const index = new SearchIndex(dir);
    const found = async (agent: string): Promise<number> =>
      (await index.search({ filter: { agent }, limit: 9 })).records.length;
    expect([await found('old-bot'), await found('new-bot')]).toEqual([1, 1]);
    renameSync(join(dir, segmentName(1)), join(aFolder(), segmentName(1)));
    expect([await found('old-bot'), await found('new-bot')]).toEqual([0, 1]);
    truncateSync(join(dir, segmentName(2)), 10);
    expect(await found('new-bot')).toBe(0);
  });

  test('passes over lines that are no records, and never gives them out', async () => {
    const dir = aFolder();
    const audit = await openAudit({ dir, clock: systemClock, limits: quiet });
    audit.log.record(aJudged({ agent: 'old-bot' }));
    audit.log.flush();
    await audit.stop();
    const file = join(dir, segmentName(1));
    const line =
      readFileSync(file, 'utf8')
        .split('\n')
        .find((each) => each.includes('old-bot')) ?? '';
    const harmed = [
      '{"at":"x","columns":[null],"kind":"judged","seq":1}',
      'null',
      '{',
      `${line.slice(0, -1)},"agent":"old-bot"}`,
    ];
    writeFileSync(file, `${harmed.join('\n')}\n${line}\n`);
    const { records } = await new SearchIndex(dir).search({ filter: { agent: 'old-bot' }, limit: 9 });
    expect(records).toHaveLength(1);
  });

  test('knows every record of a hold, the judged statement and the outcome too', async () => {
    const dir = aFolder();
    const audit = await openAudit({ dir, clock: systemClock, limits: quiet });
    const asker = { session: 's_1', agent: 'report-bot', owner: 'ana', database: 'shop' };
    const about = { statement: 'b'.repeat(64), columns: [{ column: 'public.customers.email', level: 'restricted' }] };
    audit.log.record(aJudged({ ...asker, ...about, verdict: 'hold' }));
    audit.log.record({ ...asker, ...about, kind: 'held', hold: 'h_1', parameters: '', rules: ['r'], deadline: 1 });
    audit.log.rotate();
    await audit.log.recordDurably({ kind: 'voted', hold: 'h_1', person: 'ben', vote: 'approve', channel: 'slack' });
    await audit.log.recordDurably({ kind: 'decided', hold: 'h_1', state: 'approved', by: ['ben'] });
    const { seq } = await audit.log.recordDurably({
      ...asker,
      kind: 'released',
      hold: 'h_1',
      statement: about.statement,
    });
    audit.log.record(aJudged());
    audit.log.record({ kind: 'finished', session: 's_1', of: seq, rows: 3, bytes: 9, ms: 1 });
    audit.log.flush();
    const found = holdOf([{ origin: 'countersign/x', records: await new SearchIndex(dir).recordsOfHold('h_1') }]);
    expect(found).toMatchObject({
      kind: 'settled',
      records: { judged: { verdict: 'hold' }, votes: [{ person: 'ben' }], finished: [{ rows: 3 }] },
    });
    expect(await audit.receipt('h_1')).toMatchObject({
      hold: 'h_1',
      text: aJudged().text,
      released: [{ outcome: { rows: 3 } }],
    });
    expect(await audit.receipt('h_2')).toBe('not found');
    await audit.stop();
  });
});
