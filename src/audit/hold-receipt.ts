// The receipt of a settled hold: one JSON file that says who asked for what, who decided, and what came of it, signed, so that the public
// key alone checks it. Pure; `hold-records.ts` finds the records. (`receipt.ts` is something else: proof, inside the house, that a record was taken.)
//
// What is signed is the canonical JSON of everything but `signature`. Numbers in it are whole, so that every JSON library writes them alike.
import { verify, type KeyObject } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { brokenPasskey, passkeyProofShape } from '../core/passkey-proof.ts';
import { leafHash, rootFromPath } from './chain.ts';
import { readNote } from './note.ts';
import { parseRecord } from './reader.ts';
import type { LoggedRecord } from './record.ts';
import type { Signer } from './signer.ts';

type Of<Kind extends LoggedRecord['kind']> = Extract<LoggedRecord, { readonly kind: Kind }>;

/** Every record of one hold, as they stand in the log. */
export interface HoldRecords {
  readonly origin: string;
  readonly held: Of<'held'>;
  readonly judged: Of<'judged'> | undefined;
  readonly votes: readonly Of<'voted'>[];
  readonly decided: Of<'decided'>;
  readonly released: readonly Of<'released'>[];
  readonly finished: readonly Of<'finished'>[];
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
});
const outcome = z.strictObject({ rows: z.number(), bytes: z.number(), ms: z.number(), error: z.string().optional() });

const receiptShape = z.strictObject({
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
  decided: z.strictObject({ at: z.string(), by: z.array(z.string()), terms: z.string().optional() }),
  released: z.array(
    z.strictObject({ at: z.string(), masked: z.array(z.string()).optional(), outcome: outcome.optional() }),
  ),
  records: z.array(z.number()),
  proof: z
    .strictObject({
      checkpoint: z.string(),
      blocks: z.array(z.strictObject({ index: z.number(), text: z.string(), path: z.array(z.string()) })),
    })
    .optional(),
  signature: z.string(),
});

export type HoldReceipt = z.infer<typeof receiptShape>;
type Unsigned = Omit<HoldReceipt, 'signature'>;

export async function makeReceipt(records: HoldRecords, signer: Signer, proof?: InclusionProof): Promise<HoldReceipt> {
  const body = bodyOf(records, proof);
  return { ...body, signature: (await signer.sign(signedText(body))).toString('base64') };
}

function bodyOf(records: HoldRecords, proof: InclusionProof | undefined): Unsigned {
  const { held, judged, decided } = records;
  const { text } = judged ?? {};
  const catalog = held.catalog ?? judged?.catalog;
  const schema = held.schema ?? judged?.schema;
  return {
    version: 1,
    origin: records.origin,
    hold: held.hold,
    state: decided.state,
    agent: held.agent,
    owner: held.owner,
    database: held.database,
    statement: held.statement,
    ...(text === undefined ? {} : { text }),
    parameters: held.parameters,
    ...(held.binding === undefined ? {} : { binding: held.binding }),
    columns: held.columns.map((each) => ({ column: each.column, level: each.level })),
    rules: [...held.rules],
    ...(catalog === undefined ? {} : { catalog }),
    ...(schema === undefined ? {} : { schema }),
    ...(held.reason === undefined ? {} : { reason: held.reason }),
    asked: held.at,
    deadline: Math.round(held.deadline),
    votes: records.votes.map(voteOf),
    decided: { at: decided.at, by: [...decided.by], ...(decided.terms === undefined ? {} : { terms: decided.terms }) },
    released: records.released.map((each) => releaseOf(each, records.finished)),
    records: [...recordsOfHold(records)],
    ...(proof === undefined
      ? {}
      : { proof: { ...proof, blocks: proof.blocks.map((b) => ({ ...b, path: [...b.path] })) } }),
  };
}

/** `seq` of each. */
export function recordsOfHold(records: HoldRecords): readonly number[] {
  const { judged, held, votes, decided, released, finished } = records;
  const all = [held, ...votes, decided, ...released, ...finished, ...(judged === undefined ? [] : [judged])];
  return all.map((each) => each.seq).sort((a, b) => a - b);
}

