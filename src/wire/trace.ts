// One readable line for any message, for conversations that people compare. Passwords and keys are never in it, values of
// parameters, rows and COPY only when they are asked for. What the peer chose is quoted, so that it cannot forge a line.
import { ProxyError } from '../core/errors.ts';
import { assertNever } from '../core/exhaustive.ts';
import { visible } from '../core/visible.ts';
import { decodeClientMessage, type ClientMessage } from './client-messages.ts';
import { utf8Of } from './cursor.ts';
import { headerBytes } from './frame.ts';
import { decodeServerMessage, type ServerMessage } from './server-messages.ts';
import { decodeStartup, type StartupPacket } from './startup.ts';

export interface TraceOptions {
  readonly values: 'hidden' | 'shown';
}

const usual: TraceOptions = { values: 'hidden' };

/** `from`: who sent the frame (type, length and body). */
export function traceFrame(from: 'client' | 'server', frame: Buffer, options: TraceOptions = usual): string {
  const [type, body] = [frame[0] ?? 0, frame.subarray(headerBytes)];
  return from === 'client'
    ? `> ${orFault(type, () => clientLine(decodeClientMessage(type, body), options))}`
    : `< ${orFault(type, () => serverLine(decodeServerMessage(type, body), options))}`;
}

export function traceStartup(packet: Buffer): string {
  return `> ${orFault(0, () => startupLine(decodeStartup(packet)))}`;
}

function orFault(type: number, line: () => string): string {
  try {
    return line();
  } catch (thrown) {
    if (!(thrown instanceof ProxyError)) throw thrown;
    return `?${type === 0 ? '' : ` type ${quoted(String.fromCharCode(type))}`}: ${visible(thrown.message)}`;
  }
}

const textMax = 500;
const quoted = (text: string): string => JSON.stringify(visible(text, textMax));
const bytesQuoted = (bytes: Buffer): string => quoted(bytes.toString('utf8'));
const nameQuoted = (text: string): string => quoted(utf8Of(text));
const list = (items: readonly unknown[]): string => `[${items.join(', ')}]`;

function startupLine(packet: StartupPacket): string {
  switch (packet.kind) {
    case 'ssl':
      return 'SSLRequest';
    case 'gss':
      return 'GSSENCRequest';
    case 'cancel':
      return `CancelRequest process=${packet.processId} key of ${packet.secret.length} bytes`;
    case 'startup': {
      const parameters = [...packet.parameters].map(([name, value]) => ` ${quoted(name)}=${quoted(value)}`);
      const more = packet.protocolOptions.map((name) => ` ${quoted(name)}`);
      return `Startup ${packet.major}.${packet.minor}${parameters.join('')}${more.join('')}`;
    }
    default:
      return assertNever(packet);
  }
}

function valueOf(value: Buffer | null, options: TraceOptions): string {
  if (value === null) return 'NULL';
  return options.values === 'shown' ? bytesQuoted(value) : `${value.length} bytes`;
}

function clientLine(sent: ClientMessage, options: TraceOptions): string {
  switch (sent.kind) {
    case 'query':
      return `Query ${bytesQuoted(sent.sql)}`;
    case 'parse':
      return `Parse ${nameQuoted(sent.statement)} ${bytesQuoted(sent.sql)} types=${list(sent.types)}`;
    case 'bind': {
      const values = sent.parameters.map((value) => valueOf(value, options));
      const formats = `formats=${list(sent.formats)} results=${list(sent.resultFormats)}`;
      return `Bind ${nameQuoted(sent.portal)} to ${nameQuoted(sent.statement)} ${list(values)} ${formats}`;
    }
    case 'describe':
      return `Describe ${sent.target} ${nameQuoted(sent.name)}`;
    case 'execute':
      return `Execute ${nameQuoted(sent.portal)} rows=${sent.maxRows}`;
    case 'close':
      return `Close ${sent.target} ${nameQuoted(sent.name)}`;
    case 'functionCall':
      return `FunctionCall ${sent.functionOid} ${list(sent.parameters.map((value) => valueOf(value, options)))}`;
    case 'copyData':
      return `CopyData ${valueOf(sent.data, options)}`;
    case 'copyFail':
      return `CopyFail ${nameQuoted(sent.reason)}`;
    case 'password':
      return `Password of ${sent.body.length} bytes`;
    case 'flush':
    case 'sync':
    case 'terminate':
    case 'copyDone':
      return capital(sent.kind);
    default:
      return assertNever(sent);
  }
}

const capital = (kind: string): string => kind.charAt(0).toUpperCase() + kind.slice(1);

function serverLine(sent: ServerMessage, options: TraceOptions): string {
  switch (sent.kind) {
    case 'authenticationSasl':
      return `AuthenticationSasl ${list(sent.mechanisms.map(nameQuoted))}`;
    case 'authenticationOther':
      return `Authentication ${sent.code}`;
    case 'backendKeyData':
      return `BackendKeyData process=${sent.processId} key of ${sent.secret.length} bytes`;
    case 'commandComplete':
      return `CommandComplete ${nameQuoted(sent.tag)}`;
    case 'copyIn':
    case 'copyOut':
    case 'copyBoth':
      return `${capital(sent.kind)} format=${sent.format} columns=${list(sent.columnFormats)}`;
    case 'copyData':
      return `CopyData ${valueOf(sent.data, options)}`;
    case 'dataRow':
      return `DataRow ${list(sent.values.map((value) => valueOf(value, options)))}`;
    case 'error':
    case 'notice': {
      // File, line and routine of the server's source differ from version to version.
      const told = sent.fields.filter(({ letter }) => !'VFLR'.includes(letter));
      return `${capital(sent.kind)}${told.map(({ letter, text }) => ` ${visible(letter)}=${nameQuoted(text)}`).join('')}`;
    }
    case 'functionCallResponse':
      return `FunctionCallResponse ${valueOf(sent.value, options)}`;
    case 'negotiateProtocolVersion':
      return `NegotiateProtocolVersion ${sent.version >>> 16}.${sent.version & 0xffff} ${list(sent.options.map(nameQuoted))}`;
    case 'notification':
      return `Notification ${nameQuoted(sent.channel)} ${valueOf(Buffer.from(sent.payload, 'latin1'), options)}`;
    case 'parameterDescription':
      return `ParameterDescription ${list(sent.types)}`;
    case 'parameterStatus':
      return `ParameterStatus ${nameQuoted(sent.name)}=${nameQuoted(sent.value)}`;
    case 'readyForQuery':
      return `ReadyForQuery ${sent.status}`;
    case 'rowDescription':
      return `RowDescription ${list(sent.columns.map((column) => `${nameQuoted(column.name)}:${column.typeOid}`))}`;
    case 'authenticationOk':
    case 'authenticationCleartext':
    case 'authenticationMd5':
    case 'authenticationSaslContinue':
    case 'authenticationSaslFinal':
    case 'bindComplete':
    case 'closeComplete':
    case 'copyDone':
    case 'emptyQuery':
    case 'noData':
    case 'parseComplete':
    case 'portalSuspended':
      return capital(sent.kind);
    default:
      return assertNever(sent);
  }
}
