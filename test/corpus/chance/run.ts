// `npm run test:chance`: random schemas and statements on all majors, for as long as is wanted; what was found is printed with the schema it was
// found in. `--majors=16,17 --seconds=600 --seed=7`.
import { majors, startPostgres, type PostgresMajor } from '../../support/postgres.ts';
import { Player, type Found, type Played } from './play.ts';

function option(name: string, otherwise: string): string {
  return process.argv.find((each) => each.startsWith(`--${name}=`))?.slice(name.length + 3) ?? otherwise;
}

const wanted = option('majors', majors.join(',')).split(',').map(Number);
const seconds = Number(option('seconds', '120'));
const seed = Number(option('seed', String(Date.now() % 1_000_000)));
const statements = 40;

async function playOn(major: PostgresMajor): Promise<Played> {
  const postgres = await startPostgres({ major, flags: ['fsync=off', 'autovacuum=off', 'jit=off'] });
  try {
    const player = await Player.open(postgres.url(), major);
    const until = performance.now() + seconds * 1000;
    for (let at = 0; performance.now() < until; at += 1) await player.world({ seed: seed + at, statements, until });
    await player.close();
    return player.played;
  } finally {
    await postgres.stop();
  }
}

function row(major: PostgresMajor, played: Played): string {
  const share = (count: number): string => `${((100 * count) / Math.max(1, played.asked)).toFixed(1)} %`;
  const of = (kind: Found['kind']): number => played.found.filter((found) => found.kind === kind).length;
  const cells = [`PG ${major}, seed ${seed}`, played.worlds, played.asked, share(played.over), share(played.notKnown)];
  return `| ${[...cells, of('missed'), played.swapped, of('shows')].join(' | ')} |`;
}

console.log('| on | schemas | asked | over | not known | missed | runs on other values | shown |');
const all: Found[] = [];
for (const major of majors) {
  if (!wanted.includes(major)) continue;
  const played = await playOn(major);
  console.log(row(major, played));
  all.push(...played.found);
}
for (const { kind, words, sql, role, world } of all)
  console.log(`\n${kind}, schema ${world.seed}, as ${role}\n${world.ddl.join(';\n')};\n\n${sql}\n→ ${words}`);
process.exitCode = all.length > 0 ? 1 : 0;
