// Start-up and authentication towards Postgres, on a channel that is as secure as it gets. The server is believed nothing that it
// did not prove: not its wish for a weaker method, not an early "ok" in the middle of SCRAM.
import { createHash } from 'node:crypto';
import type { UpstreamLogin } from '../core/config-types.ts';
import { ProxyError } from '../core/errors.ts';
import type { AuthMethod } from '../core/upstream-url.ts';
import { visible } from '../core/visible.ts';
import { encodePassword, encodeSaslInitialResponse } from '../wire/client-messages.ts';
import { message } from '../wire/cursor.ts';
import { fromClient } from '../wire/message-types.ts';
import { chooseMechanism, ScramClient } from '../wire/scram-client.ts';
import { decodeServerMessage, fieldOf, type Field, type ServerMessage } from '../wire/server-messages.ts';
import { encodeStartup } from '../wire/startup.ts';
import { LoginWire } from './login-wire.ts';
import { passwordFrom } from './password-command.ts';
import type { SecureChannel } from './tls-client.ts';

export interface LoginRequest {
  readonly database: string;
  readonly login: UpstreamLogin;
  readonly requireAuth: readonly AuthMethod[] | undefined;
  /** Start-up parameters besides user and database. */
  readonly parameters: ReadonlyMap<string, string>;
  /** On a Unix socket nobody listens, so a cleartext password may pass there. */
  readonly isLocal: boolean;
}

export interface BackendKey {
  readonly processId: number;
  readonly secret: Buffer;
}

export interface LoginResult {
  /** What ParameterStatus said; Latin-1 texts, see wire/cursor.ts. */
  readonly parameters: Map<string, string>;
  readonly key: BackendKey;
  readonly serverMajor: number;
}

/** An ErrorResponse during login: upstream.ts looks at its SQLSTATE before it gives up. */
export class LoginRejected extends ProxyError {
  readonly sqlState: string;

  constructor(fields: readonly Field[], user: string) {
    const sqlState = fieldOf(fields, 'C') ?? '';
    const words = visible(fieldOf(fields, 'M') ?? 'no reason given', 300);
    super(codeOf(sqlState), `the database server refused the login: ${words}`, {
      hint: mends[sqlState] ?? `Try the same with psql as role ${visible(user, 63)} from this machine.`,
    });
    this.sqlState = sqlState;
  }
}

/** A setting that the server does not know, or not with this value, came along with the agent: nobody else can mend it. */
function codeOf(sqlState: string): 'START_UP_REFUSED' | 'UPSTREAM_UNREACHABLE' | 'UPSTREAM_REFUSED' {
  if (settingStates.has(sqlState)) return 'START_UP_REFUSED';
  return sqlState.startsWith('57P') || sqlState.startsWith('53') ? 'UPSTREAM_UNREACHABLE' : 'UPSTREAM_REFUSED';
}

/** undefined_object, invalid_parameter_value, cant_change_runtime_param: what Postgres says of settings at its start-up. */
const settingStates: ReadonlySet<string> = new Set(['42704', '22023', '55P02']);
const ownSetting =
  'It is one of the settings that the connection brings along (options, or a parameter): mend it there.';

const mends: Readonly<Record<string, string>> = {
  '28P01': 'Mend user and password in the url of the database (databases.NAME.url).',
  '28000': 'Let this role in from this machine in pg_hba.conf, or mend sslmode.',
  '3D000': 'Mend the database name at the end of databases.NAME.url.',
  '42704': ownSetting,
  '22023': ownSetting,
  '55P02': ownSetting,
  '53300': 'Raise max_connections there, or lower limits.connections and pool.warm here.',
  '57P03': 'It is starting up or shutting down: try again.',
};

const majorsSupported = { min: 15, max: 18 } as const;

/**
 * Asks for protocol 3.0: all that 3.2 adds is longer cancel keys, which end here and never reach an agent, and servers and poolers
 * that do not know 3.2 would cost a round trip or refuse.
 */
export async function logIn(channel: SecureChannel, request: LoginRequest, signal: AbortSignal): Promise<LoginResult> {
  const wire = new LoginWire(channel.socket, signal);
  const who = new Map([
    ['user', request.login.user],
    ['database', request.database],
  ]);
  const parameters = new Map([...request.parameters, ...who]);
  wire.send(encodeStartup({ kind: 'startup', major: 3, minor: 0, parameters, protocolOptions: [] }));
  await new Authentication(wire, channel, request, signal).run();
  return await readSession(wire, request.login.user);
}

/** Reads one message; an error ends the login, notices are not for anybody yet. */
async function next(wire: LoginWire, user: string): Promise<ServerMessage> {
  for (;;) {
    const { type, body } = await wire.frame();
    const read = decodeServerMessage(type, body);
    if (read.kind === 'error') throw new LoginRejected(read.fields, user);
    if (read.kind !== 'notice') return read;
  }
}

class Authentication {
  readonly #wire: LoginWire;
  readonly #channel: SecureChannel;
  readonly #request: LoginRequest;
  readonly #signal: AbortSignal;

