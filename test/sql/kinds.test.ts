// Goal: every statement is what the contract's table of actions says it is.
// Method: cases as data in test/sql/cases/kinds*.yaml, on every major whose grammar has them; every row of the table has a case.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { tagOf } from '../../src/sql/ast.ts';
import { loadParser, parserMajors, type Parser } from '../../src/sql/parser.ts';
import { statementRows } from '../../src/sql/statement-rows.ts';
import { statementFacts } from '../../src/sql/statement.ts';

interface Case {
  readonly sql: string;
  readonly kinds: readonly string[];
  readonly command: string;
  readonly since?: number;
}

const folder = new URL('cases', import.meta.url).pathname;
const cases = readdirSync(folder)
  .filter((name) => /^kinds.*\.yaml$/.test(name))
  .flatMap((name): readonly Case[] => parseYaml(readFileSync(join(folder, name), 'utf8')).cases);

const met = new Set<string>();

describe.each(parserMajors)('on major %i', (major) => {
  let parser: Parser;
  beforeAll(async () => {
    parser = await loadParser(major);
  });
  test.each(cases.filter((one) => (one.since ?? 0) <= major))('$sql is $kinds', ({ sql, kinds, command }) => {
    const parsed = parser.parse(sql);
    if (parsed.kind !== 'statements') throw new Error(JSON.stringify(parsed));
    const node = parsed.statements[0]!.node;
    met.add(tagOf(node));
    const facts = statementFacts(node);
    expect({ kinds: [...facts.kinds].sort(), command: facts.command }).toEqual({ kinds: [...kinds].sort(), command });
  });
});

/** A part of ALTER TABLE in every grammar up to 18, though its name is a statement's. */
const parts = ['ReplicaIdentityStmt'];

test('every row of the table has a case', () => {
  expect(Object.keys(statementRows).filter((tag) => !met.has(tag) && !parts.includes(tag))).toEqual([]);
});
