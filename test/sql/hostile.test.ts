// Goal: thousands of hostile texts in a row leave the pool healthy, answer everybody, and keep no memory.
// Method: a real pool; one agent sends texts that overflow, hang, flood and lie, drawn by a printed seed, while another sends honest
// statements. What the honest one waits is a figure of the bench (bench/witness.ts), which runs alone; ten thousand are the corpus's.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { ParserPool } from '../../src/sql/parser-pool.ts';
import { job, playHostile } from '../support/hostile-play.ts';
import { honestText } from '../support/hostile-texts.ts';

const entry = new URL('../../dist/sql/parser-worker.js', import.meta.url);
const count = 2_000;

let pool: ParserPool;
beforeAll(async () => {
  pool = new ParserPool({ major: 17, clock: systemClock, entry });
  await pool.up();
});
afterAll(() => pool.close());

test('two thousand hostile texts in a row hurt nobody else', async () => {
  const seed = 20_261_121;
  const played = await playHostile(pool, { count, seed });
  console.log(
    `seed ${seed}: ${JSON.stringify([...played.answers])}, lost ${pool.health.lost}, honest ${played.honest}, kept ${Math.round(played.residentGrowthBytes / 1e6)} MB`,
  );
  expect([...played.answers.values()].reduce((sum, each) => sum + each, 0)).toBe(count);
  // Workers were lost on the way, or the texts were not hostile.
  expect(pool.health.lost).toBeGreaterThan(0);
  // Every honest statement was read (the play throws otherwise), and they went on all the while.
  expect(played.honest).toBeGreaterThan(50);
  expect(played.residentGrowthBytes).toBeLessThan(400 * 1024 * 1024);
  expect(pool.health.waiting).toBe(0);
  await pool.up();
  for (const agent of ['ana', 'mallory']) {
    expect((await pool.analyse(job(honestText), agent)).kind).toBe('statements');
  }
}, 120_000);
