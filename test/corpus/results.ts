// What runs came to, one line each in a file: a run of all four majors takes an hour, so it may be done in slices, and the table in
// the docs is printed from what the slices left. A later result of the same corpus takes the place of an earlier one.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Outcome } from './lab.ts';

export interface Result {
  /** `PG 15, its own suite` */
  readonly corpus: string;
  readonly counts: Readonly<Record<Outcome, number>>;
  /** How often the server's rewritten tree said otherwise than the static witness, which was sure. */
  readonly disagreed: number;
}

export interface HostileResult {
  readonly hostile: number;
  readonly answered: number;
  readonly lost: number;
  readonly honest: number;
  readonly aloneP99: number;
  readonly besideP99: number;
}

type Line = Result | HostileResult;

export function keep(file: string | undefined, line: Line): void {
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
}

const marks = {
  begin: '<!-- corpus: written by `npm run test:corpus -- --table` -->',
  end: '<!-- /corpus -->',
} as const;

/** Puts the table of these results into the page, between its marks. */
export function writeTable(file: string, page: string): void {
  const text = readFileSync(page, 'utf8');
  const begin = text.indexOf(marks.begin);
  const end = text.indexOf(marks.end);
  if (begin < 0 || end < begin || !existsSync(file)) throw new Error(`no marks in ${page}, or no results in ${file}`);
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Line => JSON.parse(line) as Line);
  const table = tableOf(lines);
  writeFileSync(page, `${text.slice(0, begin)}${marks.begin}\n\n${table}\n\n${text.slice(end)}`);
}

export function tableOf(lines: readonly Line[]): string {
  const results = new Map<string, Result>();
  let hostile: HostileResult | undefined;
  for (const line of lines) {
    if ('corpus' in line) results.set(line.corpus, line);
    else hostile = line;
  }
  const rows = [...results.values()].sort((a, b) => (a.corpus < b.corpus ? -1 : 1));
  const body = [['corpus', 'asked', 'exact', 'over', 'not known', 'missed', 'disagreed'], ...rows.map(cellsOf)];
  const widths = body[0]?.map((_, at) => Math.max(9, ...body.map((cells) => cells[at]?.length ?? 0))) ?? [];
  const lineOf = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  const [head = [], ...rest] = body;
  return [lineOf(head), rule, ...rest.map(lineOf), ...wordsOf(hostile)].join('\n');
}

function cellsOf({ corpus, counts, disagreed }: Result): readonly string[] {
  const asked = counts.exact + counts.over + counts.notKnown + counts.missed;
  const share = (count: number): string => (count === 0 ? '0' : `${((100 * count) / asked).toFixed(2)} %`);
  return [
    corpus,
    asked.toLocaleString('en-US'),
    share(counts.exact),
    share(counts.over),
    share(counts.notKnown),
    String(counts.missed),
    String(disagreed),
  ];
}

function wordsOf(hostile: HostileResult | undefined): readonly string[] {
  if (hostile === undefined) return [];
  const { answered, lost, honest, aloneP99, besideP99 } = hostile;
  const count = (number: number): string => number.toLocaleString('en-US');
  return [
    '',
    `Hostile texts against the pool: ${count(answered)} of ${count(hostile.hostile)} answered, ${lost} workers lost and replaced;`,
    `${count(honest)} honest statements of another session beside them, p99 ${aloneP99.toFixed(2)} ms alone and ${besideP99.toFixed(2)} ms beside.`,
  ];
}
