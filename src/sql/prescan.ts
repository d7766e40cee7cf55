// The look at a text before any parser sees it: one pass, no recursion, no backtracking. It refuses shapes that cost the parser (and
// the server: measured equal) time in the square of their length, or that would overflow a stack. Everything else is the grammar's.

import { tokenAt } from './lexer.ts';

export const prescanLimits = {
  /** Bytes of one message's SQL. The parser's cost is linear below it; above, a chain of casts can overflow its stack. */
  bytesMax: 256 * 1024,
  /** `/*` inside `/*`: 10,000 of them keep a server busy for a second, a million for minutes and past any cancel. */
  commentDepthMax: 32,
  /** A run of operator characters is scanned again for each of its ends. */
  operatorRunMax: 64,
  /** Brackets open at once. */
  nestingMax: 1000,
} as const;

export type PrescanAnswer =
  { readonly ok: true } | { readonly ok: false; readonly why: string; readonly by: 'server' | 'house' };

const fine: PrescanAnswer = { ok: true };

/** `by` says who should refuse: a NUL is the server's own error, the rest is refused before it costs the server anything. */
export function prescan(text: string): PrescanAnswer {
  if (text.length > prescanLimits.bytesMax || Buffer.byteLength(text) > prescanLimits.bytesMax) {
    return refused(`the text is longer than ${prescanLimits.bytesMax} bytes`);
  }
  if (text.includes('\0')) return { ok: false, why: 'the text holds a NUL', by: 'server' };
  let run = 0;
  let nesting = 0;
  for (let at = 0; at < text.length;) {
    const token = tokenAt(text, at);
    const unit = text.charCodeAt(at);
    const block = unit === 47 && text.charCodeAt(at + 1) === 42;
    if (block && commentDepth(text, at, token?.end ?? text.length) > prescanLimits.commentDepthMax) {
      return refused('comments are nested too deep');
    }
    // A string or comment that never ends is the server's own syntax error.
    if (token === undefined) return fine;
    run = token.kind === 'other' && isOperator(unit) ? run + 1 : 0;
    if (run > prescanLimits.operatorRunMax) return refused('an operator is too long');
    if (token.kind === 'other') nesting = Math.max(0, nesting + opening(unit));
    if (nesting > prescanLimits.nestingMax) return refused('brackets are nested too deep');
    at = token.end;
  }
  return fine;
}

function opening(unit: number): number {
  if (unit === 40 || unit === 91) return 1;
  return unit === 41 || unit === 93 ? -1 : 0;
}

function commentDepth(text: string, start: number, end: number): number {
  let depth = 0;
  let deepest = 0;
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    const next = text.charCodeAt(at + 1);
    if (unit === 47 && next === 42) {
      deepest = Math.max(deepest, ++depth);
      at++;
    } else if (unit === 42 && next === 47) {
      depth--;
      at++;
    }
  }
  return deepest;
}

function refused(why: string): PrescanAnswer {
  return { ok: false, why, by: 'house' };
}

/** Postgres's operator characters: ~ ! @ # ^ & | ` ? + - * / % < > = */
const operators = new Uint8Array(128);
for (const character of '~!@#^&|`?+-*/%<>=') operators[character.charCodeAt(0)] = 1;

function isOperator(unit: number): boolean {
  return unit < 128 && operators[unit] === 1;
}
