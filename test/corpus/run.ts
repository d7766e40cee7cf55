// `npm run test:corpus`: the static witness against real servers, statement by statement, with the table of outcomes; then ten
// thousand hostile texts against the pool that reads for everybody. In slices: `--majors=16 --hostile=0 --results=FILE`, and at the end
// `--majors= --hostile=0 --results=FILE --table`, which writes the table of docs/columns.md.
import { majors, startPostgres, type PostgresMajor } from '../support/postgres.ts';
import { systemClock } from '../../src/core/clock.ts';
import { ParserPool } from '../../src/sql/parser-pool.ts';
import { setup } from '../support/build.ts';
import { playHostile } from '../support/hostile-play.ts';
import { Lab } from './lab.ts';
import { playMutations } from './mutate.ts';
import { database, playRegression } from './regression.ts';
import { keep, writeTable } from './results.ts';
import { regressionSuite } from './sources.ts';
import { playSuites } from './suites.ts';
import { playTools } from './tools.ts';
import { heading, Tally } from './tally.ts';

function option(name: string, otherwise: string): string {
  return process.argv.find((each) => each.startsWith(`--${name}=`))?.slice(name.length + 3) ?? otherwise;
}

const wanted = option('majors', majors.join(',')).split(',').map(Number);
const minutesMax = Number(option('minutes', '60'));
/** In all; each major takes its share. */
const mutations = Number(option('mutations', '50000'));
const seed = Number(option('seed', String(Date.now() % 1_000_000)));
/** See suites.ts. */
const suites = option('suites', '') === '' ? undefined : option('suites', '');
const results = option('results', '') === '' ? undefined : option('results', '');

async function main(): Promise<void> {
  if (process.argv.includes('--table')) {
    writeTable(results ?? '', new URL('../../docs/columns.md', import.meta.url).pathname);
    return;
  }
  const tallies: Tally[] = [];
  for (const major of majors) if (wanted.includes(major)) tallies.push(...(await corpusOf(major)));
  console.log(`\n${heading}`);
  for (const tally of tallies) console.log(tally.row());
  if (suites === undefined)
    console.log('TPC-H, TPC-DS, JOB: not to be had from npm or Debian; with --suites=FOLDER from there');
  for (const tally of tallies) show(tally);
  const healthy = await hostile(Number(option('hostile', '10000')));
  const bad = tallies.some(({ counts, both }) => counts.missed > 0 || both.disagree > 0);
  process.exitCode = bad || !healthy ? 1 : 0;
}

async function corpusOf(major: PostgresMajor): Promise<readonly Tally[]> {
  const suite = await regressionSuite(major);
  const postgres = await startPostgres({
    major,
    flags: ['fsync=off', 'max_prepared_transactions=10', 'log_min_messages=fatal'],
  });
  try {
    const place = { url: (database: string): string => postgres.url(database), major };
    const tally = new Tally(`PG${major} regress ${suite.major}`);
    const base = await playRegression(place, suite, tally, performance.now() + minutesMax * 60_000);
    const mutated = new Tally(`PG${major} mutated ${seed}`);
    const tools = new Tally(`PG${major} psql`);
    const lab = await Lab.open(postgres.url(database), major);
    await playTools(lab, postgres.url(database), tools);
    await playMutations(lab, base, { count: Math.ceil(mutations / wanted.length), seed }, mutated);
    await lab.client.end();
    const given = suites === undefined ? [] : await playSuites(place, suites);
    const whose = suite.major === major ? 'its own suite' : `${suite.major}’s suite`;
    const named: readonly (readonly [string, Tally])[] = [
      ...given.map((each) => [each.suite, each.tally] as const),
      [whose, tally],
      [`mutated, seed ${seed}`, mutated],
      ['psql’s \\d family', tools],
    ];
    for (const [what, { counts, both }] of named)
      keep(results, { corpus: `PG ${major}, ${what}`, counts, disagreed: both.disagree });
    return [tally, tools, mutated, ...given.map((each) => each.tally)];
  } finally {
    await postgres.stop();
  }
}

/** Everybody gets an answer, honest statements are read all the while, and the pool stands as before. */
async function hostile(count: number): Promise<boolean> {
  if (count === 0) return true;
  setup();
  const pool = new ParserPool({
    major: 18,
    clock: systemClock,
    entry: new URL('../../dist/sql/parser-worker.js', import.meta.url),
  });
  await pool.up();
  const played = await playHostile(pool, { count, seed });
  const answered = [...played.answers.values()].reduce((sum, each) => sum + each, 0);
  const kinds = [...played.answers].map(([kind, times]) => `${kind} ${times}`).join(', ');
  console.log(`hostile texts ${answered} of ${count} answered (${kinds}), workers lost ${pool.health.lost}`);
  console.log(
    `  honest statements beside them: ${played.honest}, p99 ${played.alone.p99.toFixed(2)} → ${played.beside.p99.toFixed(2)} ms`,
  );
  keep(results, {
    hostile: count,
    answered,
    lost: pool.health.lost,
    honest: played.honest,
    aloneP99: played.alone.p99,
    besideP99: played.beside.p99,
  });
  await pool.up();
  const healthy = answered === count && pool.health.waiting === 0 && pool.health.ready > 0;
  await pool.close();
  return healthy;
}

function show(tally: Tally): void {
  console.log(`${tally.name}, both witnesses: ${JSON.stringify(tally.both)}`);
  for (const [words, sql] of tally.unlike) {
    console.log(`${tally.name} ${words} :: ${sql.replace(/\s+/g, ' ').slice(0, 200)}`);
  }
  for (const outcome of ['missed', 'over'] as const) {
    for (const each of tally.examples[outcome].slice(0, 25)) {
      console.log(
        `${tally.name} ${outcome}: ${each.words.join(' ')} :: ${each.sql.replace(/\s+/g, ' ').slice(0, 300)}`,
      );
    }
  }
  const reasons = [...tally.reasons].sort((a, b) => b[1] - a[1]).slice(0, 30);
  for (const [reason, count] of reasons) console.log(`${tally.name} not known ${count}: ${reason}`);
  for (const each of tally.examples.notKnown.slice(0, 40)) {
    console.log(`${tally.name} not known: ${each.words[0] ?? ''} :: ${each.sql.replace(/\s+/g, ' ').slice(0, 200)}`);
  }
}

await main();
