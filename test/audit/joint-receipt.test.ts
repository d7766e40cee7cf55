// Goal: a receipt of steps in several chains is believed only as far as each chain's own key goes.
// Method: a hold asked and released in one chain, decided in another; the receipt from both; then all that somebody with one of the keys can forge.
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import canonicalize from 'canonicalize';
import { beforeAll, describe, expect, test } from 'vitest';
import type { HoldReceipt, SignedPart } from '../../src/audit/hold-receipt.ts';
import { JointSearch } from '../../src/audit/joint-search.ts';
import { openAudit, type Audit } from '../../src/audit/keeper.ts';
import { existingSigner } from '../../src/audit/keys.ts';
import { readPublicKey } from '../../src/audit/note.ts';
import { checkReceipt } from '../../src/audit/receipt-check.ts';
import { receiptOf } from '../../src/audit/receipts.ts';
import { systemClock } from '../../src/core/clock.ts';
import { aJudged } from './fixtures.ts';
import { aFolder } from '../support/folders.ts';

const asker = { session: 's_1', agent: 'report-bot', owner: 'ana', database: 'shop' };
const statement = 'c'.repeat(64);

let [asked, decided] = ['', ''];
let genuine: HoldReceipt;

const opened = (dir: string): Promise<Audit> =>
  openAudit({ dir, clock: systemClock, limits: { checkpointMs: 60_000 } });

beforeAll(async () => {
  [asked, decided] = [aFolder(), aFolder()];
  const [one, other] = [await opened(asked), await opened(decided)];
  one.log.record(aJudged({ session: 's_1', verdict: 'hold', statement }));
  await one.log.recordDurably({
    ...{ ...asker, kind: 'held', hold: 'h_1', statement, parameters: 'd'.repeat(64) },
    columns: [{ column: 'public.customers.email', level: 'restricted' }],
    ...{ rules: ['level restricted'], deadline: 1_795_000_000_000 },
  });
  await other.log.recordDurably({ kind: 'voted', hold: 'h_1', person: 'ben', vote: 'approve', channel: 'console' });
  await other.log.recordDurably({ kind: 'decided', hold: 'h_1', state: 'approved', by: ['ben'] });
  // A peer that took the vote for abandoned recorded it again.
  await one.log.recordDurably({ kind: 'voted', hold: 'h_1', person: 'ben', vote: 'approve', channel: 'console' });
  const { seq } = await one.log.recordDurably({ ...asker, kind: 'released', hold: 'h_1', statement });
  one.log.record({ kind: 'finished', session: 's_1', of: seq, rows: 12, bytes: 900, ms: 3.25 });
  await one.stop();
  await other.stop();
  genuine = await aReceipt();
});

async function aReceipt(): Promise<HoldReceipt> {
  const parts = await new JointSearch(() => [asked, decided]).partsOfHold('h_1');
  const made = await receiptOf('h_1', parts, { signerOf: (dir) => existingSigner(dir), proof: true });
  if (made.kind !== 'made') throw new Error(made.kind);
  return made.receipt;
}

function keyOf(dir: string): KeyObject {
  const key = readPublicKey(readFileSync(join(dir, 'key.pub'), 'utf8'));
  if (key === undefined) throw new Error('no key');
  return key;
}

const both = (): readonly KeyObject[] => [keyOf(asked), keyOf(decided)];

function signed<Body extends object>(body: Body, dir: string): Body & { readonly signature: string } {
  const key = createPrivateKey(readFileSync(join(dir, 'key.pem'), 'utf8'));
  const rest = Object.fromEntries(Object.entries(body).filter(([name]) => name !== 'signature'));
  return { ...body, signature: sign(null, Buffer.from(canonicalize(rest) ?? ''), key).toString('base64') };
}

