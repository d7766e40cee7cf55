// Goal: a journal loses nothing that it has acknowledged, whenever its process dies, and never shows half a change.
// Method: a real process writes, says what was acknowledged, and is killed with SIGKILL at random moments, many times over on one folder.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { aJournal } from './fixtures.ts';
import { aFolder } from '../support/folders.ts';

const writer = join(import.meta.dirname, 'journal-writer.ts');

/** Runs the writer until it has opened its journal, then kills it after `ms`. Gives what it said. */
function writeAndKill(dir: string, run: string, ms: number, shell = 'true'): Promise<readonly string[]> {
  const child = spawn(
    'bash',
    ['-c', `${shell}; exec "$0" "$@"`, process.execPath, '--import', 'tsx', writer, dir, run],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  let said = '';
  child.stdout.on('data', (data: Buffer) => {
    if (said === '') setTimeout(() => child.kill('SIGKILL'), ms);
    said += data.toString();
  });
  return new Promise((resolve) => {
    child.on('close', () => resolve(said.split('\n').slice(1, -1)));
  });
}

/** Run and turn, as a number that grows. */
const rank = (value: string | undefined): number => {
  const [run, turn] = (value ?? '0.-1').split('.');
  return Number(run) * 1e9 + Number(turn);
};

describe('killed at any moment', () => {
  const rounds = Number(process.env['CRASH_ROUNDS'] ?? 30);
  test(`a journal has all that was acknowledged, ${rounds} times over`, { timeout: 10_000 * rounds }, async () => {
    const dir = aFolder();
    const seed = Date.now() % 1000;
    let acknowledged = 0;
    let spent = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const said = await writeAndKill(dir, String(round), (seed * round * 37) % 120);
      const store = await aJournal({ dir });
      const where = `seed ${seed}, round ${round}`;
      const last = new Map(
        said.filter((line) => line.startsWith('left')).map((line) => line.split(' ') as [string, string]),
      );
      for (const [key, value] of last) {
        const left = (await store.read(key))?.value;
        expect(rank(left), where).toBeGreaterThanOrEqual(rank(value));
        expect((await store.read(key.replace('left', 'right')))?.value, where).toBe(left);
      }
      spent = Math.max(
        spent,
        ...said.filter((line) => line.startsWith('spent')).map((line) => Number(line.split(' ')[1])),
      );
      const { used } = await store.spend('rows', 0, { ms: 1e9, at: 1e12 }, undefined);
      expect(used, where).toBeGreaterThanOrEqual(spent);
      await store.close();
      acknowledged += said.length;
    }
    expect(acknowledged).toBeGreaterThan(rounds * 5);
  });

  test('a process that may not write on fails, and what it acknowledged is there', { timeout: 30_000 }, async () => {
    const dir = aFolder();
    // A file of 12 kB at most: EFBIG in the middle of a line.
    const said = await writeAndKill(dir, '1', 1500, 'ulimit -f 12');
    expect(said.length).toBeGreaterThan(0);
    const store = await aJournal({ dir });
    const last = new Map(
      said.filter((line) => line.startsWith('left')).map((line) => line.split(' ') as [string, string]),
    );
    for (const [key, value] of last) expect(rank((await store.read(key))?.value)).toBeGreaterThanOrEqual(rank(value));
  });
});
