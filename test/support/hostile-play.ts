// One agent sends hostile texts to a pool, one after another, while another sends honest statements: what became of both.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { known } from '../../src/core/known.ts';
import type { ParserPool } from '../../src/sql/parser-pool.ts';
import { honestText, hostileText, percentile, random } from './hostile-texts.ts';

export interface Played {
  /** Answers to the hostile agent, by kind. */
  readonly answers: ReadonlyMap<string, number>;
  /** Honest statements that were answered while the hostile ones came. */
  readonly honest: number;
  /** Milliseconds that the honest agent waited, alone and beside the hostile one. */
  readonly alone: { readonly p50: number; readonly p99: number };
  readonly beside: { readonly p50: number; readonly p99: number };
  readonly residentGrowthBytes: number;
}

const state = { searchPath: known(['public']), role: 'ana', temp: known([]) };
export const job = (text: string) => ({ text, schemaVersion: undefined, state });

export async function playHostile(
  pool: ParserPool,
  { count, seed }: { readonly count: number; readonly seed: number },
): Promise<Played> {
  const next = random(seed);
  await honestMs(pool, 200, () => true);
  const alone = await honestMs(pool, 800, () => true);
  const residentBefore = residentKept();
  const answers = new Map<string, number>();
  let done = false;
  const hostile = (async () => {
    for (let sent = 0; sent < count; sent++) {
      const answer = await pool.analyse(job(hostileText(next)), 'mallory');
      answers.set(answer.kind, (answers.get(answer.kind) ?? 0) + 1);
    }
    done = true;
  })();
  const beside = await honestMs(pool, Number.POSITIVE_INFINITY, () => !done);
  await hostile;
  return {
    answers,
    honest: beside.length,
    alone: { p50: percentile(alone, 0.5), p99: percentile(alone, 0.99) },
    beside: { p50: percentile(beside, 0.5), p99: percentile(beside, 0.99) },
    residentGrowthBytes: residentKept() - residentBefore,
  };
}

/** What is kept, not what waits to be collected: thousands of honest statements go on all the while, on a quick machine more of them. */
function residentKept(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('this runtime cannot be asked to collect');
  collect();
  return process.memoryUsage.rss();
}

async function honestMs(pool: ParserPool, rounds: number, goOn: () => boolean): Promise<readonly number[]> {
  const waits: number[] = [];
  while (waits.length < rounds && goOn()) {
    const begun = performance.now();
    const answer = await pool.analyse(job(honestText), 'ana');
    waits.push(performance.now() - begun);
    if (answer.kind !== 'statements') throw new Error(JSON.stringify(answer));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return waits;
}
