// Whether a log is whole: every line in its place, every block the one that was chained, every checkpoint one that the log's key signed
// and that the lines lead to. Needs only the files and the public key; believes nothing that the log says about itself.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { KeyObject } from 'node:crypto';
import { visible } from '../core/visible.ts';
import { isVouchedFor, keyFromText, publicKeyFile, readText } from './keys.ts';
import { readNote, readPublicKey, splitNotes, type Checkpoint } from './note.ts';
import { ChainReader, type Misfit } from './reader.ts';
import type { LoggedRecord } from './record.ts';
import { segmentName, segmentNumbers } from './segment-file.ts';
import { headFile, historyFile } from './tail.ts';

export interface VerifyOptions {
  readonly dir: string;
  /** Checkpoints that were kept elsewhere: files. */
  readonly checkpoints?: readonly string[];
  /** A public key that was kept elsewhere; without it the folder's own is believed. */
  readonly keyFile?: string;
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
      /** `seq` of the first record here; above 0 when the first segments were moved elsewhere. */
      readonly firstSeq: number;
    }
  | { readonly kind: 'broken'; readonly file: string; readonly line: number | undefined; readonly words: string };

/** A log in use is signed each second; more than this behind the head is no newest second any more. */
const unsignedMsMax = 60_000;

export function verifyFolder(options: VerifyOptions): Verification {
  // Checkpoints are read before the records, so that a log in use cannot seem shorter than its head.
  const found = readCheckpoints(options);
  if (found.kind === 'broken') return found;
  const numbers = existsSync(options.dir) ? segmentNumbers(options.dir) : [];
  if (numbers.length === 0) return broken(options.dir, 'there are no segments of a log here');
  const keys = new KeyRing(found.key);
  const check = new NoteCheck([...found.notes, ...readHistory(options.dir)], keys);
  let [firstSeq, lastAtHead] = [-1, ''];
  const reader: ChainReader = new ChainReader({
    each: (record) => {
      if (firstSeq < 0) firstSeq = record.seq;
      if (record.kind === 'key') keys.take(record);
    },
    block: () => {
      check.at(reader);
      if (reader.frontier.size === found.head.checkpoint.blocks) lastAtHead = reader.span.to;
    },
  });
  for (const number of numbers) {
    const name = segmentName(number);
    const misfit = reader.read(name, readFileSync(join(options.dir, name)));
    if (check.other !== undefined) return check.other;
    if (misfit !== undefined) return fromMisfit(misfit, options.dir);
  }
  const problem =
    check.missing(reader) ?? strange(found.notes, keys, reader.instance) ?? tooFarBehind(reader, lastAtHead);
  if (problem !== undefined) return problem;
  return {
    kind: 'whole',
    records: reader.records,
    ...reader.span,
    head: found.head.checkpoint,
    unsigned: reader.seq - found.head.checkpoint.records,
    checkpoints: found.notes.length,
    firstSeq,
  };
}

interface FoundNote {
  readonly file: string;
  readonly text: string;
  readonly checkpoint: Checkpoint;
  /** A history line counts against the log only when it is signed; the file itself may be torn or gone. */
  readonly weight: 'full' | 'history';
}

type Broken = Extract<Verification, { readonly kind: 'broken' }>;

interface Found {
  readonly kind: 'found';
  readonly key: KeyObject;
  readonly head: FoundNote;
  readonly notes: readonly FoundNote[];
}

function readCheckpoints(options: VerifyOptions): Found | Broken {
  const keyFile = options.keyFile ?? join(options.dir, publicKeyFile);
  const key = readPublicKey(readText(keyFile) ?? '');
  if (key === undefined) return broken(keyFile, 'there is no Ed25519 public key here');
  const own = existsSync(options.dir) ? readdirSync(options.dir).filter((name) => name.endsWith('.note')) : [];
  const notes: FoundNote[] = [];
  for (const file of [...own.map((name) => join(options.dir, name)), ...(options.checkpoints ?? [])]) {
    const text = readText(file);
    const note = readNote(text ?? '', []);
    if (text === undefined || note.kind === 'unreadable') {
      return broken(file, note.kind === 'unreadable' ? `not a checkpoint: ${note.why}` : 'there is no such file');
    }
    notes.push({ file, text, checkpoint: note.checkpoint, weight: 'full' });
  }
  const head = notes.find((note) => note.file === join(options.dir, headFile));
  if (head === undefined) return broken(join(options.dir, headFile), 'the newest checkpoint is missing');
  return { kind: 'found', key, head, notes };
}

