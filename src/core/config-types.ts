// The configuration as the house uses it: precise, frozen, every unit in its name, passwords that cannot be printed.
import type { PublishConfig, SinkConfig } from './config-audit.ts';
import type { Address } from './config-fields.ts';
import type { Limits } from './limits.ts';
import type { LogLevel } from './log-levels.ts';
import type { OidcConfig } from './config-oidc.ts';
import type { Place } from './place.ts';
import type { RedisUrl } from './redis-url.ts';
import type { Secret } from './secrets.ts';
import type { SlackConfig } from './config-slack.ts';
import type { UpstreamUrl } from './upstream-url.ts';

export interface Config {
  readonly file: string;
  readonly listen: Address;
  readonly tls: ListenerTls | undefined;
  readonly http: {
    readonly listen: Address;
    readonly publicUrl: string | undefined;
    /** How people sign in to the console; undefined: by links and tokens only. */
    readonly oidc?: OidcConfig | undefined;
  };
  readonly classificationDir: string;
  readonly state: StateConfig;
  readonly auditDir: string;
  /** Program and arguments that sign checkpoints; undefined: a key in the folder. */
  readonly auditSigner: readonly string[] | undefined;
  readonly auditSinks: readonly SinkConfig[];
  readonly auditPublish: readonly PublishConfig[];
  /** The auditor's public key, to which statements are sealed. */
  readonly auditSeal: string | undefined;
  readonly databases: ReadonlyMap<string, DatabaseConfig>;
  readonly agents: ReadonlyMap<string, AgentConfig>;
  readonly holds: HoldConfig;
  readonly slack: SlackConfig | undefined;
  readonly teams: { readonly webhookUrl: Secret; readonly values: 'hidden' | 'shown' } | undefined;
  readonly limits: Limits;
  readonly logLevel: LogLevel;
  readonly workers: number;
  /** Where each of these is written, for complaints that come later than reading. */
  readonly places: { readonly listen: Place; readonly http: Place; readonly audit: Place; readonly state: Place };
}

/** The listener's own certificate. The files were read and fit together when the config was loaded. */
export interface ListenerTls {
  readonly cert: string;
  readonly key: Secret;
  readonly clientCa: string | undefined;
  readonly required: boolean;
}

export type StateConfig =
  | { readonly kind: 'journal'; readonly dir: string }
  /** `ca`, `cert` and `key` of the target are PEM text here. */
  | { readonly kind: 'redis'; readonly url: Secret; readonly target: RedisUrl };

export interface UpstreamLogin {
  readonly user: string;
  readonly password: Secret | undefined;
  /** Program and arguments; its first line of output is the password. */
  readonly passwordCommand: readonly string[] | undefined;
}

export interface DatabaseConfig {
  /** What agents call it. */
  readonly name: string;
  /** What it is called on its server. */
  readonly database: string;
  readonly host: string;
  readonly port: number;
  readonly login: UpstreamLogin;
  readonly tls: UpstreamTls;
  readonly requireAuth: UpstreamUrl['requireAuth'];
  readonly connectMsMax: number;
  readonly poolWarm: number;
  readonly witness: 'server' | 'static';
  readonly place: Place;
}

export interface UpstreamTls {
  readonly mode: UpstreamUrl['sslMode'];
  /** PEM text; `system` for the machine's own certificates; undefined: none given. */
  readonly rootCert: string | undefined;
  readonly cert: string | undefined;
  readonly key: Secret | undefined;
}

export interface AgentConfig {
  readonly name: string;
  readonly owner: string;
  /** `SCRAM-SHA-256$…`; the password itself is nowhere. */
  readonly verifier: string;
  readonly databases: readonly string[];
  readonly auth: 'scram' | 'cleartext';
  readonly certificateName: string | undefined;
  readonly connectionsMax: number;
  /** Its own login at the database; undefined: the database's. */
  readonly login: UpstreamLogin | undefined;
  readonly holds: HoldConfig;
  readonly place: Place;
}

export interface HoldConfig {
  readonly waitMs: number;
  readonly pendingMs: number;
  readonly grantMs: number;
  readonly heartbeatMs: number;
  readonly inTransaction: 'wait' | 'refuse';
}
