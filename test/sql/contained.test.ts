// Goal: no text, however hostile, hurts more than its own answer.
// Method: the prescan's limits at and past the edge; a real pool of real workers given texts that hang, overflow and flood.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { known } from '../../src/core/known.ts';
import { prescan, prescanLimits } from '../../src/sql/prescan.ts';
import { ParserPool, poolLimits } from '../../src/sql/parser-pool.ts';
import { FairQueue } from '../../src/sql/parser-queue.ts';

describe('the prescan', () => {
  const deep = (levels: number) => `${'/*'.repeat(levels)} x ${'*/'.repeat(levels)} select 1`;
  const run = (length: number) => `select 1 ${'+'.repeat(length)} 2`;

  test.each([
    ['a text at the limit', ' '.repeat(prescanLimits.bytesMax)],
    ['comments nested to the limit', deep(prescanLimits.commentDepthMax)],
    ['an operator at the limit', run(prescanLimits.operatorRunMax)],
    ['a ruler of dashes', `--${'-'.repeat(5000)}\nselect 1`],
    ['a ruler in a comment', `/*${'='.repeat(5000)}*/ select 1`],
    ['operators inside a string', `select '${'+'.repeat(5000)}'`],
    ['comment openings inside a string', `select '${'/*'.repeat(500)}'`],
    ['many brackets one after another', `select ${'(1)+'.repeat(5000)} 1`],
    ['a string without end', `select '${'/*'.repeat(500)}`],
  ])('lets %s pass', (_what, text) => {
    expect(prescan(text)).toEqual({ ok: true });
  });

  test.each([
    ['a text over the limit', ' '.repeat(prescanLimits.bytesMax + 1), 'house'],
    ['a text over the limit in bytes only', 'é'.repeat(prescanLimits.bytesMax / 2 + 1), 'house'],
    ['comments nested deeper', deep(prescanLimits.commentDepthMax + 1), 'house'],
    ['comments that never end', '/*'.repeat(prescanLimits.commentDepthMax + 1), 'house'],
    ['a longer operator', run(prescanLimits.operatorRunMax + 1), 'house'],
    ['brackets within brackets', `select ${'('.repeat(prescanLimits.nestingMax + 1)}`, 'house'],
    ['a NUL', 'select 1\0', 'server'],
  ])('stops %s', (_what, text, by) => {
    expect(prescan(text)).toMatchObject({ ok: false, by });
  });

  test.each([
    ['line comments that never reach a string', (n: number) => `select 'a' ${'-- '.repeat(n)}`],
    ['white space after a string', (n: number) => `select 'a'${' '.repeat(n)}x`],
    ['dollar signs', (n: number) => 'select $$'.padEnd(n, '$')],
    ['many short strings with comments between', (n: number) => "'a' --\n".repeat(n / 7)],
    ['numbers of underscores', (n: number) => `select 1${'_'.repeat(n)}`],
    ['a flood of dots', (n: number) => '.'.repeat(n)],
  ])('takes time in the length, not its square, for %s', (_what, made) => {
    const took = (length: number): number => {
      const text = made(length);
      const begun = performance.now();
      prescan(text);
      return performance.now() - begun;
    };
    took(20_000);
    // A square would be a thousand times; an exponential would never come back.
    expect(took(200_000)).toBeLessThan(Math.max(250, took(20_000) * 60));
  });
});

test('the queue serves lanes in turn and refuses what is beyond its bounds', () => {
  const queue = new FairQueue<string>({ jobsMax: 5, perLaneMax: 3 });
  const taken = ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'd1'].map((job) => queue.offer(job.charAt(0), job));
  expect(taken).toEqual(['taken', 'taken', 'taken', 'full', 'taken', 'taken', 'full']);
  expect([1, 2, 3, 4, 5, 6].map(() => queue.take())).toEqual(['a1', 'b1', 'c1', 'a2', 'a3', undefined]);
  expect(queue.size).toBe(0);
});

describe('the pool', () => {
  const entry = new URL('../../dist/sql/parser-worker.js', import.meta.url);
  const state = { searchPath: known(['public']), role: 'ana', temp: known([]) };
  const job = (text: string) => ({ text, schemaVersion: undefined, state });
  let pool: ParserPool;
  beforeAll(async () => {
    pool = new ParserPool({ major: 17, clock: systemClock, entry, deadlineMs: 2_000 });
    await pool.up();
  });
  afterAll(() => pool.close());

  test('answers statements, syntax errors, emptiness and refusals', async () => {
    const kinds = await Promise.all(
      ['select 1; delete from t', 'nope', ' ; ', `select ${'+'.repeat(100)} 1`].map(async (text) => {
        const answer = await pool.analyse(job(text), 'ana');
        return answer.kind === 'statements' ? answer.statements.map((one) => one.analysis.command) : answer.kind;
      }),
    );
    expect(kinds).toEqual([['SELECT', 'DELETE'], 'syntaxError', 'empty', 'refused']);
  });

  test('says not known when the schema was not read', async () => {
    const answer = await pool.analyse(job('select * from t'), 'ana');
    if (answer.kind !== 'statements') throw new Error(answer.kind);
    expect(answer.statements[0]?.analysis.unknowns).not.toEqual([]);
  });

  test('refuses, rather than queues, what one agent piles up', async () => {
    const answers = await Promise.all(
      Array.from({ length: poolLimits.perLaneMax + 20 }, () => pool.analyse(job('select 1'), 'flood')),
    );
    const refused = answers.filter((answer) => answer.kind === 'notKnown');
    expect(refused.length).toBeGreaterThanOrEqual(19);
    expect(refused.length).toBeLessThan(answers.length);
  });

  test('answers not known and goes on with a fresh worker when a text takes too long', async () => {
    // 30,000 rows of casts: well-formed, within the size limit, and more than the deadline can take when repeated.
    const slow = `select ${'('.repeat(900)}1${')'.repeat(900)}${'::int'.repeat(45_000)}`;
    const answers = await Promise.all(Array.from({ length: 4 }, () => pool.analyse(job(slow), 'mallory')));
    for (const answer of answers) expect(['notKnown', 'refused', 'statements']).toContain(answer.kind);
    expect((await pool.analyse(job('select 1'), 'ana')).kind).toBe('statements');
    expect((await pool.analyse(job('select 1'), 'mallory')).kind).toBe('statements');
  });
});
