// Where Postgres's tokens begin and end, exactly as its scanner cuts them with standard_conforming_strings on (scan.l, 15 to 18). It
// exists because libpg-query treats a comment as a token and so rejects texts that the server accepts; it is used to blank comments,
// to find them for people, and to find literals. It never decides what a statement means: the grammar does.

import { foldAscii } from '../core/names.ts';

export type TokenKind =
  'space' | 'lineComment' | 'blockComment' | 'string' | 'quotedName' | 'word' | 'number' | 'parameter' | 'other';

export interface Token {
  readonly kind: TokenKind;
  /** Offsets into the JavaScript string, not bytes. */
  readonly start: number;
  readonly end: number;
}

/** All tokens, gapless; undefined when a string, quoted name or comment never ends (the server rejects such a text). */
export function tokensOf(text: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const token = tokenAt(text, at);
    if (token === undefined) return undefined;
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

/**
 * The text with each comment blanked by as many bytes of spaces, so that byte positions stay true. Undefined: there is none, the text has
 * no end, or blanking would let two strings grow together that the server keeps apart (`'a' ⏎ /* b *\/ 'c'`, which it refuses).
 */
export function withoutComments(text: string): string | undefined {
  const tokens = tokensOf(text);
  if (tokens === undefined) return undefined;
  let result = '';
  let betweenStrings = false;
  let blockSince = false;
  for (const token of tokens) {
    const piece = text.slice(token.start, token.end);
    if (isComment(token)) {
      blockSince ||= token.kind === 'blockComment';
      result += ' '.repeat(Buffer.byteLength(piece));
      continue;
    }
    result += token.kind === 'string' ? blankInside(piece) : piece;
    if (token.kind === 'space') continue;
    if (betweenStrings && blockSince && token.kind === 'string') return undefined;
    betweenStrings = token.kind === 'string';
    blockSince = false;
  }
  return result === text ? undefined : result;
}

export function isComment(token: Token): boolean {
  return token.kind === 'lineComment' || token.kind === 'blockComment';
}

const lineComment = /--[^\n\r]*/y;
const number =
  /(?:0[xX][0-9A-Fa-f_]+|0[oO][0-7_]+|0[bB][01_]+|(?:[0-9][0-9_]*(?:\.(?!\.)[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?)/y;
const parameter = /\$[0-9]+/y;
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
/** The token that begins at `start`; undefined when it never ends. Cost is linear in the token and the space behind it. */
export function tokenAt(text: string, start: number): Token | undefined {
  const unit = text.charCodeAt(start);
  const next = text.charCodeAt(start + 1);
  switch (unit < 128 ? beginnings[unit] : begins.word) {
    case begins.space:
      return made(start, 'space', spaceEnd(text, start));
    case begins.word: {
      const prefixed = next === 39 || next === 38 ? prefixedAt(text, start) : undefined;
      return prefixed === undefined
        ? made(start, 'word', wordEnd(text, start))
        : made(start, prefixed.kind, prefixed.end());
    }
    case begins.digit:
      return made(start, 'number', matchEnd(number, text, start));
    case begins.dot:
      if (next === 46) return made(start, 'other', start + 2);
      return beginnings[next] === begins.digit
        ? made(start, 'number', matchEnd(number, text, start))
        : made(start, 'other', start + 1);
    case begins.quote:
      return made(start, 'string', stringEnd(text, start, 'plain'));
    case begins.doubleQuote:
      return made(start, 'quotedName', quotedNameEnd(text, start));
    case begins.dollar:
      return dollarToken(text, start);
    case begins.minus:
      return next === 45
        ? made(start, 'lineComment', matchEnd(lineComment, text, start))
        : made(start, 'other', start + 1);
    case begins.slash:
      return next === 42 ? made(start, 'blockComment', blockEnd(text, start)) : made(start, 'other', start + 1);
    default:
      return made(start, 'other', start + 1);
  }
}

function made(start: number, kind: TokenKind, end: number | undefined): Token | undefined {
  return end === undefined ? undefined : { kind, start, end };
}

const begins = {
  space: 1,
  word: 2,
  digit: 3,
  dot: 4,
  quote: 5,
  doubleQuote: 6,
  dollar: 7,
  minus: 8,
  slash: 9,
} as const;

/** What a token that begins with an ASCII character can be; the rest of the table are operators and punctuation. */
const beginnings = new Uint8Array(128);
for (const character of ' \t\n\r\f\v') beginnings[character.charCodeAt(0)] = begins.space;
for (const character of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_') {
  beginnings[character.charCodeAt(0)] = begins.word;
}
for (const character of '0123456789') beginnings[character.charCodeAt(0)] = begins.digit;
beginnings[46] = begins.dot;
beginnings[39] = begins.quote;
beginnings[34] = begins.doubleQuote;
beginnings[36] = begins.dollar;
beginnings[45] = begins.minus;
beginnings[47] = begins.slash;

function spaceEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && beginnings[text.charCodeAt(at)] === begins.space) at++;
  return at;
}

/** Letters, digits, underscores, dollars, and everything beyond ASCII. Words are most of every text, and patterns are slower. */
function wordEnd(text: string, start: number): number {
  let at = start + 1;
  for (; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= 128 || unit === 36) continue;
    const kind = beginnings[unit];
    if (kind !== begins.word && kind !== begins.digit) break;
  }
  return at;
}

interface Prefixed {
  readonly kind: TokenKind;
  readonly end: () => number | undefined;
}

/** E'', B'', X'', N'', U&'' and U&"": the prefix counts only where a token begins, `namee'x'` is a name and a string. */
function prefixedAt(text: string, start: number): Prefixed | undefined {
  const letter = foldAscii(text.charAt(start));
  const second = text.charAt(start + 1);
  if (second === "'" && 'bxn'.includes(letter)) {
    return { kind: 'string', end: () => stringEnd(text, start + 1, 'plain') };
  }
  if (second === "'" && letter === 'e') return { kind: 'string', end: () => stringEnd(text, start + 1, 'escapes') };
  if (letter !== 'u' || second !== '&') return undefined;
  const third = text.charAt(start + 2);
  if (third === "'") return { kind: 'string', end: () => stringEnd(text, start + 2, 'plain') };
  return third === '"' ? { kind: 'quotedName', end: () => quotedNameEnd(text, start + 2) } : undefined;
}

function matchEnd(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** Comments nest. One pass, no recursion: depth is a number. The server's own cost grows with the square of the depth. */
function blockEnd(text: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const next = text.charCodeAt(at + 1);
    if (unit === 47 && next === 42) {
      depth++;
      at++;
    } else if (unit === 42 && next === 47) {
      at++;
      if (--depth === 0) return at + 1;
    }
  }
  return undefined;
}

/**
 * Where the next piece of the same string opens (its quote), if one follows: white space and line comments with at least one newline
 * between, never a block comment. Written as a loop because as a pattern it would backtrack for ever on `-- -- -- …`.
 */
function nextPiece(text: string, close: number): number | undefined {
  let newline = false;
  for (let at = close; at < text.length;) {
    const unit = text.charCodeAt(at);
    if (unit === 39) return newline ? at : undefined;
    if (unit === 45 && text.charCodeAt(at + 1) === 45) {
      const end = matchEnd(lineComment, text, at) ?? at;
      // After the newline each comment must itself end in one; before it, the comment's end is the newline that counts.
      if (end >= text.length) return undefined;
      at = end;
    } else if (unit === 32 || (unit >= 9 && unit <= 13)) {
      newline ||= unit === 10 || unit === 13;
      at++;
    } else return undefined;
  }
  return undefined;
}

/** `open` is the place of the opening quote. The pieces of one string keep the first piece's way of reading backslashes. */
function stringEnd(text: string, open: number, style: 'plain' | 'escapes'): number | undefined {
  let at = open + 1;
  for (;;) {
    const close = closingQuote(text, at, style);
    if (close === undefined) return undefined;
    const next = nextPiece(text, close);
    if (next === undefined) return close;
    at = next + 1;
  }
}

function closingQuote(text: string, from: number, style: 'plain' | 'escapes'): number | undefined {
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 92 && style === 'escapes') at++;
    else if (unit === 39) {
      if (text.charCodeAt(at + 1) !== 39) return at + 1;
      at++;
    }
  }
  return undefined;
}

