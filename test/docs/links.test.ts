// Goal: whoever follows a link or a path in the papers arrives.
// Method: every link that stays in the house, with its heading, and every path in back-ticks, is looked up in the checkout.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { paperOf, papers, root, type Paper } from './papers.ts';

const all = papers();
const byPath = new Map(all.map((paper) => [paper.path, paper]));

function brokenLinks({ path, links }: Paper): readonly string[] {
  return links.flatMap(({ text, line }) => {
    if (/^(https?|mailto):/.test(text)) return [];
    const [file = '', anchor] = text.split('#');
    const target = file === '' ? path : normalize(join(dirname(path), file)).replace(/\/$/, '');
    if (!existsSync(join(root, target))) return [`${path}:${line}: ${text} is not there`];
    if (anchor === undefined || byPath.get(target)?.anchors.has(anchor) === true) return [];
    return [`${path}:${line}: ${target} has no heading #${anchor}`];
  });
}

/** `src/gate.ts`, `test/proxy/mirror*.test.ts`, `docs/decisions`: what is written as a path of the checkout is one. */
const housePath = /^(?:src|test|docs|deploy|scripts|bench|classification|schema|demo)\/[\w./*-]*$/;

function missingPaths({ path, words }: Paper): readonly string[] {
  return words
    .filter(({ text }) => housePath.test(text) && !isThere(text.replace('NAME', '*')))
    .map(({ text, line }) => `${path}:${line}: ${text} is not there`);
}

function isThere(pattern: string): boolean {
  if (!pattern.includes('*')) return existsSync(join(root, pattern));
  const form = new RegExp(`^${pattern.split('/').at(-1)?.replaceAll('.', '\\.').replaceAll('*', '.*') ?? ''}$`);
  const folder = join(root, dirname(pattern));
  return existsSync(folder) && readdirSync(folder).some((name) => form.test(name));
}

test('there are papers, and they have links', () => {
  expect(all.length).toBeGreaterThan(25);
  expect(all.flatMap((paper) => paper.links).length).toBeGreaterThan(50);
});

test('a link to a file or a heading that is not there is found', () => {
  const paper = paperOf('docs/x.md', '[a](nowhere.md) [b](policy.md#nothing) [c](policy.md#rules) `src/none.ts`\n');
  expect([...brokenLinks(paper), ...missingPaths(paper)]).toEqual([
    'docs/x.md:1: nowhere.md is not there',
    'docs/x.md:1: docs/policy.md has no heading #nothing',
    'docs/x.md:1: src/none.ts is not there',
  ]);
});

test('every link between the papers leads somewhere', () => {
  expect(all.flatMap(brokenLinks)).toEqual([]);
});

test('every path that the papers name is in the checkout', () => {
  expect(all.flatMap(missingPaths)).toEqual([]);
});

test('every paper in docs/ can be reached from docs/README.md', () => {
  const seen = new Set<string>();
  const follow = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { text } of byPath.get(path)?.links ?? [])
      if (!/^(https?|mailto):/.test(text)) follow(normalize(join(dirname(path), text.split('#')[0] ?? '')));
  };
  follow('docs/README.md');
  const alone = all.map(({ path }) => path).filter((path) => /^docs\/[^/]+\.md$/.test(path) && !seen.has(path));
  expect(alone).toEqual([]);
});
