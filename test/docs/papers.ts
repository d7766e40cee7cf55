// Reads the papers as the tests beside it want them: every Markdown file of the house, its fenced blocks, code words, links, headings.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = new URL('../..', import.meta.url).pathname;

export interface Block {
  /** `sh`, `yaml`, … or empty. */
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

export interface Word {
  readonly text: string;
  readonly line: number;
}

export interface Paper {
  /** From the root of the checkout: `docs/policy.md`. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** What stands in back-ticks outside of blocks. */
  readonly words: readonly Word[];
  readonly links: readonly Word[];
  readonly anchors: ReadonlySet<string>;
}

const elsewhere = new Set(['node_modules', 'dist', 'coverage', '.git', '.cache', '.countersign']);

export function papers(): readonly Paper[] {
  return filesBelow('.').map((path) => paperOf(path, readFileSync(join(root, path), 'utf8')));
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (elsewhere.has(entry.name)) return [];
    const path = folder === '.' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return filesBelow(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

export function paperOf(path: string, text: string): Paper {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { fence: string; language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^\s*(?:\d+\. )?(```+)\s*(\S*)/.exec(line);
    if (open !== undefined) {
      if (fence?.[1] === open.fence && fence[2] === '') {
        blocks.push({ language: open.language, text: unindented(open.lines), line: open.line });
        open = undefined;
      } else open.lines.push(line);
      prose.push('');
    } else if (fence !== null) {
      open = { fence: fence[1] ?? '', language: fence[2] ?? '', line: index + 2, lines: [] };
      prose.push('');
    } else prose.push(line);
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: a block that is not closed`);
  const rest = prose.join('\n');
  return { path, text, blocks, words: codeWords(rest), links: linksOf(rest), anchors: anchorsOf(prose) };
}

/** Blocks in lists are indented as a whole. */
function unindented(lines: readonly string[]): string {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  const least = Math.min(...indents);
  return lines.map((line) => line.slice(Number.isFinite(least) ? least : 0)).join('\n');
}

function codeWords(prose: string): readonly Word[] {
  return [...prose.matchAll(/`([^`]+)`/g)].map((match) => ({
    text: (match[1] ?? '').replace(/\s+/g, ' ').replaceAll('\\|', '|'),
    line: lineOf(prose, match.index),
  }));
}

function linksOf(prose: string): readonly Word[] {
  const withoutCode = prose.replace(/`[^`]*`/g, (code) => code.replace(/[^\n]/g, '_'));
  return [...withoutCode.matchAll(/\]\(([^()\s]+)\)|(?:src|href)="([^"]+)"/g)].map((match) => ({
    text: match[1] ?? match[2] ?? '',
    line: lineOf(withoutCode, match.index),
  }));
}

const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** As GitHub makes them from headings. */
function anchorsOf(prose: readonly string[]): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const line of prose) {
    const heading = /^#{1,6} (.*)$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = plain
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-');
    let free = slug;
    for (let n = 1; anchors.has(free); n += 1) free = `${slug}-${n}`;
    anchors.add(free);
  }
  return anchors;
}
