// The checkpoints' half of `verify`: which there are, whose key signed them, and whether the records lead to them.
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { KeyObject } from 'node:crypto';
import { visible } from '../core/visible.ts';
import { isVouchedFor, keyFromText, readText } from './keys.ts';
import { notesIn, readNote, splitNotes, type Checkpoint } from './note.ts';
import type { ChainReader } from './reader.ts';
import type { LoggedRecord } from './record.ts';
import { headFile, historyFile } from './tail.ts';

export interface NoteTrouble {
  readonly file: string;
  readonly words: string;
  /** It was brought to check by, so it says nothing about the record. */
  readonly unchecked?: true;
}

export interface FoundNote {
  readonly file: string;
  readonly text: string;
  readonly checkpoint: Checkpoint;
  /**
   * `own`: a note of the folder. `elsewhere`: one that the auditor brought. `history`: counts only when it is signed, since its file may be
   * torn or gone. `peer`: what another instance's checkpoint says about this log; the auditor brought that one too.
   */
  readonly weight: 'own' | 'elsewhere' | 'history' | 'peer';
}

export function findNotes(dir: string, brought: readonly string[]): readonly FoundNote[] | NoteTrouble {
  const own = existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('.note')) : [];
  const files = [
    ...own.map((name) => ({ file: join(dir, name), weight: 'own' as const })),
    ...brought.map((file) => ({ file, weight: 'elsewhere' as const })),
  ];
  const notes: FoundNote[] = [];
  for (const { file, weight } of files) {
    const said = weight === 'own' ? {} : { unchecked: true as const };
    const text = readText(file);
    if (text === undefined) return { file, words: 'there is no such file', ...said };
    // A file of the folder is one note and nothing else; what an auditor brings may be a history, or copied out of a channel.
    const texts = weight === 'own' ? [text] : notesIn(text);
    for (const each of texts.length === 0 ? [text] : texts) {
      const note = readNote(each, []);
      if (note.kind === 'unreadable') return { file, words: `not a checkpoint: ${note.why}`, ...said };
      notes.push({ file, text: each, checkpoint: note.checkpoint, weight });
      if (weight === 'elsewhere') notes.push(...claimsAboutPeers(file, note.checkpoint));
    }
  }
  if (!notes.some((note) => isHead(note, dir)))
    return { file: join(dir, headFile), words: 'the newest checkpoint is missing' };
  return [...notes, ...readHistory(dir)];
}

export function isHead(note: FoundNote, dir: string): boolean {
  return note.weight === 'own' && note.file === join(dir, headFile);
}

function claimsAboutPeers(file: string, by: Checkpoint): readonly FoundNote[] {
  return by.peers.flatMap((peer) => {
    const [origin = '', blocks = '', root = ''] = peer.split(' ');
    if (!/^\d{1,15}$/.test(blocks) || !/^[0-9a-f]{64}$/.test(root)) return [];
    const checkpoint = { origin, blocks: Number(blocks), root, records: Number.NaN, at: by.at, peers: [] };
    return [{ file, text: '', checkpoint, weight: 'peer' as const }];
  });
}

function readHistory(dir: string): readonly FoundNote[] {
  const file = join(dir, historyFile);
  return splitNotes(readText(file) ?? '').flatMap((text) => {
    const note = readNote(text, []);
    return note.kind === 'note' ? [{ file, text, checkpoint: note.checkpoint, weight: 'history' as const }] : [];
  });
}

/** Holds each checkpoint against the tree when the reader passes its size. */
export class NoteCheck {
  readonly #notes: readonly FoundNote[];
  readonly #keys: KeyRing;
  readonly #others: readonly string[];
  readonly #differing: { readonly note: FoundNote; readonly fits: FoundNote | undefined }[] = [];
  #next = 0;
  #fits: FoundNote | undefined;

  constructor(notes: readonly FoundNote[], keys: KeyRing, others: readonly string[]) {
    this.#others = others;
    this.#notes = [...notes].sort((a, b) => a.checkpoint.blocks - b.checkpoint.blocks);
    this.#keys = keys;
  }

  at(reader: ChainReader): void {
    let root: string | undefined;
    for (let note = this.#notes[this.#next]; note !== undefined; note = this.#notes[this.#next]) {
      const { origin, blocks, records } = note.checkpoint;
      if (blocks > reader.frontier.size) return;
      this.#next += 1;
      // A checkpoint older than the first segment that is here has nothing to be held against.
      if (blocks < reader.frontier.size || origin !== originOf(reader)) continue;
      root ??= reader.frontier.root();
      const same = note.checkpoint.root === root && (note.weight === 'peer' || records === reader.closedSeq);
      if (!same) this.#differing.push({ note, fits: this.#fits });
      else if (note.weight !== 'peer') this.#fits = note;
    }
  }

