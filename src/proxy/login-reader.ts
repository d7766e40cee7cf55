// Reads the first bytes of a connection, exactly as many as asked for, so that what follows stays in the socket: TLS must find
// its own bytes there, and the session what was sent behind the password. Every wait has the login's deadline.
import type { Socket } from 'node:net';
import { ProxyError } from '../core/errors.ts';

export class LoginReader {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
  }

  /** The next `size` bytes; undefined when the peer closed before any of them came. */
  async exactly(size: number): Promise<Buffer | undefined> {
    const pieces: Buffer[] = [];
    let missing = size;
    while (missing > 0) {
      this.#signal.throwIfAborted();
      // What is there is taken piece by piece. Asked for more than it has, the stream says "readable" for ever without letting the
      // event loop turn: a stranger's half of a start-up packet would stop the whole proxy.
      const piece: unknown = this.#socket.read(Math.min(missing, this.#socket.readableLength));
      if (Buffer.isBuffer(piece)) {
        pieces.push(piece);
        missing -= piece.length;
      } else if (this.#socket.readableEnded || this.#socket.destroyed) {
        if (pieces.length === 0) return undefined;
        throw new ProxyError('PROTOCOL_VIOLATION', 'the connection closed in the middle of a message');
      } else await this.#more();
    }
    return Buffer.concat(pieces);
  }

  /** A message with its type byte: its type and body. */
  async message(lengthMax: number): Promise<{ readonly type: number; readonly body: Buffer }> {
    const head = await this.exactly(5);
    if (head === undefined) throw new ProxyError('PROTOCOL_VIOLATION', 'the connection closed during login');
    const length = head.readUInt32BE(1);
    if (length < 4) throw new ProxyError('PROTOCOL_VIOLATION', `a login message of ${length} bytes`);
    if (length > lengthMax) {
      const words = `a login message of ${length} bytes is over the limit of ${lengthMax} bytes`;
      throw new ProxyError('MESSAGE_TOO_LARGE', words, {
        hint: 'Shorten the password, or raise limits.login_message.',
      });
    }
    const body = await this.exactly(length - 4);
    if (body === undefined) throw new ProxyError('PROTOCOL_VIOLATION', 'the connection closed during login');
    return { type: head[0] ?? 0, body };
  }

  /** Bytes that came in before they were asked for. */
  get waiting(): number {
    return this.#socket.readableLength;
  }

  /** Everything that is there already, for whoever takes over. */
  rest(): Buffer {
    const bytes: unknown = this.#socket.read();
    return Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0);
  }

  #more(): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        socket.off('readable', go);
        socket.off('end', go);
        socket.off('close', go);
        socket.off('error', fail);
        this.#signal.removeEventListener('abort', abort);
      };
      const go = (): void => {
        stop();
        resolve();
      };
      const fail = (error: Error): void => {
        stop();
        reject(error);
      };
      const abort = (): void => {
        fail(this.#signal.reason instanceof Error ? this.#signal.reason : new Error('login was ended'));
      };
      socket.on('readable', go);
      socket.on('end', go);
      socket.on('close', go);
      socket.on('error', fail);
      this.#signal.addEventListener('abort', abort);
    });
  }
}
