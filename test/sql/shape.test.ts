// Goal: two texts have one key only if Postgres reads them alike but for literals whose values cannot matter.
// Method: cases as data; the scanner against the exact lexer, and the lexer against the server's own scanner (libpg-query's), on random
// texts of nasty pieces; inert statements with other literals put in, whose trees must be the same but for these values.
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadModule, scanSync } from 'libpg-query-18';
import { StatementCache, stateKey } from '../../src/sql/cache.ts';
import { isComment, tokensOf } from '../../src/sql/lexer.ts';
import { normalisedText } from '../../src/sql/normalised.ts';
import { loadParser, type Parser } from '../../src/sql/parser.ts';
import { literalsInert } from '../../src/sql/shape-inert.ts';
import { ShapeScanner } from '../../src/sql/shape.ts';
import { statementFacts } from '../../src/sql/statement.ts';

const scanner = new ShapeScanner();
const keyOf = (text: string) => scanner.keyOf(Buffer.from(text));
const shown = (text: string) => keyOf(text)?.replaceAll('\u0001', '#').replaceAll('\u0002', '§');

test.each([
  ['select a1 from t2 where x = 17', 'select a1 from t2 where x = #'],
  ["select 'it''s', -5, $1, a-1", 'select §, -#, $1, a-#'],
  ['select "a1 b""2" from "T3"', 'select "a1 b""2" from "T3"'],
  ["values (1,'a'),(2,'')", 'values (#,§),(#,§)'],
  ["'a'\n'b'", '§\n§'],
  ['a[1:2]', 'a[#:#]'],
])('the shape of %j is %j', (text, shape) => {
  expect(shown(text)).toBe(shape);
});

test.each([
  'select 1.5',
  'select 1e5',
  'select .5',
  'select 0x1F',
  'select 1_000',
  'select 1a',
  'select 1234567890',
  'select a.5',
  'select 1--c',
  'select 1 /* c */',
  "select E'a'",
  "select e'a'",
  "select U&'a'",
  'select U&"a"',
  "select B'1'",
  "select x'1'",
  "select N'a'",
  'select $$a$$',
  'select $a$b$a$',
  'select $1a',
  'select $1$',
  "select 'a\\'",
  'select é',
  "select 'é'",
  'select 1\u000b',
  "select 'a",
  'select "a',
  "select 1'a'",
  "select $1'a'",
  'select 1"a"',
  'select 1..2',
  'select "a"\'b\'',
  "select 'a\u0001'",
  'select \u0001',
])('%j has no shape', (text) => {
  expect(keyOf(text)).toBeUndefined();
});