  constructor(wire: LoginWire, channel: SecureChannel, request: LoginRequest, signal: AbortSignal) {
    this.#wire = wire;
    this.#channel = channel;
    this.#request = request;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const asked = await this.#next();
    switch (asked.kind) {
      case 'authenticationOk':
        this.#permit('none');
        return;
      case 'authenticationCleartext':
        this.#permit('password');
        if (!this.#channel.secure && !this.#request.isLocal) {
          throw refused(
            'asks for the password in the open',
            'Use TLS (sslmode=verify-full), or SCRAM in its pg_hba.conf.',
          );
        }
        this.#wire.send(encodePassword(await this.#password()));
        break;
      case 'authenticationMd5':
        this.#permit('md5');
        this.#wire.send(encodePassword(md5Answer(this.#request.login.user, await this.#password(), asked.salt)));
        break;
      case 'authenticationSasl':
        this.#permit('scram-sha-256');
        await this.#scram(asked.mechanisms);
        break;
      case 'authenticationOther':
        throw refused(
          `asks for authentication method ${asked.code} (GSSAPI, SSPI or newer), which is not spoken here`,
          'Set scram-sha-256 for this role in its pg_hba.conf.',
        );
      default:
        throw outOfOrder(asked);
    }
    const end = await this.#next();
    if (end.kind !== 'authenticationOk') throw outOfOrder(end);
  }

  #next(): Promise<ServerMessage> {
    return next(this.#wire, this.#request.login.user);
  }

  #permit(method: AuthMethod): void {
    const { requireAuth } = this.#request;
    if (requireAuth === undefined || requireAuth.includes(method)) return;
    const asks = method === 'none' ? 'lets us in without any proof' : `asks for ${method}`;
    throw refused(
      `${asks}; require_auth allows only ${requireAuth.join(', ')}`,
      'Mend pg_hba.conf there or require_auth here.',
    );
  }

  async #password(): Promise<string> {
    const { login } = this.#request;
    const secret =
      login.passwordCommand === undefined ? login.password : await passwordFrom(login.passwordCommand, this.#signal);
    if (secret === undefined) {
      throw refused(
        'asks for a password, and none is configured',
        'Put one into the url of the database, or set password_command.',
      );
    }
    return secret.reveal();
  }

  async #scram(offered: readonly string[]): Promise<void> {
    const mechanism = chooseMechanism(offered, this.#channel);
    if (mechanism === undefined) {
      throw refused(
        `offers only ${visible(offered.join(', '), 100)} to log in`,
        'Set scram-sha-256 in its pg_hba.conf.',
      );
    }
    const client = new ScramClient({ mechanism, password: await this.#password(), channel: this.#channel });
    this.#wire.send(encodeSaslInitialResponse({ mechanism, data: client.first }));
    const first = await this.#next();
    if (first.kind !== 'authenticationSaslContinue') throw outOfOrder(first);
    this.#wire.send(message(fromClient.password, await client.respond(first.data)));
    const final = await this.#next();
    // Here an "ok" would let the server in without its proof.
    if (final.kind !== 'authenticationSaslFinal') throw outOfOrder(final);
    client.finish(final.data);
  }
}

function md5Answer(user: string, password: string, salt: Buffer): string {
  const md5 = (...parts: readonly (Buffer | string)[]): string => {
    const hash = createHash('md5');
    for (const part of parts) hash.update(part);
    return hash.digest('hex');
  };
  return `md5${md5(md5(password, user), salt)}`;
}

/** From the end of authentication to the first ReadyForQuery. */
async function readSession(wire: LoginWire, user: string): Promise<LoginResult> {
  const parameters = new Map<string, string>();
  let key: BackendKey | undefined;
  for (;;) {
    const read = await next(wire, user);
    if (read.kind === 'parameterStatus') parameters.set(read.name, read.value);
    // A copy: the view would keep the chunk it came in.
    else if (read.kind === 'backendKeyData') key = { processId: read.processId, secret: Buffer.from(read.secret) };
    else if (read.kind === 'readyForQuery') break;
    else throw outOfOrder(read);
  }
  if (key === undefined)
    throw refused('gives no key to cancel with', 'Is there a pooler in between? Connect to Postgres itself.');
  return { parameters, key, serverMajor: majorOf(parameters.get('server_version')) };
}

function majorOf(version: string | undefined): number {
  const major = Number.parseInt(version ?? '', 10);
  const { min, max } = majorsSupported;
  if (major >= min && major <= max) return major;
  throw new ProxyError(
    'UPSTREAM_REFUSED',
    `the database server is Postgres ${visible(version ?? 'of an unknown version', 40)}; this proxy knows ${min} to ${max}`,
    { hint: major < min ? `Upgrade it to ${min} or later.` : 'Upgrade the proxy.' },
  );
}

function refused(does: string, hint: string): ProxyError {
  return new ProxyError('UPSTREAM_REFUSED', `the database server ${does}`, { hint });
}

function outOfOrder(read: ServerMessage): ProxyError {
  return refused(`sent ${read.kind} out of order during login`, 'Is it a Postgres server? Check host and port.');
}
