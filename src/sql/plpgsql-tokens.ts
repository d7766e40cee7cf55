// The tokens of a plpgsql body, one after another, and the few ways in which its grammar looks for the end of something. plpgsql has
// the server's own scanner, so these are its tokens; blanks and comments are passed over.
import { foldAscii } from '../core/names.ts';
import { isComment, tokensOf, type Token } from './lexer.ts';

/** Whatever the reader is not certain of ends the reading; caught at its door, where it becomes "not known". */
export class NotRead extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'NotRead';
  }
}

/** NAMEDATALEN - 1: longer names are cut by the server. */
const nameBytesMax = 63;

export class Tokens {
  readonly #text: string;
  readonly #list: readonly Token[];
  #at = 0;

  constructor(text: string) {
    const all = tokensOf(text);
    if (all === undefined) throw new NotRead('text without end');
    this.#text = text;
    this.#list = all.filter((token) => token.kind !== 'space' && !isComment(token));
  }

  get atEnd(): boolean {
    return this.#at >= this.#list.length;
  }

  /** The text of the token `ahead`, words folded; the empty string behind the last. */
  peek(ahead = 0): string {
    const token = this.#list[this.#at + ahead];
    if (token === undefined) return '';
    const raw = this.#text.slice(token.start, token.end);
    return token.kind === 'word' ? foldAscii(raw) : raw;
  }

  peekKind(ahead = 0): Token['kind'] | undefined {
    return this.#list[this.#at + ahead]?.kind;
  }

  /** Whether the token is this unquoted word. */
  isWord(word: string, ahead = 0): boolean {
    return this.peekKind(ahead) === 'word' && this.peek(ahead) === word;
  }

  /** Signs that touch each other: `:=`, `<<`. */
  isSign(sign: string, ahead = 0): boolean {
    const first = this.#list[this.#at + ahead];
    const last = this.#list[this.#at + ahead + sign.length - 1];
    if (first === undefined || last === undefined) return false;
    if (this.peek(ahead) === sign) return true;
    return last.end - first.start === sign.length && this.#text.slice(first.start, last.end) === sign;
  }

  skip(count = 1): void {
    this.#at += count;
  }

  takeWord(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.skip();
    return true;
  }

  takeSign(sign: string): boolean {
    if (!this.isSign(sign)) return false;
    this.skip(this.peek() === sign ? 1 : sign.length);
    return true;
  }

  wantWord(word: string): void {
    if (!this.takeWord(word)) throw new NotRead(`${word} is not where it should be`);
  }

  wantSign(sign: string): void {
    if (!this.takeSign(sign)) throw new NotRead(`"${sign}" is not where it should be`);
  }

  /** A name as the server has it. */
  name(): string {
    const name = this.nameAt(0);
    if (name === undefined) throw new NotRead('a name is missing');
    this.skip();
    return name;
  }

  nameAt(ahead: number): string | undefined {
    const kind = this.peekKind(ahead);
    if (kind !== 'word' && kind !== 'quotedName') return undefined;
    const raw = this.peek(ahead);
    const name = kind === 'word' ? raw : raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : undefined;
    if (name === undefined || Buffer.byteLength(name) > nameBytesMax)
      throw new NotRead('a name that may be read otherwise');
    return name;
  }

  /**
   * The text up to the first of these outside all brackets, which is left to be taken. Like the server's read_sql_construct, this
   * knows nothing of what is inside; a semicolon or the end of the body before that is an error there and here.
   */
  until(ends: (tokens: Tokens) => boolean): string {
    const first = this.#list[this.#at];
    let depth = 0;
    let last = first;
    while (!(depth === 0 && ends(this))) {
      const token = this.#list[this.#at];
      if (token === undefined) throw new NotRead('something has no end');
      const sign = this.peek();
      if (sign === ';') throw new NotRead('a semicolon where something goes on');
      if (sign === '(' || sign === '[') depth += 1;
      if (sign === ')' || sign === ']') depth -= 1;
      if (depth < 0) throw new NotRead('a bracket too many');
      // The server takes INTO for its own wherever it stands.
      if (depth > 0 && this.isWord('into')) throw new NotRead('INTO inside brackets');
      last = token;
      this.skip();
    }
    if (first === undefined || last === undefined || this.#list[this.#at] === first) return '';
    return this.#text.slice(first.start, last.end);
  }

  mark(): number {
    return this.#at;
  }

  /** The text between two marks. */
  between(from: number, to: number): string {
    const [first, last] = [this.#list[from], this.#list[to - 1]];
    return first === undefined || last === undefined || to <= from ? '' : this.#text.slice(first.start, last.end);
  }
}

export const semicolon = (tokens: Tokens): boolean => tokens.peek() === ';';

export function words(...list: readonly string[]): (tokens: Tokens) => boolean {
  return (tokens) => tokens.peekKind() === 'word' && list.includes(tokens.peek());
}
