// Small readings of what an agent sends, and the words for what is wrong with it.
import { ProxyError } from '../core/errors.ts';

/** What `indexOf(0, from)` says. Most names are short, or empty, and a call into the program's native half costs more than looking. */
export function zeroAt(bytes: Buffer, from: number): number {
  const near = Math.min(bytes.length, from + 64);
  for (let at = from; at < near; at += 1) if (bytes[at] === 0) return at;
  return bytes.indexOf(0, near);
}

export function isSame(known: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  if (known.length > 256) return known.compare(bytes, start, end) === 0;
  for (let at = 0; at < known.length; at += 1) if (known[at] !== bytes[start + at]) return false;
  return true;
}

/** Names byte by byte, so that no encoding can make two of one. Mostly it is the one that came last: then no text is made of its bytes. */
export class Names {
  #bytes = Buffer.alloc(0);
  #text = '';

  of(bytes: Buffer, start: number, end: number): string {
    if (start >= end) return '';
    if (isSame(this.#bytes, bytes, start, end)) return this.#text;
    this.#bytes = Buffer.from(bytes.subarray(start, end));
    this.#text = bytes.toString('latin1', start, end);
    return this.#text;
  }
}

export const statementKind = 'S'.charCodeAt(0);

export const typeAt = (bytes: Buffer, start: number): number => bytes[start] ?? 0;

/** How many, then an OID each; undefined: the message is not as long as it says. */
export function typesAt(bytes: Buffer, start: number, end: number): readonly number[] | undefined {
  if (start + 2 > end) return undefined;
  const count = bytes.readUInt16BE(start);
  if (start + 2 + 4 * count !== end) return undefined;
  return Array.from({ length: count }, (_, index) => bytes.readUInt32BE(start + 2 + 4 * index));
}

/** The body of a Query: one text and its NUL, nothing behind it. A NUL inside would hide the rest from whoever reads C strings. */
export function onlyText(bytes: Buffer, start: number, end: number): Buffer | undefined {
  return bytes.indexOf(0, start + 5) === end - 1 ? bytes.subarray(start + 5, end - 1) : undefined;
}

/** What an Execute of a cursor that SQL declared asks for, in SQL; undefined: the message is not as long as it says. */
export function fetchOf(bytes: Buffer, start: number, end: number): Buffer | undefined {
  const nameEnd = bytes.indexOf(0, start + 5);
  if (nameEnd < 0 || nameEnd + 5 !== end) return undefined;
  const most = bytes.readInt32BE(nameEnd + 1);
  const name = bytes.toString('latin1', start + 5, nameEnd).replaceAll('"', '""');
  return Buffer.from(`FETCH FORWARD ${most > 0 ? most : 'ALL'} FROM "${name}"`, 'latin1');
}

/** What is wrong with it. */
export const wrong = {
  malformed: (): ProxyError => new ProxyError('PROTOCOL_VIOLATION', 'invalid message format'),

  functionCall: (): ProxyError =>
    new ProxyError(
      'FEATURE_NOT_SUPPORTED',
      'function call messages cannot be judged, so they do not pass; call the function in SQL',
    ),

  /** Where it came from, people can be asked only about a text that is sent to be run. */
  parsedEarly: (): ProxyError =>
    new ProxyError('NOT_KNOWN', 'a constant in this text would run the check of a domain as soon as it is parsed', {
      hint: 'Give the value as a parameter without a cast, or send the statement as a simple Query, which can be held for approval.',
    }),

  ownName: (name: string): ProxyError =>
    new ProxyError('FEATURE_NOT_SUPPORTED', `the name "${name}" is the proxy's own`),

  overdue: (): ProxyError =>
    new ProxyError('NOT_KNOWN', 'names may mean something else by now than when this portal was bound', {
      hint: 'Bind it again, and execute it before anything that changes what names mean.',
    }),

  syncInCopy: (): ProxyError =>
    new ProxyError('PROTOCOL_VIOLATION', 'Sync came in the middle of COPY data, where nobody can tell if it counts', {
      hint: 'Send CopyDone or CopyFail first.',
    }),

  outdated: (): ProxyError =>
    new ProxyError('HOLD_CHANGED', 'the classification has changed since this was let through', {
      hint: 'Send it again: it is judged as it is now.',
    }),

  /** In the words of the server, which it would use for a name it does not know either. */
  unknownStatement: (name: string): ProxyError => {
    const words =
      name === '' ? 'unnamed prepared statement does not exist' : `prepared statement "${name}" does not exist`;
    return new ProxyError('UNKNOWN_STATEMENT', words);
  },

  tooMany: (what: 'statements' | 'portals', most: number): ProxyError => {
    const words = { statements: 'a session may have', portals: 'a transaction may have' }[what];
    const things = { statements: 'prepared statements', portals: 'open portals' }[what];
    return new ProxyError('TOO_MANY_STATEMENTS', `${words} ${most} ${things}`, {
      hint: `Close ${what} that are no longer used, or raise limits.${what}_per_session.`,
    });
  },
} as const;
