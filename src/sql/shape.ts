// The hot path's key. Clients that put values into their texts send a different text each time; what is known about one holds for
// all that differ only in plain literals, if the literals stand where their values cannot matter (shape-inert.ts says where). This
// scanner turns bytes into a key in which each plain literal is one mark. It must never map two texts onto one key that Postgres would
// cut into different tokens: it gives up on everything that is not plain, and giving up costs only a slower look-up.
//
// Why equal keys mean equal tokens but for literal values:
// - Only printable ASCII, tab, newline and carriage return get through, so the session's encoding does not matter, and the marks (bytes
//   1 and 2) cannot be in a text. Backslashes and comments give up.
// - Words are taken whole (letter or underscore, then letters, digits, underscores, dollars), as the server's scanner takes them: digits
//   inside a name stay in the key.
// - An integer is at most nine decimal digits with nothing before or after that could belong to it: a dot, a letter, an underscore, a
//   dollar, a quote. Every such number is an int4 to the server, whatever its value; a minus before it stays in the key.
// - A string begins with a quote that no prefix can belong to (E, B, X, N, U&) and ends at the first quote that is not doubled. White
//   space after it stays in the key, so pieces of one string stay pieces of one string.
// - `$1` stays as it is; any other dollar outside a word gives up. Quoted names stay as they are.

/** Longer texts are looked up whole. */
const shapeBytesMax = 4096;

const integerMark = 1;
const stringMark = 2;

/** What a byte is outside of literals: 0 give up, 1 other, 2 word start, 3 digit, 4 quote, 5 double quote, 6 dollar, 7 `-`, 8 `/`. */
const classes = new Uint8Array(256);
/** Bytes that continue a word. */
const inWord = new Uint8Array(256);
/** Bytes that a number must not touch at its end: it would be, or might become in some version, another token. */
const afterNumber = new Uint8Array(256);

const range = (from: string, to: string): readonly number[] =>
  Array.from({ length: to.charCodeAt(0) - from.charCodeAt(0) + 1 }, (_, index) => from.charCodeAt(0) + index);

for (const byte of range(' ', '~')) classes[byte] = 1;
for (const byte of [9, 10, 13]) classes[byte] = 1;
for (const byte of [...range('a', 'z'), ...range('A', 'Z'), 95]) classes[byte] = 2;
for (const byte of range('0', '9')) classes[byte] = 3;
for (const [character, kind] of ["'4", '"5', '$6', '-7', '/8', '\\0'].map(
  (pair) => [pair.charCodeAt(0), pair.charAt(1)] as const,
)) {
  classes[character] = Number(kind);
}
for (const byte of [...range('a', 'z'), ...range('A', 'Z'), ...range('0', '9'), 95, 36]) inWord[byte] = 1;
for (const byte of [...range('a', 'z'), ...range('A', 'Z'), ...range('0', '9'), 95, 36, 46, 39, 34])
  afterNumber[byte] = 1;

/** One per thread: it writes into its own memory. */
export class ShapeScanner {
  readonly #out = Buffer.alloc(shapeBytesMax);

  /** The text's key, or undefined when the text is not plain enough to have one. */
  keyOf(bytes: Uint8Array): string | undefined {
    const length = this.#scan(bytes, undefined);
    return length < 0 ? undefined : this.#out.toString('latin1', 0, length);
  }

  /** Where the literals stand that the key leaves out; undefined when there is no key. For the cold side only. */
  literalsOf(bytes: Uint8Array): readonly number[] | undefined {
    const places: number[] = [];
    return this.#scan(bytes, places) < 0 ? undefined : places;
  }

  /** Writes the key and gives its length, or -1. One pass; the branches are in the order of how often they are taken. */
  #scan(bytes: Uint8Array, places: number[] | undefined): number {
    const end = bytes.length;
    if (end > shapeBytesMax) return -1;
    const out = this.#out;
    let length = 0;
    let at = 0;
    while (at < end) {
      const byte = bytes[at] ?? 0;
      switch (classes[byte]) {
        case 2: {
          do out[length++] = bytes[at++] ?? 0;
          while (at < end && inWord[bytes[at] ?? 0] === 1);
          break;
        }
        case 1:
          out[length++] = byte;
          at++;
          break;
        case 3: {
          const next = numberEnd(bytes, at, end);
          if (next < 0) return -1;
          places?.push(at);
          out[length++] = integerMark;
          at = next;
          break;
        }
        case 4: {
          const next = stringEnd(bytes, at, end);
          if (next < 0) return -1;
          places?.push(at);
          out[length++] = stringMark;
          at = next;
          break;
        }
        default: {
          const next = oddEnd(bytes, at, end);
          if (next < 0) return -1;
          while (at < next) out[length++] = bytes[at++] ?? 0;
        }
      }
    }
    return length;
  }
}

function numberEnd(bytes: Uint8Array, start: number, end: number): number {
  if (start > 0 && bytes[start - 1] === 46) return -1;
  let at = start + 1;
  while (at < end && classes[bytes[at] ?? 0] === 3) at++;
  if (at - start > 9) return -1;
  return at < end && afterNumber[bytes[at] ?? 0] === 1 ? -1 : at;
}

function stringEnd(bytes: Uint8Array, start: number, end: number): number {
  const before = start > 0 ? (bytes[start - 1] ?? 0) : 32;
  // A word or a number right before the quote may be its prefix, and so may `U&`.
  if (inWord[before] === 1 || before === 38 || before === 34) return -1;
  for (let at = start + 1; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === 39) {
      if (bytes[at + 1] !== 39) return at + 1;
      at++;
    } else if (classes[byte] === 0) return -1;
  }
  return -1;
}

/** What is taken as it is, or not at all: quoted names, parameters, and the beginnings of comments. */
function oddEnd(bytes: Uint8Array, start: number, end: number): number {
  const next = bytes[start + 1];
  switch (classes[bytes[start] ?? 0]) {
    case 5:
      return quotedNameEnd(bytes, start, end);
    case 6: {
      let at = start + 1;
      while (at < end && classes[bytes[at] ?? 0] === 3) at++;
      return at === start + 1 || (at < end && afterNumber[bytes[at] ?? 0] === 1) ? -1 : at;
    }
    case 7:
      return next === 45 ? -1 : start + 1;
    case 8:
      return next === 42 ? -1 : start + 1;
    default:
      return -1;
  }
}

function quotedNameEnd(bytes: Uint8Array, start: number, end: number): number {
  if (start > 0 && bytes[start - 1] === 38) return -1;
  for (let at = start + 1; at < end; at++) {
    const byte = bytes[at] ?? 0;
    // A doubled quote closes and opens again, which comes to the same bytes.
    if (byte === 34) return at + 1;
    if (classes[byte] === 0) return -1;
  }
  return -1;
}
