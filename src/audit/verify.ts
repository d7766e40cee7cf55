// Whether a log is whole: every line in its place, every block the one that was chained, every checkpoint one that the log's key signed
// and that the lines lead to. Needs only the files and the public key; believes nothing that the log says about itself.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileWords } from '../core/file-words.ts';
import { publicKeyFile, readText } from './keys.ts';
import { readPublicKey, type Checkpoint } from './note.ts';
import { OpenStatements, type OpenStatement } from './open-statements.ts';
import { ChainReader, type Misfit } from './reader.ts';
import type { LoggedRecord } from './record.ts';
import { segmentName, segmentNumbers } from './segment-file.ts';
import { headFile } from './tail.ts';
import { findNotes, isHead, KeyRing, NoteCheck, type NoteTrouble } from './verify-notes.ts';

export interface VerifyOptions {
  readonly dir: string;
  /** Checkpoints that were kept elsewhere: files. */
  readonly checkpoints?: readonly string[];
  /** A public key that was kept elsewhere; without it the folder's own is believed. */
  readonly keyFile?: string;
  /** Origins of other chains that are checked beside this one: a checkpoint of theirs is none that belongs elsewhere. */
  readonly others?: readonly string[];
}

export type Verification =
  | {
      readonly kind: 'whole';
      readonly records: number;
      readonly from: string;
      readonly to: string;
      readonly head: Checkpoint;
      /** Records behind the head: the newest second of a log in use, or of one that was killed. */
      readonly unsigned: number;
      readonly checkpoints: number;
      /** Let through, and no outcome is on record: their process ended before it was written, or (`running`) may still run. */
      readonly unfinished: {
        readonly left: number;
        readonly first: OpenStatement | undefined;
        readonly running: number;
      };
      /** `seq` of the first record here; above 0 when the first segments were moved elsewhere. */
      readonly firstSeq: number;
    }
  | {
      readonly kind: 'broken';
      readonly file: string;
      readonly line: number | undefined;
      readonly words: string;
      /** Nothing is said about the record: what it was to be checked with is no key or no checkpoint. */
      readonly unchecked?: true;
    };

/** A log in use is signed each second; more than this behind the head is no newest second any more. */
const unsignedMsMax = 60_000;

export function verifyFolder(options: VerifyOptions): Verification {
  const keyFile = options.keyFile ?? join(options.dir, publicKeyFile);
  const key = readPublicKey(readText(keyFile) ?? '');
  if (key === undefined) {
    return broken({
      file: keyFile,
      words: 'there is no Ed25519 public key here (name it with --key)',
      unchecked: true,
    });
  }
  // Checkpoints are read before the records, so that a log in use cannot seem shorter than its head.
  const notes = findNotes(options.dir, options.checkpoints ?? []);
  if ('words' in notes) return broken(notes);
  const head = notes.find((note) => isHead(note, options.dir))?.checkpoint;
  const numbers = segmentNumbers(options.dir);
  if (head === undefined || numbers.length === 0)
    return broken({ file: options.dir, words: 'there are no segments of a log here' });
  const keys = new KeyRing(key);
  const check = new NoteCheck(notes, keys, options.others ?? []);
  const statements = new ProvenStatements();
  let [firstSeq, lastAtHead] = [-1, ''];
  const reader: ChainReader = new ChainReader({
    each: (record) => {
      if (firstSeq < 0) firstSeq = record.seq;
      if (record.kind === 'key') keys.take(record);
      statements.take(record);
    },
    block: () => {
      check.at(reader);
      if (reader.frontier.size === head.blocks) lastAtHead = reader.span.to;
    },
  });
  for (const number of numbers) {
    const name = segmentName(number);
    const bytes = bytesOf(join(options.dir, name));
    if (typeof bytes === 'string')
      return broken({ file: join(options.dir, name), words: `this segment cannot be read: ${bytes}` });
    const misfit = reader.read(name, bytes);
    if (misfit !== undefined) return brokenIn(check.trouble(), misfit, options.dir);
  }
  const trouble = check.trouble() ?? check.atEnd(reader) ?? tooFarBehind(reader, lastAtHead);
  if (trouble !== undefined) return broken(trouble);
  const unfinished = statements.atEnd();
  return {
    kind: 'whole',
    records: reader.records,
    ...reader.span,
    head: head,
    unsigned: reader.seq - head.records,
    checkpoints: notes.filter((note) => note.weight !== 'peer').length,
    unfinished: { left: unfinished.left.length, first: unfinished.left[0], running: unfinished.open },
    firstSeq,
  };
}

/** Words: why not. */
function bytesOf(file: string): Buffer | string {
  try {
    return readFileSync(file);
  } catch (thrown) {
    return fileWords(thrown);
  }
}

/**
 * Believes the records of a block once the next block has begun and names its hash: until then they may have been harmed, and lack what
 * records of their kind have.
 */
class ProvenStatements {
  readonly #statements = new OpenStatements();
  #unproven: LoggedRecord[] = [];

  take(record: LoggedRecord): void {
    if (record.prev !== this.#unproven[0]?.prev) this.#believe();
    this.#unproven.push(record);
  }

  /** To be asked only when everything fits: the last block has no other proof. */
  atEnd(): OpenStatements {
    this.#believe();
    return this.#statements;
  }

  #believe(): void {
    for (const record of this.#unproven) this.#statements.take(record);
    this.#unproven = [];
  }
}

type Broken = Extract<Verification, { readonly kind: 'broken' }>;

function tooFarBehind(reader: ChainReader, lastAtHead: string): NoteTrouble | undefined {
  const behindMs = Date.parse(reader.span.to) - Date.parse(lastAtHead);
  if (behindMs <= unsignedMsMax) return undefined;
  return { file: headFile, words: `the records after ${lastAtHead}, up to ${reader.span.to}, are under no checkpoint` };
}

/** A checkpoint that does not fit lies before the line that does not: it is the first thing that is wrong. */
function brokenIn(trouble: NoteTrouble | undefined, misfit: Misfit, dir: string): Broken {
  if (trouble !== undefined) return broken(trouble);
  return { kind: 'broken', file: join(dir, misfit.file), line: misfit.line, words: misfit.words };
}

function broken(trouble: NoteTrouble): Broken {
  const { file, words, unchecked } = trouble;
  return { kind: 'broken', file, line: undefined, words, ...(unchecked === undefined ? {} : { unchecked }) };
}
