// Counter-offers: a narrower statement for the hint of a refusal. The only door to pgsql-ast-parser, whose printer writes the text and
// whose word is never taken: the authority reads what it wrote and must find exactly the change that was meant (offer-proof.ts), and
// whoever shows an offer has it judged first. Runs in the slow lane's worker with its own short deadline: some texts of a few dozen
// bytes keep that package busy for ever, so that only plain tokens come near it, and never a comment.
import { parse, toSql, type Expr, type SelectedColumn, type SelectFromStatement } from 'pgsql-ast-parser';
import type { Node } from './ast.ts';
import { plainSql } from './canonical.ts';
import { tokensOf } from './lexer.ts';
import { sameTree, wishedTree, type OfferWish } from './offer-proof.ts';
import type { Parser } from './parser.ts';
import { prescan } from './prescan.ts';

export interface OfferRequest {
  /** One statement. */
  readonly text: string;
  readonly wish: OfferWish;
}

const bytesMax = 4_096;

/** The narrower statement, or undefined when there is none that is sure. */
export function makeOffer(parser: Parser, request: OfferRequest): string | undefined {
  const plain = plainText(request.text);
  if (plain === undefined) return undefined;
  const original = soleTree(parser, plain);
  const wished = original === undefined ? undefined : wishedTree(original, request.wish);
  if (wished === undefined) return undefined;
  const printed = rewritten(plain, wished, request.wish);
  const offer = printed === undefined ? undefined : tidied(printed);
  if (offer === undefined || Buffer.byteLength(offer) > 2 * bytesMax) return undefined;
  const read = soleTree(parser, offer);
  return read !== undefined && sameTree(read, wished) ? offer : undefined;
}

/** Comment-free, on one line, short, and of nothing but tokens that both parsers cut alike. */
function plainText(text: string): string | undefined {
  if (Buffer.byteLength(text) > bytesMax || !prescan(text).ok || /[^\t\n\r -~]/.test(text)) return undefined;
  const plain = plainSql(text)?.replace(/\s*;\s*$/, '');
  const tokens = plain === undefined ? undefined : tokensOf(plain);
  if (plain === undefined || tokens === undefined) return undefined;
  // Prefixed and dollar-quoted strings, backslashes and long blanks are where its lexer goes astray or never comes back.
  const odd = tokens.some((token) => {
    const raw = plain.slice(token.start, token.end);
    return token.kind === 'string' && (!raw.startsWith("'") || /[\\$]|\s{8}|[\t\n\r]/.test(raw));
  });
  return odd ? undefined : plain;
}

/** Its printer is generous with blanks and brackets. What comes out is read again, so that tidying too much costs the offer only. */
function tidied(printed: string): string | undefined {
  const tokens = tokensOf(printed);
  if (tokens === undefined) return undefined;
  const pieces = tokens.map((token) => printed.slice(token.start, token.end));
  const bare = pieces.filter((piece, index) => !isNeedless(pieces, index) || piece.trim() === '');
  let result = '';
  let gap = false;
  for (const piece of bare) {
    if (piece.trim() === '') gap = result !== '';
    else {
      const close = /^[,).]$/.test(piece) || /[(.]$/.test(result) || (piece === '(' && /[a-z0-9_"]$/.test(result));
      // Without its brackets a parameter would run into the word behind it: `OFFSET ($2)LIMIT ($1)`.
      const run = /\w$/.test(result) && /^\w/.test(piece);
      result += (gap && !close) || run ? ` ${piece}` : piece;
      gap = false;
    }
  }
  return result;
}

/** Brackets around one literal or parameter, behind an operator, a comma, a bracket or a key word (it prints these in capitals). */
function isNeedless(pieces: readonly string[], index: number): boolean {
  const [one, two, three] = [pieces[index - 1], pieces[index], pieces[index + 1]];
  if (two === '(') return pieces[index + 2] === ')' && isValue(three) && opensFor(pieces, index);
  return two === ')' && pieces[index - 2] === '(' && isValue(one) && opensFor(pieces, index - 2);
}

function isValue(piece: string | undefined): boolean {
  return piece !== undefined && /^(?:'|\d|\$\d)/.test(piece);
}

function opensFor(pieces: readonly string[], bracket: number): boolean {
  const before = pieces.slice(0, bracket).findLast((piece) => piece.trim() !== '') ?? '';
  return /^(?:[-+*/<>=~!@#%^&|`?,(]|LIMIT|OFFSET|AND|OR|LIKE|ILIKE|BETWEEN|THEN|ELSE|WHEN|SELECT)$/.test(before);
}

function soleTree(parser: Parser, text: string): Node | undefined {
  const parsed = parser.parse(text);
  return parsed.kind === 'statements' && parsed.statements.length === 1 ? parsed.statements[0]?.node : undefined;
}

function rewritten(plain: string, wished: Node, wish: OfferWish): string | undefined {
  try {
    const statements = parse(plain);
    const statement = statements[0];
    if (statements.length !== 1 || statement?.type !== 'select') return undefined;
    const changed = changedBy(statement, wished, wish);
    return changed === undefined ? undefined : toSql.statement(changed);
  } catch (thrown) {
    // It reads two statements of three; the others get no offer. A stack overflow is this thread's trouble, not a lack of an offer.
    if (thrown instanceof RangeError) throw thrown;
    return undefined;
  }
}

function changedBy(select: SelectFromStatement, wished: Node, wish: OfferWish): SelectFromStatement | undefined {
  switch (wish.kind) {
    case 'keepOutputs': {
      const columns = keptColumns(select.columns ?? [], wished, wish.keep);
      return columns === undefined ? undefined : { ...select, columns: [...columns] };
    }
    case 'limit':
      return { ...select, limit: { ...select.limit, limit: { type: 'integer', value: wish.rows } } };
    case 'count': {
      const star: Expr = { type: 'ref', name: '*' };
      const { orderBy: _order, ...rest } = select;
      return { ...rest, columns: [{ expr: { type: 'call', function: { name: 'count' }, args: [star] } }] };
    }
  }
}

/** The star's columns are taken from the wished tree, which made them; other outputs are kept by place. */
function keptColumns(
  columns: readonly SelectedColumn[],
  wished: Node,
  keep: readonly number[],
): readonly SelectedColumn[] | undefined {
  const only = columns.length === 1 ? columns[0]?.expr : undefined;
  if (only?.type !== 'ref' || only.name !== '*') return columns.filter((_column, index) => keep.includes(index));
  const names = (wished.SelectStmt?.targetList ?? []).map(
    (target) => target.ResTarget?.val?.ColumnRef?.fields?.at(-1)?.String?.sval,
  );
  if (names.some((name) => name === undefined)) return undefined;
  return names.map((name) => ({ expr: { ...only, name: name ?? '' } }));
}
