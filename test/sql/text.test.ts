// Goal: what is judged is what the server reads, in whatever encoding the session speaks, or it is said that it cannot be known.
// Method: bytes and encodings as data; the names of settings and their values as data.
import { describe, expect, test } from 'vitest';
import { encodingOf, isReadable } from '../../src/sql/encodings.ts';
import { parseNameList, settingJudged } from '../../src/sql/settings.ts';
import { decodeText } from '../../src/sql/text.ts';

const bytes = (...values: readonly (number | string)[]) =>
  Buffer.concat(values.map((value) => (typeof value === 'string' ? Buffer.from(value) : Buffer.from([value]))));

describe('bytes become text', () => {
  test.each([
    ['UTF8', 'UTF8', bytes("select 'é€𝄞'"), "select 'é€𝄞'"],
    ['LATIN1', 'UTF8', bytes("select '", 0xe9, 0x85, "'"), "select 'é\u0085'"],
    ['WIN1252', 'UTF8', bytes("select '", 0x80, "'"), "select '€'"],
    ['KOI8R', 'UTF8', bytes("select '", 0xc1, "'"), "select 'а'"],
    ['LATIN9', 'UTF8', bytes("select '", 0xa4, "'"), "select '€'"],
    ['SQL_ASCII', 'UTF8', bytes("select 'é'"), "select 'é'"],
    ['SQL_ASCII', 'SQL_ASCII', bytes("select '", 0xff, "'"), "select 'ÿ'"],
    ['UTF8', 'UTF8', bytes('\ufeffselect 1'), '\ufeffselect 1'],
  ])('from %s for a database in %s', (client, server, raw, text) => {
    expect(decodeText(raw, { client, server })).toEqual({ kind: 'text', text, exact: { kind: 'names' } });
  });

  test.each([
    ['UTF8', bytes("select '", 0xff, "'"), 'a byte that starts nothing'],
    ['UTF8', bytes("select '", 0xc0, 0xa7, "'"), 'an overlong quote'],
    ['UTF8', bytes("select '", 0xed, 0xa0, 0x80, "'"), 'a lone surrogate'],
    ['UTF8', bytes("select 'é").subarray(0, 9), 'a character cut in half'],
    ['UTF8', bytes('select 1', 0, ' drop table t'), 'a NUL'],
    ['LATIN1', bytes('select 1', 0), 'a NUL in another encoding'],
    ['SQL_ASCII', bytes("select '", 0xe9, "'"), 'bytes that the database’s encoding does not have'],
  ])('or not at all: in %s the server itself refuses it', (client, raw) => {
    expect(decodeText(raw, { client, server: 'UTF8' }).kind).toBe('serverRefuses');
  });

  test.each([
    'SJIS',
    'Shift_JIS_2004',
    'BIG5',
    'gbk',
    'GB18030',
    'UHC',
    'windows-949',
    'JOHAB',
    'no such',
    'constructor',
  ])('and never from %s, where a backslash may be half a character', (client) => {
    expect(isReadable(client)).toBe(false);
    expect(decodeText(bytes("select '", 0x83, 0x5c, "'"), { client, server: 'UTF8' }).kind).toBe('unreadable');
  });

  test.each([
    ['EUC_JP', 'UTF8', bytes('select ', 0xc5, 0xb7, ' from t')],
    ['SQL_ASCII', 'SQL_ASCII', bytes('select é from t')],
    ['LATIN1', 'LATIN1', bytes('select ', 0xc9, ' from t')],
    ['LATIN1', 'LATIN1', Buffer.concat([bytes('select '), Buffer.alloc(40, 0xe9)])],
  ])('but names in %s for a database in %s are doubtful', (client, server, raw) => {
    const decoded = decodeText(raw, { client, server });
    expect(decoded).toMatchObject({ kind: 'text', exact: { kind: 'doubtful' } });
  });

  test('wide characters keep the places of quotes', () => {
    const decoded = decodeText(bytes("select '", 0x8f, 0xa2, 0xa7, "' from t"), { client: 'EUC_JP', server: 'EUC_JP' });
    expect(decoded).toMatchObject({ kind: 'text', exact: { kind: 'names' } });
    if (decoded.kind === 'text') expect(decoded.text.indexOf("'", 8)).toBe(11);
  });
});

test('encodings are known by every name that Postgres takes', () => {
  expect(['utf-8', 'Unicode', 'UTF8'].map((name) => encodingOf(name)?.kind)).toEqual(['utf8', 'utf8', 'utf8']);
  expect(encodingOf('ISO_8859_1')?.kind).toBe('single');
});

describe('a setting', () => {
  const kind = (name: string, ...value: readonly string[]) => settingJudged({ name, value }).kind;
  test.each([
    ['standard_conforming_strings', 'off', 'escape'],
    ['Standard_Conforming_Strings', 'OFF', 'escape'],
    ['standard_conforming_strings', 'o', 'escape'],
    ['standard_conforming_strings', 'on', 'session'],
    ['backslash_quote', 'on', 'escape'],
    ['backslash_quote', 'safe_encoding', 'session'],
    ['client_encoding', 'SJIS', 'escape'],
    ['client_encoding', 'utf-8', 'session'],
    ['client_encoding', 'nonsense', 'escape'],
    ['debug_print_rewritten', 'off', 'escape'],
    ['debug_pretty_print', 'on', 'escape'],
    ['client_min_messages', 'log', 'escape'],
    ['client_min_messages', 'debug5', 'escape'],
    ['client_min_messages', 'warning', 'session'],
    ['session_preload_libraries', 'x', 'escape'],
    ['role', 'postgres', 'privilege'],
    ['role', 'none', 'session'],
    ['session_authorization', 'none', 'privilege'],
    ['session_replication_role', 'replica', 'privilege'],
    ['log_min_messages', 'fatal', 'privilege'],
    ['plpgsql.variable_conflict', 'use_column', 'privilege'],
    ['search_path', 'evil', 'session'],
    ['app.tenant', '7', 'session'],
    ['row_security', 'off', 'session'],
    ['statement_timeout', '0', 'session'],
  ])('%s = %s is %s', (name, value, expected) => {
    expect(kind(name, value)).toBe(expected);
  });

  test('whose value cannot be told is not known where the value counts', () => {
    expect(settingJudged({ name: 'client_encoding', value: undefined }).kind).toBe('notKnown');
    expect(settingJudged({ name: 'role', value: undefined }).kind).toBe('privilege');
    expect(kind('client_encoding', 'utf8', 'sjis')).toBe('escape');
  });
});

test.each([
  ['', []],
  ['a, B ,"C d"', ['a', 'b', 'C d']],
  ['"a""b"', ['a"b']],
  ['"$user", public', ['$user', 'public']],
  ['\u212Aelvin', ['\u212Aelvin']],
  ['a b', undefined],
  ['a,', undefined],
  [',a', undefined],
  ['"a', undefined],
])('a list of names %j is read as %j', (text, names) => {
  expect(parseNameList(text)).toEqual(names);
});
