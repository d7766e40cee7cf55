// Goal: the server is asked ahead only about texts that are one query for sure, whatever hides in them.
// Method: texts that are and texts that are not, as an agent might write them.
import { describe, expect, it } from 'vitest';
import { isPlainQuery } from '../../src/sql/ahead.ts';

const plain = [
  'select 1',
  '  SELECT a FROM t WHERE b = 7;  ',
  "select ';' , 'a;b' from t",
  'with x as (select 1) select * from x',
  "insert into t values (1, 'x')",
  'values (1), (2)',
  'update t set a = 1 where b = $1',
  'delete from t',
];

const others = [
  'select 1; select 2',
  'select 1;;',
  '; select 1',
  'select 1 -- ; select 2',
  'select 1 /* */ ; drop table t',
  'select $$;$$',
  "select E'\\';' ; drop table t; --'",
  'select 1 as "a;b"; drop table t',
  'selects',
  'begin',
  'commit',
  'explain select 1',
  'copy t to stdout',
  'create table x as select 1',
  'set a = 1',
  '',
  'sélect 1',
  'select \u0000; drop table t',
];

describe('a text that the server is asked about ahead', () => {
  it.each(plain)('may be %j', (text) => expect(isPlainQuery(Buffer.from(text))).toBe(true));
  it.each(others)('is never %j', (text) => expect(isPlainQuery(Buffer.from(text))).toBe(false));
});
