// A socket as the login reads it: so many bytes, one frame, nothing more. It never takes a byte that it was not asked for, so that
// whoever gets the socket afterwards (TLS, a session) finds everything that came behind.
import type { Socket } from 'node:net';
import { ProxyError } from '../core/errors.ts';

export interface WireFrame {
  readonly type: number;
  readonly body: Buffer;
}

/** No message of a login comes near this; a server that says so is none. */
const frameBytesMax = 1024 * 1024;

export class LoginWire {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
  }

  /** Whether bytes have come that nobody asked for. */
  get hasMore(): boolean {
    return this.#socket.readableLength > 0;
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  async frame(): Promise<WireFrame> {
    const header = await this.bytes(5);
    const length = header.readUInt32BE(1);
    if (length < 4 || length > frameBytesMax) {
      throw new ProxyError('UPSTREAM_REFUSED', 'what answers there is not a Postgres server', {
        hint: 'Check host and port.',
      });
    }
    return { type: header.readUInt8(0), body: length === 4 ? Buffer.alloc(0) : await this.bytes(length - 4) };
  }

  async bytes(count: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      this.#signal.throwIfAborted();
      // What is there is taken piece by piece. Asking the stream for more than it has, it would say "readable" for ever without
      // letting the event loop turn, and a server that sends half a message would stop the whole proxy.
      const piece: unknown = this.#socket.read(Math.min(missing, this.#socket.readableLength));
      if (Buffer.isBuffer(piece)) {
        pieces.push(piece);
        missing -= piece.length;
      } else if (this.#socket.readableEnded || this.#socket.destroyed) throw hungUp();
      else await this.#readable();
    }
    return Buffer.concat(pieces);
  }

  #readable(): Promise<void> {
    const socket = this.#socket;
    const signal = this.#signal;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', onError);
        signal.removeEventListener('abort', onAbort);
        act();
      };
      const onReadable = (): void => settle(resolve);
      const onEnd = (): void => settle(() => reject(hungUp()));
      const onError = (cause: Error): void => settle(() => reject(hungUp(cause)));
      const onAbort = (): void => settle(() => reject(signal.reason as Error));
      socket.on('readable', onReadable).on('end', onEnd).on('close', onEnd).on('error', onError);
      signal.addEventListener('abort', onAbort);
    });
  }
}

function hungUp(cause?: Error): ProxyError {
  return new ProxyError('UPSTREAM_UNREACHABLE', 'the database server closed the connection during login', {
    hint: 'Look into its log, and check that host and port in its url are those of a Postgres server.',
    cause,
  });
}
