// Goal: the journal's own promises: one process, torn and damaged files, full disks, being made anew, speed by groups.
// Method: real folders and files; a small tmpfs where mounting is allowed; files are torn and damaged byte by byte.
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { waitFor } from '../support/wait.ts';
import { aJournal, KeptLog, MovedClock, put, versionOf } from './fixtures.ts';
import { aFolder, aSmallDisk } from '../support/folders.ts';

const fileIn = (dir: string): string => join(dir, 'journal.jsonl');

/** A closed journal of `count` documents, each on a line of its own behind the first line. */
async function aFolderWith(count: number): Promise<string> {
  const dir = aFolder();
  const store = await aJournal({ dir });
  for (let index = 0; index < count; index += 1) await put(store, `k${index}`, `v${index}`);
  await store.close();
  return dir;
}

describe('a journal that is opened again', () => {
  test('has its documents with their versions, and no others', async () => {
    const dir = await aFolderWith(3);
    const first = await aJournal({ dir });
    const version = await versionOf(first, 'k1');
    await first.change([{ key: 'k2', expect: 'any', value: undefined }]);
    await first.spend('rows', 7, { ms: 60_000, at: Date.now() }, 10);
    await first.close();
    const second = await aJournal({ dir });
    expect((await second.list('k', 10)).map(({ key, value }) => [key, value])).toEqual([
      ['k0', 'v0'],
      ['k1', 'v1'],
    ]);
    expect(await second.change([{ key: 'k1', expect: version, value: 'next' }])).toBe('changed');
    expect(await second.spend('rows', 4, { ms: 60_000, at: Date.now() }, 10)).toEqual({ spent: false, used: 7 });
  });

  test('is private to its user', async () => {
    const dir = join(aFolder(), 'deeper', 'state');
    await aJournal({ dir });
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(fileIn(dir)).mode & 0o777).toBe(0o600);
  });

  test(
    'wherever its end was torn off, opens with all that was whole before, and says what it cut',
    { timeout: 60_000 },
    async () => {
      const whole = readFileSync(fileIn(await aFolderWith(3)));
      const lastLine = whole.lastIndexOf('\n', whole.length - 2) + 1;
      const dir = aFolder();
      for (let end = lastLine; end < whole.length; end += 7) {
        writeFileSync(fileIn(dir), whole.subarray(0, end));
        const log = new KeptLog();
        const store = await aJournal({ dir, log });
        expect((await store.list('k', 10)).length, `cut at ${end}`).toBe(2);
        if (end > lastLine) expect(log.lines.join()).toContain(`${end - lastLine} bytes`);
        else expect(log.lines).toEqual([]);
        await put(store, 'k9', 'goes on');
        await store.close();
        const again = await aJournal({ dir });
        expect((await again.list('k', 10)).length).toBe(3);
        await again.close();
      }
    },
  );

  test('with an end of zeros or of nonsense, as a machine that lost its power leaves it, opens with what was whole', async () => {
    for (const end of ['\0'.repeat(4096), 'nonsense\nmore nonsense\n', '{}\n', '\n\n\n']) {
      const dir = await aFolderWith(3);
      appendFileSync(fileIn(dir), end);
      const store = await aJournal({ dir });
      expect((await store.list('k', 10)).length).toBe(3);
    }
  });

  const damages: readonly (readonly [string, (lines: readonly string[]) => readonly string[], number])[] = [
    ['a changed word', (lines) => lines.map((line, index) => (index === 2 ? line.replace('v1', 'v7') : line)), 3],
    ['a missing line', (lines) => lines.filter((_, index) => index !== 2), 3],
    ['a line twice', (lines) => [...lines.slice(0, 3), ...lines.slice(2)], 4],
    ['lines that changed places', (lines) => [lines[0]!, lines[2]!, lines[1]!, ...lines.slice(3)], 2],
    ['half a line in the middle', (lines) => lines.map((line, index) => (index === 3 ? line.slice(0, 20) : line)), 4],
    ['no first line', (lines) => lines.slice(1), 1],
    ['nothing in it at all', () => [], 1],
    ['something else', () => ['port: 6432'], 1],
  ];
  test.each(damages)('with %s does not start, and names file, line and mend', async (_, damage, line) => {
    const dir = await aFolderWith(5);
    const lines = readFileSync(fileIn(dir), 'utf8').split('\n');
    writeFileSync(
      fileIn(dir),
      damage(lines.slice(0, -1))
        .map((each) => `${each}\n`)
        .join(''),
    );
    const before = readFileSync(fileIn(dir));
    await expect(aJournal({ dir })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining(`${fileIn(dir)}:${line}:`),
      hint: expect.stringContaining('backup'),
    });
    // Nothing was cut or mended behind the operator's back, and the folder is not left locked.
    expect(readFileSync(fileIn(dir))).toEqual(before);
    unlinkSync(fileIn(dir));
    await aJournal({ dir });
  });

  test('with a damaged line among those kept when it was made anew does not start, even at its end', async () => {
    const dir = aFolder();
    const store = await aJournal({ dir, limits: { slackBytesMax: 0 } });
    for (let index = 0; index < 20; index += 1) await put(store, 'k', `v${index}`);
    await store.close();
    const lines = readFileSync(fileIn(dir), 'utf8').split('\n');
    expect(lines[0]).toContain('"kept":1');
    writeFileSync(fileIn(dir), `${lines[0]}\n${lines[1]?.slice(0, 30)}`);
    await expect(aJournal({ dir })).rejects.toThrow(`${fileIn(dir)}:2:`);
  });

  test('of a later format says so', async () => {
    const dir = aFolder();
    const line = 'a47ae0e1fbd96d92 [1,{"journal":2,"kept":0}]';
    const { createHash } = await import('node:crypto');
    const body = line.slice(17);
    writeFileSync(fileIn(dir), `${createHash('sha256').update(body).digest('hex').slice(0, 16)} ${body}\n`);
    await expect(aJournal({ dir })).rejects.toThrow('a journal of format 2');
  });
});

