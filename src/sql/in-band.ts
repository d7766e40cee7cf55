// Where a statement asks the proxy itself: `countersign.holds`, `countersign.budgets`, `countersign.explain(…)` as the one thing in the
// FROM of a query of its own. Found in the parsed tree; the text is only cut where the tree says that the name stands. It runs in the
// parser's worker. What the answer is, is the proxy's business: here is only the place where it belongs.
import { namesOf, stringOf, type Node } from './ast.ts';
import { foldAscii } from '../core/names.ts';
import { tokenAt, type Token } from './lexer.ts';
import type { Parser } from './parser.ts';

export type InBandArgument =
  | { readonly kind: 'text'; readonly text: string | undefined }
  | { readonly kind: 'parameter'; readonly number: number };

/** Offsets into the JavaScript string. */
interface Span {
  readonly start: number;
  readonly end: number;
  /** Whether the agent gave it a name of its own. */
  readonly isNamed: boolean;
}

export type InBandPlace =
  | (Span & { readonly table: 'holds' | 'budgets' })
  | (Span & { readonly table: 'explain'; readonly argument: InBandArgument });

export type InBandAnswer =
  | { readonly kind: 'inBand'; readonly found: 'nothing' }
  | { readonly kind: 'inBand'; readonly found: 'place'; readonly place: InBandPlace }
  /** It is asked in a form that is not answered. */
  | { readonly kind: 'inBand'; readonly found: 'otherForm' };

const nothing: InBandAnswer = { kind: 'inBand', found: 'nothing' };
const otherForm: InBandAnswer = { kind: 'inBand', found: 'otherForm' };

const inBandSchema = 'countersign';
const tables: ReadonlySet<string> = new Set(['holds', 'budgets']);

export function inBandOf(parser: Parser, text: string): InBandAnswer {
  const parsed = parser.parse(text);
  // What cannot be read goes the usual way, to the server's own error.
  if (parsed.kind !== 'statements') return nothing;
  const asked = parsed.statements.reduce((sum, { node }) => sum + referencesIn(node), 0);
  if (asked === 0) return nothing;
  const [only, ...more] = parsed.statements;
  if (asked > 1 || only === undefined || more.length > 0) return otherForm;
  const place = placeIn(only.node, text);
  return place === undefined ? otherForm : { kind: 'inBand', found: 'place', place };
}

/** Anywhere, in whatever statement. Not by recursion: a tree may be as deep as its text is long. */
function referencesIn(tree: unknown): number {
  let count = 0;
  const open: unknown[] = [tree];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (isReference(value)) count += 1;
    open.push(...Object.values(value));
  }
  return count;
}

function isReference(value: object): boolean {
  if ('catalogname' in value) return false;
  if ('schemaname' in value && 'relname' in value) return isTable(value.schemaname, value.relname);
  return 'funcname' in value && Array.isArray(value.funcname) && isExplain(value.funcname);
}

const isTable = (schema: unknown, name: unknown): boolean =>
  schema === inBandSchema && typeof name === 'string' && tables.has(name);

function isExplain(names: readonly Node[]): boolean {
  const [schema, name, ...more] = namesOf(names) ?? [];
  return schema === inBandSchema && name === 'explain' && more.length === 0;
}

/** `SELECT … FROM` it alone, with whatever else the query says about its rows. */
function placeIn(node: Node, text: string): InBandPlace | undefined {
  const select = node.SelectStmt;
  const [from, ...others] = select?.fromClause ?? [];
  if (select === undefined || from === undefined || others.length > 0) return undefined;
  if (select.intoClause !== undefined || select.lockingClause !== undefined) return undefined;
  if (from.RangeVar !== undefined) {
    const { schemaname, relname, inh, alias, location } = from.RangeVar;
    if (!isTable(schemaname, relname) || inh !== true) return undefined;
    const span = spanOf(text, location ?? 0, 'name');
    if (span === undefined) return undefined;
    return { ...span, isNamed: alias !== undefined, table: relname === 'holds' ? 'holds' : 'budgets' };
  }
  return from.RangeFunction === undefined ? undefined : explainIn(from.RangeFunction, text);
}

