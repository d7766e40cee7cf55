// A statement without what was said in it: every literal becomes a parameter, comments go, white space is one blank. For records, which
// hold facts about statements and no values. Works on tokens, so it needs no tree and cannot print what was not written.
import { isComment, tokenAt, type Token } from './lexer.ts';

const charactersMax = 8_192;

/** Undefined: the text has no end to a string or comment, and then nobody can say what in it is a literal. */
export function normalisedText(text: string): string | undefined {
  const tokens = firstTokens(text);
  if (tokens === undefined) return undefined;
  let next = highestParameter(text, tokens) + 1;
  let result = '';
  let gap = false;
  for (const token of tokens) {
    if (token.kind === 'space' || isComment(token)) {
      gap = result !== '';
      continue;
    }
    const piece = isLiteral(token) ? `$${next++}` : text.slice(token.start, token.end);
    // `a$1` would be one name: a parameter is kept apart from a word before it.
    const apart = gap || (isLiteral(token) && /[\w$\u0080-\uffff]$/.test(result));
    result += apart ? ` ${piece}` : piece;
    gap = false;
    if (result.length > charactersMax) return `${cut(result, charactersMax)} …`;
  }
  return result;
}

/** As many as are shown at most: a bulk load's megabyte of values is not taken apart for nothing. */
function firstTokens(text: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length && tokens.length <= charactersMax;) {
    const token = tokenAt(text, at);
    if (token === undefined) return undefined;
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

function isLiteral(token: Token): boolean {
  return token.kind === 'string' || token.kind === 'number';
}

function highestParameter(text: string, tokens: readonly Token[]): number {
  let highest = 0;
  for (const token of tokens) {
    if (token.kind !== 'parameter') continue;
    const number = Number(text.slice(token.start + 1, token.end));
    if (number > highest && number <= 65_535) highest = number;
  }
  return highest;
}

/** Cut to at most `max` UTF-16 units, never through a character. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const last = text.charCodeAt(max - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? max - 1 : max);
}
