// `postgres://user:password@host:port/database?sslmode=…` as libpq means it, for the databases behind the proxy.
// Parsed by hand: the web's URL rules would fold, escape and repair what must be taken as it stands.
import { Secret } from './secrets.ts';
import { decoded, queryOf } from './url-parts.ts';

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof sslModes)[number];

/** What the server may ask for at login; anything else ends the login, so that a hostile server cannot talk us down. */
const authMethods = ['scram-sha-256', 'md5', 'password', 'none'] as const;
export type AuthMethod = (typeof authMethods)[number];

export interface UpstreamUrl {
  /** A name, an address, or the folder of a Unix socket when it begins with `/`. */
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  readonly database: string | undefined;
  readonly sslMode: SslMode;
  /** A file, `system` for the machine's own certificates, or undefined. */
  readonly sslRootCert: string | undefined;
  readonly sslCert: string | undefined;
  readonly sslKey: string | undefined;
  readonly requireAuth: readonly AuthMethod[] | undefined;
  readonly connectTimeoutMs: number | undefined;
}

export type UrlRead =
  | { readonly kind: 'good'; readonly value: UpstreamUrl }
  | { readonly kind: 'bad'; readonly words: string; readonly mend: string };

const form = 'postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full';
const bad = (words: string, mend: string): UrlRead => ({ kind: 'bad', words, mend });

const whole =
  /^postgres(?:ql)?:\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?(\[[^\]]*\]|[^:/?#@]*)(?::([^/?#]*))?(?:\/([^?#]*))?(?:\?([^#]*))?$/i;

export function parseUpstreamUrl(text: string): UrlRead {
  const match = whole.exec(text);
  if (match === null)
    return bad('not a Postgres URL', `it has the form ${form}; @ : / ? # in a password are written %40 …`);
  const parts = match.slice(1).map((part: string | undefined) => (part === undefined ? undefined : decoded(part)));
  if (parts.includes('\0')) return bad('a % that is no escape', 'write %25 for a percent sign');
  const [user, password, host, portText, database] = parts;
  const query = queryOf(match[6]);
  if (query === undefined) return bad('options are not KEY=VALUE', `it has the form ${form}`);
  const known = new Set(['host', ...Object.keys(options)]);
  const strange = [...query.keys()].find((key) => !known.has(key));
  if (strange !== undefined) {
    return bad(`the option '${strange.slice(0, 40)}' is not known`, `known are ${[...known].join(', ')}`);
  }
  for (const [key, value] of query) {
    const wrong = options[key]?.(value);
    if (wrong !== undefined) return bad(`${key} must be ${wrong}`, 'mend the URL');
  }
  const mode = query.get('sslmode') ?? 'verify-full';
  if (query.get('sslrootcert') === 'system' && mode !== 'verify-full') {
    // Anybody can get a certificate from a public authority; without the name it proves nothing.
    return bad(`sslrootcert=system goes with sslmode=verify-full only, not with ${mode}`, 'set sslmode=verify-full');
  }
  const hostName = query.get('host') ?? (host ?? '').replace(/^\[(.*)\]$/, '$1');
  if (hostName === '') return bad('the URL has no host', `it has the form ${form}`);
  if (hostName.includes(',')) return bad('several hosts in one URL', 'give each its own database entry');
  const port = portText === undefined || portText === '' ? 5432 : Number(portText);
  if (!isPort(port)) return bad('the port is no number from 1 to 65535', `it has the form ${form}`);
  const value = { host: hostName, port, user: filled(user), database: filled(database), ...settings(query) };
  return {
    kind: 'good',
    value: { ...value, password: filled(password) === undefined ? undefined : new Secret(password ?? '') },
  };
}

export const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;

const filled = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

/** Each option's own check: undefined when it is good, else what it must be. */
const options: Readonly<Record<string, (value: string) => string | undefined>> = {
  sslmode: (value) => (isSslMode(value) ? undefined : `one of ${sslModes.join(', ')}`),
  sslrootcert: (value) => (value === '' ? "a file or 'system'" : undefined),
  sslcert: (value) => (value === '' ? 'a file' : undefined),
  sslkey: (value) => (value === '' ? 'a file' : undefined),
  require_auth: (value) => (value.split(',').every(isAuthMethod) ? undefined : `some of ${authMethods.join(',')}`),
  connect_timeout: (value) => (/^\d{1,5}$/.test(value) ? undefined : 'seconds'),
};

const isSslMode = (value: string): value is SslMode => sslModes.some((mode) => mode === value);
const isAuthMethod = (value: string): value is AuthMethod => authMethods.some((method) => method === value);

function settings(query: ReadonlyMap<string, string>) {
  const sslMode = query.get('sslmode') ?? (query.get('sslrootcert') === 'system' ? 'verify-full' : 'prefer');
  const timeout = query.get('connect_timeout');
  return {
    sslMode: isSslMode(sslMode) ? sslMode : ('verify-full' as const),
    sslRootCert: query.get('sslrootcert'),
    sslCert: query.get('sslcert'),
    sslKey: query.get('sslkey'),
    requireAuth: query.get('require_auth')?.split(',').filter(isAuthMethod),
    // Zero means "no limit" to libpq; here something always bounds a wait.
    connectTimeoutMs: timeout === undefined || Number(timeout) === 0 ? undefined : Number(timeout) * 1000,
  };
}
