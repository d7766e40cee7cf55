// Goal: whatever is done to a log's files is found, and its place is named.
// Method: write a real log, spoil a copy in every way an insider would, and look at what `verify` says.
import { mkdirSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { leafHash } from '../../src/audit/chain.ts';
import { openAudit } from '../../src/audit/keeper.ts';
import { segmentName } from '../../src/audit/segment-file.ts';
import { verifyFolder } from '../../src/audit/verify.ts';
import { systemClock } from '../../src/core/clock.ts';
import { aJudged, linesIn } from './fixtures.ts';
import { aFolder } from '../support/folders.ts';

let original: string;

beforeAll(async () => {
  original = aFolder();
  const audit = await openAudit({ dir: original, clock: systemClock, limits: { checkpointMs: 60_000 } });
  for (let n = 0; n < 240; n += 1) {
    audit.log.record(aJudged({ session: `s_${n}` }));
    if (n % 8 === 0) for (let more = 0; more < 4; more += 1) audit.log.record(aJudged({ session: `t_${n}_${more}` }));
    audit.log.flush();
    // Ends the block, so that what is spoiled can be named to within a turn, whatever the clock says.
    audit.log.head();
    if (n % 20 === 0) await audit.checkpoint('keep');
    if (n % 80 === 79 && n < 200) audit.log.rotate();
  }
  await audit.stop();
});

const seqOf = (dir: string, what: string): number => linesIn(dir).findIndex((line) => line.includes(what));

function spoiled(spoil: (dir: string) => void): ReturnType<typeof verifyFolder> {
  const dir = aFolder();
  cpSync(original, dir, { recursive: true });
  spoil(dir);
  return verifyFolder({ dir });
}

function editLines(dir: string, edit: (lines: string[]) => readonly string[], segment = 1): void {
  const file = join(dir, segmentName(segment));
  const lines = edit(readFileSync(file, 'utf8').split('\n').slice(0, -1));
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
}

/** Writes all lines from `at` on anew, with a chain that fits: what somebody does who knows how the log is made. */
function rewriteFrom(lines: readonly string[], at: number): readonly string[] {
  const out = lines.slice(0, at);
  const records = lines.slice(at).map((line): Record<string, unknown> => JSON.parse(line));
  let [oldPrev, block] = ['', ''];
  let prev = String(records[0]?.['prev']);
  for (const record of records) {
    if (oldPrev !== '' && record['prev'] !== oldPrev) [prev, block] = [leafHash(Buffer.from(block)), ''];
    oldPrev = String(record['prev']);
    const line = JSON.stringify({ ...record, prev, ...(out.length === at ? { agent: 'somebody-else' } : {}) });
    block += `${line}\n`;
    out.push(line);
  }
  return out;
}

describe('a log as it was written', () => {
  test('is whole, in a line that says how much, from when to when, and under which head', () => {
    const lines = linesIn(original);
    const [first, last] = [JSON.parse(lines[0] ?? ''), JSON.parse(lines.at(-1) ?? '')];
    expect(verifyFolder({ dir: original })).toMatchObject({
      kind: 'whole',
      records: lines.length,
      from: first.at,
      to: last.at,
      unsigned: 0,
      head: { records: lines.length },
    });
    expect(readdirSync(original).filter((name) => name.endsWith('.note')).length).toBeGreaterThan(2);
  });

  test('is whole without the segments that were moved to an archive', () => {
    const dir = aFolder();
    cpSync(original, dir, { recursive: true });
    const moved = linesIn(dir).length;
    unlinkSync(join(dir, segmentName(1)));
    const result = verifyFolder({ dir });
    expect(result).toMatchObject({ kind: 'whole', firstSeq: moved - linesIn(dir).length });
  });

  test('is whole for somebody who has only openssl and Python, by the words of the guide', () => {
    const dir = aFolder();
    cpSync(original, dir, { recursive: true });
    const guide = readFileSync(join(import.meta.dirname, '../../docs/audit.md'), 'utf8');
    const code = (language: string, after: string): string =>
      new RegExp(`${after}[^]*?\`\`\`${language}\\n([^]*?)\`\`\``).exec(guide)?.[1] ?? '';
    const python = code('python', '## By hand');
    expect(python.trimEnd().split('\n').length).toBeLessThanOrEqual(20);
    const shown = execFileSync('sh', ['-ec', code('sh', '## By hand')], { cwd: dir, encoding: 'utf8' });
    expect(shown).toContain('Signature Verified Successfully');
    expect(execFileSync('python3', ['-'], { cwd: dir, input: python, encoding: 'utf8' })).toContain(
      `${linesIn(dir).length} records fit`,
    );
    editLines(dir, (lines) => lines.map((line) => line.replace('s_7"', 's_8"')));
    expect(() =>
      execFileSync('python3', ['-'], { cwd: dir, input: python, stdio: ['pipe', 'ignore', 'pipe'] }),
    ).toThrow('was changed');
  });
});

describe('a log that was spoiled names the place:', () => {
  const at = 60;
  const cases: readonly [string, (dir: string) => void, RegExp][] = [
    [
      'a letter flipped',
      (dir) => editLines(dir, (l) => l.with(at, (l[at] ?? '').replace('shop', 'shoq'))),
      /record(s)? (59|60)/,
    ],
    [
      'a link flipped',
      (dir) => editLines(dir, (l) => l.with(at, (l[at] ?? '').replace(/"prev":"./, '"prev":"x'))),
      /record(s)? (59|60|61)/,
    ],
    [
      'a number raised',
      (dir) => editLines(dir, (l) => l.with(at, (l[at] ?? '').replace('"seq":60', '"seq":61'))),
      /record 60 comes next/,
    ],
    [
      'a line taken out',
      (dir) => editLines(dir, (l) => l.toSpliced(at, 1)),
      /record 60 comes next, but here stands record 61/,
    ],
    [
      'a line put in twice',
      (dir) => editLines(dir, (l) => l.toSpliced(at, 0, l[at] ?? '')),
      /record 61 comes next, but here stands record 60/,
    ],
    [
      'two lines swapped',
      (dir) => editLines(dir, (l) => l.toSpliced(at, 2, l[at + 1] ?? '', l[at] ?? '')),
      /record 60 comes next, but here stands record 61/,
    ],
    [
      'a second verdict in a line',
      (dir) => editLines(dir, (l) => l.with(at, (l[at] ?? '').replace('{', '{"verdict":"deny",'))),
      /canonical/,
    ],
    ['a line that is no JSON', (dir) => editLines(dir, (l) => l.with(at, 'x')), /not JSON/],
    ['the last line cut off', (dir) => editLines(dir, (l) => l.slice(0, -1), 3), /record(s)? \d+ /],
    [
      'the last segment taken out',
      (dir) => unlinkSync(join(dir, segmentName(lastSegment(dir)))),
      /records \d+ to \d+ are missing/,
    ],
    [
      'a segment in the middle taken out',
      (dir) => unlinkSync(join(dir, segmentName(2))),
      /comes next|not as it was|missing/,
    ],
    ['all rewritten from a record on', (dir) => editLines(dir, (l) => rewriteFrom(l, at), 1), /records? \d+/],
    ['the newest checkpoint taken out', (dir) => unlinkSync(join(dir, 'head.note')), /missing/],
    [
      'a checkpoint changed',
      (dir) => editNote(dir, (text) => text.replace(/^at .*$/m, 'at 2020-01-01T00:00:00.000Z')),
      /not signed/,
    ],
    [
      'another log’s checkpoint',
      (dir) => editNote(dir, (text) => text.replaceAll('countersign/', 'countersign/x')),
      /not for this log/,
    ],
    ['the key swapped', (dir) => swapKey(dir), /not signed/],
    [
      'a tree of another size at the beginning',
      (dir) => editLines(dir, (l) => l.with(0, (l[0] ?? '').replace('"blocks":0', '"blocks":3'))),
      /no tree of 3 blocks/,
    ],
    [
      'a tree of less than nothing',
      (dir) => editLines(dir, (l) => l.with(0, (l[0] ?? '').replace('"blocks":0', '"blocks":-1'))),
      /no tree of -?\d blocks/,
    ],
    [
      'a tree of something else than hashes',
      (dir) =>
        editLines(dir, (l) =>
          l.with(0, (l[0] ?? '').replace('"frontier":[]', '"frontier":[{"a":1}]').replace('"blocks":0', '"blocks":1')),
        ),
      /no tree of -?\d blocks/,
    ],
    [
      'a folder in the place of a segment',
      (dir) => {
        unlinkSync(join(dir, segmentName(2)));
        mkdirSync(join(dir, segmentName(2)));
      },
      /cannot be read/,
    ],
    [
      'a time that is none',
      (dir) => editLines(dir, (l) => l.map((one) => one.replace(/"at":"[^"]+"/, '"at":"soon"'))),
      /record/,
    ],
  ];
  test.each(cases)('%s', (_, spoil, words) => {
    const result = spoiled(spoil);
    expect(result).toMatchObject({ kind: 'broken', words: expect.stringMatching(words) });
  });

  test.each(['rules', 'session', 'public', 'kind', 'frontier', 'prev'])(
    'a member that records of its kind always have is found to be missing: %s',
    (member) => {
      const renamed = (line: string): string => line.replaceAll(`"${member}":`, `"${member.slice(0, -1)}!":`);
      expect(spoiled((dir) => editLines(dir, (lines) => lines.map(renamed))).kind).toBe('broken');
    },
  );

  test('the whole last segment rewritten, chain and all, is found between two checkpoints', () => {
    const result = spoiled((dir) => {
      const last = lastSegment(dir);
      editLines(dir, (lines) => rewriteFrom(lines, 5), last);
    });
    const first = seqOf(
      original,
      readFileSync(join(original, segmentName(lastSegment(original))), 'utf8').split('\n')[5] ?? '',
    );
    const span = /one of records (\d+) to (\d+)/.exec(result.kind === 'broken' ? result.words : '');
    expect(Number(span?.[1])).toBeLessThanOrEqual(first);
    expect(Number(span?.[2])).toBeGreaterThanOrEqual(first);
    expect(Number(span?.[2]) - Number(span?.[1])).toBeLessThan(35);
  });

  test('an older state put back as a whole is found with a checkpoint that was kept elsewhere', () => {
    const dir = aFolder();
    cpSync(original, dir, { recursive: true });
    const elsewhere = join(aFolder(), 'kept.note');
    renameSync(join(dir, 'head.note'), elsewhere);
    const older =
      readdirSync(dir)
        .filter((name) => name.startsWith('checkpoint-'))
        .sort()[1] ?? '';
    const text = readFileSync(join(dir, older));
    const records = Number(/^records (\d+)$/m.exec(text.toString())?.[1]);
    for (const name of readdirSync(dir).filter((each) => each.startsWith('checkpoint-') || each === 'history.notes')) {
      if (name >= older) unlinkSync(join(dir, name));
    }
    writeFileSync(join(dir, 'head.note'), text);
    let left = records;
    for (let segment = 1; segment <= lastSegment(original); segment += 1) {
      editLines(dir, (lines) => lines.slice(0, Math.max(0, left)), segment);
      if (left <= 0) unlinkSync(join(dir, segmentName(segment)));
      left -= readFileSync(join(original, segmentName(segment)), 'utf8').split('\n').length - 1;
    }
    expect(verifyFolder({ dir })).toMatchObject({ kind: 'whole', records });
    expect(verifyFolder({ dir, checkpoints: [elsewhere] })).toMatchObject({
      kind: 'broken',
      words: expect.stringContaining(`records ${records} to `),
    });
  });
});

describe('whatever byte is changed', () => {
  const seed = Number(process.env['TAMPER_SEED'] ?? Date.now() % 100_000);

  test(`is found (seed ${seed})`, () => {
    let state = seed;
    const below = (max: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * max);
    };
    const dir = aFolder();
    cpSync(original, dir, { recursive: true });
    for (let round = 0; round < 150; round += 1) {
      const file = join(dir, segmentName(1 + below(lastSegment(original))));
      const whole = readFileSync(file);
      const at = below(whole.length);
      const bit = 1 << below(8);
      const harmed = Buffer.from(whole);
      harmed[at] = (whole[at] ?? 0) ^ bit;
      writeFileSync(file, harmed);
      expect(verifyFolder({ dir }).kind, `bit ${bit} of byte ${at} of ${file}`).toBe('broken');
      writeFileSync(file, whole);
    }
    expect(verifyFolder({ dir }).kind).toBe('whole');
  });
});

test('a whole new log by somebody who has the key is found with a checkpoint that was kept elsewhere, and by nothing else', async () => {
  const dir = aFolder();
  const elsewhere = join(aFolder(), 'kept.note');
  cpSync(join(original, 'head.note'), elsewhere);
  const [first = ''] = linesIn(original);
  const { instance } = JSON.parse(first) as { readonly instance: string };
  for (const name of ['key.pem', 'key.pub', 'hash.key']) cpSync(join(original, name), join(dir, name));
  const audit = await openAudit({ dir, clock: systemClock, instance, limits: { checkpointMs: 60_000 } });
  while (audit.log.record(aJudged({ agent: 'innocent-bot' })).seq <= linesIn(original).length) audit.log.flush();
  audit.log.flush();
  await audit.stop();
  expect(verifyFolder({ dir })).toMatchObject({ kind: 'whole' });
  const found = verifyFolder({ dir, checkpoints: [elsewhere] });
  expect(found).toMatchObject({ kind: 'broken', file: elsewhere });
});

function lastSegment(dir: string): number {
  return readdirSync(dir).filter((name) => name.endsWith('.jsonl')).length;
}

function editNote(dir: string, edit: (text: string) => string): void {
  writeFileSync(join(dir, 'head.note'), edit(readFileSync(join(dir, 'head.note'), 'utf8')));
}

function swapKey(dir: string): void {
  execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', join(dir, 'other.pem')]);
  execFileSync('openssl', ['pkey', '-in', join(dir, 'other.pem'), '-pubout', '-out', join(dir, 'key.pub')]);
}
