// A statement as approvers read it: the tokens that the server will read, one blank between them, clauses on their own lines, comments
// pulled out and handed over apart, and nothing in it that shows as something else. Made from tokens and not printed from the tree: a
// printer's mistake would be a lie on the card, and what stands here is what was sent, character for character where it counts.
import { quoteName } from '../core/names.ts';
import { codeOf, visible } from '../core/visible.ts';
import { isComment, tokensOf, withoutComments, type Token } from './lexer.ts';
import { cut } from './normalised.ts';

export interface CardSql {
  readonly sql: string;
  /** How many characters of the canonical text are left out of `sql`, from its middle: the end of a statement decides as well. */
  readonly leftOut: number;
  /** The agent's own words: to be labelled as such. */
  readonly comments: readonly string[];
  /** The text has a string or comment without end; `sql` is then the raw text made visible. */
  readonly unreadable: boolean;
}

export interface CardSqlOptions {
  readonly charactersMax: number;
  /** By policy: values are shown, or only that there are values. */
  readonly literals: 'shown' | 'hidden';
}

const commentsMax = 10;
const commentCharactersMax = 300;
/** A value longer than this is cut: padding must not push the rest of a statement out of sight. */
const literalCharactersMax = 120;

export function cardSql(text: string, options: CardSqlOptions): CardSql {
  const tokens = tokensOf(text);
  if (tokens === undefined) {
    return { ...bounded(sqlVisible(text), options.charactersMax), comments: [], unreadable: true };
  }
  const comments = tokens
    .filter(isComment)
    .slice(0, commentsMax)
    .map((token) => commentWords(text.slice(token.start, token.end)));
  // A string may go on behind a line comment (`'a' -- b⏎'c'`): that comment is blanked too, and the string is one literal still.
  const bare = withoutComments(text) ?? text;
  const sql = laidOut(bare, tokensOf(bare) ?? [], (token) => pieceOf(bare, token, options));
  return { ...bounded(sql, options.charactersMax), comments, unreadable: false };
}

/** The same tokens on one line without comments, values and all: for tools that read SQL less exactly than the server. */
export function plainSql(raw: string): string | undefined {
  const text = withoutComments(raw) ?? raw;
  const tokens = tokensOf(text);
  if (tokens === undefined) return undefined;
  let result = '';
  let gap = false;
  for (const token of tokens) {
    if (token.kind === 'space' || isComment(token)) {
      gap = result !== '';
      continue;
    }
    result += (gap ? ' ' : '') + text.slice(token.start, token.end);
    gap = false;
  }
  return result;
}

function pieceOf(text: string, token: Token, options: CardSqlOptions): string {
  const raw = text.slice(token.start, token.end);
  if (token.kind === 'string' || token.kind === 'number') {
    if (options.literals === 'hidden') return token.kind === 'string' ? "'…'" : '#';
    return shortened(sqlVisible(raw));
  }
  return token.kind === 'word' || token.kind === 'quotedName' ? nameVisible(raw) : sqlVisible(raw);
}

function shortened(literal: string): string {
  if (literal.length <= literalCharactersMax) return literal;
  const head = cut(literal, literalCharactersMax - 20);
  return `${head}⋯(${literal.length - head.length} more characters)⋯'`;
}

/** Words that begin a line of their own outside brackets; JOIN goes with the words before it. */
const lineWords = new Set(
  (
    'from where group order having limit offset fetch union except intersect returning values set window join left right inner cross full ' +
    'natural when using for'
  ).split(' '),
);
const joinWords = new Set('left right inner cross full natural outer'.split(' '));

function laidOut(text: string, tokens: readonly Token[], piece: (token: Token) => string): string {
  let result = '';
  let gap = false;
  let depth = 0;
  let before = '';
  for (const token of tokens) {
    if (token.kind === 'space' || isComment(token)) {
      gap = result !== '';
      continue;
    }
    const raw = text.slice(token.start, token.end);
    const word = token.kind === 'word' ? raw.toLowerCase() : '';
    const breaks =
      depth === 0 && lineWords.has(word) && !(joinWords.has(before) && (word === 'join' || joinWords.has(word)));
    result += (gap ? (breaks ? '\n' : ' ') : '') + piece(token);
    gap = false;
    before = word;
    if (raw === '(') depth++;
    if (raw === ')') depth = Math.max(0, depth - 1);
  }
  return result;
}

/** From the middle: both the beginning (what is done) and the end (to which rows) stay. */
function bounded(sql: string, charactersMax: number): { readonly sql: string; readonly leftOut: number } {
  if (sql.length <= charactersMax) return { sql, leftOut: 0 };
  const head = cut(sql, Math.floor(charactersMax * 0.6));
  const tailStart = sql.length - Math.floor(charactersMax * 0.3);
  const unit = sql.charCodeAt(tailStart);
  const tail = sql.slice(unit >= 0xdc00 && unit <= 0xdfff ? tailStart + 1 : tailStart);
  const leftOut = sql.length - head.length - tail.length;
  return { sql: `${head}\n⋯ ${leftOut} characters left out ⋯\n${tail}`, leftOut };
}

function commentWords(comment: string): string {
  const inner = comment.startsWith('--') ? comment.slice(2) : comment.slice(2, -2);
  return visible(inner.replace(/[ \t\r\n]+/g, ' ').trim(), commentCharactersMax);
}

/** Blanks that are none, and our own mark of what was left out. */
const deceptive = /[^\P{Zs} ]|⋯/gu;

export function sqlVisible(text: string): string {
  return visible(text, Number.POSITIVE_INFINITY).replace(deceptive, codeOf);
}

/**
 * In names also letters that look like others (a Cyrillic `а` in `pаyroll`, a full-width or mathematical letter, KELVIN SIGN) and signs that
 * read as SQL: to the server every character beyond ASCII is a letter of a name, `’bob’` and `id‚email` and `∗` as well.
 */
export function nameVisible(name: string): string {
  if (/^[\0-\u007f]*$/.test(name)) return sqlVisible(name);
  const mixed = /[A-Za-z]/.test(name);
  const isDeceptive = (character: string): boolean =>
    signLike.test(character) ||
    (mixed && lookAlike.test(character)) ||
    /^[\0-\u007f]+$/.test(character.normalize('NFKC'));
  // With the marks on it: they would stand on our code.
  return sqlVisible(name).replace(/([^\0-\u007f\p{M}])\p{M}*/gu, (found, character: string) =>
    isDeceptive(character) ? [...found].map(codeOf).join('') : found,
  );
}

/** A dotted name as SQL would write it, each part by itself: a table in one script lies in a schema of another. */
export function dottedVisible(...parts: readonly string[]): string {
  return parts.map((part) => nameVisible(quoteName(part))).join('.');
}

/** Quotes, commas, dashes, operators, and letters and modifiers that are drawn like them; the middle dot of Japanese names is none. */
const signLike = /[\p{Sm}\p{Sk}\u01c0-\u01c3\u02b0-\u02ff\ua788-\ua78c]|(?!\u30fb)\p{P}/u;
const lookAlike =
  /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Lisu}\p{Script=Coptic}\u0250-\u02af]/u;
