// Whether a receipt is genuine: signed by keys that the auditor believes, its records under the checkpoints that it brings, and its summary what
// those records say. Offline and pure: the text of the receipt, and public keys.
import { createHash, verify, type KeyObject } from 'node:crypto';
import canonicalize from 'canonicalize';
import { brokenPasskey } from '../core/passkey-proof.ts';
import { z } from 'zod';
import { leafHash, rootFromPath } from './chain.ts';
import {
  askedOf,
  decisionOf,
  receiptShape,
  releaseOf,
  signedText,
  voteOf,
  type HoldReceipt,
  type InclusionProof,
  type SignedPart,
  type Told,
} from './hold-receipt.ts';
import { keyText } from './keys.ts';
import { readNote } from './note.ts';
import { parseRecord } from './reader.ts';
import type { LoggedRecord } from './record.ts';

export type ReceiptCheck =
  | {
      readonly kind: 'genuine';
      readonly receipt: HoldReceipt;
      readonly proven: 'signature' | 'signature and checkpoint';
      /** Whose key signed for which chain: the receipt's own first. */
      readonly signed: readonly { readonly origin: string; readonly key: string }[];
    }
  | { readonly kind: 'not genuine'; readonly words: string };

class NotGenuine extends Error {}

function doubt(words: string): never {
  throw new NotGenuine(words);
}

export function checkReceipt(text: string, keys: readonly KeyObject[]): ReceiptCheck {
  const receipt = readReceipt(text);
  if (receipt === undefined) return { kind: 'not genuine', words: 'this is not a receipt of a hold' };
  try {
    return checked(receipt, keys);
  } catch (thrown) {
    if (thrown instanceof NotGenuine) return { kind: 'not genuine', words: thrown.message };
    throw thrown;
  }
}

function checked(receipt: HoldReceipt, keys: readonly KeyObject[]): ReceiptCheck {
  const { signature, ...body } = receipt;
  const own = signerOf(signedText(body), signature, keys);
  if (own === undefined) doubt('the receipt is not signed with this key, or not as it was signed');
  for (const each of receipt.votes) checkPasskey(each, receipt);
  const { elsewhere = [], origin, proof } = receipt;
  const signers = new Map([[origin, own]]);
  for (const part of elsewhere) {
    if (signers.has(part.origin)) doubt(`it has two parts of the chain of ${part.origin}`);
    signers.set(part.origin, signerOfPart(part, keys, [...signers.values()]));
  }
  checkSummary(receipt, elsewhere);
  if (proof !== undefined) checkProof(proof, { origin, keys, has: ({ seq }) => receipt.records.includes(seq) });
  for (const part of elsewhere) {
    const has = (_: LoggedRecord, line: string): boolean => part.lines.includes(line);
    if (part.proof !== undefined) checkProof(part.proof, { origin: part.origin, keys, has });
  }
  const isProven = [{ proof }, ...elsewhere].every((each) => each.proof !== undefined);
  return {
    kind: 'genuine',
    receipt,
    proven: isProven ? 'signature and checkpoint' : 'signature',
    signed: [...signers].map(([name, key]) => ({ origin: name, key: fingerprint(key) })),
  };
}

const signerOf = (text: Buffer, signature: string, keys: readonly KeyObject[]): KeyObject | undefined =>
  keys.find((key) => verify(null, text, key, Buffer.from(signature, 'base64')));

/** SHA-256 of the key's SPKI form, in hex. */
const fingerprint = (key: KeyObject): string =>
  createHash('sha256')
    .update(Buffer.from(keyText(key), 'base64'))
    .digest('hex');

/** Each chain has a key of its own, so that who has one key cannot speak for another chain: for votes that its people never gave. */
function signerOfPart(part: SignedPart, keys: readonly KeyObject[], taken: readonly KeyObject[]): KeyObject {
  const { signature, ...body } = part;
  const signer = signerOf(signedText(body), signature, keys);
  if (signer === undefined) {
    return doubt(
      `what stands in the chain of ${part.origin} is not signed with a key that was given: it takes the key.pub of that chain too`,
    );
  }
  if (taken.some((key) => key.equals(signer)))
    return doubt(`the part of the chain of ${part.origin} is signed with the key of another chain`);
  return signer;
}

/** What the receipt says of steps in other chains is what those chains' own records say, no more and no less. */
function checkSummary(receipt: HoldReceipt, parts: readonly SignedPart[]): void {
  const { votes, decided, released, asked_in } = receipt;
  const chains = [...votes, decided, ...released].flatMap(({ chain }) => chain ?? []);
  for (const name of [...chains, ...(asked_in === undefined ? [] : [asked_in])]) {
    if (!parts.some(({ origin }) => origin === name)) doubt(`it speaks of the chain of ${name}, and has no part of it`);
  }
  for (const part of parts) checkPart(receipt, part);
}

