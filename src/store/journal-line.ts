// The journal's text: one line for each group of changes that became durable together, and reading it back.
//
//   CHECKSUM [LINE NUMBER, {"journal":1,"kept":N}]               the first line: N lines of what was kept when it was last made anew
//   CHECKSUM [LINE NUMBER, [[key, version, value, expiry?] …]]   set; [key] alone: deleted
//
// A line is written only after the one before it is on the disk. So a bad line at the very end was never acknowledged and is cut
// off; a bad line with a good one behind it, or among those that were kept, was whole once: then somebody or something changed the
// file, and nobody can say which decisions are missing. That is not mended by guessing.
import { createHash } from 'node:crypto';
import { ProxyError } from '../core/errors.ts';
import { Documents, type Put } from './documents.ts';
import type { Version } from './store.ts';

export interface Replayed {
  readonly documents: Documents;
  /** Lines that count. */
  readonly lines: number;
  /** Where they end. What is behind was never acknowledged. */
  readonly bytes: number;
}

const format = 1;
const sumLength = 16;
const newline = 0x0a;

export function headLine(kept: number): string {
  return checked([1, { journal: format, kept }]);
}

export function putsLine(line: number, puts: readonly Put[]): string {
  return checked([line, puts.map(packed)]);
}

/** Throws with file and line when the file is not what was written. */
export function replay(file: string, bytes: Buffer): Replayed {
  const documents = new Documents();
  const lines = new Lines(bytes);
  const kept = keptOf(lines.next(1), file);
  let count = 1;
  let end = lines.at;
  for (; lines.more; count += 1, end = lines.at) {
    const puts = putsOf(lines.next(count + 1));
    if (puts === undefined) {
      if (count <= kept || lines.anyGoodBehind(count + 1)) throw damaged(file, count + 1);
      break;
    }
    for (const put of puts) documents.put(put);
  }
  if (count <= kept) throw damaged(file, count + 1);
  return { documents, lines: count, bytes: end };
}

class Lines {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  get more(): boolean {
    return this.#at < this.#bytes.length;
  }

  /** What the next line holds, when it is whole, its checksum fits and it is that line; else undefined. */
  next(number: number): unknown {
    const found = this.#take();
    return found?.number === number ? found.holds : undefined;
  }

  /** Whether any later line is good, wherever it stands: lines may have been taken out as well as changed. */
  anyGoodBehind(number: number): boolean {
    while (this.more) {
      const found = this.#take();
      if (found !== undefined && found.number >= number) return true;
    }
    return false;
  }

  #take(): { readonly number: unknown & number; readonly holds: unknown } | undefined {
    const end = this.#bytes.indexOf(newline, this.#at);
    const line = this.#bytes.subarray(this.#at, end === -1 ? this.#bytes.length : end);
    this.#at = end === -1 ? this.#bytes.length : end + 1;
    const body = line.subarray(sumLength + 1);
    if (end === -1 || line.toString('latin1', 0, sumLength) !== sumOf(body)) return undefined;
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (!Array.isArray(value) || typeof value[0] !== 'number') return undefined;
    return { number: value[0], holds: value[1] };
  }
}

function keptOf(head: unknown, file: string): number {
  if (typeof head !== 'object' || head === null || !('journal' in head) || !('kept' in head)) throw damaged(file, 1);
  if (head.journal !== format || typeof head.kept !== 'number') {
    throw new ProxyError(
      'UNAVAILABLE',
      `${file}:1: a journal of format ${String(head.journal)}; this program reads ${format}`,
      {
        hint: 'start the version that wrote it, or move the file away: holds that are open in it have to be asked again',
      },
    );
  }
  return head.kept;
}

function putsOf(holds: unknown): readonly Put[] | undefined {
  if (!Array.isArray(holds)) return undefined;
  const puts = holds.map(unpacked);
  return puts.every((put) => put !== undefined) ? puts : undefined;
}

function packed({ key, document }: Put): readonly unknown[] {
  if (document === undefined) return [key];
  const { value, version, expiresAt } = document;
  return expiresAt === undefined ? [key, version, value] : [key, version, value, expiresAt];
}

function unpacked(packedPut: unknown): Put | undefined {
  if (!Array.isArray(packedPut)) return undefined;
  const [key, version, value, expiresAt]: readonly unknown[] = packedPut;
  if (typeof key !== 'string') return undefined;
  if (version === undefined) return { key, document: undefined };
  if (typeof version !== 'string' || typeof value !== 'string') return undefined;
  if (expiresAt !== undefined && typeof expiresAt !== 'number') return undefined;
  return { key, document: { value, version: version as Version, expiresAt } };
}

function checked(value: unknown): string {
  const body = JSON.stringify(value);
  return `${sumOf(body)} ${body}\n`;
}

function sumOf(body: string | Buffer): string {
  return createHash('sha256').update(body).digest('hex').slice(0, sumLength);
}

function damaged(file: string, line: number): ProxyError {
  return new ProxyError(
    'UNAVAILABLE',
    `${file}:${line}: the line is damaged, and it is not the unfinished end of the file`,
    {
      hint: `bring the file back from a backup, or move it away to start empty: what was open or granted in it has to be asked again, and budgets start anew`,
    },
  );
}
