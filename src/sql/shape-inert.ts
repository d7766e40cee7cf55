// Whether the literals that a shape leaves out may be left out: whether every one of them stands where its value cannot change what
// the statement is, which columns it touches, which functions and operators it means, or how many rows it can give.
//
// The proof is by place: each literal that the scanner marked must be met in the tree as a constant in one of the slots below. A literal
// that is met nowhere (`float(5)`, whose number the grammar eats), or in any other slot, makes the whole text not inert. So a slot that
// is forgotten here costs speed and nothing else. Why each slot is sound:
// - operands of comparisons, arithmetic, `||`, LIKE and regular expressions: the server picks the operator by the types of its operands,
//   and the type is int4 or unknown whatever the value. JSON operators are not here: a key is a name of data.
// - outputs, SET, VALUES, CASE, COALESCE, arrays, rows: the value is carried, not looked at. `ORDER BY 1` and `GROUP BY 1` are positions
//   and stand in sort and group clauses, which are not slots; expressions inside them are.
// - casts of a literal to the plain types below: their input functions read nothing. Not `regclass` and kin, which look names up; not
//   types that anybody made; not type modifiers.
// - arguments of the functions below, which do nothing with a value but compute. Not set_config, nextval, query_to_xml, lo_get, or any
//   other: what they touch depends on what they are told.
// - LIMIT, OFFSET, FETCH, window frames, TABLESAMPLE, SQL/JSON, XMLTABLE: no slots.
// Only SELECT, INSERT, UPDATE and DELETE have slots at all; anything else is inert only when it has no literals.
import { bodyOf, hasFields, isNode, namesOf, stringOf, tagOf, type Node } from './ast.ts';
import type { A_Expr, FuncCall, TypeCast } from './ast-expr.ts';
import type { ShapeScanner } from './shape.ts';

const statements: readonly string[] = ['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt'];

/** Fields whose own value may be a constant, by node. Bodies without a tag of their own are named by the field that holds them. */
const slots: Readonly<Record<string, readonly string[]>> = {
  ResTarget: ['val'],
  SelectStmt: ['whereClause', 'havingClause', 'valuesLists'],
  UpdateStmt: ['whereClause'],
  DeleteStmt: ['whereClause'],
  JoinExpr: ['quals'],
  OnConflictClause: ['whereClause'],
  BoolExpr: ['args'],
  NullTest: ['arg'],
  BooleanTest: ['arg'],
  CaseExpr: ['arg', 'defresult'],
  CaseWhen: ['expr', 'result'],
  CoalesceExpr: ['args'],
  MinMaxExpr: ['args'],
  A_ArrayExpr: ['elements'],
  RowExpr: ['args'],
  CollateClause: ['arg'],
  SubLink: ['testexpr'],
};

const operators = new Set(
  '= <> != < > <= >= + - * / % ^ || ~~ !~~ ~~* !~~* ~ !~ ~* !~* BETWEEN'
    .split(' ')
    .concat('NOT BETWEEN', 'BETWEEN SYMMETRIC'),
);
const expressionKinds = new Set(
  'OP OP_ANY OP_ALL DISTINCT NOT_DISTINCT NULLIF IN LIKE ILIKE SIMILAR BETWEEN NOT_BETWEEN BETWEEN_SYM NOT_BETWEEN_SYM'
    .split(' ')
    .map((kind) => `AEXPR_${kind}`),
);
const functions = new Set(
  (
    'abs ceil ceiling floor round trunc mod power sqrt sign div greatest least lower upper initcap length char_length ' +
    'character_length octet_length concat concat_ws left right substr substring replace split_part strpos position ltrim rtrim btrim ' +
    'lpad rpad repeat reverse translate starts_with to_char to_date to_number to_timestamp date_trunc date_part timezone make_date ' +
    'make_interval age count sum avg min max lag lead ntile nth_value array_length cardinality array_position string_agg like_escape similar_to_escape'
  ).split(' '),
);
const types = new Set(
  (
    'int2 int4 int8 numeric float4 float8 bool text varchar bpchar date time timetz timestamp timestamptz interval uuid json jsonb ' +
    'bytea inet cidr macaddr money'
  ).split(' '),
);

