// Bytes on their way to one socket, collected so that neighbouring frames leave as one piece and one turn as one system call.
// Frames are sent as the very bytes that came in: a frame that follows its neighbour in the same chunk is not even cut out.
import type { Socket } from 'node:net';

export class Outbox {
  readonly #socket: Socket;
  readonly #waitingBytesMax: number;
  #pieces: Buffer[] = [];
  #open: Buffer | undefined;
  #start = 0;
  #end = 0;
  #bytes = 0;

  /** `waitingBytesMax`: what may wait for a slow peer before whoever fills it is told to wait too. */
  constructor(socket: Socket, waitingBytesMax: number) {
    this.#socket = socket;
    this.#waitingBytesMax = waitingBytesMax;
  }

  get empty(): boolean {
    return this.#open === undefined && this.#pieces.length === 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(bytes: Buffer, start: number, end: number): void {
    this.#bytes += end - start;
    if (this.#open === bytes && this.#end === start) {
      this.#end = end;
      return;
    }
    this.#close();
    this.#open = bytes;
    this.#start = start;
    this.#end = end;
  }

  addAll(bytes: Buffer): void {
    this.add(bytes, 0, bytes.length);
  }

  clear(): void {
    this.#pieces = [];
    this.#open = undefined;
    this.#bytes = 0;
  }

  /** Writes everything; false when the peer is slower than we are and should be waited for. */
  flush(): boolean {
    const open = this.#open;
    this.#bytes = 0;
    // Nearly always one piece: no list is made for it.
    if (this.#pieces.length === 0) {
      this.#open = undefined;
      return open === undefined || this.#socket.write(this.#piece(open)) || this.#hasRoom();
    }
    this.#close();
    const pieces = this.#pieces;
    this.#pieces = [];
    let room = true;
    this.#socket.cork();
    for (const piece of pieces) room = this.#socket.write(piece);
    this.#socket.uncork();
    return room || this.#hasRoom();
  }

  #hasRoom(): boolean {
    return this.#socket.writableLength <= this.#waitingBytesMax;
  }

  #close(): void {
    if (this.#open === undefined) return;
    this.#pieces.push(this.#piece(this.#open));
    this.#open = undefined;
  }

  #piece(open: Buffer): Buffer {
    const whole = this.#start === 0 && this.#end === open.length;
    return whole ? open : open.subarray(this.#start, this.#end);
  }
}
