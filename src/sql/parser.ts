// The only door to libpg-query, one build per server major: text in, raw parse trees out. Knows nothing of what statements mean.
// It runs inside the worker: a stack overflow inside the WASM module leaves it broken for good, and only a fresh worker mends that.
import { ProxyError } from '../core/errors.ts';
import type { Node } from './ast.ts';
import { withoutComments } from './lexer.ts';
import { ParserModule, type ParsedText } from './parser-module.ts';

export const parserMajors = [15, 16, 17, 18] as const;
export type ParserMajor = (typeof parserMajors)[number];

export interface RawStatement {
  readonly node: Node;
  /** Byte offset of the statement's slice in the UTF-8 form of the text; up to 17 the space before it belongs to it. */
  readonly at: number;
  /** The slice's length in bytes. */
  readonly bytes: number;
  readonly text: string;
}

export type Parsed =
  | { readonly kind: 'statements'; readonly statements: readonly RawStatement[] }
  /** Nothing but space, comments and semicolons: the server answers EmptyQueryResponse. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'syntaxError'; readonly message: string; readonly cursorPosition: number };

export interface Parser {
  readonly major: ParserMajor;
  /** Throws `ParserBroken` when anything but a clean syntax error happens: this thread's parser must not be used again. */
  parse(text: string): Parsed;
}

/** The module cannot be trusted any more. Whoever catches this ends the worker. */
export class ParserBroken extends Error {
  constructor(cause: unknown) {
    super('the parser failed in a way that may have damaged it', { cause });
    this.name = 'ParserBroken';
  }
}

/** A parser of another major reads some texts differently (a column on 15 is a key word on 18), so there is no nearest match. */
export function parserMajorOf(serverMajor: number): ParserMajor {
  const major = parserMajors.find((known) => known === serverMajor);
  if (major !== undefined) return major;
  throw new ProxyError(
    'FEATURE_NOT_SUPPORTED',
    `Postgres ${serverMajor} is not supported: its SQL cannot be read for sure`,
    {
      hint: `supported server majors: ${parserMajors.join(', ')}`,
    },
  );
}

export async function loadParser(major: ParserMajor): Promise<Parser> {
  const module = await ParserModule.load(major);
  return { major, parse: (text) => parseWith(module, text) };
}

function parseWith(module: ParserModule, text: string): Parsed {
  const first = parseOnce(module, text);
  if (first.kind !== 'syntaxError') return first;
  // The builds look at comments as tokens and so lose the grammar's one-token look-ahead (`NOT /* c */ IN`, `'a' -- c⏎'b'`): the
  // server accepts these. Positions stay true because comments are blanked byte by byte.
  const bare = withoutComments(text);
  if (bare === undefined) return first;
  const second = parseOnce(module, bare);
  return second.kind === 'statements' ? withSlices(text, second.statements) : first;
}

function parseOnce(module: ParserModule, text: string): Parsed {
  if (/^[ \t\n\r\f\v]*$/.test(text)) return { kind: 'empty' };
  const answer = answerOf(module, text);
  if (answer.kind === 'error') return syntaxErrorOf(answer);
  const { stmts } = answer.tree;
  if (stmts === undefined || stmts.length === 0) return { kind: 'empty' };
  const total = Buffer.byteLength(text);
  const statements = stmts.map((raw) => {
    if (raw.stmt === undefined) throw new ParserBroken(new Error('a statement without a tree'));
    const at = raw.stmt_location ?? 0;
    return { node: raw.stmt, at, bytes: raw.stmt_len === undefined ? total - at : raw.stmt_len, text: '' };
  });
  return withSlices(text, statements);
}

type ParseError = Extract<ParsedText, { readonly kind: 'error' }>;

function answerOf(
  module: ParserModule,
  text: string,
): ParseError | { readonly kind: 'tree'; readonly tree: ParseResult } {
  try {
    const parsed = module.parse(text);
    if (parsed.kind === 'error') return parsed;
    const tree: unknown = JSON.parse(parsed.json);
    if (isParseResult(tree)) return { kind: 'tree', tree };
  } catch (thrown) {
    throw new ParserBroken(thrown);
  }
  throw new ParserBroken(new Error('the parser gave no tree'));
}

function syntaxErrorOf(error: ParseError): Parsed {
  const { message, position } = error;
  if (/out of memory|could not|internal/i.test(message)) throw new ParserBroken(new Error(message));
  return { kind: 'syntaxError', message, cursorPosition: Math.max(0, position - 1) };
}

function withSlices(text: string, statements: readonly RawStatement[]): Parsed {
  const bytes = statements.length === 1 ? undefined : Buffer.from(text);
  return {
    kind: 'statements',
    statements: statements.map((raw) => ({ ...raw, text: sliceOf(text, bytes, raw) })),
  };
}

function sliceOf(text: string, bytes: Buffer | undefined, raw: RawStatement): string {
  if (raw.at === 0 && raw.bytes >= Buffer.byteLength(text)) return text;
  return (bytes ?? Buffer.from(text)).toString('utf8', raw.at, raw.at + raw.bytes);
}

interface ParseResult {
  readonly stmts?: readonly { readonly stmt?: Node; readonly stmt_location?: number; readonly stmt_len?: number }[];
}

function isParseResult(value: unknown): value is ParseResult {
  return typeof value === 'object' && value !== null && (!('stmts' in value) || Array.isArray(value.stmts));
}
