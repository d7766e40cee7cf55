// Goal: a command that somebody copies out of the papers is one that the program has, with those options.
// Method: every `countersign …` and `npm run …` in blocks and back-ticks is looked up in the program's own commands and in package.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { paperOf, papers, root, type Paper, type Word } from './papers.ts';

const program = buildProgram({ out: () => undefined, err: () => undefined, env: {}, exit: () => undefined });
const scripts = Object.keys(scriptsOf(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))));

function scriptsOf(manifest: unknown): object {
  const scripts: unknown = Object.entries(manifest ?? {}).find(([key]) => key === 'scripts')?.[1];
  return typeof scripts === 'object' && scripts !== null ? scripts : {};
}

/** Lines as a shell would take them: continued ones joined, comments and the prompt away, one command each. */
function shellLines(block: string, firstLine: number): readonly Word[] {
  return block.split('\n').flatMap((line, index, lines) => {
    if (lines[index - 1]?.endsWith('\\') === true) return [];
    let whole = line;
    for (let next = index + 1; whole.endsWith('\\'); next += 1) whole = whole.slice(0, -1) + (lines[next] ?? '');
    return whole
      .replace(/(^|\s)#.*$/, '')
      .split(/\|\||&&|[|;]/)
      .map((text) => ({ text: text.trim(), line: firstLine + index }));
  });
}

const runnable = new Set(['', 'sh', 'bash', 'yaml', 'dockerfile', 'ini', 'json', 'console', 'text']);

function saidIn({ blocks, words }: Paper): readonly Word[] {
  const inBlocks = blocks
    .filter(({ language }) => runnable.has(language))
    .flatMap(({ text, line }) => shellLines(text, line));
  return [...inBlocks, ...words];
}

/** What follows the program's name, where it stands as a command: at the start, behind `npx`, a prompt, `run:`, variables. */
const commandForm =
  /^(?:[-$>\d. ]*)(?:- )?(?:run: |ExecStart=)?(?:[A-Z_]+=\S+ )*(?:npx |sudo -u \w+ )?(?:\/\S+\/)?countersign(?: (.*))?$/;

function wrongCommands(paper: Paper): readonly string[] {
  return saidIn(paper).flatMap(({ text, line }) => {
    const rest = commandForm.exec(text)?.[1];
    const wrong = rest === undefined ? undefined : complaint(rest);
    return wrong === undefined ? [] : [`${paper.path}:${line}: countersign ${rest ?? ''}: ${wrong}`];
  });
}

function complaint(rest: string): string | undefined {
  // Quoted words are arguments, whatever they look like.
  const words = rest
    .replace(/"[^"]*"?|'[^']*'?/g, 'QUOTED')
    .replace(/\[[^\]]*\]/g, '')
    .split(/\s+/);
  let command: Command = program;
  for (const word of words) {
    if (word === '…' || word === '' || word === '--help' || /^[<>(]/.test(word)) break;
    if (word.startsWith('-') && word !== '-') {
      const name = word.split('=')[0];
      const known = command.options.some((option) => option.long === name || option.short === name);
      if (!known && name !== '--version') return `${command.name()} has no option ${name ?? ''}`;
      continue;
    }
    const names = word.split('|');
    const inner = names.map((name) => command.commands.find((one) => one.name() === name));
    if (command.commands.length === 0) continue;
    const [first] = inner;
    if (first === undefined || inner.includes(undefined)) return `${command.name()} has no command ${word}`;
    command = first;
  }
  return undefined;
}

function missingScripts(paper: Paper): readonly string[] {
  return saidIn(paper).flatMap(({ text, line }) =>
    [...text.matchAll(/\bnpm run ([\w:-]+)/g)]
      .filter((match) => !scripts.includes(match[1] ?? ''))
      .map((match) => `${paper.path}:${line}: npm run ${match[1] ?? ''} is not in package.json`),
  );
}

const all = papers();

test('commands are found where people would copy them', () => {
  const said = all.flatMap((paper) => saidIn(paper).filter(({ text }) => commandForm.test(text)));
  expect(said.length).toBeGreaterThan(60);
});

test.each([
  ['```sh\nnpx countersign serv --config x\n```', 'countersign has no command serv'],
  ['```sh\ncountersign audit verify --dri /x  # all\n```', 'verify has no option --dri'],
  ['`countersign import dbt|odsc x`', 'import has no command dbt|odsc'],
  ['```yaml\n  - run: npx countersign check --stirct\n```', 'check has no option --stirct'],
  ['```sh\nA=b countersign holds show h_1 | countersign agents make x\n```', 'agents has no command make'],
])('a command that the program does not have is found: %s', (text, expected) => {
  expect(wrongCommands(paperOf('x.md', text)).join()).toContain(expected);
});

test('every command in the papers exists, with those options', () => {
  expect(all.flatMap(wrongCommands)).toEqual([]);
});

test('every npm script that the papers name exists', () => {
  expect(missingScripts(paperOf('x.md', '`npm run nothing`'))).toEqual([
    'x.md:1: npm run nothing is not in package.json',
  ]);
  expect(all.flatMap(missingScripts)).toEqual([]);
});
