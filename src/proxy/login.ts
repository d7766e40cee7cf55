// From the first byte of a connection to a known agent: TLS, the start-up packet, the password. The most attacked part of the
// house, so it reads exactly what it needs, answers nothing it need not, and everything has a deadline.
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ProxyError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { decodeStartup, type StartupPacket } from '../wire/startup.ts';
import { encodeServerMessage } from '../wire/server-messages.ts';
import { authenticate, type ScramSecrets } from './authenticate.ts';
import type { AgentAccount, Directory } from './directory.ts';
import { answerHttp, isHttp } from './http-stranger.ts';
import { LoginReader } from './login-reader.ts';
import type { TlsDoor } from './tls-door.ts';
import type { CancelKey } from './cancel-keys.ts';

export interface LoginParts {
  readonly directory: () => Directory;
  readonly tls: () => TlsDoor | undefined;
  readonly secrets: ScramSecrets;
  readonly limits: () => Pick<Limits, 'startUpBytesMax' | 'loginMessageBytesMax'>;
  /** Said to a browser that comes in here: `on port 6480`. */
  readonly consolePlace: () => string;
}

export interface LoggedIn {
  readonly kind: 'agent';
  readonly socket: Socket;
  readonly account: AgentAccount;
  readonly database: string;
  /** What is passed on to the database: everything but user and database. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly minor: number;
  /** What the agent sent behind its login already. */
  readonly early: Buffer;
}

export type LoginResult =
  | LoggedIn
  /** `socket`: inside TLS, where it came so. libpq 17 and newer take a connection that just breaks off for a cancel that failed. */
  | { readonly kind: 'cancel'; readonly key: CancelKey; readonly socket: Socket }
  /** The peer went away without a word: a port check, not an error. */
  | { readonly kind: 'gone' };

/** Carries the socket that the refusal is to be written to: inside TLS, once TLS is up. */
export class LoginRefused extends Error {
  readonly socket: Socket;
  readonly error: ProxyError;
  readonly agent: string | undefined;
  /** The refusal in the peer's own language; without: as Postgres would say it. */
  readonly answer: Buffer | undefined;

  constructor(socket: Socket, error: ProxyError, agent?: string, answer?: Buffer) {
    super(error.message, { cause: error });
    this.socket = socket;
    this.error = error;
    this.agent = agent;
    this.answer = answer;
  }
}

const newestMinor = 2;
const tlsHandshakeByte = 0x16;
const refuseEncryption = Buffer.from('N');
const acceptTls = Buffer.from('S');
/** A Terminate up to the last byte of its length. A driver that is told to end before it has connected sends it before its start-up. */
const farewell = Buffer.from('X\0\0\0');

export async function login(socket: Socket, parts: LoginParts, signal: AbortSignal): Promise<LoginResult> {
  let current = socket;
  try {
    const opened = await openStartup(socket, parts, signal, (secured) => (current = secured));
    if (opened === undefined) return { kind: 'gone' };
    const { reader, packet } = opened;
    if (packet.kind === 'cancel') return { kind: 'cancel', key: packet, socket: current };
    if (packet.kind !== 'startup') throw violation('only one request for encryption may be made, and each kind once');
    return await identify(current, reader, packet, parts);
  } catch (thrown) {
    if (thrown instanceof ProxyError) throw new LoginRefused(current, thrown);
    throw thrown;
  }
}

interface Opened {
  readonly reader: LoginReader;
  readonly packet: StartupPacket;
}

/** Answers requests for encryption until the start-up packet proper (or a cancel) comes. */
async function openStartup(
  socket: Socket,
  parts: LoginParts,
  signal: AbortSignal,
  secured: (socket: Socket) => void,
): Promise<Opened | undefined> {
  let reader = new LoginReader(socket, signal);
  let asked = { tls: false, gss: false };
  const head = await reader.exactly(4);
  if (head === undefined || head.equals(farewell)) return undefined;
  if (isHttp(head)) {
    const { error, answer } = answerHttp(parts.consolePlace());
    throw new LoginRefused(socket, error, undefined, answer);
  }
  socket.unshift(head);
  const tls = parts.tls();
  if (head[0] === tlsHandshakeByte) {
    if (tls === undefined)
      throw new ProxyError('START_UP_REFUSED', 'TLS is not offered here; connect with sslmode=disable');
    const direct = await tls.secure(socket, 'direct', signal);
    secured(direct);
    reader = new LoginReader(direct, signal);
    asked = { tls: true, gss: true };
  }
  for (;;) {
    const packet = await readStartup(reader, parts.limits().startUpBytesMax);
    if (packet === undefined) return undefined;
    if (packet.kind === 'gss' && !asked.gss) {
      asked = { ...asked, gss: true };
      nothingBehind(reader);
      socket.write(refuseEncryption);
    } else if (packet.kind === 'ssl' && !asked.tls) {
      asked = { ...asked, tls: true };
      nothingBehind(reader);
      if (tls === undefined) socket.write(refuseEncryption);
      else {
        socket.write(acceptTls);
        const inside = await tls.secure(socket, 'asked', signal);
        secured(inside);
        reader = new LoginReader(inside, signal);
        asked = { tls: true, gss: true };
      }
    } else return { reader, packet };
  }
}

