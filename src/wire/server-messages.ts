// What a server sends, as data and back. Texts are Latin-1 strings (see cursor.ts), values stay bytes. The helpers at the end build
// answers of our own; those take ordinary strings and send UTF-8.
import { assertNever } from '../core/exhaustive.ts';
import {
  Cursor,
  counted,
  cstring,
  int16,
  int32,
  invalidFormat,
  message,
  nul,
  sized,
  uint8,
  violation,
  type Part,
} from './cursor.ts';
import { fromServer } from './message-types.ts';

/** `I` outside a transaction, `T` inside, `E` inside one that failed. */
export type TransactionStatus = 'I' | 'T' | 'E';

/** One field of an error or notice, by its letter: `S` severity, `C` SQLSTATE, `M` message … Unknown letters are kept. */
export interface Field {
  readonly letter: string;
  readonly text: string;
}

export interface ColumnDescription {
  readonly name: string;
  /** 0 when the column is not a plain column of a table. */
  readonly tableOid: number;
  readonly columnNumber: number;
  readonly typeOid: number;
  readonly typeSize: number;
  readonly typeModifier: number;
  readonly format: number;
}

interface CopyShape {
  readonly format: number;
  readonly columnFormats: readonly number[];
}

export type AuthenticationMessage =
  | { readonly kind: 'authenticationOk' }
  | { readonly kind: 'authenticationCleartext' }
  | { readonly kind: 'authenticationMd5'; readonly salt: Buffer }
  | { readonly kind: 'authenticationSasl'; readonly mechanisms: readonly string[] }
  | { readonly kind: 'authenticationSaslContinue'; readonly data: Buffer }
  | { readonly kind: 'authenticationSaslFinal'; readonly data: Buffer }
  /** Kerberos, GSSAPI, SSPI and whatever comes: named so that the refusal can say its number. */
  | { readonly kind: 'authenticationOther'; readonly code: number; readonly data: Buffer };

export type ServerMessage =
  | AuthenticationMessage
  | { readonly kind: 'backendKeyData'; readonly processId: number; readonly secret: Buffer }
  | { readonly kind: 'bindComplete' }
  | { readonly kind: 'closeComplete' }
  | { readonly kind: 'commandComplete'; readonly tag: string }
  | ({ readonly kind: 'copyIn' } & CopyShape)
  | ({ readonly kind: 'copyOut' } & CopyShape)
  | ({ readonly kind: 'copyBoth' } & CopyShape)
  | { readonly kind: 'copyData'; readonly data: Buffer }
  | { readonly kind: 'copyDone' }
  | { readonly kind: 'dataRow'; readonly values: readonly (Buffer | null)[] }
  | { readonly kind: 'emptyQuery' }
  | { readonly kind: 'error'; readonly fields: readonly Field[] }
  | { readonly kind: 'notice'; readonly fields: readonly Field[] }
  | { readonly kind: 'functionCallResponse'; readonly value: Buffer | null }
  /** `version` is the whole version number (0x30000 for 3.0), whatever the manual says about "minor". */
  | { readonly kind: 'negotiateProtocolVersion'; readonly version: number; readonly options: readonly string[] }
  | { readonly kind: 'noData' }
  | { readonly kind: 'notification'; readonly processId: number; readonly channel: string; readonly payload: string }
  | { readonly kind: 'parameterDescription'; readonly types: readonly number[] }
  | { readonly kind: 'parameterStatus'; readonly name: string; readonly value: string }
  | { readonly kind: 'parseComplete' }
  | { readonly kind: 'portalSuspended' }
  | { readonly kind: 'readyForQuery'; readonly status: TransactionStatus }
  | { readonly kind: 'rowDescription'; readonly columns: readonly ColumnDescription[] };

/** Reads the body of a frame (without type and length). Buffers in the result are views of `body`. */
export function decodeServerMessage(type: number, body: Buffer): ServerMessage {
  const decode = decoders.get(type);
  if (decode === undefined) throw violation(`invalid backend message type ${type}`);
  const cursor = new Cursor(body);
  const decoded = decode(cursor);
  cursor.end();
  return decoded;
}

