// Names of functions as DBAs write them (`public.order_total(int)`) and as Postgres prints them (`order_total(integer)`).
import { foldAscii, parseDotted } from '../core/names.ts';

export interface FunctionName {
  readonly schema: string;
  readonly name: string;
  /** Undefined without brackets: every overload. */
  readonly signature: string | undefined;
}

export function parseFunctionName(text: string): FunctionName | undefined {
  const open = text.endsWith(')') ? text.indexOf('(', text.lastIndexOf('"') + 1) : text.length;
  if (open < 0) return undefined;
  const [schema, name, ...more] = parseDotted(text.slice(0, open)) ?? [];
  if (schema === undefined || name === undefined || more.length > 0) return undefined;
  const signature = open === text.length ? undefined : normalSignature(text.slice(open + 1, -1));
  return { schema, name, signature };
}

/** What people call types → what format_type prints. */
const typeAliases: Readonly<Record<string, string>> = {
  int: 'integer',
  int4: 'integer',
  int8: 'bigint',
  int2: 'smallint',
  float: 'double precision',
  float8: 'double precision',
  float4: 'real',
  bool: 'boolean',
  decimal: 'numeric',
  varchar: 'character varying',
  char: 'character',
  bpchar: 'character',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  timetz: 'time with time zone',
  time: 'time without time zone',
  varbit: 'bit varying',
};

/** `INT, varchar(20)[]` → `integer,character varying[]`. Modifiers are not part of a function's name. */
export function normalSignature(list: string): string {
  if (list.trim() === '') return '';
  return list.split(',').map(normalType).join(',');
}

function normalType(text: string): string {
  const bare = text.trim().replace(/\([^)]*\)/g, '');
  const array = bare.endsWith('[]') ? '[]' : '';
  const scalar = (array === '' ? bare : bare.slice(0, -2)).trim().replace(/\s+/g, ' ');
  if (scalar.includes('"')) return scalar + array;
  const folded = foldAscii(scalar).replace(/^pg_catalog\./, '');
  return (typeAliases[folded] ?? folded) + array;
}
