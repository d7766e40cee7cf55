// Goal: no statement that was let through is without its record, whenever the process dies.
// Method: a real process writes, says what it would have acted on, and is killed with SIGKILL at random moments; then the files are read.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openAudit } from '../../src/audit/keeper.ts';
import { verifyFolder } from '../../src/audit/verify.ts';
import { systemClock } from '../../src/core/clock.ts';
import { recordsIn } from './fixtures.ts';
import { aFolder } from '../support/folders.ts';

const writer = join(import.meta.dirname, 'writer.ts');

/** Runs the writer until it has said something, then kills it after `ms`. Gives what it said. */
function writeAndKill(dir: string, ms: number, shell?: string): Promise<readonly string[]> {
  const command = ['--import', 'tsx', writer, dir];
  const child =
    shell === undefined
      ? spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] })
      : spawn('bash', ['-c', `${shell}; exec "$0" "$@"`, process.execPath, ...command], {
          stdio: ['ignore', 'pipe', 'ignore'],
        });
  let said = '';
  child.stdout.on('data', (data: Buffer) => {
    if (said === '') setTimeout(() => child.kill('SIGKILL'), ms);
    said += data.toString();
  });
  return new Promise((resolve) => {
    child.on('close', () => resolve(said.split('\n').slice(0, -1)));
  });
}

describe('killed at any moment', () => {
  const rounds = Number(process.env['CRASH_ROUNDS'] ?? 6);
  test(`the log has every record that was acted on, ${rounds} times over`, { timeout: 20_000 * rounds }, async () => {
    const dir = aFolder();
    const seed = Date.now() % 1_000;
    for (let round = 0; round < rounds; round += 1) {
      const said = await writeAndKill(dir, (seed * (round + 1) * 37) % 250);
      const records = recordsIn(dir);
      for (const line of said) {
        const [seq, kind] = line.split(' ');
        expect(records[Number(seq)], `seed ${seed}, round ${round}`).toMatchObject({ seq: Number(seq), kind });
      }
    }
    const audit = await openAudit({ dir, clock: systemClock });
    await audit.stop();
    const result = verifyFolder({ dir });
    expect(result, JSON.stringify(result)).toMatchObject({ kind: 'whole', unsigned: 0 });
  });

  test(
    'a process that hits its file size limit refuses, and what it acted on is there',
    { timeout: 20_000 },
    async () => {
      const dir = aFolder();
      const said = await writeAndKill(dir, 400, 'ulimit -f 40');
      const records = recordsIn(dir);
      expect(said.length).toBeGreaterThan(0);
      for (const line of said) expect(records[Number(line.split(' ')[0])]?.kind).toBe(line.split(' ')[1]);
      await (await openAudit({ dir, clock: systemClock })).stop();
      expect(verifyFolder({ dir })).toMatchObject({ kind: 'whole' });
    },
  );
});
