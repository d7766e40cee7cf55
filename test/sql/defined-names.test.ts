// Goal: of a definition it is known which names may lead elsewhere by it, and never too few.
// Method: definitions as data, by the parser of 17; each row says the names that must be among the words, that there are none, or that it is anything.
import { beforeAll, expect, test } from 'vitest';
import { namesDefinedBy } from '../../src/sql/defined-names.ts';
import { loadParser, type Parser } from '../../src/sql/parser.ts';

let parser: Parser;
beforeAll(async () => {
  parser = await loadParser(17);
});

function namesOf(text: string): readonly string[] | undefined {
  const parsed = parser.parse(text);
  const [statement] = parsed.kind === 'statements' ? parsed.statements : [];
  if (statement === undefined) throw new Error(`${text}: ${parsed.kind}`);
  return namesDefinedBy(statement.node);
}

test.each([
  ['create table s.t (a int references other)', ['t', 'other']],
  ['create table t partition of parent for values in (1)', ['t', 'parent']],
  ['create table t as select * from u', ['t', 'u']],
  ['select * into t from u', ['t', 'u']],
  ['create view "My View" as select 1', ['My View']],
  ['create or replace function s.f(int) returns int language sql as $$ select 1 $$', ['f']],
  ['create trigger g before insert on t execute function f()', ['t', 'f', 'g']],
  ['create rule r as on insert to t do also select * from u', ['t', 'u']],
  ['create policy p on t using (true)', ['t']],
  ['create unique index on t (a)', ['t']],
  ['create sequence q', ['q']],
  ['alter table t rename to u', ['t', 'u']],
  ['alter table t rename a to b', ['t', 'a', 'b']],
  ['alter function f(int) rename to g', ['f', 'g']],
  ['alter table t attach partition p default', ['t', 'p']],
  ['alter table t inherit p', ['t', 'p']],
  ['alter table t alter a set default f()', ['t', 'f']],
  ['alter table t add column a int, drop column b', ['t', 'b']],
  ['alter view v set (security_invoker = true)', ['v']],
  ['drop table a, s.b', ['a', 'b']],
  ['drop function f(int)', ['f']],
  ['drop type t', ['t']],
  ["create type t as enum ('a')", ['t']],
  ['create type t as (a int)', ['t']],
  ['create domain d as text', ['d']],
  ['create aggregate a(int) (sfunc = f, stype = int)', ['a', 'f']],
  [`create table ${'n'.repeat(80)} (a int)`, ['n'.repeat(63)]],
])('%s: its words', (text, names) => {
  expect(namesOf(text)).toEqual(expect.arrayContaining(names));
});

test.each([
  'create index on t (lower(a)) where b > 1',
  "alter table t add column a int default 1, add column b text default 'x'",
  'create schema s create table t (a int)',
  "alter type t add value 'b'",
  'alter function f(int) owner to o',
  'alter table t alter a set not null, validate constraint c',
])('%s: nothing leads elsewhere', (text) => {
  expect(namesOf(text)).toEqual([]);
});

test.each([
  'drop table t cascade',
  'drop schema s',
  'alter table t drop column a cascade',
  'alter schema s rename to u',
  'alter type t rename to u',
  'alter table t set schema s',
  'create operator + (leftarg = a, rightarg = b, function = f)',
  'create cast (a as b) with function f(a)',
  'create extension e',
  'create event trigger e on ddl_command_end execute function f()',
  'alter domain d add check (true)',
  'drop owned by o',
])('%s: anything may', (text) => {
  expect(namesOf(text)).toBeUndefined();
});