  /** What the checkpoints that were passed so far say; whether one is signed shows only when the keys' records are read. */
  trouble(): NoteTrouble | undefined {
    for (const { note, fits } of this.#differing) {
      if (note.weight === 'peer' || isSigned(note, this.#keys)) return otherRecords(note, fits);
      if (note.weight !== 'history') return notSigned(note);
    }
    return undefined;
  }

  /** For the end of the log: what is missing, and checkpoints that are not this log's at all. */
  atEnd(reader: ChainReader): NoteTrouble | undefined {
    const own = this.#notes.filter((note) => note.checkpoint.origin === originOf(reader));
    const beyond = own.filter((note) => note.checkpoint.blocks > reader.frontier.size);
    const proof = beyond.filter((note) => note.weight !== 'history' || isSigned(note, this.#keys)).at(-1);
    if (proof !== undefined) return missingRecords(proof, reader);
    for (const note of this.#notes) {
      const strange = note.weight === 'own' || (note.weight === 'elsewhere' && !this.#speaksFor(note, reader));
      if (strange && note.checkpoint.origin !== originOf(reader)) {
        return {
          file: note.file,
          words: `this checkpoint speaks for ${visible(note.checkpoint.origin, 100)}, not for this log`,
        };
      }
    }
    const full = own.filter((note) => note.weight === 'own' || note.weight === 'elsewhere');
    const unsigned = full.find((note) => !isSigned(note, this.#keys));
    return unsigned === undefined ? undefined : notSigned(unsigned);
  }

  #speaksFor(note: FoundNote, reader: ChainReader): boolean {
    if (this.#others.includes(note.checkpoint.origin)) return true;
    return this.#notes.some(
      (each) => each.weight === 'peer' && each.file === note.file && each.checkpoint.origin === originOf(reader),
    );
  }
}

const originOf = (reader: ChainReader): string => `countersign/${reader.instance}`;

function otherRecords(note: FoundNote, fits: FoundNote | undefined): NoteTrouble {
  const from = fits?.checkpoint.records ?? 0;
  const after = fits === undefined ? '' : ` (the checkpoint before, ${basename(fits.file)}, fits)`;
  const to = note.weight === 'peer' ? `block ${note.checkpoint.blocks}` : `${note.checkpoint.records - 1}`;
  return {
    file: note.file,
    words:
      `the records are not the ones this checkpoint speaks for: the first that is not as it was written is one of ` +
      `records ${from} to ${to}${after}`,
  };
}

function missingRecords(note: FoundNote, reader: ChainReader): NoteTrouble {
  const { records, blocks } = note.checkpoint;
  const which =
    note.weight === 'peer'
      ? `${blocks} blocks, where ${reader.frontier.size} are here: record ${reader.seq} and those after it are missing`
      : `${records} records: records ${reader.seq} to ${records - 1} are missing`;
  return {
    file: note.file,
    words: `the log ends before record ${reader.seq}, but this checkpoint speaks for ${which}`,
  };
}

function notSigned(note: FoundNote): NoteTrouble {
  return { file: note.file, words: 'this checkpoint is not signed with the log’s key' };
}

function isSigned(found: FoundNote, ring: KeyRing): boolean {
  const note = readNote(found.text, ring.keys);
  return note.kind === 'note' && note.signed === 'yes';
}

/** The key that is believed, and those that it leads to, forwards and backwards, by one key vouching for the next. */
export class KeyRing {
  readonly #believed: KeyObject;
  readonly #rotations: { readonly from: KeyObject; readonly to: KeyObject }[] = [];
  readonly #seen: KeyObject[] = [];

  constructor(believed: KeyObject) {
    this.#believed = believed;
  }

  take(record: Extract<LoggedRecord, { readonly kind: 'key' }>): void {
    const key = keyFromText(record.public);
    if (key === undefined) return;
    const { public: text, vouched } = record;
    // Not proven yet: it may have been harmed.
    const from = typeof vouched === 'string' ? this.#seen.find((each) => isVouchedFor(text, vouched, each)) : undefined;
    if (from !== undefined) this.#rotations.push({ from, to: key });
    this.#seen.push(key);
  }

  get keys(): readonly KeyObject[] {
    const keys = [this.#believed];
    for (const { from, to } of this.#rotations) if (keys.some((key) => key.equals(from))) keys.push(to);
    for (const { from, to } of [...this.#rotations].reverse()) if (keys.some((key) => key.equals(to))) keys.push(from);
    return keys;
  }
}