function quotedNameEnd(text: string, open: number): number | undefined {
  for (let at = open + 1; at < text.length; at++) {
    if (text.charCodeAt(at) !== 34) continue;
    if (text.charCodeAt(at + 1) !== 34) return at + 1;
    at++;
  }
  return undefined;
}

function dollarToken(text: string, start: number): Token | undefined {
  const parameterEnd = matchEnd(parameter, text, start);
  if (parameterEnd !== undefined) return { kind: 'parameter', start, end: parameterEnd };
  const tagEnd = matchEnd(dollarTag, text, start);
  if (tagEnd === undefined) return { kind: 'other', start, end: start + 1 };
  const tag = text.slice(start, tagEnd);
  const close = text.indexOf(tag, tagEnd);
  return close < 0 ? undefined : { kind: 'string', start, end: close + tag.length };
}

/** A string of several pieces can hold line comments between them (`'a' -- x⏎'b'`); they trip the parser like any comment. */
function blankInside(piece: string): string {
  if (!piece.includes('--') || piece.startsWith('$')) return piece;
  const style = /^[eE]/.test(piece) ? 'escapes' : 'plain';
  let result = '';
  let at = 0;
  for (let open = piece.indexOf("'"); ;) {
    const close = closingQuote(piece, open + 1, style);
    if (close === undefined || close >= piece.length) return result + piece.slice(at);
    const next = nextPiece(piece, close);
    if (next === undefined) return result + piece.slice(at);
    const gap = piece.slice(close, next);
    result += piece.slice(at, close) + gap.replace(/--[^\n\r]*/g, (comment) => ' '.repeat(Buffer.byteLength(comment)));
    at = next;
    open = next;
  }
}
