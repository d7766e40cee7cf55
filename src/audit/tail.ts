// Where a log ends, found from its files: at start, and again after a failure. A torn end is cut, never silently: what is cut is kept
// beside the log and a record of it follows. An end that is *missing*, against the log's own checkpoint, is no accident of a crash,
// because checkpoints are signed after the disk has the records; it stops the start.
import { mkdirSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyObject } from 'node:crypto';
import { ProxyError } from '../core/errors.ts';
import { Frontier, genesis } from './chain.ts';
import { readText } from './keys.ts';
import { readNote, type Checkpoint } from './note.ts';
import { ChainReader, type Misfit } from './reader.ts';
import { segmentName, segmentNumbers } from './segment-file.ts';

export interface Tail {
  /** 0: there is no segment yet. */
  readonly segment: number;
  readonly bytes: number;
  readonly seq: number;
  readonly prev: string;
  readonly frontier: Frontier;
  readonly instance: string | undefined;
  readonly cuts: readonly Cut[];
}

/** Bytes that were cut off, and the file that keeps them. */
export interface Cut {
  readonly bytes: number;
  readonly keptIn: string;
}

/** A point that the log is known to have passed: its own checkpoint, or what this process remembers to have written. */
export interface Passed {
  readonly blocks: number;
  readonly records: number;
  readonly root: string;
}

export const headFile = 'head.note';
/** Checkpoints one behind the other, oldest first. Helps to find the place of a change; its absence proves nothing. */
export const historyFile = 'history.notes';
const cutFolder = 'cut';

export function findTail(dir: string, passed: Passed | undefined): Tail {
  const torn: Misfit[] = [];
  for (const segment of [...segmentNumbers(dir)].reverse()) {
    const bytes = readFileSync(join(dir, segmentName(segment)));
    const misfit = new ChainReader().read(segmentName(segment), bytes);
    if (misfit !== undefined) torn.push(misfit);
    const good = misfit?.goodBytes ?? bytes.length;
    if (good === 0) continue;
    const reader = readFitting(dir, { segment, bytes: bytes.subarray(0, good), passed });
    const { seq, prev, frontier, instance } = reader;
    if (passed !== undefined && frontier.size < passed.blocks)
      throw misfit === undefined ? missing(dir, passed, seq) : harmed(dir, misfit);
    // Nothing is cut before it is sure that a crash explains all that does not fit.
    const cuts = torn.map((each) => cutAway(dir, each));
    return { segment, bytes: good, seq, prev, frontier, instance, cuts };
  }
  if (passed !== undefined && passed.records > 0) throw missing(dir, passed, 0);
  const cuts = torn.map((each) => cutAway(dir, each));
  return { segment: 0, bytes: 0, seq: 0, prev: genesis, frontier: new Frontier(), instance: undefined, cuts };
}

/** The newest checkpoint of the folder, when there is one and this log's key has signed it. */
export function readHead(dir: string, keys: readonly KeyObject[]): Checkpoint | undefined {
  const text = readText(join(dir, headFile));
  if (text === undefined || text === '') return undefined;
  const note = readNote(text, keys);
  if (note.kind === 'note' && note.signed === 'yes') return note.checkpoint;
  throw new ProxyError(
    'UNAVAILABLE',
    `${join(dir, headFile)} is not a checkpoint signed with ${join(dir, 'key.pem')}`,
    {
      hint: 'restore the file or the key, or move the folder aside to begin a new log',
    },
  );
}

function readFitting(
  dir: string,
  at: { readonly segment: number; readonly bytes: Buffer; readonly passed: Passed | undefined },
): ChainReader {
  let other = false;
  const reader: ChainReader = new ChainReader({
    block: () => {
      if (reader.frontier.size === at.passed?.blocks) other = reader.frontier.root() !== at.passed.root;
    },
  });
  const misfit = reader.read(segmentName(at.segment), at.bytes);
  if (misfit !== undefined) throw harmed(dir, misfit);
  if (other) throw missing(dir, at.passed, reader.seq);
  return reader;
}

function cutAway(dir: string, misfit: Misfit): Cut {
  const path = join(dir, misfit.file);
  const bytes = readFileSync(path);
  const keptIn = join(cutFolder, `${misfit.file}.${misfit.goodBytes}.${Date.now()}`);
  mkdirSync(join(dir, cutFolder), { recursive: true, mode: 0o700 });
  writeFileSync(join(dir, keptIn), bytes.subarray(misfit.goodBytes), { mode: 0o600, flag: 'wx', flush: true });
  if (misfit.goodBytes === 0) unlinkSync(path);
  else truncateSync(path, misfit.goodBytes);
  return { bytes: bytes.length - misfit.goodBytes, keptIn };
}

/** All that a checkpoint speaks for was on disk before it was signed, so no crash can have harmed it. */
function harmed(dir: string, misfit: Misfit): ProxyError {
  return new ProxyError('UNAVAILABLE', `${join(dir, misfit.file)}:${misfit.line}: ${misfit.words}`, {
    hint: 'run countersign audit verify; restore the file, or move the folder aside to begin a new log',
  });
}

function missing(dir: string, passed: Passed | undefined, seq: number): ProxyError {
  return new ProxyError(
    'UNAVAILABLE',
    `the audit log in ${dir} has ${seq} records, but its checkpoint speaks for ${passed?.records ?? 0}, or for other ones`,
    { hint: 'run countersign audit verify; restore the missing files, or move the folder aside to begin a new log' },
  );
}
