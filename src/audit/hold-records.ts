// What belongs to one hold among the records of one chain or of several, and where its blocks stand in the tree.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inclusionPath } from './chain.ts';
import type { ChainPart, HoldRecords, InclusionProof, Told } from './hold-receipt.ts';
import { readText } from './keys.ts';
import { readNote } from './note.ts';
import { ChainReader } from './reader.ts';
import { recordsContaining } from './search.ts';
import { unseal } from './seal.ts';
import { segmentName, segmentNumbers } from './segment-file.ts';
import { headFile } from './tail.ts';

export type FoundHold =
  | { readonly kind: 'settled'; readonly records: HoldRecords }
  | { readonly kind: 'open' }
  /** `steps`: of those that are here; its beginning is not. */
  | { readonly kind: 'not found'; readonly steps: number };

/** From all records that may belong to one hold, those of each chain in order. */
export function holdOf(parts: readonly ChainPart[]): FoundHold {
  const told = toldOf(parts);
  const held = told.find((each) => each.kind === 'held');
  if (held === undefined) return { kind: 'not found', steps: told.length };
  const decided = told.find((each) => each.kind === 'decided');
  if (decided === undefined) return { kind: 'open' };
  const released = told.filter((each) => each.kind === 'released');
  const isReleased = new Set(released.map(nameOf));
  const judged = told.filter((each) => each.kind === 'judged');
  return {
    kind: 'settled',
    records: {
      held,
      judged: judged.findLast(
        (each) =>
          each.session === held.session &&
          each.statement === held.statement &&
          each.verdict === 'hold' &&
          (each.chain === held.chain ? each.seq < held.seq : each.at <= held.at),
      ),
      votes: onceEach(told.filter((each) => each.kind === 'voted')),
      decided,
      released,
      finished: told.filter((each) => each.kind === 'finished').filter((each) => isReleased.has(causeOf(each))),
    },
  };
}

/** One chain is in its own order; between chains there is only the time that each says. */
function toldOf(parts: readonly ChainPart[]): readonly Told[] {
  const told = parts.flatMap(({ origin, records }) => records.map((record): Told => ({ ...record, chain: origin })));
  return parts.length < 2 ? told : told.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

const nameOf = ({ chain, seq }: Told): string => `${chain}/${seq}`;
const causeOf = ({ chain, of }: Told<'finished'>): string => `${chain}/${of}`;

/** After a crash a peer may have recorded a vote that its own chain has too. */
function onceEach(votes: readonly Told<'voted'>[]): readonly Told<'voted'>[] {
  const chains = new Map<string, string>();
  return votes.filter(({ chain, person, vote, channel, reason, link, terms }) => {
    const said = JSON.stringify([person, vote, channel, reason, link, terms]);
    const first = chains.get(said) ?? chain;
    chains.set(said, first);
    return first === chain;
  });
}

/** Who speaks in a folder's files: by its newest checkpoint. */
export function originOf(dir: string): string {
  const note = readNote(readText(join(dir, headFile)) ?? '', []);
  return note.kind === 'note' ? note.checkpoint.origin : 'countersign/unknown';
}

/**
 * The way from each block that holds nothing but these records up to the newest checkpoint. Reads the whole log, so it is made for
 * one receipt at a time, away from sessions. Undefined where older segments are archived: their leaves are not here.
 */
export function proveRecords(dir: string, seqs: ReadonlySet<number>): InclusionProof | undefined {
  const checkpoint = readText(join(dir, headFile)) ?? '';
  const note = readNote(checkpoint, []);
  const [first] = segmentNumbers(dir);
  if (note.kind === 'unreadable' || first !== 1) return undefined;
  const leaves: string[] = [];
  const found: { readonly index: number; readonly text: string }[] = [];
  let bytes: Buffer = Buffer.alloc(0);
  let inBlock: number[] = [];
  const reader = new ChainReader({
    each: (record) => void inBlock.push(record.seq),
    block: (block) => {
      if (inBlock.every((seq) => seqs.has(seq))) {
        found.push({ index: leaves.length, text: bytes.toString('utf8', block.start, block.end) });
      }
      leaves.push(block.hash);
      inBlock = [];
    },
  });
  for (const number of segmentNumbers(dir)) {
    bytes = readFileSync(join(dir, segmentName(number)));
    if (reader.read(segmentName(number), bytes) !== undefined) return undefined;
  }
  const under = leaves.slice(0, note.checkpoint.blocks);
  const blocks = found.filter(({ index }) => index < under.length);
  return { checkpoint, blocks: blocks.map((block) => ({ ...block, path: inclusionPath(under, block.index) })) };
}

export type Opened =
  { readonly kind: 'opened'; readonly statement: string } | { readonly kind: 'not opened'; readonly why: string };

/** The sealed statement of one record, with the auditor's private key in PEM. */
export async function openSealed(dir: string, seq: number, pem: string): Promise<Opened> {
  const record = (await recordsContaining(dir, `"seq":${seq},`)).find((each) => each.seq === seq);
  const sealed = record?.kind === 'judged' ? record.sealed : undefined;
  if (sealed === undefined) return { kind: 'not opened', why: `record ${seq} has no sealed statement` };
  const statement = unseal(sealed, pem);
  return statement === undefined
    ? { kind: 'not opened', why: `record ${seq} is not sealed to this key` }
    : { kind: 'opened', statement };
}
