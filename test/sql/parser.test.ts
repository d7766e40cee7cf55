// Goal: text becomes the tree that the server of that major would build, or a clean syntax error, and nothing else.
// Method: known traps of the parser builds and of comments, on all four majors; slices checked against the bytes they claim.
import { beforeAll, describe, expect, test } from 'vitest';
import { tagOf } from '../../src/sql/ast.ts';
import { tokensOf, withoutComments } from '../../src/sql/lexer.ts';
import { loadParser, parserMajorOf, parserMajors, type Parser, type ParserMajor } from '../../src/sql/parser.ts';

const parsers = new Map<ParserMajor, Parser>();
beforeAll(async () => {
  for (const major of parserMajors) parsers.set(major, await loadParser(major));
});

describe.each(parserMajors)('the parser of major %i', (major) => {
  const parse = (text: string) => parsers.get(major)!.parse(text);

  test.each(['', ' \n\t', ';', ' ; ;', '/* c */', '-- c', '/* a /* nested */ */ ;'])(
    'takes %j as the empty query',
    (text) => {
      expect(parse(text)).toEqual({ kind: 'empty' });
    },
  );

  test.each([
    'select 1 not /* c */ in (2)',
    'select 1 from t order by 1 nulls /* c */ first',
    "select time /* c */ with /* d */ time zone '1:00+1'",
    'select * from f() with /* c */ ordinality',
    `select U&"d!0061t" /* c */ UESCAPE '!' from t`,
    "select 'a' -- c\n'b'",
    "select E'a' -- it's\n'\\'' /* c */ , 1",
    "select E'x' -- c\r\n  -- d\n 'y' /* 'z */",
  ])('reads %j, which the build alone rejects for its comment', (text) => {
    const parsed = parse(text);
    expect(parsed.kind).toBe('statements');
    if (parsed.kind === 'statements') expect(parsed.statements.map((one) => one.text)).toEqual([text]);
  });

  test.each(["select 'a' /*\n*/ 'b'", '\u00a0', 'select /* never ends', "select 'never ends", '\ufeffselect 1'])(
    'gives a syntax error for %j',
    (text) => {
      expect(parse(text).kind).toBe('syntaxError');
    },
  );

  test('cuts several statements by bytes, not by characters', () => {
    const text = 'select \'é€𝄞\';  update "naïve" set a = 1;select 2';
    const parsed = parse(text);
    if (parsed.kind !== 'statements') throw new Error(parsed.kind);
    expect(parsed.statements.map((one) => [tagOf(one.node), one.text.trim()])).toEqual([
      ['SelectStmt', "select 'é€𝄞'"],
      ['UpdateStmt', 'update "naïve" set a = 1'],
      ['SelectStmt', 'select 2'],
    ]);
    const bytes = Buffer.from(text);
    for (const one of parsed.statements) expect(bytes.toString('utf8', one.at, one.at + one.bytes)).toBe(one.text);
  });
});

test('majors read the same text differently, which is why another major is refused', () => {
  const kindOfTarget = (major: ParserMajor) =>
    JSON.stringify(parsers.get(major)!.parse('select system_user from people'));
  expect(kindOfTarget(15)).toContain('ColumnRef');
  expect(kindOfTarget(18)).not.toContain('ColumnRef');
  expect(() => parserMajorOf(14)).toThrow(/Postgres 14 is not supported/);
  expect(() => parserMajorOf(19)).toThrow(/Postgres 19 is not supported/);
});

test.each([
  ["a--b\r'c'", ['word', 'lineComment', 'space', 'string']],
  ['a/*/**/*/b', ['word', 'blockComment', 'word']],
  ['+/*c*/-', ['other', 'blockComment', 'other']],
  ['*--c', ['other', 'lineComment']],
  ["namee'x'", ['word', 'string']],
  ["u&'\\'", ['string']],
  ['U&"a""b"', ['quotedName']],
  ['$a$ -- $b$ $a$', ['string']],
  ['a$b$c', ['word']],
  ['$1$$x$$', ['parameter', 'string']],
  ["'it''s'", ['string']],
  ["E'\\''", ['string']],
  ["'\\'", ['string']],
  ["'a'\n'b'", ['string']],
  ["'a' 'b'", ['string', 'space', 'string']],
  ['1..2', ['number', 'other', 'number']],
  ['1.5e-7 .5 0x1F 1_000', ['number', 'space', 'number', 'space', 'number', 'space', 'number']],
])('cuts %j into tokens as Postgres does', (text, kinds) => {
  expect(tokensOf(text)?.map((token) => token.kind)).toEqual(kinds);
});

test('blanks comments without moving a byte', () => {
  const text = "select 'é' /* ü /* x */ */ , 'a' -- ß\n'b'";
  const bare = withoutComments(text) ?? '';
  expect(Buffer.byteLength(bare)).toBe(Buffer.byteLength(text));
  expect(bare).not.toMatch(/[üß]/);
  expect(bare).toContain("'é'");
});
