// Goal: what the log was given is on disk in order, in one call a turn, and nothing passes when it cannot be.
// Method: a real folder; starts, stops, torn ends, full disks (a small tmpfs where mounting is allowed) and two writers.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { leafHash } from '../../src/audit/chain.ts';
import { openAudit, type Audit, type AuditLimits } from '../../src/audit/keeper.ts';
import { readNote, readPublicKey } from '../../src/audit/note.ts';
import { ChainReader } from '../../src/audit/reader.ts';
import { isGenuine } from '../../src/audit/receipt.ts';
import { segmentName, segmentNumbers } from '../../src/audit/segment-file.ts';
import { verifyFolder } from '../../src/audit/verify.ts';
import { systemClock } from '../../src/core/clock.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { aJudged, linesIn, recordsIn, until } from './fixtures.ts';
import { aFolder, aSmallDisk } from '../support/folders.ts';

const opened: Audit[] = [];
afterAll(async () => {
  for (const audit of opened) await audit.stop().catch(() => undefined);
});

async function anAudit(dir: string, limits: Partial<AuditLimits> = {}): Promise<Audit> {
  const audit = await openAudit({ dir, clock: systemClock, limits: { checkpointMs: 20, ...limits } });
  opened.push(audit);
  return audit;
}

/** Ends it as kill -9 would leave the folder: no last checkpoint. The lock is given up so that this process may open it again. */
async function abandon(audit: Audit, dir: string): Promise<void> {
  const head = readFileSync(join(dir, 'head.note'));
  await audit.stop();
  writeFileSync(join(dir, 'head.note'), head);
}

function misfitIn(dir: string): string | undefined {
  const reader = new ChainReader();
  for (const number of segmentNumbers(dir)) {
    const misfit = reader.read(segmentName(number), readFileSync(join(dir, segmentName(number))));
    if (misfit !== undefined) return `${misfit.file}:${misfit.line} ${misfit.words}`;
  }
  return undefined;
}

