// Targets for tests of the way to the database: sensible defaults, each test names what it is about.
import { Secret } from '../../src/core/secrets.ts';
import type { SslMode } from '../../src/core/upstream-url.ts';
import type { UpstreamTarget } from '../../src/proxy/upstream.ts';

interface Overrides {
  readonly host?: string;
  readonly port: number;
  readonly database?: string;
  readonly user?: string;
  readonly password?: string | undefined;
  readonly passwordCommand?: readonly string[];
  readonly mode?: SslMode;
  readonly rootCert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly requireAuth?: UpstreamTarget['requireAuth'];
  readonly connectMsMax?: number;
}

export function aTarget(given: Overrides): UpstreamTarget {
  return {
    host: given.host ?? '127.0.0.1',
    port: given.port,
    database: given.database ?? 'postgres',
    login: {
      user: given.user ?? 'postgres',
      password: given.password === undefined ? undefined : new Secret(given.password),
      passwordCommand: given.passwordCommand,
    },
    tls: {
      mode: given.mode ?? 'disable',
      rootCert: given.rootCert,
      cert: given.cert,
      key: given.key === undefined ? undefined : new Secret(given.key),
    },
    requireAuth: given.requireAuth,
    connectMsMax: given.connectMsMax ?? 10_000,
  };
}
