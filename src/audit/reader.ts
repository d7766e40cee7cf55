// Reads a log's lines in order and says where the first one stands that does not fit. The writer's tail check and the auditor's
// `verify` are the same code, so that neither believes what the other would not. Knows bytes; opens no files.
import { Frontier, genesis, isFrontier, leafHash } from './chain.ts';
import type { LoggedRecord } from './record.ts';

/** The first record that does not fit, in words a person can act on. */
export interface Misfit {
  readonly file: string;
  readonly line: number;
  readonly seq: number | undefined;
  readonly words: string;
  /** Where in the file all that fits ends. */
  readonly goodBytes: number;
}

export interface ReadOptions {
  /** Called with each record that fits, before the end of its block is known. */
  readonly each?: (record: LoggedRecord, place: { readonly file: string; readonly line: number }) => void;
  /** Called when a block is complete, before the next record is: its place in the file, and its hash. */
  readonly block?: (block: { readonly start: number; readonly end: number; readonly hash: string }) => void;
}

export class ChainReader {
  readonly #options: ReadOptions;
  #frontier = new Frontier();
  #begun = false;
  #seq = 0;
  #closedSeq = 0;
  #prev = genesis;
  #instance = '';
  #firstAt = '';
  #lastAt = '';
  #records = 0;

  constructor(options: ReadOptions = {}) {
    this.#options = options;
  }

  /** `seq` of the next record. */
  get seq(): number {
    return this.#seq;
  }

  /** `seq` behind the last complete block. */
  get closedSeq(): number {
    return this.#closedSeq;
  }

  /** Hash of the last complete block. */
  get prev(): string {
    return this.#prev;
  }

  get frontier(): Frontier {
    return this.#frontier;
  }

  get instance(): string {
    return this.#instance;
  }

  /** How many were read here; less than `seq` when the first segments were archived elsewhere. */
  get records(): number {
    return this.#records;
  }

  get span(): { readonly from: string; readonly to: string } {
    return { from: this.#firstAt, to: this.#lastAt };
  }

  /** Reads one whole segment. A last line without its line feed is a misfit too: it was torn. */
  read(file: string, bytes: Buffer): Misfit | undefined {
    let block: OpenBlock | undefined;
    let start = 0;
    for (let line = 1; start < bytes.length; line += 1) {
      const end = bytes.indexOf(lineFeed, start);
      const misfit = (seq: number | undefined, words: string): Misfit => ({ file, line, seq, words, goodBytes: start });
      if (end < 0) return misfit(undefined, 'the line is torn: its end is missing');
      const record = parseRecord(bytes.toString('utf8', start, end));
      if (typeof record === 'string') return misfit(undefined, record);
      const jump = this.#jumps(record);
      if (jump !== undefined) return misfit(record.seq, jump);
      if (block !== undefined && record.prev !== block.prev) {
        const hash = this.#close(bytes.subarray(block.start, start));
        this.#options.block?.({ start: block.start, end: start, hash });
        if (record.prev !== hash) {
          return changedBefore({ file, bytes, block, line, start, record });
        }
        block = undefined;
      }
      const why = block === undefined ? this.#beginsBlock(record, line) : undefined;
      if (why !== undefined) return misfit(record.seq, why);
      block ??= { prev: record.prev, start, line, seq: record.seq };
      this.#took(record);
      this.#options.each?.(record, { file, line });
      start = end + 1;
    }
    if (block === undefined)
      return {
        file,
        line: 1,
        seq: undefined,
        words: `record ${this.#seq} comes next, but the segment is empty`,
        goodBytes: 0,
      };
    const hash = this.#close(bytes.subarray(block.start));
    this.#options.block?.({ start: block.start, end: bytes.length, hash });
    return undefined;
  }

  #jumps(record: LoggedRecord): string | undefined {
    if (!this.#begun || record.seq === this.#seq) return undefined;
    return `record ${this.#seq} comes next, but here stands record ${record.seq}`;
  }

  #close(bytes: Buffer): string {
    const hash = leafHash(bytes);
    this.#frontier.add(hash);
    this.#prev = hash;
    this.#closedSeq = this.#seq;
    return hash;
  }

