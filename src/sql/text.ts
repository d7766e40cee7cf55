// Bytes of SQL to text, in the encoding that the session speaks, strictly: what the server would refuse is not guessed at, and what
// cannot be read for sure is said so. Replacement characters would let two texts look the same.
import { TextDecoder } from 'node:util';
import { encodingOf, type Encoding } from './encodings.ts';
import { tokensOf } from './lexer.ts';

export interface TextEncodings {
  /** `client_encoding` of the session at this moment. */
  readonly client: string;
  /** `server_encoding` of the database. */
  readonly server: string;
}

export type Decoded =
  | { readonly kind: 'text'; readonly text: string; readonly exact: Exactness }
  /** The server answers these bytes with an error of its own: let it. */
  | { readonly kind: 'serverRefuses'; readonly why: string }
  /** An encoding in which the text cannot be read for sure. */
  | { readonly kind: 'unreadable'; readonly why: string };

/** `names`: every identifier is the one that the server sees. `doubtful`: some name may be folded or cut differently there. */
export type Exactness = { readonly kind: 'names' } | { readonly kind: 'doubtful'; readonly why: string };

const exact: Exactness = { kind: 'names' };

export function decodeText(bytes: Uint8Array, encodings: TextEncodings): Decoded {
  if (bytes.includes(0)) return { kind: 'serverRefuses', why: 'a NUL byte' };
  const client = encodingOf(encodings.client);
  const server = encodingOf(encodings.server);
  if (client === undefined || server === undefined)
    return unreadable(client === undefined ? encodings.client : encodings.server);
  if (client.kind === 'refused') return unreadable(encodings.client);
  // With SQL_ASCII on the client's side bytes go as they are, and must be valid on the server's side.
  const spoken = client.kind === 'ascii' ? server : client;
  const text = decodedBy(spoken, bytes);
  if (text === undefined) return { kind: 'serverRefuses', why: `bytes that are not valid ${spoken.name}` };
  return { kind: 'text', text, exact: exactness(text, spoken, server) };
}

function unreadable(name: string): Decoded {
  return { kind: 'unreadable', why: `SQL in encoding ${name.slice(0, 40)} cannot be read for sure` };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const others = new Map<string, TextDecoder>();

function decodedBy(encoding: Encoding, bytes: Uint8Array): string | undefined {
  switch (encoding.kind) {
    case 'utf8':
      return strictly(utf8, bytes);
    case 'ascii':
      // Any byte is a character of its own there; one character each keeps them apart.
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    case 'single':
      return singleByte(encoding, bytes);
    case 'euc':
      return wideCharacters(bytes);
    case 'refused':
      return undefined;
  }
}

function strictly(decoder: TextDecoder, bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch (thrown) {
    if (thrown instanceof TypeError) return undefined;
    throw thrown;
  }
}

/** 0x80 to 0x9f of windows-1252. The platform's decoder takes the two for one in either direction, depending on its version. */
const windows1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

function singleByte(encoding: Encoding, bytes: Uint8Array): string {
  const label = encoding.label ?? 'latin1';
  if (label === 'latin1' || label === 'windows-1252') {
    const latin1 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    if (label === 'latin1') return latin1;
    return latin1.replace(/[\u0080-\u009f]/g, (character) => windows1252.charAt(character.charCodeAt(0) - 0x80));
  }
  let decoder = others.get(label);
  if (decoder === undefined) {
    decoder = new TextDecoder(label);
    others.set(label, decoder);
  }
  return decoder.decode(bytes);
}

/**
 * In EUC encodings every byte of a wide character has its high bit set, so where tokens begin and end is sure even though the names
 * are not. The platform's tables accept more than Postgres's: each high byte becomes one private character, which no catalog holds.
 */
function wideCharacters(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4096) {
    const codes = Array.from(bytes.subarray(at, at + 4096), (byte) => (byte < 128 ? byte : 0xe000 + byte));
    text += String.fromCharCode(...codes);
  }
  return text;
}

/**
 * The parser cuts names at 63 bytes of UTF-8 and folds only A to Z, as a UTF8 database does. Other databases count their own bytes,
 * and single-byte ones fold their upper-case letters too.
 */
function exactness(text: string, spoken: Encoding, server: Encoding): Exactness {
  if (!/[\u0080-\uffff]/.test(text)) return exact;
  if (server.kind === 'utf8' && (spoken.kind === 'utf8' || spoken.kind === 'single')) return exact;
  for (const token of tokensOf(text) ?? []) {
    if (token.kind !== 'word' && token.kind !== 'quotedName') continue;
    const name = text.slice(token.start, token.end);
    if (!/[\u0080-\uffff]/.test(name)) continue;
    if (spoken.kind === 'euc' || spoken.kind === 'ascii') return doubtful(`names in ${spoken.name} beyond ASCII`);
    if (Buffer.byteLength(name) > 63) return doubtful('a long name that the database may cut elsewhere');
    if (token.kind === 'word' && name !== name.toLowerCase())
      return doubtful('a capital letter that the database may fold');
  }
  return exact;
}

function doubtful(why: string): Exactness {
  return { kind: 'doubtful', why };
}