const decoders: ReadonlyMap<number, (cursor: Cursor) => ServerMessage> = new Map([
  [fromServer.authentication, authentication],
  [fromServer.backendKeyData, backendKeyData],
  [fromServer.bindComplete, () => ({ kind: 'bindComplete' })],
  [fromServer.closeComplete, () => ({ kind: 'closeComplete' })],
  [fromServer.commandComplete, (cursor) => ({ kind: 'commandComplete', tag: cursor.latin1() })],
  [fromServer.copyIn, (cursor) => ({ kind: 'copyIn', ...copyShape(cursor) })],
  [fromServer.copyOut, (cursor) => ({ kind: 'copyOut', ...copyShape(cursor) })],
  [fromServer.copyBoth, (cursor) => ({ kind: 'copyBoth', ...copyShape(cursor) })],
  [fromServer.copyData, (cursor) => ({ kind: 'copyData', data: cursor.rest() })],
  [fromServer.copyDone, () => ({ kind: 'copyDone' })],
  [fromServer.dataRow, (cursor) => ({ kind: 'dataRow', values: cursor.list(4, (item) => item.value()) })],
  [fromServer.emptyQuery, () => ({ kind: 'emptyQuery' })],
  [fromServer.error, (cursor) => ({ kind: 'error', fields: fieldsOf(cursor) })],
  [fromServer.notice, (cursor) => ({ kind: 'notice', fields: fieldsOf(cursor) })],
  [fromServer.functionCallResponse, (cursor) => ({ kind: 'functionCallResponse', value: cursor.value() })],
  [fromServer.negotiateProtocolVersion, negotiation],
  [fromServer.noData, () => ({ kind: 'noData' })],
  [fromServer.notification, notification],
  [fromServer.parameterDescription, parameterTypes],
  [
    fromServer.parameterStatus,
    (cursor) => ({ kind: 'parameterStatus', name: cursor.latin1(), value: cursor.latin1() }),
  ],
  [fromServer.parseComplete, () => ({ kind: 'parseComplete' })],
  [fromServer.portalSuspended, () => ({ kind: 'portalSuspended' })],
  [fromServer.readyForQuery, ready],
  [fromServer.rowDescription, (cursor) => ({ kind: 'rowDescription', columns: cursor.list(19, column) })],
] satisfies [number, (cursor: Cursor) => ServerMessage][]);

/** AUTH_REQ_* of src/include/libpq/protocol.h. */
const authCodes = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const;

function authentication(cursor: Cursor): AuthenticationMessage {
  const code = cursor.uint32();
  switch (code) {
    case authCodes.ok:
      return { kind: 'authenticationOk' };
    case authCodes.cleartext:
      return { kind: 'authenticationCleartext' };
    case authCodes.md5:
      return { kind: 'authenticationMd5', salt: cursor.bytes(4) };
    case authCodes.sasl:
      return { kind: 'authenticationSasl', mechanisms: untilEmpty(cursor) };
    case authCodes.saslContinue:
      return { kind: 'authenticationSaslContinue', data: cursor.rest() };
    case authCodes.saslFinal:
      return { kind: 'authenticationSaslFinal', data: cursor.rest() };
    default:
      return { kind: 'authenticationOther', code, data: cursor.rest() };
  }
}

function untilEmpty(cursor: Cursor): readonly string[] {
  const texts: string[] = [];
  for (let text = cursor.latin1(); text !== ''; text = cursor.latin1()) texts.push(text);
  return texts;
}

/** 4 bytes of secret in protocol 3.0, up to 256 in 3.2. */
function backendKeyData(cursor: Cursor): ServerMessage {
  const processId = cursor.int32();
  const { remaining } = cursor;
  if (remaining < 4 || remaining > 256) throw violation(invalidFormat);
  return { kind: 'backendKeyData', processId, secret: cursor.rest() };
}

function copyShape(cursor: Cursor): CopyShape {
  return { format: cursor.uint8(), columnFormats: cursor.list(2, (item) => item.int16()) };
}

function fieldsOf(cursor: Cursor): readonly Field[] {
  const fields: Field[] = [];
  for (let letter = cursor.uint8(); letter !== 0; letter = cursor.uint8()) {
    fields.push({ letter: String.fromCharCode(letter), text: cursor.latin1() });
  }
  return fields;
}

function negotiation(cursor: Cursor): ServerMessage {
  const version = cursor.uint32();
  const count = cursor.uint32();
  if (count > cursor.remaining) throw violation(invalidFormat);
  return {
    kind: 'negotiateProtocolVersion',
    version,
    options: Array.from({ length: count }, () => cursor.latin1()),
  };
}

function notification(cursor: Cursor): ServerMessage {
  return {
    kind: 'notification',
    processId: cursor.int32(),
    channel: cursor.latin1(),
    payload: cursor.latin1(),
  };
}

function parameterTypes(cursor: Cursor): ServerMessage {
  return { kind: 'parameterDescription', types: cursor.list(4, (item) => item.uint32()) };
}

function ready(cursor: Cursor): ServerMessage {
  const status = String.fromCharCode(cursor.uint8());
  if (status !== 'I' && status !== 'T' && status !== 'E') throw violation(invalidFormat);
  return { kind: 'readyForQuery', status };
}

function column(cursor: Cursor): ColumnDescription {
  return {
    name: cursor.latin1(),
    tableOid: cursor.uint32(),
    columnNumber: cursor.int16(),
    typeOid: cursor.uint32(),
    typeSize: cursor.int16(),
    typeModifier: cursor.int32(),
    format: cursor.int16(),
  };
}