/** Bytes that come behind SSLRequest were sent in the open and would be read as if they had come inside TLS (CVE-2021-23214). */
function nothingBehind(reader: LoginReader): void {
  if (reader.waiting > 0) throw violation('bytes came behind a request for encryption, before its answer');
}

async function readStartup(reader: LoginReader, bytesMax: number): Promise<StartupPacket | undefined> {
  const head = await reader.exactly(4);
  if (head === undefined) return undefined;
  const length = head.readUInt32BE(0);
  if (length < 8) throw violation(`invalid length of startup packet: ${length}`);
  if (length > bytesMax) {
    throw new ProxyError('PROTOCOL_VIOLATION', `invalid length of startup packet: ${length}`, {
      hint: `A start-up packet may have ${bytesMax} bytes (limits.startup_packet).`,
    });
  }
  const rest = await reader.exactly(length - 4);
  if (rest === undefined) throw violation('incomplete startup packet');
  return decodeStartup(Buffer.concat([head, rest]));
}

async function identify(
  socket: Socket,
  reader: LoginReader,
  packet: Extract<StartupPacket, { kind: 'startup' }>,
  parts: LoginParts,
): Promise<LoggedIn> {
  const tls = parts.tls();
  if (tls?.required === true && !(socket instanceof TLSSocket)) {
    throw new ProxyError('TLS_REQUIRED', 'this proxy takes TLS connections only', {
      hint: 'Connect with sslmode=require or stronger.',
    });
  }
  if (packet.major !== 3) {
    throw new ProxyError(
      'START_UP_REFUSED',
      `unsupported frontend protocol ${packet.major}.${packet.minor}: only 3.x is spoken`,
    );
  }
  const name = packet.parameters.get('user') ?? '';
  if (name === '') throw new ProxyError('INVALID_AUTHORIZATION', 'no agent name specified in the start-up packet');
  refuseReplication(packet.parameters.get('replication'));
  const negotiated = packet.minor > newestMinor || packet.protocolOptions.length > 0;
  const minor = Math.min(packet.minor, newestMinor);
  if (negotiated) {
    const version = (packet.major << 16) | minor;
    socket.write(encodeServerMessage({ kind: 'negotiateProtocolVersion', version, options: packet.protocolOptions }));
  }
  const account = await authenticate({
    socket,
    reader,
    name,
    directory: parts.directory(),
    endPoint: socket instanceof TLSSocket ? tls?.endPoint : undefined,
    secrets: parts.secrets,
    needsCertificate: tls?.needsCertificate === true,
    messageBytesMax: parts.limits().loginMessageBytesMax,
  }).catch((thrown: unknown) => {
    throw thrown instanceof ProxyError ? new LoginRefused(socket, thrown, name) : thrown;
  });
  const database = packet.parameters.get('database') ?? name;
  if (!parts.directory().hasDatabase(database) || !account.databases.includes(database)) {
    throw new LoginRefused(
      socket,
      new ProxyError('UNKNOWN_DATABASE', `database "${database}" does not exist here for agent "${name}"`, {
        hint:
          account.databases.length === 0
            ? 'This agent has no databases.'
            : `This agent may use: ${account.databases.join(', ')}.`,
      }),
      name,
    );
  }
  const parameters = new Map(
    [...packet.parameters].filter(([key]) => key !== 'user' && key !== 'database' && key !== 'replication'),
  );
  return { kind: 'agent', socket, account, database, parameters, minor, early: reader.rest() };
}

/** A replication connection streams whole tables past every statement. `replication=database` even runs plain SQL beside it. */
function refuseReplication(value: string | undefined): void {
  if (value === undefined || ['false', 'off', 'no', '0'].includes(value.toLowerCase())) return;
  throw new ProxyError('START_UP_REFUSED', 'replication connections cannot be judged, so they are not offered here');
}

function violation(words: string): ProxyError {
  return new ProxyError('PROTOCOL_VIOLATION', words);
}