const refusal = (act: () => unknown): ProxyError => {
  try {
    act();
  } catch (error) {
    if (error instanceof ProxyError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('a head that is asked for in the middle of a turn', () => {
  test('takes nothing apart that the turn has not handed over yet', async () => {
    const dir = aFolder();
    const audit = await anAudit(dir, { checkpointMs: 60_000 });
    for (let turn = 0; turn < 5; turn += 1) {
      audit.log.record(aJudged());
      audit.log.flush();
      audit.log.record(aJudged());
      // As /metrics and the clockwork do, whenever they come up.
      expect(audit.log.head().records).toBeLessThanOrEqual(audit.log.record(aJudged()).seq);
      audit.log.flush();
      await audit.checkpoint('keep');
    }
    await audit.stop();
    const result = verifyFolder({ dir });
    expect(result, JSON.stringify(result)).toMatchObject({ kind: 'whole', unsigned: 0 });
  });
});

describe('the log', () => {
  test('writes turns as a block, chained to the block before, and gives genuine receipts', async () => {
    const dir = aFolder();
    const audit = await anAudit(dir, { checkpointMs: 60_000 });
    const first = audit.log.record(aJudged());
    audit.log.record(aJudged({ agent: 'other' }));
    expect(linesIn(dir).some((line) => line.includes('judged'))).toBe(false);
    audit.log.flush();
    audit.log.head();
    audit.log.record(aJudged());
    audit.log.flush();
    const lines = linesIn(dir).filter((line) => line.includes('"judged"'));
    const prevs = recordsIn(dir)
      .filter((each) => each.kind === 'judged')
      .map((each) => each.prev);
    expect(isGenuine(first)).toBe(true);
    expect(recordsIn(dir)[first.seq]).toMatchObject({ seq: first.seq, agent: 'report-bot' });
    expect(prevs[0]).toBe(prevs[1]);
    expect(prevs[2]).toBe(leafHash(Buffer.from(`${lines[0]}\n${lines[1]}\n`)));
    expect(misfitIn(dir)).toBeUndefined();
  });

  test('signs a checkpoint of its own accord, and one more at stop', async () => {
    const dir = aFolder();
    const audit = await anAudit(dir);
    const key = readPublicKey(readFileSync(join(dir, 'key.pub'), 'utf8'));
    const head = () => readNote(readFileSync(join(dir, 'head.note'), 'utf8'), key === undefined ? [] : [key]);
    audit.log.record(aJudged());
    audit.log.flush();
    const records = linesIn(dir).length;
    await until('a checkpoint over the record', () => {
      const note = head();
      return note.kind === 'note' && note.signed === 'yes' && note.checkpoint.records === records;
    });
    audit.log.record(aJudged());
    await audit.stop();
    expect(head()).toMatchObject({ signed: 'yes', checkpoint: { records: records + 1 } });
    expect(readdirSync(dir)).toContain(`checkpoint-${String(records + 1).padStart(12, '0')}.note`);
  });

  test('resolves a durable record after it is in the file, alone in its block', async () => {
    const dir = aFolder();
    const audit = await anAudit(dir, { checkpointMs: 60_000 });
    audit.log.record(aJudged());
    const all = [1, 2, 3].map((n) =>
      audit.log.recordDurably({ kind: 'voted', hold: `h_${n}`, person: 'ben', vote: 'approve', channel: 'slack' }),
    );
    const seqs = (await Promise.all(all)).map((receipt) => receipt.seq);
    const records = recordsIn(dir);
    expect(seqs.map((seq) => records[seq]?.kind)).toEqual(['voted', 'voted', 'voted']);
    expect(new Set(records.slice(-4).map((each) => each.prev)).size).toBe(4);
  });

  test('goes on where it ended, in one chain, also over many segments', async () => {
    const dir = aFolder();
    for (let start = 0; start < 3; start += 1) {
      const audit = await anAudit(dir, { segmentBytesMax: 2_000, checkpointMs: 5 });
      const segment = audit.log.segment;
      for (let n = 0; n < 8; n += 1) {
        audit.log.record(aJudged());
        audit.log.flush();
      }
      await until('a new segment', () => audit.log.segment > segment);
      await audit.stop();
    }
    expect(segmentNumbers(dir).length).toBeGreaterThan(3);
    expect(recordsIn(dir).map((each) => each.seq)).toEqual(linesIn(dir).map((_, seq) => seq));
    expect(misfitIn(dir)).toBeUndefined();
  });

  test('keeps folder, segments and secret keys to itself', async () => {
    const dir = join(aFolder(), 'new');
    await (await anAudit(dir)).stop();
    const mode = (name: string): string => (statSync(join(dir, name)).mode & 0o777).toString(8);
    expect(mode('.')).toBe('700');
    expect(['segment-00000001.jsonl', 'key.pem', 'hash.key'].map(mode)).toEqual(['600', '600', '600']);
  });

  test('lets no second writer in while the first one lives', async () => {
    const dir = aFolder();
    const audit = await anAudit(dir);
    await expect(anAudit(dir)).rejects.toThrow('another process');
    await audit.stop();
    await (await anAudit(dir)).stop();
  });

  test('takes over from a writer that was killed', async () => {
    const dir = aFolder();
    const audit = await anAudit(dir);
    const lock = JSON.parse(readFileSync(join(dir, 'lock'), 'utf8'));
    await audit.stop();
    writeFileSync(join(dir, 'lock'), JSON.stringify({ ...lock, started: '1' }));
    await (await anAudit(dir)).stop();
    expect(readdirSync(dir).filter((name) => name.startsWith('lock'))).toEqual([]);
  });

  test('shuts when somebody else has taken the lock', async () => {
    const dir = aFolder();
    const audit = await anAudit(dir, { checkpointMs: 5 });
    const lock = JSON.parse(readFileSync(join(dir, 'lock'), 'utf8'));
    writeFileSync(join(dir, 'lock'), JSON.stringify({ ...lock, token: 'other' }));
    await until('the log to shut', () => audit.state().state === 'shut');
    expect(refusal(() => audit.log.record(aJudged()))).toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('at start the log', () => {
  test.each([
    ['half a line', (path: string) => truncateSync(path, statSync(path).size - 10)],
    ['garbage behind the last line', (path: string) => appendFileSync(path, '\0\0\0\0')],
    [
      'a whole line that belongs nowhere',
      (path: string) => appendFileSync(path, '{"at":"","kind":"stop","prev":"","seq":999}\n'),
    ],
  ])('cuts %s that a crash left, keeps it, and says so', async (_, spoil) => {
    const dir = aFolder();
    const audit = await anAudit(dir, { checkpointMs: 60_000 });
    audit.log.record(aJudged());
    audit.log.record(aJudged());
    audit.log.flush();
    await abandon(audit, dir);
    spoil(join(dir, segmentName(1)));
    await (await anAudit(dir)).stop();
    const mended = recordsIn(dir).find((each) => each.kind === 'mended');
    expect(mended).toMatchObject({ kind: 'mended', words: expect.stringContaining('torn') });
    expect(mended?.kind === 'mended' && mended.cut).toBeGreaterThan(0);
    expect(readdirSync(join(dir, 'cut'))).toHaveLength(1);
    expect(misfitIn(dir)).toBeUndefined();
  });

  test('drops a segment that has not even its first line, and says so', async () => {
    const dir = aFolder();
    await abandon(await anAudit(dir), dir);
    writeFileSync(join(dir, segmentName(2)), '{"blo');
    await (await anAudit(dir)).stop();
    expect(recordsIn(dir).find((each) => each.kind === 'mended')).toMatchObject({ cut: 5 });
    expect(misfitIn(dir)).toBeUndefined();
  });

  test.each([
    [
      'a record is missing that its checkpoint speaks for',
      (path: string) => truncateSync(path, readFileSync(path).lastIndexOf(10, -2) + 1),
    ],
    [
      'a record is not as it was written',
      (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replace('report-bot', 'report-bat')),
    ],
    ['the segment is gone', (path: string) => unlinkSync(path)],
    [
      'the checkpoint was signed with another key',
      (path: string) => {
        const other = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
        writeFileSync(join(path, '..', 'key.pem'), other);
      },
    ],
  ])('refuses to go on where %s', async (_, spoil) => {
    const dir = aFolder();
    const audit = await anAudit(dir);
    for (let n = 0; n < 3; n += 1) {
      audit.log.record(aJudged());
      audit.log.flush();
    }
    await audit.stop();
    spoil(join(dir, segmentName(1)));
    await expect(anAudit(dir)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(existsSync(join(dir, 'lock'))).toBe(false);
  });

  test('makes no new key in the place of one that was lost: the public one is what the past is checked by', async () => {
    const dir = aFolder();
    await (await anAudit(dir)).stop();
    const before = readFileSync(join(dir, 'key.pub'), 'utf8');
    unlinkSync(join(dir, 'key.pem'));
    await expect(anAudit(dir)).rejects.toThrow('key.pem is missing beside its public key');
    expect(readFileSync(join(dir, 'key.pub'), 'utf8')).toBe(before);
    expect(verifyFolder({ dir })).toMatchObject({ kind: 'whole' });
  });

  test('refuses a secret key that others may read', async () => {
    const dir = aFolder();
    await (await anAudit(dir)).stop();
    execFileSync('chmod', ['644', join(dir, 'key.pem')]);
    await expect(anAudit(dir)).rejects.toThrow('can be read by others');
  });
});

describe('when writing fails the log', () => {
  const disk = aSmallDisk(256);

  test.skipIf(disk === undefined)(
    'shuts on a full disk, refuses everything, and opens when there is room again',
    async () => {
      const dir = join(disk ?? '', 'audit');
      const audit = await anAudit(dir, { checkpointMs: 10, freeBytesMin: 64 * 1024 });
      writeFileSync(join(disk ?? '', 'ballast'), Buffer.alloc(120 * 1024));
      let acknowledged = 0;
      const full = refusal(() => {
        for (;;) {
          const receipt = audit.log.record(aJudged());
          audit.log.record(aJudged());
          audit.log.record(aJudged());
          audit.log.flush();
          acknowledged = receipt.seq + 2;
        }
      });
      expect(full).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('ENOSPC') });
      expect(audit.state()).toMatchObject({ state: 'shut', why: expect.stringContaining('ENOSPC') });
      expect(refusal(() => audit.log.record(aJudged())).code).toBe('UNAVAILABLE');
      await expect(audit.log.recordDurably(aJudged())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      unlinkSync(join(disk ?? '', 'ballast'));
      await until('the log to open again', () => audit.state().state === 'open');
      audit.log.record(aJudged({ agent: 'after' }));
      audit.log.flush();
      await audit.stop();
      const records = recordsIn(dir);
      expect(records[acknowledged]).toMatchObject({ kind: 'judged' });
      expect(records.find((each) => each.kind === 'mended')).toMatchObject({
        words: expect.stringContaining('ENOSPC'),
      });
      expect(records.at(-1)).toMatchObject({ agent: 'after' });
      expect(misfitIn(dir)).toBeUndefined();
    },
  );

  test.skipIf(disk === undefined)('lets no turn pass whose records were lost with somebody else’s', async () => {
    const small = aSmallDisk(256) ?? '';
    const audit = await anAudit(join(small, 'audit'), { checkpointMs: 10, freeBytesMin: 64 * 1024 });
    expect(() => writeFileSync(join(small, 'ballast'), Buffer.alloc(512 * 1024))).toThrow('ENOSPC');
    audit.log.record(aJudged());
    const durable = audit.log.recordDurably(aJudged({ text: 'x'.repeat(10_000) }));
    await expect(durable).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    unlinkSync(join(small, 'ballast'));
    await until('the log to open again', () => audit.state().state === 'open');
    expect(refusal(() => audit.log.flush())).toMatchObject({ code: 'UNAVAILABLE' });
    audit.log.record(aJudged());
    audit.log.flush();
    await audit.stop();
    expect(misfitIn(join(small, 'audit'))).toBeUndefined();
  });

  test.skipIf(process.getuid?.() !== 0)(
    'shuts when the permission for its folder is taken, though the open file could be written on, and opens when it is given back',
    async () => {
      const dir = join(aFolder(), 'audit');
      const audit = await anAudit(dir, { checkpointMs: 10 });
      // What root owns and nobody may write: root itself is not stopped by permissions, so the writer is somebody else meanwhile.
      const asNobody = async <Result>(work: () => Promise<Result>): Promise<Result> => {
        process.seteuid?.(65_534);
        try {
          return await work();
        } finally {
          process.seteuid?.(0);
        }
      };
      await asNobody(async () => {
        audit.log.record(aJudged());
        audit.log.flush();
        await until('the log to shut', () => audit.state().state === 'shut');
        expect(audit.state()).toMatchObject({ why: expect.stringContaining('EACCES') });
        expect(refusal(() => audit.log.record(aJudged())).code).toBe('UNAVAILABLE');
      });
      await until('the log to open again', () => audit.state().state === 'open');
      audit.log.record(aJudged({ agent: 'after' }));
      audit.log.flush();
      await audit.stop();
      const records = recordsIn(dir);
      expect(records.filter(({ kind }) => kind === 'mended')).toHaveLength(1);
      expect(records.at(-1)).toMatchObject({ agent: 'after' });
      expect(misfitIn(dir)).toBeUndefined();
    },
  );

  test.skipIf(disk === undefined)('does not start on a read-only disk, and says why', async () => {
    const small = aSmallDisk(256) ?? '';
    await (await anAudit(join(small, 'audit'))).stop();
    execFileSync('mount', ['-o', 'remount,ro', small]);
    await expect(anAudit(join(small, 'audit'))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('the file system is read-only'),
    });
  });
});