type RangeFunction = NonNullable<Node['RangeFunction']>;

function explainIn(from: RangeFunction, text: string): InBandPlace | undefined {
  if (from.lateral === true || from.ordinality === true || from.is_rowsfrom === true) return undefined;
  if (from.coldeflist !== undefined) return undefined;
  const [listed, ...others] = from.functions ?? [];
  const [called] = listed?.List?.items ?? [];
  const call = called?.FuncCall;
  if (call === undefined || others.length > 0 || !isExplain(call.funcname ?? [])) return undefined;
  const [argument, ...more] = call.args ?? [];
  const said = argument === undefined || more.length > 0 ? undefined : argumentOf(argument);
  const isPlain =
    call.agg_order === undefined &&
    call.agg_filter === undefined &&
    call.over === undefined &&
    call.agg_distinct !== true &&
    call.func_variadic !== true;
  const span = spanOf(text, call.location ?? 0, 'call');
  if (said === undefined || !isPlain || span === undefined) return undefined;
  return { ...span, isNamed: from.alias !== undefined, table: 'explain', argument: said };
}

/** A text, or a parameter; either may be cast to text. */
function argumentOf(node: Node): InBandArgument | undefined {
  if (node.TypeCast !== undefined) {
    const { arg, typeName } = node.TypeCast;
    const type = stringOf(typeName?.names?.at(-1));
    const isText = type === 'text' && typeName?.arrayBounds === undefined;
    return arg === undefined || !isText ? undefined : argumentOf(arg);
  }
  if (node.ParamRef !== undefined) return { kind: 'parameter', number: node.ParamRef.number ?? 0 };
  if (node.A_Const?.isnull === true) return { kind: 'text', text: undefined };
  // The empty string is an empty node.
  return node.A_Const?.sval === undefined ? undefined : { kind: 'text', text: node.A_Const.sval.sval ?? '' };
}

/** From the schema's name to the end of the other, or of the call's parentheses. Undefined: something else stands there. */
function spanOf(text: string, at: number, what: 'name' | 'call'): Pick<Span, 'start' | 'end'> | undefined {
  // The tree counts bytes of UTF-8.
  const start = Buffer.from(text).toString('utf8', 0, at).length;
  const tokens = meaningful(text, start);
  const take = (): Token | undefined => tokens.next().value ?? undefined;
  const [schema, dot, name] = [take(), take(), take()];
  if (nameOf(text, schema) !== inBandSchema || textOf(text, dot) !== '.' || name === undefined) return undefined;
  if (what === 'name') return { start, end: name.end };
  let depth = 0;
  for (let token = take(); token !== undefined; token = take()) {
    const piece = textOf(text, token);
    if (piece === '(') depth += 1;
    else if (piece === ')') depth -= 1;
    if (depth === 0) return piece === ')' ? { start, end: token.end } : undefined;
  }
  return undefined;
}

function* meaningful(text: string, start: number): Generator<Token, undefined> {
  let at = start;
  while (at < text.length) {
    const token = tokenAt(text, at);
    if (token === undefined) return undefined;
    at = token.end;
    if (token.kind !== 'space' && token.kind !== 'lineComment' && token.kind !== 'blockComment') yield token;
  }
  return undefined;
}

const textOf = (text: string, token: Token | undefined): string | undefined =>
  token === undefined ? undefined : text.slice(token.start, token.end);

function nameOf(text: string, token: Token | undefined): string | undefined {
  const written = textOf(text, token);
  if (token?.kind === 'quotedName') return written?.slice(1, -1).replaceAll('""', '"');
  return token?.kind === 'word' && written !== undefined ? foldAscii(written) : undefined;
}
