// Goal: instances that share a state carry each other's heads, and nobody can put anything else into a signed note through that state.
// Method: two real logs and a real journal between them; then a state in which somebody else wrote.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openAudit, type Audit } from '../../src/audit/keeper.ts';
import { readNote } from '../../src/audit/note.ts';
import { PeerHeads } from '../../src/audit/peers.ts';
import { verifyFolder } from '../../src/audit/verify.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { openJournal } from '../../src/store/journal.ts';
import type { Store } from '../../src/store/store.ts';
import { aJudged, until } from './fixtures.ts';
import { aFolder } from '../support/folders.ts';

const ending: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of ending.toReversed()) await end();
});

async function aStore(): Promise<Store> {
  const store = await openJournal({ dir: aFolder(), clock: systemClock, log: silentLog });
  ending.push(() => store.close());
  return store;
}

async function anInstance(store: Store, name: string): Promise<{ dir: string; audit: Audit; peers: PeerHeads }> {
  const dir = aFolder();
  const seen: { peers?: PeerHeads } = {};
  const limits = { checkpointMs: 10, historyMs: 10 };
  const peerHeads = (): readonly string[] => seen.peers?.heads ?? [];
  const audit = await openAudit({ dir, clock: systemClock, instance: name, limits, peerHeads });
  const peers = (seen.peers = new PeerHeads({ store, own: () => audit.headForPeers(), everyMs: 10 }));
  peers.start();
  ending.push(
    async () => peers.stop(),
    () => audit.stop(),
  );
  return { dir, audit, peers };
}

const peersIn = (dir: string): readonly string[] => {
  const note = readNote(readFileSync(join(dir, 'head.note'), 'utf8'), []);
  return note.kind === 'note' ? note.checkpoint.peers : [];
};

const head = (name: string, blocks: number): string => `countersign/${name} ${blocks} ${'ab'.repeat(32)}`;

describe('instances that share a state', () => {
  test('carry each other’s newest heads, also when they are quiet themselves', async () => {
    const store = await aStore();
    const [one, two] = [await anInstance(store, 'one'), await anInstance(store, 'two')];
    await two.audit.log.recordDurably(aJudged());
    await until('the head of two in the note of one', () => peersIn(one.dir)[0] === two.audit.headForPeers());
    await until('the head of one in the note of two', () => peersIn(two.dir)[0] === one.audit.headForPeers());
    expect(verifyFolder({ dir: two.dir, checkpoints: [join(one.dir, 'head.note')] })).toMatchObject({ kind: 'whole' });
  });

  test('take nothing that is no head, not their own, and none that goes back', async () => {
    const store = await aStore();
    const put = (key: string, value: string): Promise<unknown> =>
      store.change([{ key: `audit-head/${key}`, expect: 'any', value }]);
    await put('mine', head('mine', 99));
    await put('good', head('good', 7));
    await put('line', `${head('line', 1)}\nrecords 0`);
    await put('other', head('another', 1));
    await put('words', 'hello');
    const said: string[] = [];
    const peers = new PeerHeads({ store, own: () => head('mine', 3), everyMs: 5, say: (words) => said.push(words) });
    peers.start();
    await until('the good one', () => peers.heads.length > 0);
    await put('good', head('good', 5));
    await until('a word about it', () => said.length > 0);
    expect(said[0]).toContain('instance good announces fewer blocks');
    expect(peers.heads).toEqual([head('good', 7)]);
    await peers.stop();
  });

  test('go on with what they saw last when the state is away', async () => {
    const store = await aStore();
    await store.change([{ key: 'audit-head/good', expect: 'any', value: head('good', 7) }]);
    const said: string[] = [];
    const peers = new PeerHeads({ store, own: () => head('mine', 3), everyMs: 5, say: (words) => said.push(words) });
    peers.start();
    await until('the good one', () => peers.heads.length > 0);
    await store.close();
    await until('a word about it', () => said.length > 0);
    expect(peers.heads).toEqual([head('good', 7)]);
    await peers.stop();
  });
});
