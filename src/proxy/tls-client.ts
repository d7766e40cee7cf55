// TLS towards the database, with `sslmode` and `sslrootcert` meaning what they mean to libpq.
import { readFileSync } from 'node:fs';
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect, rootCertificates, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { UpstreamTls } from '../core/config-types.ts';
import { ProxyError, wordsOf } from '../core/errors.ts';
import { visible } from '../core/visible.ts';
import { serverEndPoint } from '../wire/channel-binding.ts';
import { sslRequest } from '../wire/startup.ts';
import { LoginWire } from './login-wire.ts';

/** `plain`: none. `offer`: the server's wish decides. `insist`: TLS or nothing. */
export type Encryption = 'plain' | 'offer' | 'insist';

/** The ways to try, in order. The second is tried when the server refuses the first (see upstream.ts). */
export function attemptsFor(tls: UpstreamTls, isLocal: boolean): readonly Encryption[] {
  // As libpq: nobody listens on a Unix socket, and servers do not offer TLS there.
  if (isLocal) return ['plain'];
  switch (tls.mode) {
    case 'disable':
      return ['plain'];
    case 'allow':
      return ['plain', 'insist'];
    case 'prefer':
      return ['offer', 'plain'];
    default:
      return ['insist'];
  }
}

export interface SecureChannel {
  readonly socket: Socket;
  readonly secure: boolean;
  /** For SCRAM-SHA-256-PLUS. */
  readonly endPoint: Buffer | undefined;
}

export interface Secure {
  readonly host: string;
  readonly tls: UpstreamTls;
  readonly encryption: Encryption;
}

const answers = { yes: 'S'.charCodeAt(0), no: 'N'.charCodeAt(0) } as const;

/** Asks for TLS and shakes hands. */
export async function secured(socket: Socket, wanted: Secure, signal: AbortSignal): Promise<SecureChannel> {
  const plain = { socket, secure: false, endPoint: undefined };
  if (wanted.encryption === 'plain') return plain;
  const wire = new LoginWire(socket, signal);
  wire.send(sslRequest);
  const answer = (await wire.bytes(1)).readUInt8(0);
  // Bytes that come before the handshake are anybody's: somebody in the middle would have us take them for the server's words.
  if (wire.hasMore) throw refused('sent bytes before TLS began', 'Somebody may be between the proxy and the database.');
  if (answer === answers.no && wanted.encryption === 'offer') return plain;
  if (answer === answers.no) {
    throw refused(
      `does not offer TLS, which sslmode=${wanted.tls.mode} asks for`,
      'Turn ssl on there, or set sslmode=prefer.',
    );
  }
  // Also `E`: the words of an error that comes before TLS are anybody's, so they are not shown.
  if (answer !== answers.yes) throw refused('does not answer a TLS request as Postgres does', 'Check host and port.');
  const secure = await handshake(socket, wanted, signal);
  const certificate = secure.getPeerX509Certificate();
  return {
    socket: secure,
    secure: true,
    endPoint: certificate === undefined ? undefined : serverEndPoint(certificate.raw),
  };
}

function handshake(socket: Socket, wanted: Secure, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = connect({ ...tlsOptions(wanted), socket });
    const settle = (act: () => void): void => {
      secure.off('secureConnect', onSecure).off('error', onError).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const onSecure = (): void => settle(() => resolve(secure));
    const fail = (thrown: Error): void =>
      settle(() => {
        secure.on('error', () => undefined);
        secure.destroy();
        reject(thrown);
      });
    const onError = (cause: Error): void => fail(handshakeFailed(cause, wanted));
    const onClose = (): void => fail(handshakeFailed(new Error('the connection was closed'), wanted));
    const onAbort = (): void => fail(signal.reason as Error);
    secure.on('secureConnect', onSecure).on('error', onError).on('close', onClose);
    signal.addEventListener('abort', onAbort);
  });
}

/** So that upstream.ts can tell it from a refusal of the login. */
export class HandshakeFailed extends ProxyError {}

function handshakeFailed(cause: Error, wanted: Secure): HandshakeFailed {
  const hint = isTrustProblem(cause)
    ? 'Name the authority that signed it with sslrootcert=FILE in the URL.'
    : 'Check sslmode, sslrootcert and the host name in the URL against the certificate of the server.';
  const words = `TLS with the database server failed (sslmode=${wanted.tls.mode}): ${visible(wordsOf(cause), 300)}`;
  return new HandshakeFailed('UPSTREAM_REFUSED', words, { hint, cause });
}

function isTrustProblem(cause: Error): boolean {
  return 'code' in cause && typeof cause.code === 'string' && /SELF_SIGNED|UNABLE_TO|CERT_UNTRUSTED/.test(cause.code);
}

function tlsOptions(wanted: Secure): ConnectionOptions {
  const { tls, host } = wanted;
  const verify = verification(tls);
  return {
    minVersion: 'TLSv1.2',
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key.reveal() }),
    ...(verify === 'nothing' ? {} : { ca: authorities(tls.rootCert) }),
    // Without a root certificate `require` asks nobody who is there; that is what it means to libpq, and why the docs say verify-full.
    rejectUnauthorized: verify !== 'nothing',
    checkServerIdentity: (_, certificate) =>
      verify === 'chain and name' ? checkServerIdentity(host, certificate) : undefined,
  };
}

function verification(tls: UpstreamTls): 'nothing' | 'chain' | 'chain and name' {
  if (tls.mode === 'verify-full') return 'chain and name';
  if (tls.rootCert === 'system') {
    // Anybody can get a certificate from a public authority; without the name it proves nothing.
    throw new ProxyError(
      'CONFIG_INVALID',
      `sslrootcert=system goes with sslmode=verify-full only, not with ${tls.mode}`,
    );
  }
  if (tls.mode === 'verify-ca') return 'chain';
  // libpq: whoever names a root certificate has the chain checked in every mode; `prefer` then goes on without TLS, `require` does not.
  return tls.rootCert === undefined ? 'nothing' : 'chain';
}

/** Where distributions keep the bundle that OpenSSL reads. */
const bundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'];

/**
 * libpq wants a file in the home folder when none is named; a server process has none, so it is then the machine's own, as with
 * `system`. Both include Node's list, which is Mozilla's.
 */
function authorities(rootCert: string | undefined): string[] {
  if (rootCert !== undefined && rootCert !== 'system') return [rootCert];
  const named = process.env['SSL_CERT_FILE'];
  for (const file of named === undefined ? bundles : [named]) {
    try {
      return [...rootCertificates, readFileSync(file, 'utf8')];
    } catch (thrown) {
      if (named !== undefined)
        throw new ProxyError('CONFIG_INVALID', `SSL_CERT_FILE cannot be read: ${wordsOf(thrown)}`);
    }
  }
  return [...rootCertificates];
}

function refused(does: string, hint: string): ProxyError {
  return new ProxyError('UPSTREAM_REFUSED', `the database server ${does}`, { hint });
}
