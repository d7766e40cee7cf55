// The memory of the block that is being written: lines that were taken in this turn, behind those that the kernel has already. Lines are
// put here as bytes at once, so that handing them over, and hashing them when the block ends, needs no other copy.
//
//   0 · 1                  handed            taken
//   └ the leaf's mark      │ the kernel has  │ waits for the end of the turn
//
// Knows bytes and one block; the chain is the log's.
import { generalLine } from './canonical.ts';
import { leafHashMarked } from './chain.ts';
import { LineBytes } from './line-bytes.ts';
import type { LoggedBody, Stamp } from './record.ts';

const roomBytes = 1024 * 1024;
/** The first byte is zero, and marks a leaf when the block is hashed. */
const first = 1;

export class OpenBlock {
  readonly #lines = new LineBytes();
  #room = Buffer.alloc(roomBytes);
  #handed = first;
  #taken = first;

  /** What the kernel has of it, the mark included. */
  get bytes(): number {
    return this.#handed;
  }

  get isEmpty(): boolean {
    return this.#handed === first;
  }

  get isWaiting(): boolean {
    return this.#taken > this.#handed;
  }

  /** Throws, and has taken nothing, when the record cannot be written down. */
  take(body: LoggedBody, stamp: Stamp): void {
    if (this.#lines.takes(body, stamp)) {
      this.#makeRoom(this.#lines.bytesMax(body));
      this.#taken = this.#lines.put(body, stamp, this.#room, this.#taken);
      return;
    }
    const line = `${generalLine(body, stamp)}\n`;
    this.#makeRoom(Buffer.byteLength(line));
    this.#taken += this.#room.write(line, this.#taken, 'utf8');
  }

  /** Lines that wait to be handed over; they stay as they are until then. */
  waiting(): Uint8Array {
    return this.#room.subarray(this.#handed, this.#taken);
  }

  /** The kernel has all that waited. */
  handedOver(): void {
    this.#handed = this.#taken;
  }

  dropWaiting(): void {
    this.#taken = this.#handed;
  }

  /** The block's hash; the next one begins. */
  close(): string {
    const leaf = leafHashMarked(this.#room.subarray(0, this.#handed));
    this.begin();
    return leaf;
  }

  begin(): void {
    this.#handed = first;
    this.#taken = first;
    if (this.#room.length > roomBytes) this.#room = Buffer.alloc(roomBytes);
  }

  #makeRoom(bytes: number): void {
    if (this.#room.length - this.#taken >= bytes) return;
    const room = Buffer.alloc(Math.max(roomBytes, 2 * (this.#taken + bytes)));
    this.#room.copy(room, 0, 0, this.#taken);
    this.#room = room;
  }
}
