// Goal: what an approver reads is what the server will do, whatever the agent writes around it.
// Method: deceptive texts as data; the card's tokens against the text's own, for the whole table of deceptions and for random texts.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cardSql, plainSql } from '../../src/sql/canonical.ts';
import { commentTags } from '../../src/sql/comment-tags.ts';
import { isComment, tokensOf } from '../../src/sql/lexer.ts';

const shown = (text: string, charactersMax = 2000) => cardSql(text, { charactersMax, literals: 'shown' });

test('clauses stand on lines of their own and comments stand apart', () => {
  expect(
    shown("select a /* only a */ , ssn from t -- trust me\n left outer join u on (t.id = u.id) where x = 'y'"),
  ).toEqual({
    sql: "select a , ssn\nfrom t\nleft outer join u on (t.id = u.id)\nwhere x = 'y'",
    leftOut: 0,
    comments: ['only a', 'trust me'],
    unreadable: false,
  });
});

test('literals can be hidden', () => {
  expect(cardSql("select 1.5, 'x', $$y$$, a1 from t", { charactersMax: 100, literals: 'hidden' }).sql).toBe(
    "select #, '…', '…', a1\nfrom t",
  );
});

describe('nothing reads as something else', () => {
  test.each([
    ['right-to-left override', "select 'a\u202eb'", "select 'a\\u{202e}b'"],
    ['a name with a zero-width space', 'select pass\u200bword', 'select pass\\u{200b}word'],
    ['no-break space in a name', 'select id\u00a0ssn', 'select id\\u{a0}ssn'],
    ['a Cyrillic letter in a Latin name', 'select p\u0430yroll', 'select p\\u{430}yroll'],
    ['a Cyrillic name', 'select \u0434\u0430\u0442\u0430', 'select \u0434\u0430\u0442\u0430'],
    ['KELVIN SIGN', 'select \u212Aey', 'select \\u{212a}ey'],
    ['full-width letters', 'select \uff53\uff53\uff4e', 'select \\u{ff53}\\u{ff53}\\u{ff4e}'],
    ['a line separator in a comment’s place', 'select 1 \u2028', 'select 1 \\u{2028}'],
    ['a newline in a string', "select 'a\nfrom t'", "select 'a\\u{a}from t'"],
    ['escape sequences', "select '\u001b[2K'", "select '\\u{1b}[2K'"],
    ['Hangul filler', 'select \u3164', 'select \\u{3164}'],
    ['our own mark', "select '⋯'", "select '\\u{22ef}'"],
    ['a flag of tag letters', 'select \u{e0061}', 'select \\u{e0061}'],
    ['an accent', "select 'Zoë'", "select 'Zoë'"],
    ['a stroke that makes = read as ≠', 'select 1 where a =\u0338b', 'select 1\nwhere a =\\u{338}b'],
    ['a name between quotes that are none', 'select \u2019bob\u2019', 'select \\u{2019}bob\\u{2019}'],
    ['a name that reads as two', 'select id\u201aemail', 'select id\\u{201a}email'],
    ['a name that reads as *', 'select \u2217', 'select \\u{2217}'],
    ['a name that reads as a comment', 'select \u2010\u2010x', 'select \\u{2010}\\u{2010}x'],
    ['a name that reads as ||', 'select a\u01c1b', 'select a\\u{1c1}b'],
    ['a name that ends twice', 'select "a\u201d, \u201cb"', 'select "a\\u{201d}, \\u{201c}b"'],
    ['a look-alike with a mark', 'select p\u0430\u0301y', 'select p\\u{430}\\u{301}y'],
    ['a Thai name', 'select ที่อยู่', 'select ที่อยู่'],
    ['a Japanese name', 'select ユーザー・名', 'select ユーザー・名'],
    ['a quote in a value', "select 'O’Brien'", "select 'O’Brien'"],
  ])('%s', (_what, text, card) => {
    expect(shown(text).sql).toBe(card);
  });

  test('a carriage return ends a line comment, as it does for the server', () => {
    expect(shown('select id -- nothing\r, ssn').sql).toBe('select id , ssn');
  });

  test('padding cannot push the end out of sight', () => {
    const card = shown(`delete from t where note <> '${'x'.repeat(5000)}' or true`, 400);
    expect(card.sql.endsWith('or true')).toBe(true);
    expect(card.sql).toContain('more characters)');
    const long = shown(`select ${'a, '.repeat(2000)} b from t where everything`, 400);
    expect(long.leftOut).toBeGreaterThan(5000);
    expect(long.sql.endsWith('where everything')).toBe(true);
    expect(long.sql.length).toBeLessThan(460);
  });

  test('comments are bounded', () => {
    const card = shown(`${'/* c */ '.repeat(50)} select 1 /* ${'x'.repeat(1000)} */`);
    expect(card.comments).toHaveLength(10);
    expect(shown(`/*${'x'.repeat(1000)}*/ select 1`).comments[0]?.length).toBeLessThan(310);
  });

  test('a comment between the pieces of one string is not shown in it', () => {
    expect(shown("select 'a' -- harmless\n'b'").sql).not.toContain('harmless');
  });

  test('a text without end is shown raw', () => {
    expect(shown("select 'a\u0007")).toMatchObject({ sql: "select 'a\\u{7}", unreadable: true });
  });
});

test('the card holds the tokens of the text, all and in order', () => {
  const piece = fc.constantFrom(
    "'a'",
    '"b c"',
    'x',
    'from',
    '(',
    ')',
    '/* c */',
    '-- d\n',
    ' ',
    '\n',
    '1',
    '$1',
    '+',
    ',',
    '$$e$$',
    'left',
    'join',
  );
  const words = (text: string) =>
    (tokensOf(text) ?? [])
      .filter((token) => token.kind !== 'space' && !isComment(token))
      .map((token) => text.slice(token.start, token.end));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = pieces.join(' ');
      if (tokensOf(text) === undefined || /'a'\s*(?:--[^\n]*\n\s*|\/\* c \*\/\s*)*'a'/.test(text)) return;
      expect(words(shown(text, 10_000).sql)).toEqual(words(text));
      expect(words(plainSql(text) ?? '')).toEqual(words(text));
    }),
    { numRuns: 3_000 },
  );
});

test.each([
  ["select 1 /*reason='weekly%20report',ticket='A-1'*/", { reason: 'weekly report', ticket: 'A-1' }],
  ["/* reason='it\\'s' */ select 1", { reason: "it's" }],
  ["select '/*reason=\\'x\\'*/'", {}],
  ['select 1 /* just words, reason=none */', {}],
  ["select 1 /*reason='100%'*/ -- reason='second'", { reason: '100%' }],
])('the tags of %s', (text, tags) => {
  expect(Object.fromEntries(commentTags(text))).toEqual(tags);
});
