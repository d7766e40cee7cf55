// Finds all records of one hold in a log's files, and where its blocks stand in the tree.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inclusionPath } from './chain.ts';
import type { HoldRecords, InclusionProof } from './hold-receipt.ts';
import { readText } from './keys.ts';
import { readNote } from './note.ts';
import { ChainReader, parseRecord } from './reader.ts';
import type { LoggedRecord } from './record.ts';
import { linesContaining } from './search.ts';
import { unseal } from './seal.ts';
import { segmentName, segmentNumbers } from './segment-file.ts';
import { headFile } from './tail.ts';

export type FoundHold =
  | { readonly kind: 'settled'; readonly records: HoldRecords }
  | { readonly kind: 'open' }
  | { readonly kind: 'not found' };

export async function findHold(dir: string, hold: string): Promise<FoundHold> {
  const own = await matching(dir, `"hold":${JSON.stringify(hold)}`);
  const held = own.find((each) => each.kind === 'held');
  if (held?.kind !== 'held') return { kind: 'not found' };
  const seqs = new Set(own.filter((each) => each.kind === 'released').map((each) => each.seq));
  const ends = await Promise.all([...seqs].map((seq) => matching(dir, `"of":${seq},`)));
  const judged = await matching(dir, `"statement":${JSON.stringify(held.statement)}`);
  return holdOf(originOf(dir), [...judged.filter((each) => each.kind === 'judged'), ...own, ...ends.flat()]);
}

/** From all records that may belong to one hold, in order. */
export function holdOf(origin: string, records: readonly LoggedRecord[]): FoundHold {
  const held = records.find((each) => each.kind === 'held');
  if (held === undefined) return { kind: 'not found' };
  const decided = records.find((each) => each.kind === 'decided');
  if (decided === undefined) return { kind: 'open' };
  const released = records.filter((each) => each.kind === 'released');
  const seqs = new Set(released.map((each) => each.seq));
  const judged = records.filter((each) => each.kind === 'judged');
  return {
    kind: 'settled',
    records: {
      origin,
      held,
      judged: judged.findLast(
        (each) =>
          each.session === held.session &&
          each.statement === held.statement &&
          each.verdict === 'hold' &&
          each.seq < held.seq,
      ),
      votes: records.filter((each) => each.kind === 'voted'),
      decided,
      released,
      finished: records.filter((each) => each.kind === 'finished').filter((each) => seqs.has(each.of)),
    },
  };
}

async function matching(dir: string, words: string): Promise<readonly LoggedRecord[]> {
  const found: LoggedRecord[] = [];
  for await (const line of linesContaining(dir, words)) {
    const record = parseRecord(line);
    if (typeof record !== 'string') found.push(record);
  }
  return found;
}

function originOf(dir: string): string {
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
  const record = (await matching(dir, `"seq":${seq},`)).find((each) => each.seq === seq);
  const sealed = record?.kind === 'judged' ? record.sealed : undefined;
  if (sealed === undefined) return { kind: 'not opened', why: `record ${seq} has no sealed statement` };
  const statement = unseal(sealed, pem);
  return statement === undefined
    ? { kind: 'not opened', why: `record ${seq} is not sealed to this key` }
    : { kind: 'opened', statement };
}
