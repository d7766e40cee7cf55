// Goal: nothing that can be learned of a column is missing from what the witnesses say is read, whatever the schema and the statement are.
// Method: random schemas with row security and random statements, on real servers, from a printed seed. The static witness against the server's
// tree; and, past both, other values in the columns that nobody said are read: the answer, its error and what is left must stay the same.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { Player } from '../corpus/chance/play.ts';

/** More of it: `CHANCE_SECONDS=600 CHANCE_SEED=7 npx vitest run --config test/vitest.config.ts test/sql/chance.test.ts`, or `npm run test:chance`. */
const seconds = Number(process.env['CHANCE_SECONDS'] ?? '15');
const seed = Number(process.env['CHANCE_SEED'] ?? '20261122');
const statements = 25;
/** However slow the machine is. */
const worldsLeast = 3;

/** The oldest and the newest: `npm run test:chance` takes all four. */
describe.each([15, 18] as const)('on Postgres %i', (major) => {
  let postgres: TestPostgres;
  let player: Player;

  beforeAll(async () => {
    postgres = await startPostgres({ major, flags: ['fsync=off', 'autovacuum=off', 'jit=off'] });
    player = await Player.open(postgres.url(), major);
  });
  afterAll(async () => {
    await player.close();
    await postgres.stop();
  });

  test('a column that nobody said is read shows in nothing', { timeout: seconds * 1000 + 120_000 }, async () => {
    const until = performance.now() + seconds * 1000;
    const { played } = player;
    await fc.assert(
      fc.asyncProperty(fc.noShrink(fc.nat()), async (world) => {
        if (played.worlds >= worldsLeast && performance.now() > until) return;
        await player.world({ seed: world, statements, until: Infinity });
        expect(played.found.map((found) => [found.kind, found.words, found.sql, found.role, found.world.ddl])).toEqual(
          [],
        );
      }),
      { seed, numRuns: Math.max(worldsLeast, seconds * 20) },
    );
    console.log(`seed ${seed}: ${JSON.stringify({ ...played, reasons: played.reasons.size })}`);
    expect(played.known).toBeGreaterThan(worldsLeast * 5);
  });

  test('what would show, were nothing said to be read, is seen', async () => {
    const deaf = await Player.open(postgres.url(), major);
    const isSeen = (): boolean => deaf.played.found.some((found) => found.kind === 'shows');
    for (let world = 1; world <= 12 && !isSeen(); world += 1)
      await deaf.world({ seed: world, statements: 8, until: Infinity, heard: 'nothing' });
    await deaf.close();
    expect(isSeen()).toBe(true);
  });
});
