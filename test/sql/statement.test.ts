// Goal: no statement of any major is without a row, and a node that nobody knows is not known.
// Method: the parser packages' own lists of nodes against the table; made-up nodes; effects compared whole.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadParser, parserMajors, type Parser, type ParserMajor } from '../../src/sql/parser.ts';
import { statementFacts } from '../../src/sql/statement.ts';
import { statementRows } from '../../src/sql/statement-rows.ts';

/** Nodes that end like statements and are none: the wrapper, a planner's node, and parts of plpgsql and function bodies. */
const noStatements = ['RawStmt', 'SetOperationStmt', 'PLAssignStmt', 'ReturnStmt'];

function statementNodesOf(major: ParserMajor): readonly string[] {
  const parserPackage = createRequire(import.meta.url).resolve(`libpg-query-${major}`);
  const types = createRequire(parserPackage).resolve('@pgsql/types');
  const text = readFileSync(join(types, '..', 'types.d.ts'), 'utf8');
  return [...text.matchAll(/^export interface (\w+Stmt) \{/gm)].map((match) => match[1] ?? '');
}

test.each(parserMajors)('every statement node of major %i has a row', (major) => {
  const nodes = statementNodesOf(major).filter((name) => !noStatements.includes(name));
  expect(nodes.length).toBeGreaterThan(100);
  expect(nodes.filter((name) => !Object.hasOwn(statementRows, name))).toEqual([]);
});

test('a node without a row is not known, whatever its name', () => {
  for (const tag of ['FlyToTheMoonStmt', 'constructor', 'toString', 'RawStmt', '__proto__']) {
    const facts = statementFacts(JSON.parse(`{"${tag}":{}}`));
    expect(facts.kinds).toEqual(['notKnown']);
    expect(facts.unknowns).not.toEqual([]);
  }
  expect(statementFacts({}).kinds).toEqual(['notKnown']);
});

describe('the effects on the session', () => {
  let parser: Parser;
  beforeAll(async () => {
    parser = await loadParser(17);
  });
  const factsOf = (text: string) => {
    const parsed = parser.parse(text);
    if (parsed.kind !== 'statements') throw new Error(parsed.kind);
    return statementFacts(parsed.statements[0]!.node);
  };
  const setting = (name: string, value: unknown, scope = 'session') => ({ kind: 'setting', name, value, scope });

  test.each([
    ['set search_path = a, "B c", \'d,e\'', [setting('search_path', ['a', 'B c', 'd,e'])]],
    ['set local search_path to pg_temp', [setting('search_path', ['pg_temp'], 'local')]],
    ['set "Search_PATH" to x', [setting('search_path', ['x'])]],
    ['set search_path to default', [setting('search_path', 'reset')]],
    ['reset search_path', [setting('search_path', 'reset')]],
    ['reset all', [{ kind: 'resetAll' }]],
    ['set role ana', [setting('role', ['ana'])]],
    ['set role none', [setting('role', ['none'])]],
    ['set session authorization default', [setting('session_authorization', 'reset')]],
    ["select set_config('search_path', 'A, \"B\"', true)", [setting('search_path', ['a', 'B'], 'local')]],
    ["select pg_catalog.set_config('search_path', '', false)", [setting('search_path', [])]],
    ['begin read only', [{ kind: 'transaction', step: 'begin', chain: false }]],
    ['end and chain', [{ kind: 'transaction', step: 'commit', chain: true }]],
    ['abort', [{ kind: 'transaction', step: 'rollback', chain: false }]],
    ["prepare transaction 'x'", [{ kind: 'transaction', step: 'prepare', chain: false }]],
    ['savepoint s', [{ kind: 'savepoint', step: 'set', name: 's' }]],
    ['rollback to s', [{ kind: 'savepoint', step: 'rollback', name: 's' }]],
    ['release s', [{ kind: 'savepoint', step: 'release', name: 's' }]],
    ['deallocate all', [{ kind: 'deallocate', name: undefined }]],
    ['deallocate "P"', [{ kind: 'deallocate', name: 'P' }]],
    ['close all', [{ kind: 'closeCursor', name: undefined }]],
    ['discard temp', [{ kind: 'discard', what: 'temporary' }]],
    ['create temp table t (a int)', [expect.objectContaining({ kind: 'definitions' }), { kind: 'temporaryObjects' }]],
    [
      'create table pg_temp.t (a int)',
      [expect.objectContaining({ kind: 'definitions' }), { kind: 'temporaryObjects' }],
    ],
    ['select 1 into temp t', [expect.objectContaining({ kind: 'definitions' }), { kind: 'temporaryObjects' }]],
    ['call p()', [{ kind: 'unsure', why: 'procedure p' }]],
    ['set transaction isolation level serializable', []],
    ['select 1', []],
  ])('of %s are told', (text, effects) => {
    expect(factsOf(text).effects).toEqual(effects);
  });

  test.each([
    "select set_config('search_path', $1, false)",
    "select set_config(name, 'x', false) from t",
    "select 1 where set_config('a', 'b', false) = 'b'",
    "select upper(set_config('search_path', 'x', false))",
    "with x as (select set_config('search_path', 'x', false)) select * from x",
    "update pg_settings set setting = 'x'",
    "update pg_catalog.pg_settings set setting = 'x' where name = 'search_path'",
    "select set_config('search_path', 'a b', false)",
    'do $$ begin end $$',
  ])('of %s cannot be told', (text) => {
    const facts = factsOf(text);
    expect(facts.kinds).toContain('notKnown');
    expect(facts.effects.some((effect) => effect.kind === 'unsure')).toBe(true);
  });

  test('names of prepared statements and cursors are told with what they hold', () => {
    expect(factsOf('prepare p as select 1')).toMatchObject({
      kinds: ['session'],
      effects: [{ kind: 'prepare', name: 'p' }],
      inner: [{ role: 'prepared', node: { SelectStmt: {} } }],
    });
    expect(factsOf('explain analyze execute p(1)').refersTo).toEqual([{ kind: 'prepared', name: 'p' }]);
    expect(factsOf('create table t as execute p').refersTo).toEqual([{ kind: 'prepared', name: 'p' }]);
    expect(factsOf('fetch 3 from c').refersTo).toEqual([{ kind: 'cursor', name: 'c' }]);
    expect(
      factsOf('declare c cursor with hold for with d as (delete from t returning 1) select * from d').kinds,
    ).toContain('destructive');
  });
});
