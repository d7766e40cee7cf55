// Patterns over column names, as DBAs write them in taxonomy.yaml. A pattern is run on every name of every schema and on names
// that an agent may choose, so one that could run for ever is refused when the file is read, not when it bites.
import type { Place } from '../core/place.ts';

export type CompiledPattern =
  | { readonly kind: 'good'; readonly matches: (name: string) => boolean }
  | { readonly kind: 'bad'; readonly words: string; readonly mend: string };

const lengthMax = 200;

/** Postgres cuts names at 63 bytes, so no name is longer than this. */
const nameLengthMax = 63;

/**
 * How many ways a backtracking matcher may have to try on the longest name. Measured: a million takes about 10 ms, and that
 * only on a name made for it.
 */
const waysMax = 2_000_000;

/** Letters of names match in either case: `eMail` in quotes is an e-mail too. */
export function compilePattern(text: string): CompiledPattern {
  const bad = (words: string, mend: string): CompiledPattern => ({ kind: 'bad', words, mend });
  if (text === '') return bad('an empty pattern matches every column', 'write what the name holds');
  if (text.length > lengthMax) return bad(`a pattern has ${lengthMax} characters at most`, 'split it in two');
  let regex: RegExp;
  try {
    regex = new RegExp(text, 'iu');
  } catch {
    return bad('not a regular expression', 'JavaScript’s syntax; write \\. for a dot');
  }
  const reader = new WaysReader(text);
  const ways = reader.alternatives(0) * (nameLengthMax + 1);
  if (reader.refusal !== undefined) return bad(reader.refusal.words, reader.refusal.mend);
  if (ways > waysMax) return bad('the pattern could run for ever: too many repetitions in a row', 'use fewer * and +');
  return { kind: 'good', matches: (name) => name.length <= 2 * nameLengthMax && regex.test(name) };
}

interface Refusal {
  readonly words: string;
  readonly mend: string;
}

const forEver: Refusal = {
  words: 'the pattern could run for ever: a repeated group that repeats or chooses inside',
  mend: 'repeat single characters or classes only: [a-z_]+ instead of ([a-z]+_?)+',
};

/** Reads a (valid) regular expression once, counting in how many ways a backtracking matcher could go through it. */
class WaysReader {
  refusal: Refusal | undefined;
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** `a|b|c` up to the closing bracket or the end. */
  alternatives(depth: number): number {
    if (depth > 20) this.refusal = { words: 'groups nested deeper than 20', mend: 'write it flatter' };
    let sum = 0;
    let product = 1;
    while (this.#at < this.#text.length && this.refusal === undefined) {
      const character = this.#text.charAt(this.#at);
      if (character === ')') break;
      if (character === '|') {
        sum += product;
        product = 1;
        this.#at += 1;
        continue;
      }
      product = Math.min(product * this.#repeated(depth), Number.MAX_SAFE_INTEGER);
    }
    return sum + product;
  }

  #repeated(depth: number): number {
    const ways = this.#atom(depth);
    const quantifier = /(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y;
    quantifier.lastIndex = this.#at;
    const match = quantifier.exec(this.#text);
    if (match === null) return ways;
    this.#at = quantifier.lastIndex;
    if (match[1] === '?') return ways + 1;
    const [least, most] = bounds(match);
    if (most > 1 && ways > 1) this.refusal ??= forEver;
    return Math.min(most, nameLengthMax) - Math.min(least, nameLengthMax) + 1;
  }

  #atom(depth: number): number {
    const character = this.#text.charAt(this.#at);
    this.#at += 1;
    if (character === '(') return this.#group(depth);
    if (character === '[') this.#skipClass();
    if (character === '\\') this.#skipEscape();
    return 1;
  }

  #group(depth: number): number {
    const opening = /\?(?:(:)|<([A-Za-z_]\w*)>|.)/y;
    opening.lastIndex = this.#at;
    const match = opening.exec(this.#text);
    if (match !== null && match[1] === undefined && match[2] === undefined) {
      this.refusal ??= { words: 'looking ahead or behind is not read here', mend: 'use ( ), (?: ), [ ], | and * + ?' };
    }
    if (match !== null) this.#at = opening.lastIndex;
    const ways = this.alternatives(depth + 1);
    this.#at += 1;
    return ways;
  }

  #skipClass(): void {
    while (this.#at < this.#text.length && this.#text.charAt(this.#at) !== ']') {
      this.#at += this.#text.charAt(this.#at) === '\\' ? 2 : 1;
    }
    this.#at += 1;
  }

  #skipEscape(): void {
    const escape = /k<|[1-9]|[pPu]\{[^}]*\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|./suy;
    escape.lastIndex = this.#at;
    const found = escape.exec(this.#text)?.[0] ?? '';
    if (/^(?:k<|[1-9])/.test(found)) {
      this.refusal ??= { words: 'referring back to a group is not read here', mend: 'write the text again' };
    }
    this.#at += found.length;
  }
}

function bounds(match: RegExpExecArray): readonly [least: number, most: number] {
  if (match[1] !== undefined) return [match[1] === '+' ? 1 : 0, nameLengthMax];
  const least = Number(match[2]);
  if (match[3] === '') return [least, least];
  return [least, match[4] === '' ? nameLengthMax : Number(match[4])];
}

/** A pattern with what it says about the names that it matches. */
export interface NamePattern<Word> {
  readonly matches: (name: string) => boolean;
  readonly source: string;
  readonly word: Word;
  readonly place: Place;
}
