// Goal: nothing passes whose record would be in no log: the kernel writes on in a file that was deleted, moved or emptied, and says nothing.
// Method: a real log whose segment is taken away from under it; what is recorded then has to be refused, and to go on when it is back.
import { appendFileSync, existsSync, renameSync, rmSync, truncateSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openAudit, type Audit } from '../../src/audit/keeper.ts';
import { segmentName } from '../../src/audit/segment-file.ts';
import { verifyFolder } from '../../src/audit/verify.ts';
import { systemClock } from '../../src/core/clock.ts';
import { aFolder } from '../support/folders.ts';
import { aJudged, recordsIn, until } from './fixtures.ts';

const opened: Audit[] = [];
afterAll(async () => {
  for (const audit of opened) await audit.stop().catch(() => undefined);
});

async function anAudit(dir: string, checkpointMs: number): Promise<Audit> {
  const audit = await openAudit({ dir, clock: systemClock, limits: { checkpointMs } });
  opened.push(audit);
  audit.log.record(aJudged());
  audit.log.flush();
  await audit.checkpoint();
  return audit;
}

const strays: readonly (readonly [string, (file: string, dir: string) => void, RegExp])[] = [
  ['deletes the segment that is written', (file) => unlinkSync(file), /not there any more/],
  ['moves it away', (file, dir) => renameSync(file, join(dir, 'segment.old')), /not there any more/],
  ['empties it, as a log rotation that copies does', (file) => truncateSync(file), /somebody else has changed it/],
  ['writes into it', (file) => appendFileSync(file, 'x\n'), /somebody else has changed it/],
  ['deletes the whole folder', (_, dir) => rmSync(dir, { recursive: true }), /not there any more|folder/],
];
test.each(strays)('shuts when somebody %s: what it wrote on would be in no log', async (_, spoil, why) => {
  const dir = join(aFolder(), 'audit');
  // So seldom that nobody else looks.
  const audit = await anAudit(dir, 60_000);
  expect(existsSync(join(dir, 'head.note'))).toBe(true);
  spoil(join(dir, segmentName(1)), dir);
  // A hold, a vote, a release: none is acknowledged whose record would be nowhere.
  await expect(audit.log.recordDurably(aJudged())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(audit.state()).toMatchObject({ state: 'shut', why: expect.stringMatching(why) });
});

test('notices within a second that its segment is gone, also where nothing is asked for durably, and goes on when it is back', async () => {
  const dir = join(aFolder(), 'audit');
  const audit = await anAudit(dir, 10);
  const file = join(dir, segmentName(1));
  renameSync(file, `${file}.away`);
  await until('the log to shut', () => audit.state().state === 'shut');
  expect(() => audit.log.record(aJudged())).toThrow('not there any more');
  renameSync(`${file}.away`, file);
  await until('the log to open again', () => audit.state().state === 'open');
  audit.log.record(aJudged({ agent: 'after' }));
  audit.log.flush();
  await audit.stop();
  expect(recordsIn(dir).at(-1)).toMatchObject({ agent: 'after' });
  expect(verifyFolder({ dir })).toMatchObject({ kind: 'whole', unsigned: 0 });
});
