// Where a plain connection becomes a TLS one, on the agent's side. One tls.Server that never listens: it is handed sockets that
// have said what they want, and it is the only thing in Node that says whether a client certificate is to be trusted.
import type { Socket } from 'node:net';
import { createServer, type Server, type TlsOptions, type TLSSocket } from 'node:tls';
import { ProxyError } from '../core/errors.ts';

/** The protocol name that direct TLS must agree on, so that no other protocol's bytes are taken for ours (ALPACA). */
const alpn = 'postgresql';

export interface TlsDoorOptions extends Pick<TlsOptions, 'cert' | 'key' | 'ca'> {
  /** Refuse agents that come without TLS. */
  readonly required: boolean;
  /** Our certificate's hash, which SCRAM-SHA-256-PLUS binds to. */
  readonly endPoint: Buffer | undefined;
}

interface Handshake {
  done(socket: TLSSocket): void;
  failed(error: Error): void;
}

export class TlsDoor {
  readonly required: boolean;
  readonly endPoint: Buffer | undefined;
  /** A `client_ca` is set: whoever shows no certificate of it does not get in, by TLS or without. */
  readonly needsCertificate: boolean;
  readonly #server: Server;
  /** By the peer's address, which TLS leaves alone; a live connection has it to itself. */
  readonly #handshakes = new Map<string, Handshake>();

  constructor(options: TlsDoorOptions) {
    this.required = options.required;
    this.endPoint = options.endPoint;
    const { cert, key, ca } = options;
    this.needsCertificate = ca !== undefined;
    this.#server = createServer({
      cert,
      key,
      ...(ca === undefined ? {} : { ca, requestCert: true }),
      // Refused with words after the password and not by a TLS alert: `authenticate.ts` asks each for its own.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      ALPNProtocols: [alpn],
    });
    this.#server.on('secureConnection', (socket) => this.#handshakes.get(peer(socket))?.done(socket));
  }

  /** `direct`: the agent began with TLS and must name the protocol in it. */
  secure(socket: Socket, how: 'asked' | 'direct', signal: AbortSignal): Promise<TLSSocket> {
    const from = peer(socket);
    return new Promise<TLSSocket>((resolve, reject) => {
      const handshake: Handshake = {
        done: (secured) => {
          if (how === 'asked' || secured.alpnProtocol === alpn) resolve(secured);
          else
            handshake.failed(
              new ProxyError('PROTOCOL_VIOLATION', 'direct TLS needs the application protocol "postgresql"'),
            );
        },
        failed: (error) => {
          socket.destroy();
          reject(error);
        },
      };
      this.#handshakes.set(from, handshake);
      signal.addEventListener(
        'abort',
        () => handshake.failed(new ProxyError('LOGIN_TIMEOUT', 'the TLS handshake took too long')),
        {
          once: true,
        },
      );
      socket.once('close', () => handshake.failed(new Error('the connection closed during the TLS handshake')));
      this.#server.emit('connection', socket);
    }).finally(() => this.#handshakes.delete(from));
  }
}

function peer(socket: Socket): string {
  return `${socket.remoteAddress ?? ''} ${socket.remotePort ?? 0} ${socket.localPort ?? 0}`;
}