function checkPart(receipt: HoldReceipt, part: SignedPart): void {
  const { origin } = part;
  if (part.hold !== receipt.hold) doubt(`the part of the chain of ${origin} is about another hold`);
  const told = part.lines.map((line) => toldIn(line, receipt, origin));
  const finished = told.filter((each) => each.kind === 'finished');
  const votes = told.filter((each) => each.kind === 'voted').map((each) => voteOf(each, receipt.origin));
  const releases = told.filter((each) => each.kind === 'released');
  if (!finished.every((each) => releases.some((release) => release.seq === each.of)))
    doubt(`the part of the chain of ${origin} has an outcome of another statement`);
  const shownVotes = receipt.votes.filter(({ chain }) => chain === origin);
  const isSaid = shownVotes.every((vote) => votes.some((each) => isSame(each, vote)));
  // A vote that two chains have is shown once.
  const isShown = votes.every((vote) => receipt.votes.some((each) => isSameVote(each, vote)));
  if (!isSaid || !isShown) doubt(`its votes are not those that the chain of ${origin} has`);
  const shown = receipt.released.filter(({ chain }) => chain === origin);
  const ends = releases.map((each) => releaseOf(each, finished, receipt.origin));
  if (!isSame(shown, ends)) doubt(`its releases are not those that the chain of ${origin} has`);
  const decisions = told.filter((each) => each.kind === 'decided');
  const isDecided =
    receipt.decided.chain !== origin ||
    decisions.some((each) => isSame(decisionOf(each, receipt.origin), receipt.decided));
  if (!isDecided || decisions.some(({ state }) => state !== receipt.state))
    doubt(`its decision is not the one that the chain of ${origin} has`);
  if (receipt.asked_in !== origin) return;
  const isAsked = told.some((each) => each.kind === 'held' && isIn(askedOf(each), receipt));
  if (!isAsked) doubt(`what was asked is not what the chain of ${origin} has`);
}

function toldIn(line: string, { hold, statement }: HoldReceipt, chain: string): Told {
  const record = parseRecord(line);
  if (typeof record === 'string') return doubt(`the part of the chain of ${chain}: ${record}`);
  const isOfHold = 'hold' in record && record.hold === hold;
  const leadsThere = record.kind === 'judged' && record.statement === statement;
  if (!isOfHold && !leadsThere && record.kind !== 'finished')
    return doubt(`the part of the chain of ${chain} has a record of something else: ${record.seq}`);
  return { ...record, chain };
}

const isSame = (one: unknown, other: unknown): boolean => canonicalize(one) === canonicalize(other);

function isSameVote(one: HoldReceipt['votes'][number], other: HoldReceipt['votes'][number]): boolean {
  const [{ chain: _a, at: _b, ...first }, { chain: _c, at: _d, ...second }] = [one, other];
  return isSame(first, second);
}

function isIn(some: object, whole: HoldReceipt): boolean {
  return isSame({ ...whole, ...some }, whole);
}

const approvalShape = z.object({ approve: z.string(), binding: z.string(), person: z.string() });

/** A passkey's signature over another hold, another statement or in another name proves nothing about this one. */
function checkPasskey({ person, passkey }: HoldReceipt['votes'][number], receipt: HoldReceipt): void {
  if (passkey === undefined) return;
  const broken = brokenPasskey(passkey);
  if (broken !== undefined) doubt(`the passkey of ${person} does not hold: ${broken}`);
  const said = approvalShape.safeParse(jsonOf(passkey.signed)).data;
  const isThis = said?.approve === receipt.hold && said.binding === receipt.binding && said.person === person;
  if (!isThis) doubt(`the passkey of ${person} signed something else than this approval`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readReceipt(text: string): HoldReceipt | undefined {
  return receiptShape.safeParse(jsonOf(text)).data;
}

interface ProofOf {
  readonly origin: string;
  readonly keys: readonly KeyObject[];
  /** Whether the receipt speaks of it. */
  readonly has: (record: LoggedRecord, line: string) => boolean;
}

function checkProof(proof: InclusionProof, { origin, keys, has }: ProofOf): void {
  const note = readNote(proof.checkpoint, keys);
  if (note.kind === 'unreadable' || note.signed === 'no') return doubt('its checkpoint is not signed with this key');
  const { blocks: size, root } = note.checkpoint;
  if (note.checkpoint.origin !== origin) doubt('its checkpoint is another log’s');
  for (const { index, text, path } of proof.blocks) {
    if (rootFromPath({ leaf: leafHash(Buffer.from(text)), index, size, path }) !== root)
      doubt(`block ${index} is not under its checkpoint`);
    for (const line of text.split('\n').slice(0, -1)) {
      const record = parseRecord(line);
      if (typeof record === 'string' || !has(record, line)) doubt(`block ${index} is not of this hold`);
    }
  }
}
