// Rows with some columns masked: DataRow frames and rows of binary COPY. Masked rows are written one behind the other into a slab,
// so that they leave as one piece; what is not masked is copied as it is.
import { violation } from '../wire/cursor.ts';
import type { ValueMask } from './mask-types.ts';

/** Where a masked row lies. Valid until the socket has it. */
export interface Rewritten {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

const slabBytes = 64 * 1024;

/** What a binary COPY begins with; flags and the length of an extension follow. (Chapter COPY of the Postgres manual.) */
const copyHead = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');

/** Room that is written front to back and never twice: a socket may still hold what was written. */
export class Slab {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  room(size: number): { readonly bytes: Buffer; readonly at: number } {
    if (this.#bytes.length - this.#at < size) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(slabBytes, size));
      this.#at = 0;
    }
    return { bytes: this.#bytes, at: this.#at };
  }

  written(end: number): void {
    this.#at = end;
  }
}

export class RowMasker {
  readonly #columns: readonly (ValueMask | undefined)[];
  readonly #growth: number;
  readonly #slab = new Slab();

  /** By place in the row; undefined: passes as it is. */
  constructor(columns: readonly (ValueMask | undefined)[]) {
    this.#columns = columns;
    this.#growth = columns.reduce((sum, mask) => sum + (mask?.bytesMax ?? 0), 0);
  }

  /** A whole DataRow frame. A row of another width than was foreseen is a defect, and nothing of it passes. */
  row(bytes: Buffer, start: number, end: number): Rewritten {
    return this.#frame(bytes, start, end, start + 5);
  }

  /** A CopyData frame of a binary COPY: its first one begins with the file's head, its last one is only the mark of the end. */
  copyRow(bytes: Buffer, start: number, end: number): Rewritten {
    let at = start + 5;
    if (
      end - at >= copyHead.length + 8 &&
      bytes.compare(copyHead, 0, copyHead.length, at, at + copyHead.length) === 0
    ) {
      at += copyHead.length + 8 + bytes.readUInt32BE(at + copyHead.length + 4);
    }
    const isEnd = end - at === 0 || (end - at === 2 && bytes.readInt16BE(at) === -1);
    return isEnd ? { bytes, start, end } : this.#frame(bytes, start, end, at);
  }

  /** `fields`: where the row's own count stands; what is before it passes as it is. */
  #frame(bytes: Buffer, start: number, end: number, fields: number): Rewritten {
    const room = this.#slab.room(end - start + this.#growth);
    const head = copy(bytes, start, fields, room.bytes, room.at);
    const last = this.#fields(bytes, fields, end, room.bytes, head);
    room.bytes.writeUInt32BE(last - room.at - 1, room.at + 1);
    this.#slab.written(last);
    return { bytes: room.bytes, start: room.at, end: last };
  }

  #fields(bytes: Buffer, start: number, end: number, target: Buffer, to: number): number {
    const columns = this.#columns;
    if (start > end) throw violation('a row that ends early');
    if (end - start < 2 || bytes.readUInt16BE(start) !== columns.length) throw violation('a row of another width');
    let read = start + 2;
    let copied = start;
    let at = to;
    for (let index = 0; index < columns.length; index += 1) {
      if (end - read < 4) throw violation('a row that ends early');
      const length = bytes.readInt32BE(read);
      const next = read + 4 + Math.max(length, 0);
      if (length < -1 || next > end) throw violation('a row that ends early');
      const mask = columns[index];
      if (mask !== undefined && length >= 0) {
        at = copy(bytes, copied, read, target, at);
        const size = mask.write(target, at + 4, bytes, read + 4, next);
        target.writeInt32BE(size, at);
        at += 4 + Math.max(size, 0);
        copied = next;
      }
      read = next;
    }
    if (read !== end) throw violation('a row that goes on');
    return copy(bytes, copied, end, target, at);
  }
}

/** Below this, a loop is quicker than a call into the runtime. */
const loopBytes = 256;

function copy(from: Buffer, start: number, end: number, target: Buffer, at: number): number {
  const size = end - start;
  if (size > loopBytes) from.copy(target, at, start, end);
  else for (let index = 0; index < size; index += 1) target[at + index] = from[start + index] ?? 0;
  return at + size;
}
