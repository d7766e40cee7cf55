// Goal: what an insider who has a proxy's files and its signing key can hide, and what gives them away, is known; the threat model says no more and no less.
// Method: two proxies that carry each other's heads, and a checkpoint kept elsewhere; the insider rewrites with the real key and the real program;
// the auditor looks with what they have.
import { cpSync, readFileSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { originOf } from '../../src/audit/hold-records.ts';
import { openAudit, type Audit } from '../../src/audit/keeper.ts';
import { verifiedChains } from '../../src/cli/audit-verify.ts';
import { systemClock } from '../../src/core/clock.ts';
import { aFolder } from '../support/folders.ts';
import { aJudged, recordsIn, type JudgedBody } from './fixtures.ts';

let [mine, peer, elsewhere] = ['', '', ''];
let [instance, stages] = ['', ''];
/** How many statements there were when the folder was copied. */
type Stage = 0 | 10 | 20;
const limits = { checkpointMs: 60_000, historyMs: 0 } as const;

/** Thirty statements here, a checkpoint kept elsewhere after the first ten, the peer's view after twenty. */
beforeAll(async () => {
  [mine, peer, stages] = [aFolder(), aFolder(), aFolder()];
  const kept = aFolder();
  let heads: readonly string[] = [];
  const own = await openAudit({ dir: mine, clock: systemClock, limits, peerHeads: () => [] });
  const other = await openAudit({ dir: peer, clock: systemClock, limits, peerHeads: () => heads });
  write(own, 0, 10);
  await own.checkpoint();
  elsewhere = join(kept, 'kept.note');
  cpSync(join(mine, 'head.note'), elsewhere);
  keepStage(10);
  write(own, 10, 20);
  await own.checkpoint();
  keepStage(20);
  heads = [own.headForPeers() ?? ''];
  other.log.record(aJudged({ agent: 'of-the-other' }));
  other.log.flush();
  await other.checkpoint();
  write(own, 20, 30);
  instance = originOf(mine).replace('countersign/', '');
  await own.stop();
  await other.stop();
});

function keepStage(stage: Stage): void {
  cpSync(mine, join(stages, String(stage)), { recursive: true });
  rmSync(join(stages, String(stage), 'lock'), { force: true });
}

function write(audit: Audit, from: number, to: number): void {
  for (let n = from; n < to; n += 1) {
    audit.log.record(aJudged({ session: `s_${n}`, agent: n % 10 === 5 ? 'guilty-bot' : 'report-bot' }));
    audit.log.flush();
    audit.log.head();
  }
}

/** By the real program with the real key: what came before `first` as it was, the rest anew. `edit` sees each record of it, and may drop it. */
async function rewritten(first: Stage, edit: (body: JudgedBody) => JudgedBody | undefined): Promise<string> {
  const dir = aFolder();
  if (first > 0) cpSync(join(stages, String(first)), dir, { recursive: true });
  for (const name of ['key.pem', 'key.pub', 'hash.key']) cpSync(join(mine, name), join(dir, name));
  const audit = await openAudit({ dir, clock: systemClock, instance, limits });
  for (const { seq: _seq, prev: _prev, at: _at, ...body } of recordsIn(mine)) {
    if (body.kind !== 'judged' || Number(body.session.slice(2)) < first) continue;
    const said = edit(body);
    if (said === undefined) continue;
    audit.log.record(said);
    audit.log.flush();
    audit.log.head();
  }
  await audit.stop();
  return dir;
}

const innocent = (body: JudgedBody): JudgedBody =>
  body.agent === 'guilty-bot' ? { ...body, agent: 'report-bot' } : body;
const gone = (body: JudgedBody): JudgedBody | undefined => (body.agent === 'guilty-bot' ? undefined : body);

interface Evidence {
  readonly peer?: true;
  readonly checkpoint?: true;
}

const found = (dir: string, evidence: Evidence): boolean => {
  const dirs = evidence.peer === true ? [dir, peer] : [dir];
  const checkpoint = evidence.checkpoint === true ? [elsewhere] : [];
  const key = [join(mine, 'key.pub'), join(peer, 'key.pub')];
  return verifiedChains(dirs, { checkpoint, against: [], key }).some(({ result }) => result.kind === 'broken');
};

const nothing: Evidence = {};
const withPeer: Evidence = { peer: true };
const withCheckpoint: Evidence = { checkpoint: true };

test('what nobody touched is whole with all evidence', () => {
  expect(found(mine, { peer: true, checkpoint: true })).toBe(false);
});

describe('an insider with the signing key and the files', () => {
  const deeds: readonly (readonly [
    string,
    () => Promise<string>,
    readonly (readonly [string, Evidence, boolean])[],
  ])[] = [
    [
      'rewrites everything with other words',
      () => rewritten(0, innocent),
      [
        ['the folder alone', nothing, false],
        ['the folder of a peer', withPeer, true],
        ['a checkpoint kept elsewhere', withCheckpoint, true],
      ],
    ],
    [
      'leaves a statement out of the whole',
      () => rewritten(0, gone),
      [
        ['the folder alone', nothing, false],
        ['the folder of a peer', withPeer, true],
        ['a checkpoint kept elsewhere', withCheckpoint, true],
      ],
    ],
    [
      'cuts the end off and signs a new head',
      () => rewritten(10, () => undefined),
      [
        ['the folder alone', nothing, false],
        ['the folder of a peer', withPeer, true],
      ],
    ],
    [
      'rewrites only what came after all that others have seen',
      () => rewritten(20, innocent),
      [
        ['the folder of a peer', withPeer, false],
        ['a checkpoint kept elsewhere', withCheckpoint, false],
      ],
    ],
    [
      'rewrites what a peer had seen, and the kept checkpoint had not',
      () => rewritten(10, innocent),
      [
        ['the folder of a peer', withPeer, true],
        ['a checkpoint kept elsewhere', withCheckpoint, false],
      ],
    ],
  ];

  for (const [deed, act, looks] of deeds) {
    test.each(looks)(`${deed}: by %s`, async (_, evidence, isFound) => {
      expect(found(await act(), evidence)).toBe(isFound);
    });
  }

  test('takes a peer’s checkpoint away and is found by its lack', () => {
    const dir = aFolder();
    cpSync(peer, dir, { recursive: true });
    unlinkSync(join(dir, 'head.note'));
    expect(verifiedChains([dir], { checkpoint: [], against: [] })[0]?.result.kind).toBe('broken');
  });
});

test('the threat model says what is not found', () => {
  const words = readFileSync(join(import.meta.dirname, '../../docs/threat-model.md'), 'utf8');
  expect(words).toContain('newest checkpoint that somebody else has');
  expect(words).toContain('votes in anybody’s name');
});
