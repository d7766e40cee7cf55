// Whether computing a value can say nothing of what it is computed from, whatever becomes of the result: it cannot fail on one value and
// succeed on another, gives one value for one row, and leaves nothing behind. For masking: a result that is shown as NULL tells as much as
// the value itself when `1 / (code - 4)` fails for one code, `generate_series(1, code)` gives as many rows, or `setseed(code)` is read later.
//
// A list of what is known to be so, by hand; everything else is taken to tell. Sums of integers overflow, patterns may end with a
// backslash, and what makes a text many times longer runs out of memory for some texts only: none of these is on it.
import { bodyOf, childrenOf, namesOf, stringOf, tagOf, type Node, type StringNode } from './ast.ts';
import type { A_Const, FuncCall, SubLink, TypeCast } from './ast-expr.ts';
import type { State } from './columns-state.ts';
import { findColumn, findItem, type Scope } from './scope.ts';

/** `maybe`: only some rows come to it: then that it fails at all tells of what stands before it. */
interface Where {
  readonly scope: Scope;
  readonly place: 'always' | 'maybe';
}

export function isTotal(state: State, node: Node, at: Where): boolean {
  const tag = tagOf(node);
  switch (tag) {
    case 'FuncCall':
      return isTotalCall(state, node.FuncCall ?? {}, at);
    case 'A_Expr':
      return isTotalOperation(state, node) && childrenAre(state, node, at);
    case 'TypeCast':
      return isTotalCast(state, node.TypeCast ?? {}, at);
    case 'SubLink':
      return isTotalLink(state, node.SubLink ?? {}, at);
    case 'BoolExpr':
    case 'CaseExpr':
    case 'CoalesceExpr':
      return childrenAre(state, node, { ...at, place: 'maybe' });
    default:
      return total.has(tag) && childrenAre(state, node, at);
  }
}

/** What they hold may still tell. No constructors of arrays (their dimensions must fit), of SQL/JSON or of XML. */
const total: ReadonlySet<string> = new Set(
  (
    'ColumnRef A_Const ParamRef SQLValueFunction A_Star String Integer Float Boolean BitString List ' +
    'A_Indirection A_Indices BooleanTest CaseWhen CollateClause GroupingFunc MinMaxExpr NamedArgExpr NullTest RowExpr SortBy WindowDef'
  ).split(' '),
);

function childrenAre(state: State, node: Node, at: Where): boolean {
  let all = true;
  childrenOf(bodyOf(node), (child) => {
    all &&= isTotal(state, child, at);
  });
  return all;
}

/** Of any values; `constants`: when everything behind the first value (or before the last) is written down. */
const functions: ReadonlyMap<string, 'any' | 'constantsBehind' | 'constantsBefore'> = new Map([
  ...(
    'lower upper initcap length char_length character_length octet_length bit_length md5 reverse ascii left right btrim ltrim rtrim ' +
    'concat concat_ws strpos position starts_with quote_literal quote_nullable quote_ident pg_typeof num_nulls num_nonnulls ' +
    'row_to_json to_json to_jsonb count min max bool_and bool_or every first_value last_value lag lead ' +
    'row_number rank dense_rank percent_rank cume_dist'
  )
    .split(' ')
    .map((name) => [name, 'any'] as const),
  ['substr', 'constantsBehind'],
  ['substring', 'constantsBehind'],
  ['extract', 'constantsBefore'],
  ['date_part', 'constantsBefore'],
]);

function isTotalCall(state: State, body: FuncCall, at: Where): boolean {
  const names = namesOf(body.funcname) ?? [];
  const how = functions.get(names.at(-1) ?? '');
  const args = body.args ?? [];
  if (how === undefined || body.func_variadic === true || body.agg_within_group === true) return false;
  const found = state.names.functions(names, args.length);
  if (!found.every(({ schema, returnsSet }) => schema === 'pg_catalog' && !returnsSet) || found.length === 0)
    return false;
  if (how === 'constantsBehind' && !args.slice(1).every((arg) => isCount(arg.A_Const))) return false;
  if (how === 'constantsBefore' && !args.slice(0, -1).every((arg) => arg.A_Const?.sval !== undefined)) return false;
  return childrenAre(state, { FuncCall: { ...body, funcname: [] } }, at);
}

/** Nothing stands for zero. */
const isCount = (constant: A_Const | undefined): boolean =>
  constant?.ival !== undefined && (constant.ival.ival ?? 0) >= 0;

const operators: ReadonlySet<string> = new Set(['=', '<>', '<', '>', '<=', '>=', '->', '->>', '#>', '#>>']);

/** BETWEEN, IN, NULLIF and IS DISTINCT FROM stand by the operators that they are made of. */
function isTotalOperation(state: State, node: Node): boolean {
  const { name, lexpr, rexpr } = node.A_Expr ?? {};
  const names = namesOf(name) ?? [];
  const [operator = ''] = names;
  if (names.length !== 1 || state.names.userOperators(names).length > 0) return false;
  if (/^(?:NOT )?BETWEEN/.test(operator) || operators.has(operator)) return true;
  // Beside a text that is no array: arrays join only where their dimensions fit.
  return operator === '||' && [lexpr, rexpr].some((side) => isNoArray(side?.A_Const?.sval));
}

const isNoArray = (text: StringNode | undefined): boolean =>
  text !== undefined && !(text.sval ?? '').trimStart().startsWith('{');

/** Whatever has an output function becomes text, and any type itself. A constant is read before anything runs. */
function isTotalCast(state: State, { arg, typeName }: TypeCast, at: Where): boolean {
  const names = namesOf(typeName?.names);
  if (arg === undefined || names === undefined || (typeName?.arrayBounds ?? []).length > 0) return false;
  const [type, ...others] = state.names.types(names);
  if (type?.schema !== 'pg_catalog' || others.length > 0) return false;
  if (arg.A_Const !== undefined) return true;
  return (texts.has(type.name) || typeOfColumn(arg, at.scope) === type.oid) && isTotal(state, arg, at);
}

/** 0: of something else than a column in sight. */
function typeOfColumn({ ColumnRef }: Node, scope: Scope): number {
  const [name, item, schema, ...more] = [...(namesOf(ColumnRef?.fields ?? []) ?? [])].reverse();
  if (name === undefined || more.length > 0) return 0;
  if (item !== undefined) return findItem(scope, item, schema)?.shape.find(name)?.type ?? 0;
  const found = findColumn(scope, name, 'outwards');
  return found?.kind === 'column' ? found.column.type : 0;
}

const texts: ReadonlySet<string> = new Set(['text', 'varchar', 'bpchar', 'name']);

/** What its own query computes is looked at there. That it gives two rows for one is no fault of a value, unless only some come to it. */
function isTotalLink(state: State, link: SubLink, at: Where): boolean {
  if (at.place === 'maybe') return false;
  if ((link.operName ?? []).some((each) => !operators.has(stringOf(each) ?? ''))) return false;
  return link.testexpr === undefined || isTotal(state, link.testexpr, at);
}
