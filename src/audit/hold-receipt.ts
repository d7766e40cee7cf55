// The receipt of a settled hold: one JSON file that says who asked for what, who decided, and what came of it, signed, so that the public
// key alone checks it (`receipt-check.ts`). Pure; `hold-records.ts` finds the records. (`receipt.ts` is something else: proof, inside the house, that a record was taken.)
//
// What is signed is the canonical JSON of everything but `signature`. Numbers in it are whole, so that every JSON library writes them alike.
//
// Several proxies, or workers, each write a chain of their own, and the steps of one hold may lie in several. Nobody signs for what another's chain
// says: a receipt holds those records word for word, each chain's signed by that chain's own key (`elsewhere`), and whoever makes it signs the whole.
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { passkeyProofShape } from '../core/passkey-proof.ts';
import type { LoggedRecord } from './record.ts';
import type { Signer } from './signer.ts';

/** A record, and the origin of the chain that it stands in. */
export type Told<Kind extends LoggedRecord['kind'] = LoggedRecord['kind']> = Extract<
  LoggedRecord,
  { readonly kind: Kind }
> & { readonly chain: string };

/** Every record of one hold, as they stand in the log, or in the logs of several proxies. */
export interface HoldRecords {
  readonly held: Told<'held'>;
  readonly judged: Told<'judged'> | undefined;
  readonly votes: readonly Told<'voted'>[];
  readonly decided: Told<'decided'>;
  readonly released: readonly Told<'released'>[];
  readonly finished: readonly Told<'finished'>[];
}

/** What one chain has of a hold. */
export interface ChainPart {
  readonly origin: string;
  readonly records: readonly LoggedRecord[];
}

/** Shows that the hold's own blocks are under a checkpoint. Blocks that hold others' records too are left out. */
export interface InclusionProof {
  readonly checkpoint: string;
  readonly blocks: readonly { readonly index: number; readonly text: string; readonly path: readonly string[] }[];
}

const column = z.strictObject({ column: z.string(), level: z.string() });
const vote = z.strictObject({
  person: z.string(),
  vote: z.enum(['approve', 'deny']),
  channel: z.string(),
  at: z.string(),
  reason: z.string().optional(),
  link: z.string().optional(),
  terms: z.string().optional(),
  passkey: passkeyProofShape.optional(),
  vouched: z.array(z.string()).optional(),
  /** Here and below: the chain that it stands in, where that is not the receipt's own. */
  chain: z.string().optional(),
});
const outcome = z.strictObject({ rows: z.number(), bytes: z.number(), ms: z.number(), error: z.string().optional() });

const proofShape = z.strictObject({
  checkpoint: z.string(),
  blocks: z.array(z.strictObject({ index: z.number(), text: z.string(), path: z.array(z.string()) })),
});

export const signedPartShape = z.strictObject({
  origin: z.string(),
  hold: z.string(),
  /** Its records about the hold, as they stand in its files. */
  lines: z.array(z.string()),
  proof: proofShape.optional(),
  signature: z.string(),
});

/** What another chain says about a hold, signed by the key of that chain. */
export type SignedPart = z.infer<typeof signedPartShape>;

export const receiptShape = z.strictObject({
  version: z.literal(1),
  origin: z.string(),
  hold: z.string(),
  state: z.enum(['approved', 'denied', 'expired', 'withdrawn']),
  agent: z.string(),
  owner: z.string(),
  database: z.string(),
  statement: z.string(),
  text: z.string().optional(),
  parameters: z.string(),
  binding: z.string().optional(),
  columns: z.array(column),
  rules: z.array(z.string()),
  catalog: z.string().optional(),
  schema: z.string().optional(),
  reason: z.string().optional(),
  asked: z.string(),
  deadline: z.number(),
  votes: z.array(vote),
  decided: z.strictObject({
    at: z.string(),
    by: z.array(z.string()),
    terms: z.string().optional(),
    chain: z.string().optional(),
  }),
  released: z.array(
    z.strictObject({
      at: z.string(),
      masked: z.array(z.string()).optional(),
      outcome: outcome.optional(),
      chain: z.string().optional(),
    }),
  ),
  /** `seq` of those in the chain of `origin`. */
  records: z.array(z.number()),
  proof: proofShape.optional(),
  /** The chain in which it was asked, where that is not the receipt's own. */
  asked_in: z.string().optional(),
  elsewhere: z.array(signedPartShape).optional(),
  signature: z.string(),
});

export type HoldReceipt = z.infer<typeof receiptShape>;
type Unsigned = Omit<HoldReceipt, 'signature'>;

export interface ReceiptMaker {
  /** Whose receipt it is. */
  readonly origin: string;
  readonly signer: Signer;
  readonly proof?: InclusionProof;
  /** Of every other chain that has records of the hold. */
  readonly elsewhere?: readonly SignedPart[];
}

export async function makeReceipt(records: HoldRecords, maker: ReceiptMaker): Promise<HoldReceipt> {
  const body = bodyOf(records, maker);
  return { ...body, signature: (await maker.signer.sign(signedText(body))).toString('base64') };
}