test('says the vote once, and who signed for what', () => {
  expect(genuine).toMatchObject({
    votes: [{ person: 'ben' }],
    decided: { by: ['ben'], chain: genuine.elsewhere?.[0]?.origin },
    released: [{ outcome: { rows: 12 } }],
  });
  const found = checkReceipt(JSON.stringify(genuine), both());
  expect(found).toMatchObject({ kind: 'genuine', proven: 'signature and checkpoint' });
  expect(found.kind === 'genuine' && found.signed.map(({ origin }) => origin)).toEqual([
    genuine.origin,
    genuine.elsewhere?.[0]?.origin,
  ]);
});

test.each([
  ['the maker’s alone', (): readonly KeyObject[] => [keyOf(asked)], 'the key.pub of that chain too'],
  ['the other’s alone', (): readonly KeyObject[] => [keyOf(decided)], 'not signed with this key'],
  ['none', (): readonly KeyObject[] => [], 'not signed with this key'],
])('is not genuine with one key: %s', (_, keys, words) => {
  expect(checkReceipt(JSON.stringify(genuine), keys())).toMatchObject({
    kind: 'not genuine',
    words: expect.stringContaining(words),
  });
});

/** Each made by somebody who has the key of the chain that releases, and signs all that it can sign. */
const forgeries: readonly (readonly [string, (receipt: HoldReceipt, part: SignedPart) => object, string])[] = [
  [
    'a vote of another person, signed in the other chain’s name with this one’s key',
    (receipt, part) => {
      const lines = part.lines.map((line) => line.replace('"person":"ben"', '"person":"eva"'));
      return { ...receipt, elsewhere: [signed({ ...part, lines }, asked)] };
    },
    'signed with the key of another chain',
  ],
  [
    'a vote changed inside the other chain’s words',
    (receipt, part) => {
      const lines = part.lines.map((line) => line.replace('"person":"ben"', '"person":"eva"'));
      return { ...receipt, elsewhere: [{ ...part, lines }] };
    },
    'the key.pub of that chain too',
  ],
  [
    'another person in the summary than in the other chain’s words',
    (receipt) => ({ ...receipt, votes: receipt.votes.map((vote) => ({ ...vote, person: 'eva' })) }),
    'its votes are not those that the chain of',
  ],
  [
    'a vote of the other chain left out of the summary',
    (receipt) => ({ ...receipt, votes: [] }),
    'its votes are not those that the chain of',
  ],
  [
    'other deciders than in the other chain’s words',
    (receipt) => ({ ...receipt, decided: { ...receipt.decided, by: ['eva'] } }),
    'its decision is not the one that the chain of',
  ],
  [
    'another state than in the other chain’s words',
    (receipt) => ({ ...receipt, state: 'denied' }),
    'its decision is not the one that the chain of',
  ],
  [
    'a release that the other chain does not have',
    (receipt, { origin }) => ({ ...receipt, released: [...receipt.released, { at: receipt.asked, chain: origin }] }),
    'its releases are not those that the chain of',
  ],
  ['the other chain’s words left out', (receipt) => ({ ...receipt, elsewhere: undefined }), 'has no part of it'],
  ['the other chain’s words about another hold', (receipt) => ({ ...receipt, hold: 'h_2' }), 'is about another hold'],
  [
    'the other chain’s words twice',
    (receipt, part) => ({ ...receipt, elsewhere: [part, part] }),
    'two parts of the chain of',
  ],
  [
    'a decision that this chain says it has itself',
    (receipt) => ({ ...receipt, decided: { at: receipt.decided.at, by: ['eva'] }, state: 'denied' }),
    'its decision is not the one that the chain of',
  ],
];

describe('forged by somebody who has the key of the chain that releases', () => {
  test.each(forgeries)('%s: is found', (_, forge, words) => {
    const [part] = genuine.elsewhere ?? [];
    if (part === undefined) throw new Error('no part');
    const forged = JSON.parse(JSON.stringify(forge(genuine, part))) as object;
    expect(checkReceipt(JSON.stringify(signed(forged, asked)), both())).toMatchObject({
      kind: 'not genuine',
      words: expect.stringContaining(words),
    });
  });
});
