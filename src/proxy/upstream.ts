// One connection to the database behind: dial, TLS as `sslmode` says, log in, and hand the socket over with nothing read too much.
import { connect, type Socket } from 'node:net';
import type { DatabaseConfig, UpstreamLogin } from '../core/config-types.ts';
import { ProxyError, wordsOf } from '../core/errors.ts';
import { visible } from '../core/visible.ts';
import { encodeStartup } from '../wire/startup.ts';
import { attemptsFor, HandshakeFailed, secured, type Encryption, type SecureChannel } from './tls-client.ts';
import { readThroughSlab } from './slab.ts';
import { LoginRejected, logIn, type BackendKey } from './upstream-login.ts';

/** Where and as whom; a `DatabaseConfig` is one. */
export type UpstreamTarget = Pick<
  DatabaseConfig,
  'host' | 'port' | 'database' | 'tls' | 'requireAuth' | 'connectMsMax'
> & { readonly login: UpstreamLogin };

export interface UpstreamOptions {
  readonly target: UpstreamTarget;
  /** Start-up parameters besides user and database. */
  readonly parameters: ReadonlyMap<string, string>;
}

export interface Upstream {
  /** Paused, without listeners of ours but one that keeps an early error from ending the process. */
  readonly socket: Socket;
  /** What ParameterStatus said; Latin-1 texts, see wire/cursor.ts. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly key: BackendKey;
  readonly serverMajor: number;
  readonly secure: boolean;
}

export async function connectUpstream(options: UpstreamOptions, signal: AbortSignal): Promise<Upstream> {
  const { target } = options;
  return await withDeadline(target, signal, async (bounded) => {
    const [first, second] = attemptsFor(target.tls, isLocal(target));
    try {
      return await attempt(options, first ?? 'insist', bounded);
    } catch (thrown) {
      if (second === undefined || !isAboutEncryption(thrown)) throw thrown;
      return await attempt(options, second, bounded);
    }
  });
}

/**
 * Whether the other encryption may be what the server wants: pg_hba.conf turned this one away, or TLS itself failed. libpq tries
 * again after any error, which makes two failed logins of each wrong password.
 */
function isAboutEncryption(thrown: unknown): boolean {
  if (thrown instanceof LoginRejected) return thrown.sqlState === '28000';
  return thrown instanceof HandshakeFailed;
}

async function attempt(options: UpstreamOptions, encryption: Encryption, signal: AbortSignal): Promise<Upstream> {
  const { target } = options;
  const socket = await dial(target, signal);
  try {
    const channel = await secured(socket, { host: target.host, tls: target.tls, encryption }, signal);
    const request = {
      database: target.database,
      login: target.login,
      requireAuth: target.requireAuth,
      parameters: options.parameters,
      isLocal: isLocal(target),
    };
    const result = await logIn(channel, request, signal);
    return { ...result, socket: guarded(channel), secure: channel.secure };
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  }
}

function guarded(channel: SecureChannel): Socket {
  channel.socket.on('error', () => undefined);
  return channel.socket;
}

const isLocal = (target: UpstreamTarget): boolean => target.host.startsWith('/');

function dial(target: UpstreamTarget, signal: AbortSignal): Promise<Socket> {
  const { host, port } = target;
  return new Promise((resolve, reject) => {
    const onread = readThroughSlab((chunk) => socket.push(chunk));
    const socket = isLocal(target)
      ? connect({ path: `${host}/.s.PGSQL.${port}`, onread })
      : connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000, onread });
    const settle = (act: () => void): void => {
      socket.off('connect', onConnect).off('error', onError);
      signal.removeEventListener('abort', onAbort);
      // Errors between two readers are seen by the next one as a closed socket.
      socket.on('error', () => undefined);
      act();
    };
    const onConnect = (): void => settle(() => resolve(socket));
    const onError = (cause: Error): void => settle(() => reject(unreachable(target, cause)));
    const onAbort = (): void =>
      settle(() => {
        socket.destroy();
        reject(signal.reason as Error);
      });
    socket.on('connect', onConnect).on('error', onError);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}

const reasons: Readonly<Record<string, readonly [words: string, hint: string]>> = {
  ECONNREFUSED: ['nobody listens there', 'Start the database, or mend host and port in its url.'],
  ENOTFOUND: ['no such host', 'Mend the host in its url.'],
  EAI_AGAIN: ['the name cannot be looked up now', 'Check DNS on this machine.'],
  ENOENT: ['no such socket', 'Mend the folder in its url (host=/path), or start the database.'],
  EACCES: ['the socket may not be opened', 'Let the user of the proxy read that folder.'],
  EHOSTUNREACH: ['no way to that host', 'Check network and firewall.'],
  ENETUNREACH: ['no way to that network', 'Check network and firewall.'],
  ETIMEDOUT: ['no answer', 'Check network and firewall.'],
};

function unreachable(target: UpstreamTarget, cause: Error): ProxyError {
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const [words, hint] = reasons[code] ?? [visible(wordsOf(cause), 200), 'Check host and port in its url.'];
  return new ProxyError('UPSTREAM_UNREACHABLE', `the database at ${placeOf(target)} cannot be reached: ${words}`, {
    hint,
    cause,
  });
}

export function placeOf(target: UpstreamTarget): string {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  return visible(`${host}:${target.port}`, 200);
}

/** Runs `act` with a signal that ends with the caller's, or when the time for connecting is over. */
async function withDeadline<T>(
  target: UpstreamTarget,
  signal: AbortSignal,
  act: (bounded: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    const words = `the database at ${placeOf(target)} did not let us in within ${target.connectMsMax} ms`;
    const hint = 'Check network and load there, or raise limits.upstream_connect_time.';
    deadline.abort(new ProxyError('UPSTREAM_UNREACHABLE', words, { hint }));
  }, target.connectMsMax);
  try {
    return await act(AbortSignal.any([signal, deadline.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Asks the server to stop what a connection runs; settles when the server has taken note (it closes the connection then). With TLS
 * where the connection had it: the key would let anybody cancel for as long as the session lives.
 */
export async function sendCancel(
  target: UpstreamTarget,
  upstream: Pick<Upstream, 'key' | 'secure'>,
  signal: AbortSignal,
): Promise<void> {
  await withDeadline(target, signal, async (bounded) => {
    const socket = await dial(target, bounded);
    try {
      const encryption = upstream.secure ? 'insist' : 'plain';
      const channel = await secured(socket, { host: target.host, tls: target.tls, encryption }, bounded);
      channel.socket.write(encodeStartup({ kind: 'cancel', ...upstream.key }));
      await closed(channel.socket, bounded);
    } finally {
      socket.destroy();
    }
  });
}

function closed(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const onAbort = (): void => settle(() => reject(signal.reason as Error));
    // A reset is as good as an end: Postgres closes without reading on.
    socket.on('error', () => undefined).once('close', () => settle(resolve));
    signal.addEventListener('abort', onAbort);
    socket.resume();
  });
}