describe('the lock', () => {
  test('keeps a second one out, with words that say what to do', async () => {
    const dir = aFolder();
    await aJournal({ dir });
    await expect(aJournal({ dir })).rejects.toMatchObject({
      message: expect.stringContaining(`pid ${process.pid}`),
      hint: expect.stringContaining('redis'),
    });
  });

  test('of another living process keeps us out, and is free when that one is killed', { timeout: 30_000 }, async () => {
    const dir = aFolder();
    const writer = join(import.meta.dirname, 'journal-writer.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', writer, dir, '1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    let said = '';
    child.stdout.on('data', (data: Buffer) => (said += data.toString()));
    await waitFor('the other process to write', () => said.includes('left'));
    await expect(aJournal({ dir })).rejects.toThrow(`pid ${child.pid}`);
    child.kill('SIGKILL');
    await ended;
    expect((await (await aJournal({ dir })).list('left', 10)).length).toBeGreaterThan(0);
  });

  test('that somebody else has taken ends all writing, for good', async () => {
    const dir = aFolder();
    const store = await aJournal({ dir, limits: { tickMs: 5 } });
    await put(store, 'k', 'v');
    const lock = join(dir, 'journal.lock');
    writeFileSync(lock, readFileSync(lock, 'utf8').replace(/"token":"\w+"/, '"token":"another"'));
    await waitFor('the store to notice', () => store.standing.state === 'down');
    expect(store.standing.words).toContain('another process');
    const before = readFileSync(fileIn(dir));
    await expect(put(store, 'k', 'w')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await store.close();
    expect(readFileSync(fileIn(dir))).toEqual(before);
    expect(readFileSync(lock, 'utf8')).toContain('another');
  });
});

describe('a file that somebody takes away from under it', () => {
  const strays: readonly (readonly [string, (file: string) => void])[] = [
    ['deletes', (file) => unlinkSync(file)],
    ['moves away', (file) => renameSync(file, `${file}.old`)],
    ['empties', (file) => truncateSync(file)],
    ['writes into', (file) => appendFileSync(file, 'x\n')],
    ['puts a copy in the place of', (file) => renameSync(copied(file), file)],
  ];
  test.each(strays)('that somebody %s is made anew, and nothing acknowledged is lost', async (_, spoil) => {
    const dir = aFolder();
    const log = new KeptLog();
    const store = await aJournal({ dir, log, limits: { tickMs: 5 } });
    await put(store, 'before', 'kept');
    spoil(fileIn(dir));
    await waitFor('it to notice', () => log.lines.some((line) => /its file|can be written again/.test(line)));
    await waitFor('it to go on', () => store.standing.state === 'up');
    await put(store, 'after', 'kept too');
    await store.close();
    const again = await aJournal({ dir });
    expect((await again.list('', 10)).map(({ key }) => key)).toEqual(['after', 'before']);
  });
});

function copied(file: string): string {
  copyFileSync(file, `${file}.copy`);
  return `${file}.copy`;
}

describe('being made anew', () => {
  test('keeps the file near the size of what is in it, and loses nothing of what is written meanwhile', async () => {
    const dir = aFolder();
    const store = await aJournal({ dir, limits: { slackBytesMax: 100_000 } });
    await Promise.all(
      Array.from({ length: 20 }, async (_, worker) => {
        for (let turn = 0; turn < 100; turn += 1) await put(store, `k${worker}`, `${turn} ${'x'.repeat(1000)}`);
      }),
    );
    expect(statSync(fileIn(dir)).size).toBeLessThan(300_000);
    await store.close();
    const again = await aJournal({ dir });
    const values = (await again.list('k', 100)).map(({ value }) => value.split(' ')[0]);
    expect(values).toEqual(Array.from({ length: 20 }, () => '99'));
  });

  test('leaves out what is past, and never what is not', async () => {
    const dir = aFolder();
    const clock = new MovedClock();
    const store = await aJournal({ dir, clock, limits: { slackBytesMax: 20_000, tickMs: 5 } });
    for (let index = 0; index < 50; index += 1) await put(store, `short${index}`, 'secret-ish', clock.now() + 1000);
    await put(store, 'long', 'kept', clock.now() + 100_000);
    clock.aheadMs = 5000;
    expect(await store.list('short', 100)).toEqual([]);
    for (let index = 0; index < 100; index += 1) await put(store, 'filler', 'x'.repeat(500));
    expect(readFileSync(fileIn(dir), 'utf8')).not.toContain('secret-ish');
    expect((await store.read('long'))?.value).toBe('kept');
  });

  test('does not take what an earlier attempt left half done for the truth', async () => {
    const dir = await aFolderWith(3);
    copyFileSync(fileIn(dir), `${fileIn(dir)}.new`);
    appendFileSync(`${fileIn(dir)}.new`, 'half');
    const store = await aJournal({ dir });
    expect((await store.list('k', 10)).length).toBe(3);
  });
});

describe('on a full disk', () => {
  const disk = aSmallDisk(256);

  test.skipIf(disk === undefined)(
    'a journal fails closed, says why, and goes on by itself when there is room',
    async () => {
      const dir = join(disk ?? '', 'state');
      const log = new KeptLog();
      const store = await aJournal({ dir, log, limits: { tickMs: 10, freeBytesMin: 64 * 1024 } });
      const stands: string[] = [];
      store.onStanding(({ state }) => stands.push(state));
      writeFileSync(join(disk ?? '', 'ballast'), Buffer.alloc(150 * 1024));
      let acknowledged = -1;
      const fill = async (): Promise<void> => {
        for (let index = 0; ; index += 1) {
          await put(store, 'k', `${index} ${'x'.repeat(3000)}`);
          acknowledged = index;
        }
      };
      await expect(fill()).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        message: expect.stringContaining('the disk is full'),
      });
      expect(acknowledged).toBeGreaterThan(0);
      expect(store.standing).toMatchObject({ state: 'down', words: expect.stringContaining('the disk is full') });
      for (const call of [
        () => store.read('k'),
        () => store.list('k', 1),
        () => store.change([{ key: 'l', expect: 'any', value: 'v' }]),
        () => store.spend('k', 1, { ms: 1000, at: 1e12 }, undefined),
      ]) {
        await expect(call()).rejects.toMatchObject({ code: 'UNAVAILABLE', hint: expect.stringContaining('by itself') });
      }
      unlinkSync(join(disk ?? '', 'ballast'));
      await waitFor('the store to go on', () => store.standing.state === 'up');
      expect(stands).toEqual(['down', 'up']);
      expect((await store.read('k'))?.value).toMatch(new RegExp(`^${acknowledged} `));
      await put(store, 'after', 'v');
      await store.close();
      const again = await aJournal({ dir });
      expect((await again.read('k'))?.value).toMatch(new RegExp(`^${acknowledged} `));
      expect((await again.read('after'))?.value).toBe('v');
      expect(log.lines.join('\n')).toContain('nothing is held or released');
      expect(log.lines.join('\n')).toContain('can be written again');
    },
  );
});

describe('speed', () => {
  test('a burst of changes shares its syncs: thousands in a second, each durable', async () => {
    const dir = aFolder();
    const store = await aJournal({ dir });
    const start = performance.now();
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(Array.from({ length: 100 }, (_, index) => put(store, `k${index}`, `v${round}`)));
    }
    expect(performance.now() - start).toBeLessThan(10_000);
    const lines = readFileSync(fileIn(dir), 'utf8').split('\n').length;
    expect(lines).toBeLessThan(60);
  });

  test('ten thousand open documents are listed, changed and opened again in moments', { timeout: 60_000 }, async () => {
    const dir = aFolder();
    const store = await aJournal({ dir });
    const value = 'x'.repeat(2000);
    await Promise.all(Array.from({ length: 10_000 }, (_, index) => put(store, `hold:${index}`, value)));
    const start = performance.now();
    expect((await store.list('hold:', 20_000)).length).toBe(10_000);
    expect(performance.now() - start).toBeLessThan(1000);
    await Promise.all(Array.from({ length: 10_000 }, (_, index) => put(store, `hold:${index}`, `${value}y`)));
    await store.close();
    const again = await aJournal({ dir });
    expect((await again.list('hold:', 20_000)).length).toBe(10_000);
  });
});
