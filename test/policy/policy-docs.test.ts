// Goal: the docs of the conditions are what the program judges by.
// Method: compare the table in docs/policy.md, without its padding, with the one made from the rows.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { conditionTable, tableBegin, tableEnd } from '../../scripts/policy-doc-text.ts';

test('docs/policy.md has the table of conditions (npx tsx scripts/policy-docs.ts)', () => {
  const text = readFileSync(new URL('../../docs/policy.md', import.meta.url), 'utf8');
  const bare = (table: string): string =>
    table.trim().replace(/ +/g, ' ').replace(/-+/g, '-').replace(/\| -/g, '|-').replace(/- \|/g, '-|');
  const there = text.split(tableBegin)[1]?.split(tableEnd)[0] ?? '';
  expect(bare(there)).toBe(bare(conditionTable()));
});
