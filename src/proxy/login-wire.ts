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
    for (;;) {
      this.#signal.throwIfAborted();
      const chunk: unknown = this.#socket.read(count);
      if (Buffer.isBuffer(chunk) && chunk.length === count) return chunk;
      // At the end of the stream `read` gives what is left, however little.
      if (chunk !== null || this.#socket.readableEnded || this.#socket.destroyed) throw hungUp();
      await this.#readable();
    }
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
  return new ProxyError('UPSTREAM_UNREACHABLE', 'the database server closed the connection during login', { cause });
}