  #beginsBlock(record: LoggedRecord, line: number): string | undefined {
    if (line === 1) {
      if (record.kind !== 'segment') return 'a segment begins with a record of kind segment';
      const { blocks, frontier } = record;
      if (!isFrontier(blocks, frontier))
        return `the segment says how the blocks before it end, and there is no tree of ${blocks} blocks like that`;
      if (!this.#begun) this.#beginAt(record);
      const head = this.#frontier;
      if (record.blocks !== head.size || record.frontier.join() !== head.roots.join()) {
        return `the segment says ${record.blocks} blocks come before it, where ${head.size} do, or other ones`;
      }
    }
    return record.prev === this.#prev
      ? undefined
      : `record ${record.seq} does not follow: it, or the end of the segment before, is not as it was written`;
  }

  /** The first segment that is there need not be the first there was: older ones may be archived elsewhere. */
  #beginAt(record: Extract<LoggedRecord, { readonly kind: 'segment' }>): void {
    this.#begun = true;
    this.#frontier = new Frontier(record.blocks, record.frontier);
    this.#seq = record.seq;
    this.#prev = record.prev;
    this.#firstAt = record.at;
  }

  #took(record: LoggedRecord): void {
    if (record.kind === 'segment') this.#instance = record.instance;
    this.#seq = record.seq + 1;
    this.#records += 1;
    this.#lastAt = record.at;
  }
}

const lineFeed = 10;

interface OpenBlock {
  readonly prev: string;
  readonly start: number;
  readonly line: number;
  readonly seq: number;
}

/**
 * `record` links to something else than the block before it. Either that block was changed, or this link was. The block that begins
 * here tells: if its own hash is what comes next, its link is as it was written, and the block before is the changed one.
 */
function changedBefore(at: {
  readonly file: string;
  readonly bytes: Buffer;
  readonly block: OpenBlock;
  readonly line: number;
  readonly start: number;
  readonly record: LoggedRecord;
}): Misfit {
  const { block, record } = at;
  const many = at.line - block.line > 1;
  const before = many
    ? `one of the records ${block.seq} to ${block.seq + at.line - block.line - 1}`
    : `record ${block.seq}`;
  const place = { file: at.file, goodBytes: block.start };
  switch (linkFits(at.bytes, at.start, record.prev)) {
    case 'yes':
      return {
        ...place,
        line: block.line,
        seq: block.seq,
        words: `${before} is not as it was written, or one was taken out`,
      };
    case 'no':
      return { ...place, line: at.line, seq: record.seq, words: `record ${record.seq} is not as it was written` };
    case 'cannot tell':
      return {
        ...place,
        line: block.line,
        seq: block.seq,
        words: `${before}, or the link of record ${record.seq}, is not as it was written`,
      };
  }
}

function linkFits(bytes: Buffer, start: number, prev: string): 'yes' | 'no' | 'cannot tell' {
  for (let at = start; at < bytes.length;) {
    const end = bytes.indexOf(lineFeed, at);
    if (end < 0) return 'cannot tell';
    const record = parseRecord(bytes.toString('utf8', at, end));
    if (typeof record === 'string') return 'cannot tell';
    if (record.prev !== prev) return leafHash(bytes.subarray(start, at)) === record.prev ? 'yes' : 'no';
    at = end + 1;
  }
  return 'cannot tell';
}

/** A record, or why the line is none. Only canonical lines count: a second `verdict` in one line would have two readings. */
export function parseRecord(line: string): LoggedRecord | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'the line is not JSON';
  }
  if (!isRecord(value)) return 'the line is not a record with seq, prev, at and kind';
  return isCanonical(value, line) ? value : 'the line is not in canonical form';
}

function isRecord(value: unknown): value is LoggedRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'seq' in value &&
    Number.isSafeInteger(value.seq) &&
    'prev' in value &&
    typeof value.prev === 'string' &&
    'at' in value &&
    typeof value.at === 'string' &&
    'kind' in value &&
    typeof value.kind === 'string' &&
    (value.kind !== 'segment' || isSegmentBegun(value))
  );
}

function isSegmentBegun(value: object): boolean {
  return (
    'blocks' in value &&
    Number.isSafeInteger(value.blocks) &&
    'frontier' in value &&
    Array.isArray(value.frontier) &&
    'instance' in value &&
    typeof value.instance === 'string'
  );
}

/** JSON.parse keeps the order of names, so a canonical line comes back the same, and its names are sorted. */
function isCanonical(value: object, line: string): boolean {
  if (JSON.stringify(value) !== line) return false;
  let last = '';
  for (const name of Object.keys(value)) {
    if (name < last) return false;
    last = name;
  }
  return true;
}