function voteOf(record: Of<'voted'>): HoldReceipt['votes'][number] {
  const { person, vote: choice, channel, at, reason, link, terms, passkey, vouched } = record;
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
  };
}

function releaseOf(record: Of<'released'>, finished: readonly Of<'finished'>[]): HoldReceipt['released'][number] {
  const end = finished.find((each) => each.of === record.seq);
  const base = { at: record.at, ...(record.masked === undefined ? {} : { masked: [...record.masked] }) };
  if (end === undefined) return base;
  const { rows, bytes, ms, error } = end;
  return { ...base, outcome: { rows, bytes, ms: Math.round(ms), ...(error === undefined ? {} : { error }) } };
}

function signedText(body: Unsigned): Buffer {
  return Buffer.from(canonicalize(body) ?? '', 'utf8');
}

export type ReceiptCheck =
  | {
      readonly kind: 'genuine';
      readonly receipt: HoldReceipt;
      readonly proven: 'signature' | 'signature and checkpoint';
    }
  | { readonly kind: 'not genuine'; readonly words: string };

/** Offline: the text of the receipt, and public keys that are believed. */
export function checkReceipt(text: string, keys: readonly KeyObject[]): ReceiptCheck {
  const receipt = readReceipt(text);
  if (receipt === undefined) return { kind: 'not genuine', words: 'this is not a receipt of a hold' };
  const { signature, ...body } = receipt;
  const signed = signedText(body);
  if (!keys.some((key) => verify(null, signed, key, Buffer.from(signature, 'base64')))) {
    return { kind: 'not genuine', words: 'the receipt is not signed with this key, or not as it was signed' };
  }
  const unsigned = receipt.votes.map((each) => brokenVote(each, receipt)).find((words) => words !== undefined);
  if (unsigned !== undefined) return { kind: 'not genuine', words: unsigned };
  if (receipt.proof === undefined) return { kind: 'genuine', receipt, proven: 'signature' };
  const why = brokenProof(receipt.proof, receipt, keys);
  return why === undefined
    ? { kind: 'genuine', receipt, proven: 'signature and checkpoint' }
    : { kind: 'not genuine', words: why };
}

const approvalShape = z.object({ approve: z.string(), binding: z.string(), person: z.string() });

/** A passkey's signature over another hold, another statement or in another name proves nothing about this one. */
function brokenVote({ person, passkey }: HoldReceipt['votes'][number], receipt: HoldReceipt): string | undefined {
  if (passkey === undefined) return undefined;
  const broken = brokenPasskey(passkey);
  if (broken !== undefined) return `the passkey of ${person} does not hold: ${broken}`;
  const said = approvalShape.safeParse(jsonOf(passkey.signed)).data;
  const isThis = said?.approve === receipt.hold && said.binding === receipt.binding && said.person === person;
  return isThis ? undefined : `the passkey of ${person} signed something else than this approval`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readReceipt(text: string): HoldReceipt | undefined {
  try {
    return receiptShape.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function brokenProof(proof: InclusionProof, receipt: HoldReceipt, keys: readonly KeyObject[]): string | undefined {
  const note = readNote(proof.checkpoint, keys);
  if (note.kind === 'unreadable' || note.signed === 'no') return 'its checkpoint is not signed with this key';
  const { blocks: size, root, origin } = note.checkpoint;
  if (origin !== receipt.origin) return 'its checkpoint is another log’s';
  for (const { index, text, path } of proof.blocks) {
    if (rootFromPath({ leaf: leafHash(Buffer.from(text)), index, size, path }) !== root) {
      return `block ${index} is not under its checkpoint`;
    }
    for (const line of text.split('\n').slice(0, -1)) {
      const record = parseRecord(line);
      if (typeof record === 'string' || !receipt.records.includes(record.seq))
        return `block ${index} is not of this hold`;
    }
  }
  return undefined;
}
