// The table of conditions in docs/policy.md, from the rows that the program judges by.
import { conditionRows } from '../src/policy/conditions.ts';

export const tableBegin = '<!-- conditions: made by scripts/policy-docs.ts -->';
export const tableEnd = '<!-- end of conditions -->';

export function conditionTable(): string {
  const rows = conditionRows.map(
    (row) => `| \`${row.key}\` | ${row.words.replaceAll('|', '\\|')} | \`${row.key}: ${row.example}\` |`,
  );
  return ['| condition | is met when | for example |', '|---|---|---|', ...rows].join('\n');
}

export function withTable(text: string): string {
  const [before, rest] = text.split(tableBegin);
  const after = rest?.split(tableEnd)[1];
  if (before === undefined || after === undefined) throw new Error('docs/policy.md has no place for the table');
  return `${before}${tableBegin}\n\n${conditionTable()}\n\n${tableEnd}${after}`;
}