describe('against what Postgres itself reads', () => {
  let parser: Parser;
  beforeAll(async () => {
    await loadModule();
    parser = await loadParser(18);
  });

  const piece = fc.constantFrom(
    ..."' '' '' \" \"\" $ $1 $2 $$ $a$ $a $_1$ -- - / /* */ * + < > = ! @ # % ^ & | ~ ` ? : :: ; , . .. ( ) [ ] \\ _ e E u& U& b B x X n N 0 1 12 007 123456789 1234567890 1e5 1.5 0x1F 0b1 0o7 1_000 a a1 abc_1 _a a$b select é € \u00a0".split(
      ' ',
    ),
    ' ',
    '  ',
    '\t',
    '\n',
    '\r',
    '\f',
    '\v',
  );
  const texts = fc.array(piece, { minLength: 1, maxLength: 24 }).map((pieces) => pieces.join(''));

  test('the lexer cuts like the server’s scanner wherever that reads the text', () => {
    let compared = 0;
    fc.assert(
      fc.property(texts, (text) => {
        const theirs = serverTokens(text);
        if (theirs === undefined) return;
        const ours = tokensOf(text);
        expect(ours).toBeDefined();
        compared++;
        const bytesAt = (at: number) => Buffer.byteLength(text.slice(0, at));
        // They split operators and keep several pieces of one string apart only where comments stand; compare what must agree:
        // where comments, strings, names and words begin and end.
        const spans = (ours ?? [])
          .filter((token) => isComment(token) || token.kind === 'quotedName' || token.kind === 'word')
          .map((token) => `${bytesAt(token.start)}-${bytesAt(token.end)}`);
        expect(spans.filter((span) => !theirs.has(span))).toEqual([]);
      }),
      { numRuns: 20_000 },
    );
    expect(compared).toBeGreaterThan(2_000);
  });

  function serverTokens(text: string): ReadonlySet<string> | undefined {
    if (text.trim() === '') return undefined;
    try {
      return new Set(scanSync(text).tokens.map((token) => `${token.start}-${token.end}`));
    } catch {
      return undefined;
    }
  }

  test('the scanner marks literals only, and every literal', () => {
    let keyed = 0;
    fc.assert(
      fc.property(texts, (text) => {
        const bytes = Buffer.from(text);
        const places = scanner.literalsOf(bytes);
        if (places === undefined) return;
        keyed++;
        const literals = (tokensOf(text) ?? []).filter((token) => token.kind === 'number' || token.kind === 'string');
        // A string of several pieces is one token to the lexer and several marks in the key.
        for (const literal of literals) expect(places).toContain(literal.start);
        for (const place of places) {
          expect(literals.some((literal) => place >= literal.start && place < literal.end)).toBe(true);
        }
      }),
      { numRuns: 20_000 },
    );
    expect(keyed).toBeGreaterThan(1_000);
  });

  const inertOf = (text: string) => {
    const parsed = parser.parse(text);
    if (parsed.kind !== 'statements' || parsed.statements.length !== 1) throw new Error(`${parsed.kind}: ${text}`);
    return literalsInert(parsed.statements[0]!.node, text, scanner);
  };

  const inert = [
    'SELECT abalance FROM pgbench_accounts WHERE aid = 17;',
    'UPDATE pgbench_accounts SET abalance = abalance + -5 WHERE aid = 17;',
    'INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 2, 3, -4, CURRENT_TIMESTAMP);',
    "select 'a' as x, 1 from t where b in (1, 2) and c between 3 and 4 and d like 'x%'",
    "select * from t where name ~* 'abc' or id = any('{1,2}') and not a <> -(5)",
    "select date '2020-01-01' + interval '1 day', 'x'::text, '7'::int",
    "select coalesce(a, 'none'), case when a = 1 then 'b' else 'c' end from t",
    "select substr(name, 1, 3), lower('A'), to_char(d, 'YYYY') from t",
    'select count(*) filter (where a > 5) from t group by b having count(*) > 7 order by b + 1',
    "select a from t join u on t.id = u.id and u.kind = 'x' where exists (select 1 from v where v.n = 2)",
    "with x as (select 1 from t where a = 5) select * from x union all select 2 from u where b = 'y'",
    "insert into t values (1, 'a'), (2, 'b') on conflict (id) do update set n = 5 where t.m = 6 returning 7",
    "delete from t where a = 'x' and b < 9",
    'select $1, a from t where id = $2 and b = 3',
    "select interval '5' hour",
    'begin',
    'select now()',
    'show search_path',
  ];
  test.each(inert)('the literals of %s do not matter', (text) => {
    expect(inertOf(text)).toBe(true);
  });

  test.each([
    'select a from t limit 5',
    'select a from t offset 5',
    'select a from t fetch first 5 rows only',
    'select a, b from t order by 2',
    'select a, count(*) from t group by 1',
    'select distinct on (1) a from t',
    "select 't'::regclass",
    "select nextval('s')",
    "select set_config('a', 'b', false)",
    "select query_to_xml('select 1', true, true, '')",
    'select lo_get(5)',
    'select x::numeric(10, 2)',
    'select x::float(5)',
    'select f(1)',
    "select f('a')",
    'select s.f(1)',
    "select a -> 'b' from t",
    "select a #>> '{b}' from t",
    'select a -> 1 from t',
    "select a @? '$.b' from t",
    "set x = 'a'",
    'fetch 5 from c',
    "copy t to '/tmp/x'",
    'prepare p as select 1',
    'execute p(1)',
    'explain select 1',
    'select a[1] from t',
    "select a['b'] from t",
    'select sum(a) over (rows 5 preceding) from t',
    'select * from t tablesample bernoulli (5)',
    'select * from generate_series(1, 5)',
    "select 'x'::mine",
    "select 'x'::mine.text",
    'select 1 operator(mine.+) 2',
    'select a @@ 5 from t',
    "select '{1}'::int[]",
    'create table t (a int default 5)',
    "select time(3) '1:00'",
    "notify x, 'y'",
    "alter role a password 'x'",
    'select a from t for update limit 1',
    "select json_value(a, '$.b') from t",
    "select xmlelement(name a, 'b')",
    "select date_trunc('day', x), mine('a') from t",
    'merge into t using u on t.id = u.id when matched then update set a = 5',
    "select current_setting('x')",
    'select * from t where a = 1 and b @> 2',
    "select to_tsvector('english', a) from t",
    'select 1 limit 1',
  ])('the literals of %s may matter', (text) => {
    expect(inertOf(text)).toBe(false);
  });

  test('an inert text with other literals has the same tree but for their values, and the same facts', () => {
    const other = fc.record({
      integer: fc.oneof(fc.constantFrom(0, 1, 2, 999_999_999), fc.nat(999_999_999)),
      string: fc.oneof(
        fc.constantFrom('', 'a', "it''s", ';', '--', '/*', '$1', '%', '{}', "''"),
        fc.string({ unit: fc.constantFrom(...'abc ;"()-/*$%1') }),
      ),
    });
    fc.assert(
      fc.property(fc.constantFrom(...inert), fc.array(other, { minLength: 12, maxLength: 12 }), (text, values) => {
        const changed = withLiterals(text, values);
        expect(keyOf(changed)).toBe(keyOf(text));
        expect(masked(parser, changed)).toEqual(masked(parser, text));
        expect(inertOf(changed)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });
});

function withLiterals(text: string, values: readonly { readonly integer: number; readonly string: string }[]): string {
  const places = scanner.literalsOf(Buffer.from(text)) ?? [];
  let result = '';
  let at = 0;
  places.forEach((place, index) => {
    const value = values[index % values.length]!;
    const old = /^(?:\d+|'(?:[^']|'')*')/.exec(text.slice(place))?.[0] ?? '';
    result += text.slice(at, place) + (old.startsWith("'") ? `'${value.string}'` : String(value.integer));
    at = place + old.length;
  });
  return result + text.slice(at);
}

/** The tree without places and without the values of integers and strings, and what the table of statements says of it. */
function masked(parser: Parser, text: string): unknown {
  const parsed = parser.parse(text);
  if (parsed.kind !== 'statements') throw new Error(`${parsed.kind}: ${text}`);
  const node = parsed.statements[0]!.node;
  const { inner: _inner, ...facts } = statementFacts(node);
  const tree: unknown = JSON.parse(
    JSON.stringify(node, (key, value: unknown) => {
      if (key === 'location' || key.startsWith('rexpr_list_') || key === 'list_start' || key === 'list_end')
        return undefined;
      return key === 'ival' || key === 'sval' ? maskedValue(value) : value;
    }),
  );
  return { tree, facts };
}

const maskedValue = (value: unknown) => (typeof value === 'object' && value !== null ? 'constant' : value);

test('the cache tells states, shapes and texts apart, and stays within its bounds', () => {
  const cache = new StatementCache<number>({ entriesMax: 1_000, bytesMax: 400_000 });
  const state = { parserMajor: 17, schemaVersion: 'a', searchPath: ['b', 'c'], role: 'd', temporary: [], more: [] };
  const [one, two] = [stateKey(state), stateKey({ ...state, searchPath: ['b,c'] })];
  expect(one).not.toBe(two);
  cache.keep(one, Buffer.from('select 1'), { value: 1, bytes: 10, inert: true });
  expect(cache.find(one, Buffer.from('select 22'))).toEqual({ value: 1, by: 'shape' });
  expect(cache.find(two, Buffer.from('select 22'))).toBeUndefined();
  cache.keep(one, Buffer.from('select 1 limit 1'), { value: 2, bytes: 10, inert: false });
  expect(cache.find(one, Buffer.from('select 1 limit 1'))).toEqual({ value: 2, by: 'text' });
  expect(cache.find(one, Buffer.from('select 1 limit 2'))).toBeUndefined();
  expect(cache.find(one, Buffer.from('select \u0001'))).toBeUndefined();
  for (let index = 0; index < 20_000; index++) {
    cache.find(one, Buffer.from('select 5'));
    cache.keep(one, Buffer.from(`select 1 limit ${index}`), { value: index, bytes: 300, inert: false });
  }
  expect(cache.size.entries).toBeLessThanOrEqual(1_000);
  expect(cache.size.bytes).toBeLessThanOrEqual(400_000);
  // What is used all the time outlives a flood of what is used once.
  expect(cache.find(one, Buffer.from('select 5'))?.value).toBe(1);
  cache.clear();
  expect(cache.size).toEqual({ entries: 0, bytes: 0 });
});

test.each([
  ["select  'x' /* c */ , 1 -- d\n from t", 'select $1 , $2 from t'],
  ['select $3, 5', 'select $3, $4'],
  ["alter role a password'secret'", 'alter role a password $1'],
  ['do $$ begin secret; end $$', 'do $1'],
  ["select 'a'\n'b'", 'select $1'],
  ["select 'never ends", undefined],
])('a record of %j holds %j', (text, normalised) => {
  expect(normalisedText(text)).toBe(normalised);
});
