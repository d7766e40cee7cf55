// The receipt of a hold from the chains that have steps of it, each in a folder with its key. The first of them makes the receipt; the others sign
// for what is theirs.
import {
  makeReceipt,
  recordsOfHold,
  signPart,
  type ChainPart,
  type HoldReceipt,
  type InclusionProof,
  type SignedPart,
} from './hold-receipt.ts';
import { holdOf, proveRecords, type FoundHold } from './hold-records.ts';
import type { Signer } from './signer.ts';

/** What one folder has of a hold. */
export interface FolderPart extends ChainPart {
  readonly dir: string;
}

export type MadeReceipt =
  | { readonly kind: 'made'; readonly receipt: HoldReceipt }
  /** The signing key of that folder's chain is not at hand. */
  | { readonly kind: 'no key'; readonly dir: string }
  | Exclude<FoundHold, { readonly kind: 'settled' }>;

export interface ReceiptOptions {
  readonly signerOf: (dir: string) => Signer | undefined;
  /** With the way from its records to each chain's newest checkpoint. */
  readonly proof?: true;
  /** Of chains that are not at hand here: their own signed words, and those read. */
  readonly elsewhere?: readonly SignedPart[];
  readonly theirs?: readonly ChainPart[];
  /** Who makes it where no part is at hand here. */
  readonly home?: { readonly origin: string; readonly dir: string };
}

export async function receiptOf(
  hold: string,
  parts: readonly FolderPart[],
  options: ReceiptOptions,
): Promise<MadeReceipt> {
  const found = holdOf([...parts, ...(options.theirs ?? [])]);
  if (found.kind !== 'settled') return found;
  const elsewhere: SignedPart[] = [];
  const makers: { readonly origin: string; readonly signer: Signer; readonly dir: string }[] = [];
  for (const part of parts) {
    const { origin, dir } = part;
    const signer = options.signerOf(dir);
    if (signer === undefined) return { kind: 'no key', dir };
    if (makers.length > 0) {
      const seqs = part.records.map(({ seq }) => seq);
      elsewhere.push(await signPart(hold, part, { signer, ...proofOf(dir, seqs, options) }));
    }
    makers.push({ origin, signer, dir });
  }
  const { home } = options;
  const [maker = home] = makers;
  if (maker === undefined) return { kind: 'not found', steps: 0 };
  const { origin, dir } = maker;
  const signer = makers[0]?.signer ?? options.signerOf(dir);
  if (signer === undefined) return { kind: 'no key', dir };
  const proof = proofOf(dir, recordsOfHold(found.records, origin), options);
  return {
    kind: 'made',
    receipt: await makeReceipt(found.records, {
      origin,
      signer,
      elsewhere: [...elsewhere, ...(options.elsewhere ?? [])],
      ...proof,
    }),
  };
}

function proofOf(dir: string, seqs: readonly number[], { proof }: ReceiptOptions): { readonly proof?: InclusionProof } {
  const found = proof === true ? proveRecords(dir, new Set(seqs)) : undefined;
  return found === undefined ? {} : { proof: found };
}
