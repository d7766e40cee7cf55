// Goal: no package without a reason in docs/dependencies.md, and no reason without its package.
// Method: compare the tables of the page with package.json, section by section.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../..', import.meta.url);
const page = readFileSync(new URL('docs/dependencies.md', root), 'utf8');
const manifest: unknown = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));

function packagesOf(key: string): readonly string[] {
  const part: unknown = Object.entries(manifest ?? {}).find(([name]) => name === key)?.[1];
  return Object.keys(part ?? {}).sort();
}

function rowsOf(heading: string): readonly (readonly [name: string, reason: string])[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  return [...section.matchAll(/^\| `([^`]+)` +\| (.*) \|$/gm)].map(
    (match) => [match[1] ?? '', match[2] ?? ''] as const,
  );
}

test.each([
  ['At run time', 'dependencies'],
  ['Optional', 'optionalDependencies'],
  ['For development', 'devDependencies'],
  ['Held versions', 'overrides'],
])('under "%s" each of the %s has a line with a reason, and nothing else has', (heading, key) => {
  const rows = rowsOf(heading);
  expect(rows.map(([name]) => name).sort()).toEqual(packagesOf(key));
  expect(rows.filter(([, reason]) => reason.trim().length < 10)).toEqual([]);
});
