// Goal: ten thousand hostile texts in a row leave the pool healthy and other agents unhurt.
// Method: a real pool; one agent sends texts that overflow, hang, flood and lie, drawn by a printed seed, while another sends honest
// statements; what the honest one waits is compared with what it waited before, and memory with what it was.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { known } from '../../src/core/known.ts';
import { ParserPool } from '../../src/sql/parser-pool.ts';

const entry = new URL('../../dist/sql/parser-worker.js', import.meta.url);
const state = { searchPath: known(['public']), role: 'ana', temp: known([]) };
const job = (text: string) => ({ text, schemaVersion: undefined, state });

let pool: ParserPool;
beforeAll(async () => {
  pool = new ParserPool({ major: 17, clock: systemClock, entry });
  await pool.up();
});
afterAll(() => pool.close());

/** A small generator of our own, so that a failure can be played again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const pieces =
  "' '' \" $$ $a$ E'\\' /* */ -- \n ( ) [ ] , ; select from where 1 ::int + - * union values case when then with as not in null \0 \u202e é 🙂 \ud800 U&\"".split(
    ' ',
  );

/** Small and ugly, nine of ten; the rest are long and made to cost. */
function hostileText(next: () => number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  if (next() < 0.995)
    return Array.from({ length: 1 + Math.floor(next() * 60) }, () => pick(pieces)).join(next() < 0.5 ? ' ' : '');
  const n = 20_000;
  return pick([
    `select 1${'+1'.repeat(6 * n)}`,
    `select 1${'::int'.repeat(2 * n)}`,
    `select ${'/*'.repeat(n)}`,
    `select ${'('.repeat(n)}`,
    `select 1 ${'+'.repeat(n)} 1`,
    `select ${'case when 1 then '.repeat(n / 2)}`,
    `select 1 from a${' join a on true'.repeat(n / 2)}`,
    `select 1${' union select 1'.repeat(n / 2)}`,
    `select '${'x'.repeat(10 * n)}'`,
    `select 1 in (${'1,'.repeat(5 * n)}1)`,
    'select 1;'.repeat(n),
    `select ${'- '.repeat(5 * n)}1`,
  ]);
}

const honest =
  'select o.id, c.name from orders o join customers c on c.id = o.customer where o.total > 5 order by o.id limit 10';

async function honestMs(until: () => boolean): Promise<readonly number[]> {
  const waits: number[] = [];
  while (!until()) {
    const begun = performance.now();
    const answer = await pool.analyse(job(honest), 'ana');
    waits.push(performance.now() - begun);
    if (answer.kind !== 'statements') throw new Error(JSON.stringify(answer));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return waits;
}

const percentile = (values: readonly number[], part: number) =>
  [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? 0;

test('ten thousand hostile texts in a row hurt nobody else', async () => {
  const seed = 20_261_121;
  const next = random(seed);
  let rounds = 0;
  await honestMs(() => ++rounds > 200);
  rounds = 0;
  const before = await honestMs(() => ++rounds > 500);
  const memoryBefore = process.memoryUsage.rss();

  let sent = 0;
  const answers = new Map<string, number>();
  const hostile = (async () => {
    for (; sent < 10_000; sent++) {
      const answer = await pool.analyse(job(hostileText(next)), 'mallory');
      answers.set(answer.kind, (answers.get(answer.kind) ?? 0) + 1);
    }
  })();
  const during = await honestMs(() => sent >= 10_000);
  await hostile;

  const figures = `seed ${seed}: ${JSON.stringify([...answers])}, lost ${pool.health.lost}, p50 ${percentile(before, 0.5).toFixed(2)} → ${percentile(during, 0.5).toFixed(2)} ms, p99 ${percentile(before, 0.99).toFixed(2)} → ${percentile(during, 0.99).toFixed(2)} ms`;
  console.log(figures);
  // Nothing hostile was read as a statement by mistake is not the point here: that everybody was answered is.
  expect([...answers.values()].reduce((sum, count) => sum + count, 0)).toBe(10_000);
  // Twice the wait of before; both share the cores with whatever else runs, so that some turns of the scheduler are granted.
  // The hundredth is told and not asserted: on a machine that runs other tests beside, it is theirs.
  expect(percentile(during, 0.95), figures).toBeLessThan(2 * percentile(before, 0.95) + 10);
  expect(pool.health.waiting).toBe(0);
  await pool.up();
  expect((await pool.analyse(job(honest), 'mallory')).kind).toBe('statements');
  expect(process.memoryUsage.rss() - memoryBefore).toBeLessThan(400 * 1024 * 1024);
}, 300_000);
