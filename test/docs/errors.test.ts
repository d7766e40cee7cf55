// Goal: docs/errors.md tells of every error that the program knows, in the program's own words.
// Method: make the table from the rows of src/core/errors.ts and compare; UPDATE_DOCS=1 writes it.
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { errorTable, type ErrorRow } from '../../src/core/errors.ts';

const file = new URL('../../docs/errors.md', import.meta.url);
const marked = /(<!-- prettier-ignore-start -->\n)[\s\S]*?(<!-- prettier-ignore-end -->)/;

function table(): string {
  const lines = Object.entries(errorTable).map(([code, row]: [string, ErrorRow]) =>
    [`\`${code}\``, row.sqlState, row.http, row.ends, row.retry, row.words.replaceAll('|', '\\|')].join(' | '),
  );
  return ['code | SQLSTATE | HTTP | ends | retry | means', '---|---|---|---|---|---', ...lines]
    .map((line) => `| ${line} |`)
    .join('\n');
}

test('docs/errors.md has the table that the rows make (UPDATE_DOCS=1 writes it)', () => {
  const text = readFileSync(file, 'utf8');
  const wanted = text.replace(marked, (_, start: string, end: string) => `${start}\n${table()}\n\n${end}`);
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, wanted);
  expect(marked.test(text)).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe(wanted);
});