/** The whole frame, type and length included. */
export function encodeServerMessage(sent: ServerMessage): Buffer {
  switch (sent.kind) {
    case 'authenticationOk':
    case 'authenticationCleartext':
    case 'authenticationMd5':
    case 'authenticationSasl':
    case 'authenticationSaslContinue':
    case 'authenticationSaslFinal':
    case 'authenticationOther':
      return message(fromServer.authentication, ...authenticationParts(sent));
    default:
      return message(fromServer[sent.kind], ...bodyParts(sent));
  }
}

function authenticationParts(sent: AuthenticationMessage): readonly Part[] {
  switch (sent.kind) {
    case 'authenticationOk':
      return [int32(authCodes.ok)];
    case 'authenticationCleartext':
      return [int32(authCodes.cleartext)];
    case 'authenticationMd5':
      return [int32(authCodes.md5), sent.salt];
    case 'authenticationSasl':
      return [int32(authCodes.sasl), sent.mechanisms.map(cstring), nul];
    case 'authenticationSaslContinue':
      return [int32(authCodes.saslContinue), sent.data];
    case 'authenticationSaslFinal':
      return [int32(authCodes.saslFinal), sent.data];
    case 'authenticationOther':
      return [int32(sent.code), sent.data];
    default:
      return assertNever(sent);
  }
}

function bodyParts(sent: Exclude<ServerMessage, AuthenticationMessage>): readonly Part[] {
  switch (sent.kind) {
    case 'backendKeyData':
      return [int32(sent.processId), sent.secret];
    case 'commandComplete':
      return [cstring(sent.tag)];
    case 'copyIn':
    case 'copyOut':
    case 'copyBoth':
      return [uint8(sent.format), counted(sent.columnFormats.map(int16))];
    case 'copyData':
      return [sent.data];
    case 'dataRow':
      return [counted(sent.values.map(sized))];
    case 'error':
    case 'notice':
      return [sent.fields.map((field) => [Buffer.from(field.letter, 'latin1'), cstring(field.text)]), nul];
    case 'functionCallResponse':
      return [sized(sent.value)];
    case 'negotiateProtocolVersion':
      return [int32(sent.version), int32(sent.options.length), sent.options.map(cstring)];
    case 'notification':
      return [int32(sent.processId), cstring(sent.channel), cstring(sent.payload)];
    case 'parameterDescription':
      return [counted(sent.types.map(int32))];
    case 'parameterStatus':
      return [cstring(sent.name), cstring(sent.value)];
    case 'readyForQuery':
      return [Buffer.from(sent.status)];
    case 'rowDescription':
      return [counted(sent.columns.map(columnParts))];
    case 'bindComplete':
    case 'closeComplete':
    case 'copyDone':
    case 'emptyQuery':
    case 'noData':
    case 'parseComplete':
    case 'portalSuspended':
      return [];
    default:
      return assertNever(sent);
  }
}

function columnParts(described: ColumnDescription): Part {
  return [
    cstring(described.name),
    int32(described.tableOid),
    int16(described.columnNumber),
    int32(described.typeOid),
    int16(described.typeSize),
    int32(described.typeModifier),
    int16(described.format),
  ];
}

/** The text of a field, for people: bounded by nothing yet. */
export function fieldOf(fields: readonly Field[], letter: string): string | undefined {
  const found = fields.find((field) => field.letter === letter);
  return found === undefined ? undefined : Buffer.from(found.text, 'latin1').toString('utf8');
}

export interface Report {
  readonly severity: string;
  readonly sqlState: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  /** 1-based, in characters of the statement. */
  readonly position?: number;
}

export function errorResponse(report: Report): Buffer {
  return encodeServerMessage({ kind: 'error', fields: fieldsOfReport(report) });
}

export function noticeResponse(report: Report): Buffer {
  return encodeServerMessage({ kind: 'notice', fields: fieldsOfReport(report) });
}

/** Fields in the order of Postgres (send_message_to_frontend). A NUL would end a field early and let text forge the next one. */
function fieldsOfReport(report: Report): readonly Field[] {
  const fields: Field[] = [];
  const add = (letter: string, text: string | undefined): void => {
    if (text === undefined) return;
    fields.push({ letter, text: Buffer.from(text.replaceAll('\0', '\uFFFD'), 'utf8').toString('latin1') });
  };
  add('S', report.severity);
  add('V', report.severity);
  add('C', report.sqlState);
  add('M', report.message);
  add('D', report.detail);
  add('H', report.hint);
  add('P', report.position?.toString());
  return fields;
}

const readies = {
  I: encodeServerMessage({ kind: 'readyForQuery', status: 'I' }),
  T: encodeServerMessage({ kind: 'readyForQuery', status: 'T' }),
  E: encodeServerMessage({ kind: 'readyForQuery', status: 'E' }),
} as const;

export function readyForQuery(status: TransactionStatus): Buffer {
  return readies[status];
}