/** `text` is the whole text of one statement; locations in the tree are byte offsets into it. */
export function literalsInert(node: Node, text: string, scanner: ShapeScanner): boolean {
  const bytes = Buffer.from(text);
  const places = scanner.literalsOf(bytes);
  if (places === undefined) return false;
  if (places.length === 0) return true;
  if (!statements.includes(tagOf(node))) return false;
  const met = new Set<number>();
  visit(node, false, (location) => met.add(literalPlace(bytes, location)));
  return places.every((place) => met.has(place));
}

/** A negated constant says where its minus stands; the literal comes behind it, perhaps in brackets. */
function literalPlace(bytes: Uint8Array, location: number): number {
  let at = location;
  while (at < bytes.length && ' \t\r\n-('.includes(String.fromCharCode(bytes[at] ?? 0))) at++;
  return at;
}

type Met = (location: number) => void;

function visit(node: Node, slot: boolean, met: Met): void {
  const tag = tagOf(node);
  if (tag === 'A_Const') {
    const constant = node.A_Const;
    const plain = constant?.ival !== undefined || constant?.sval !== undefined;
    if (slot && plain && constant.location !== undefined) met(constant.location);
  } else if (tag === 'List') {
    for (const item of node.List?.items ?? []) visit(item, slot, met);
  } else visitBody(bodyOf(node), slotsOf(node, tag), met);
}

function visitBody(body: unknown, open: readonly string[], met: Met): void {
  if (!hasFields(body)) return;
  for (const field in body) {
    const value = body[field];
    if (hasFields(value)) visitValue(value, open.includes(field), field, met);
  }
}

function visitValue(value: unknown, slot: boolean, field: string, met: Met): void {
  if (Array.isArray(value)) for (const item of value) visitValue(item, slot, field, met);
  else if (isNode(value)) visit(value, slot, met);
  else visitBody(value, slots[untagged[field] ?? ''] ?? none, met);
}

/** Bodies that the grammar holds without a tag. */
const untagged: Readonly<Record<string, string>> = {
  larg: 'SelectStmt',
  rarg: 'SelectStmt',
  onConflictClause: 'OnConflictClause',
};

const none: readonly string[] = [];
const operands: readonly string[] = ['lexpr', 'rexpr'];
const argumentsAndFilter: readonly string[] = ['args', 'agg_filter'];
const onlyFilter: readonly string[] = ['agg_filter'];
const castArgument: readonly string[] = ['arg'];

function slotsOf(node: Node, tag: string): readonly string[] {
  switch (tag) {
    case 'A_Expr':
      return isPlainOperator(node.A_Expr ?? {}) ? operands : none;
    case 'FuncCall':
      return isPlainFunction(node.FuncCall ?? {}) ? argumentsAndFilter : onlyFilter;
    case 'TypeCast':
      return isPlainCast(node.TypeCast ?? {}) ? castArgument : none;
    default:
      return slots[tag] ?? none;
  }
}

function isPlainOperator(expression: A_Expr): boolean {
  const names = namesOf(expression.name) ?? [];
  const builtIn = names.length === 1 || (names.length === 2 && names[0] === 'pg_catalog');
  return builtIn && expressionKinds.has(expression.kind ?? '') && operators.has(names.at(-1) ?? '');
}

function isPlainFunction(call: FuncCall): boolean {
  const names = namesOf(call.funcname) ?? [];
  const builtIn = names.length === 1 || (names.length === 2 && names[0] === 'pg_catalog');
  return builtIn && functions.has(names.at(-1) ?? '');
}

/** `int` and kin come from the grammar with pg_catalog before them; `text` and kin only as written. Arrays are not plain. */
function isPlainCast(cast: TypeCast): boolean {
  const name = cast.typeName;
  if (name === undefined || (name.arrayBounds?.length ?? 0) > 0 || name.setof === true || name.pct_type === true)
    return false;
  const parts = name.names ?? [];
  const last = stringOf(parts.at(-1));
  const builtIn = parts.length === 1 || (parts.length === 2 && stringOf(parts[0]) === 'pg_catalog');
  return builtIn && last !== undefined && types.has(last);
}
