// What an agent sends after login, as data and back. Texts are Latin-1 strings (see cursor.ts), SQL and values stay bytes.
//
// Names of statements and portals in these messages are used whole. In SQL (PREPARE, EXECUTE, DECLARE) Postgres cuts the same
// names after 63 bytes; whoever joins the two worlds has to cut first.
import { assertNever } from '../core/exhaustive.ts';
import { Cursor, counted, cstring, int16, int32, message, sized, uint8, violation } from './cursor.ts';
import { fromClient } from './message-types.ts';

export type Target = 'statement' | 'portal';

export interface BindMessage {
  readonly kind: 'bind';
  readonly portal: string;
  readonly statement: string;
  /** None: all text. One: for all. Else one for each parameter. */
  readonly formats: readonly number[];
  readonly parameters: readonly (Buffer | null)[];
  readonly resultFormats: readonly number[];
}

export interface FunctionCallMessage {
  readonly kind: 'functionCall';
  readonly functionOid: number;
  readonly formats: readonly number[];
  readonly parameters: readonly (Buffer | null)[];
  readonly resultFormat: number;
}

export type ClientMessage =
  | { readonly kind: 'query'; readonly sql: Buffer }
  | { readonly kind: 'parse'; readonly statement: string; readonly sql: Buffer; readonly types: readonly number[] }
  | BindMessage
  | { readonly kind: 'describe'; readonly target: Target; readonly name: string }
  | { readonly kind: 'execute'; readonly portal: string; readonly maxRows: number }
  | { readonly kind: 'close'; readonly target: Target; readonly name: string }
  | { readonly kind: 'flush' }
  | { readonly kind: 'sync' }
  | { readonly kind: 'terminate' }
  | FunctionCallMessage
  | { readonly kind: 'copyData'; readonly data: Buffer }
  | { readonly kind: 'copyDone' }
  | { readonly kind: 'copyFail'; readonly reason: string }
  /** PasswordMessage, SASLInitialResponse and SASLResponse share one type byte; the state of the login says which it is. */
  | { readonly kind: 'password'; readonly body: Buffer };

/** Reads the body of a frame (without type and length). Buffers in the result are views of `body`. */
export function decodeClientMessage(type: number, body: Buffer): ClientMessage {
  const cursor = new Cursor(body);
  const decoded = decodeBody(type, cursor);
  cursor.end();
  return decoded;
}

function decodeBody(type: number, cursor: Cursor): ClientMessage {
  switch (type) {
    case fromClient.query:
      return { kind: 'query', sql: cursor.cstring() };
    case fromClient.parse:
      return {
        kind: 'parse',
        statement: cursor.latin1(),
        sql: cursor.cstring(),
        types: cursor.list(4, (item) => item.uint32()),
      };
    case fromClient.bind:
      return bind(cursor);
    case fromClient.describe:
      return { kind: 'describe', target: target(cursor, 'DESCRIBE'), name: cursor.latin1() };
    case fromClient.execute:
      return { kind: 'execute', portal: cursor.latin1(), maxRows: cursor.int32() };
    case fromClient.close:
      return { kind: 'close', target: target(cursor, 'CLOSE'), name: cursor.latin1() };
    case fromClient.flush:
      return { kind: 'flush' };
    case fromClient.sync:
      return { kind: 'sync' };
    case fromClient.terminate:
      return { kind: 'terminate' };
    case fromClient.functionCall:
      return functionCall(cursor);
    case fromClient.copyData:
      return { kind: 'copyData', data: cursor.rest() };
    case fromClient.copyDone:
      return { kind: 'copyDone' };
    case fromClient.copyFail:
      return { kind: 'copyFail', reason: cursor.latin1() };
    case fromClient.password:
      return { kind: 'password', body: cursor.rest() };
    default:
      throw violation(`invalid frontend message type ${type}`);
  }
}

function bind(cursor: Cursor): BindMessage {
  const [portal, statement] = [cursor.latin1(), cursor.latin1()];
  const formats = cursor.list(2, (item) => item.int16());
  const parameters = cursor.list(4, (item) => item.value());
  if (formats.length > 1 && formats.length !== parameters.length) {
    throw violation(`bind message has ${formats.length} parameter formats but ${parameters.length} parameters`);
  }
  return {
    kind: 'bind',
    portal,
    statement,
    formats,
    parameters,
    resultFormats: cursor.list(2, (item) => item.int16()),
  };
}

function functionCall(cursor: Cursor): FunctionCallMessage {
  const functionOid = cursor.uint32();
  const formats = cursor.list(2, (item) => item.int16());
  const parameters = cursor.list(4, (item) => item.value());
  if (formats.length > 1 && formats.length !== parameters.length) {
    throw violation(
      `function call message contains ${formats.length} argument formats but ${parameters.length} arguments`,
    );
  }
  return { kind: 'functionCall', functionOid, formats, parameters, resultFormat: cursor.int16() };
}

const letters = { statement: 'S'.charCodeAt(0), portal: 'P'.charCodeAt(0) } as const satisfies Record<Target, number>;

function target(cursor: Cursor, command: string): Target {
  const letter = cursor.uint8();
  if (letter === letters.statement) return 'statement';
  if (letter === letters.portal) return 'portal';
  throw violation(`invalid ${command} message subtype ${letter}`);
}

/** The whole frame, type and length included. */
export function encodeClientMessage(sent: ClientMessage): Buffer {
  const type = fromClient[sent.kind];
  switch (sent.kind) {
    case 'query':
      return message(type, cstring(sent.sql));
    case 'parse':
      return message(type, cstring(sent.statement), cstring(sent.sql), counted(sent.types.map(int32)));
    case 'bind':
      return message(
        type,
        cstring(sent.portal),
        cstring(sent.statement),
        counted(sent.formats.map(int16)),
        counted(sent.parameters.map(sized)),
        counted(sent.resultFormats.map(int16)),
      );
    case 'describe':
    case 'close':
      return message(type, uint8(letters[sent.target]), cstring(sent.name));
    case 'execute':
      return message(type, cstring(sent.portal), int32(sent.maxRows));
    case 'flush':
    case 'sync':
    case 'terminate':
    case 'copyDone':
      return message(type);
    case 'functionCall':
      return message(
        type,
        int32(sent.functionOid),
        counted(sent.formats.map(int16)),
        counted(sent.parameters.map(sized)),
        int16(sent.resultFormat),
      );
    case 'copyData':
      return message(type, sent.data);
    case 'copyFail':
      return message(type, cstring(sent.reason));
    case 'password':
      return message(type, sent.body);
    default:
      return assertNever(sent);
  }
}

export interface SaslInitialResponse {
  readonly mechanism: string;
  readonly data: Buffer | undefined;
}

/** The body of a `p` frame that opens a SASL exchange. */
export function decodeSaslInitialResponse(body: Buffer): SaslInitialResponse {
  const cursor = new Cursor(body);
  const mechanism = cursor.latin1();
  const data = cursor.value();
  cursor.end();
  return { mechanism, data: data ?? undefined };
}

export function encodeSaslInitialResponse(sent: SaslInitialResponse): Buffer {
  return message(fromClient.password, cstring(sent.mechanism), sized(sent.data ?? null));
}

/** The body of a `p` frame that carries a password. */
export function decodePassword(body: Buffer): string {
  const cursor = new Cursor(body);
  const password = cursor.cstring().toString('utf8');
  cursor.end();
  return password;
}

export function encodePassword(password: string): Buffer {
  return message(fromClient.password, cstring(Buffer.from(password, 'utf8')));
}
