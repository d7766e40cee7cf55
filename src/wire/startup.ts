// The packets before login. They have no type byte, only a length and a code, and come from strangers: the most attacked part.
// Constants: src/include/libpq/pqcomm.h.
import { assertNever } from '../core/exhaustive.ts';
import { Cursor, cstring, framed, int32, invalidFormat, nul, violation } from './cursor.ts';

export type StartupPacket =
  | { readonly kind: 'ssl' }
  | { readonly kind: 'gss' }
  | { readonly kind: 'cancel'; readonly processId: number; readonly secret: Buffer }
  | StartupMessage;

export interface StartupMessage {
  readonly kind: 'startup';
  readonly major: number;
  readonly minor: number;
  readonly parameters: ReadonlyMap<string, string>;
  /** Names beginning with `_pq_.`: protocol options, answered with NegotiateProtocolVersion when we do not know them. */
  readonly protocolOptions: readonly string[];
}

const codes = { cancel: 0x04d2_162e, ssl: 0x04d2_162f, gss: 0x04d2_1630 } as const;

/** MAX_STARTUP_PACKET_LENGTH. The reader of the socket must not wait for more than this. */
const startupBytesMax = 10_000;
const secretBytesMax = 256;

/** Reads a whole packet, its length included. */
export function decodeStartup(packet: Buffer): StartupPacket {
  if (packet.length > startupBytesMax) throw violation('invalid length of startup packet');
  const cursor = new Cursor(packet);
  if (cursor.uint32() !== packet.length) throw violation('invalid length of startup packet');
  const code = cursor.uint32();
  switch (code) {
    case codes.ssl:
      cursor.end();
      return { kind: 'ssl' };
    case codes.gss:
      cursor.end();
      return { kind: 'gss' };
    case codes.cancel:
      return cancelRequest(cursor);
    default:
      return startupMessage(code, cursor);
  }
}

function cancelRequest(cursor: Cursor): StartupPacket {
  const processId = cursor.int32();
  // 4 bytes in protocol 3.0, up to 256 in 3.2.
  if (cursor.remaining === 0 || cursor.remaining > secretBytesMax) throw violation('invalid length of cancel key');
  return { kind: 'cancel', processId, secret: Buffer.from(cursor.rest()) };
}

function startupMessage(code: number, cursor: Cursor): StartupMessage {
  const [major, minor] = [code >>> 16, code & 0xffff];
  const message = { kind: 'startup', major, minor } as const;
  // What follows in another major version is not ours to read; the version alone decides the answer.
  if (major !== 3) return { ...message, parameters: new Map(), protocolOptions: [] };
  const parameters = new Map<string, string>();
  const protocolOptions: string[] = [];
  for (;;) {
    const name = parameterText(cursor);
    if (name === '') break;
    const value = parameterText(cursor);
    if (name.startsWith('_pq_.')) protocolOptions.push(name);
    // Postgres lets the last one win. Two readers that disagree about which `user` counts is how a login is smuggled.
    else if (parameters.has(name)) throw violation(`start-up parameter ${JSON.stringify(name)} is given twice`);
    else parameters.set(name, value);
  }
  if (cursor.remaining !== 0) throw violation(invalidFormat);
  return { ...message, parameters, protocolOptions };
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Names of agents and databases are compared with our config, which is UTF-8, and are shown to people. Every other encoding would
 * make two spellings of one name, so only UTF-8 passes.
 */
function parameterText(cursor: Cursor): string {
  const bytes = cursor.cstring();
  try {
    return strictUtf8.decode(bytes);
  } catch (cause) {
    throw violation(cause instanceof TypeError ? 'a start-up parameter is not UTF-8' : invalidFormat);
  }
}

export const sslRequest: Buffer = framed([int32(codes.ssl)]);
export const gssRequest: Buffer = framed([int32(codes.gss)]);

export function encodeStartup(packet: StartupPacket): Buffer {
  switch (packet.kind) {
    case 'ssl':
      return sslRequest;
    case 'gss':
      return gssRequest;
    case 'cancel':
      return framed([int32(codes.cancel), int32(packet.processId), packet.secret]);
    case 'startup':
      return framed([
        int32(packet.major * 0x1_0000 + packet.minor),
        ...[...packet.parameters].flatMap(([name, value]) => [utf8(name), utf8(value)]),
        ...packet.protocolOptions.flatMap((name) => [utf8(name), nul]),
        nul,
      ]);
    default:
      return assertNever(packet);
  }
}

const utf8 = (text: string): Buffer => cstring(Buffer.from(text, 'utf8'));