/** A chain's own word about a hold. `signer`: the key of that chain. */
export async function signPart(
  hold: string,
  { origin, records }: ChainPart,
  { signer, proof }: Pick<ReceiptMaker, 'signer' | 'proof'>,
): Promise<SignedPart> {
  // Only canonical lines are taken for records, so this is the line as it stands in the file.
  const lines = records.map((record) => JSON.stringify(record));
  const part = { origin, hold, lines, ...(proof === undefined ? {} : { proof: copyOf(proof) }) };
  return { ...part, signature: (await signer.sign(signedText(part))).toString('base64') };
}

const copyOf = ({ checkpoint, blocks }: InclusionProof): NonNullable<SignedPart['proof']> => ({
  checkpoint,
  blocks: blocks.map((block) => ({ ...block, path: [...block.path] })),
});

function bodyOf(records: HoldRecords, { origin, proof, elsewhere = [] }: ReceiptMaker): Unsigned {
  const { held, judged, decided } = records;
  const { text } = judged ?? {};
  const catalog = held.catalog ?? judged?.catalog;
  const schema = held.schema ?? judged?.schema;
  return {
    version: 1,
    origin,
    hold: held.hold,
    state: decided.state,
    ...(text === undefined ? {} : { text }),
    ...(held.binding === undefined ? {} : { binding: held.binding }),
    ...(catalog === undefined ? {} : { catalog }),
    ...(schema === undefined ? {} : { schema }),
    ...(held.reason === undefined ? {} : { reason: held.reason }),
    ...askedOf(held),
    votes: records.votes.map((each) => voteOf(each, origin)),
    decided: decisionOf(decided, origin),
    released: records.released.map((each) => releaseOf(each, records.finished, origin)),
    records: [...recordsOfHold(records, origin)],
    ...(proof === undefined ? {} : { proof: copyOf(proof) }),
    ...(held.chain === origin ? {} : { asked_in: held.chain }),
    ...(elsewhere.length === 0 ? {} : { elsewhere: [...elsewhere] }),
  };
}

type Asked = Pick<
  HoldReceipt,
  'agent' | 'owner' | 'database' | 'statement' | 'parameters' | 'columns' | 'rules' | 'asked' | 'deadline'
>;

/** What the record of the hold alone says. */
export function askedOf({
  agent,
  owner,
  database,
  statement,
  parameters,
  columns,
  rules,
  at,
  deadline,
}: Of<'held'>): Asked {
  return {
    ...{ agent, owner, database, statement, parameters },
    columns: columns.map(({ column: name, level }) => ({ column: name, level })),
    rules: [...rules],
    asked: at,
    deadline: Math.round(deadline),
  };
}

/** `seq` of each in one chain. */
export function recordsOfHold(records: HoldRecords, origin: string): readonly number[] {
  const { judged, held, votes, decided, released, finished } = records;
  const all = [held, ...votes, decided, ...released, ...finished, ...(judged === undefined ? [] : [judged])];
  return all
    .filter(({ chain }) => chain === origin)
    .map((each) => each.seq)
    .sort((a, b) => a - b);
}

type Of<Kind extends LoggedRecord['kind']> = Extract<LoggedRecord, { readonly kind: Kind }>;

const chainOf = (chain: string, own: string): { chain?: string } => (chain === own ? {} : { chain });

/** `own`: the chain that goes without saying. */
export function voteOf(record: Told<'voted'>, own: string): HoldReceipt['votes'][number] {
  const { person, vote: choice, channel, at, reason, link, terms, passkey, vouched, chain } = record;
  return {
    person,
    vote: choice,
    channel,
    at,
    ...(reason === undefined ? {} : { reason }),
    ...(link === undefined ? {} : { link }),
    ...(terms === undefined ? {} : { terms }),
    ...(passkey === undefined ? {} : { passkey }),
    ...(vouched === undefined ? {} : { vouched: [...vouched] }),
    ...chainOf(chain, own),
  };
}

export function decisionOf({ at, by, terms, chain }: Told<'decided'>, own: string): HoldReceipt['decided'] {
  return { at, by: [...by], ...(terms === undefined ? {} : { terms }), ...chainOf(chain, own) };
}

export function releaseOf(
  record: Told<'released'>,
  finished: readonly Told<'finished'>[],
  own: string,
): HoldReceipt['released'][number] {
  const { at, masked, seq, chain } = record;
  const end = finished.find((each) => each.of === seq && each.chain === chain);
  const base = { at, ...(masked === undefined ? {} : { masked: [...masked] }), ...chainOf(chain, own) };
  if (end === undefined) return base;
  const { rows, bytes, ms, error } = end;
  return { ...base, outcome: { rows, bytes, ms: Math.round(ms), ...(error === undefined ? {} : { error }) } };
}

/** Of a receipt, or of a part of one, without its signature. */
export function signedText(body: Unsigned | Omit<SignedPart, 'signature'>): Buffer {
  return Buffer.from(canonicalize(body) ?? '', 'utf8');
}