function readHistory(dir: string): readonly FoundNote[] {
  const file = join(dir, historyFile);
  return splitNotes(readText(file) ?? '').flatMap((text) => {
    const note = readNote(text, []);
    return note.kind === 'note' ? [{ file, text, checkpoint: note.checkpoint, weight: 'history' as const }] : [];
  });
}

/** Holds each checkpoint against the tree when the reader passes its size. */
class NoteCheck {
  readonly #notes: readonly FoundNote[];
  readonly #keys: KeyRing;
  #next = 0;
  #fits: FoundNote | undefined;
  other: Broken | undefined;

  constructor(notes: readonly FoundNote[], keys: KeyRing) {
    this.#notes = [...notes].sort((a, b) => a.checkpoint.blocks - b.checkpoint.blocks);
    this.#keys = keys;
  }

  at(reader: ChainReader): void {
    let root: string | undefined;
    for (let note = this.#notes[this.#next]; note !== undefined; note = this.#notes[this.#next]) {
      if (note.checkpoint.blocks > reader.frontier.size || this.other !== undefined) return;
      this.#next += 1;
      // Older than the first segment that is here: nothing to hold it against.
      if (note.checkpoint.blocks < reader.frontier.size) continue;
      root ??= reader.frontier.root();
      if (note.checkpoint.root === root && note.checkpoint.records === reader.closedSeq) this.#fits = note;
      else if (note.weight === 'full' || isSigned(note, this.#keys)) this.#differs(note);
    }
  }

  missing(reader: ChainReader): Broken | undefined {
    const beyond = this.#notes.filter((each) => each.checkpoint.blocks > reader.frontier.size);
    const note = beyond.filter((each) => each.weight === 'full' || isSigned(each, this.#keys)).at(-1);
    if (note === undefined) return undefined;
    return broken(
      note.file,
      `the log ends before record ${reader.seq}, but this checkpoint speaks for ${note.checkpoint.records} records: ` +
        `records ${reader.seq} to ${note.checkpoint.records - 1} are missing`,
    );
  }

  #differs(note: FoundNote): void {
    const from = this.#fits?.checkpoint.records ?? 0;
    const after = this.#fits === undefined ? '' : ` (the checkpoint before, ${basename(this.#fits.file)}, fits)`;
    this.other = broken(
      note.file,
      `the records are not the ones this checkpoint speaks for: the first that is not as it was written is one of ` +
        `records ${from} to ${note.checkpoint.records - 1}${after}`,
    );
  }
}

/** The key that is believed, and those that it leads to, forwards and backwards, by one key vouching for the next. */
class KeyRing {
  readonly #believed: KeyObject;
  readonly #rotations: { readonly from: KeyObject; readonly to: KeyObject }[] = [];
  #last: KeyObject | undefined;

  constructor(believed: KeyObject) {
    this.#believed = believed;
  }

  take(record: Extract<LoggedRecord, { readonly kind: 'key' }>): void {
    const key = keyFromText(record.public);
    if (key === undefined) return;
    const from = this.#last;
    if (from !== undefined && record.vouched !== undefined && isVouchedFor(record.public, record.vouched, from)) {
      this.#rotations.push({ from, to: key });
    }
    this.#last = key;
  }

  get keys(): readonly KeyObject[] {
    const keys = [this.#believed];
    for (const { from, to } of this.#rotations) if (keys.some((key) => key.equals(from))) keys.push(to);
    for (const { from, to } of [...this.#rotations].reverse()) if (keys.some((key) => key.equals(to))) keys.push(from);
    return keys;
  }
}

function isSigned(found: FoundNote, ring: KeyRing): boolean {
  const note = readNote(found.text, ring.keys);
  return note.kind === 'note' && note.signed === 'yes';
}

function strange(notes: readonly FoundNote[], ring: KeyRing, instance: string): Broken | undefined {
  for (const note of notes) {
    if (note.checkpoint.origin !== `countersign/${instance}`) {
      return broken(note.file, `this checkpoint speaks for ${visible(note.checkpoint.origin, 100)}, not for this log`);
    }
    if (!isSigned(note, ring)) return broken(note.file, 'this checkpoint is not signed with the log’s key');
  }
  return undefined;
}

function tooFarBehind(reader: ChainReader, lastAtHead: string): Broken | undefined {
  const behindMs = Date.parse(reader.span.to) - Date.parse(lastAtHead);
  if (behindMs <= unsignedMsMax) return undefined;
  return broken(headFile, `the records after ${lastAtHead}, up to ${reader.span.to}, are under no checkpoint`);
}

function fromMisfit(misfit: Misfit, dir: string): Broken {
  return { kind: 'broken', file: join(dir, misfit.file), line: misfit.line, words: misfit.words };
}

function broken(file: string, words: string): Broken {
  return { kind: 'broken', file, line: undefined, words };
}
