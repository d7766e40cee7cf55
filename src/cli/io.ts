// What a command may touch of the world around it, so that tests can run commands inside their own process.
import { ProxyError, wordsOf } from '../core/errors.ts';
import { fileWords } from '../core/file-words.ts';
import { visible } from '../core/visible.ts';

export interface Io {
  /** One line of the command's own output. */
  readonly out: (line: string) => void;
  /** How wide the terminal is that `out` goes to; undefined where it is none. */
  readonly columns?: () => number | undefined;
  /** One line for the person who runs it: what is wrong, where, and how to mend it. */
  readonly err: (line: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The exit code of a command that ends well enough to go on talking: a check that found something. */
  readonly exit: (code: number) => void;
}

export const processIo: Omit<Io, 'exit'> = {
  out: (line) => process.stdout.write(`${line}\n`),
  columns: () => (process.stdout.isTTY ? process.stdout.columns : undefined),
  err: (line) => process.stderr.write(`${line}\n`),
  env: process.env,
};

/** A command that cannot do what it was asked to: one line, and exit code 1 (a failed check) or 2 (bad use). */
export class CommandFailed extends Error {
  readonly lines: readonly string[];
  readonly exitCode: 1 | 2;

  constructor(lines: readonly string[], exitCode: 1 | 2) {
    super(lines.join('\n'));
    this.name = 'CommandFailed';
    this.lines = lines;
    this.exitCode = exitCode;
  }
}

/** Of an error of ours each mistake on a line of its own, the mend behind the last; of anything else one line, whatever is in it. */
export function complaintOf(thrown: unknown): readonly string[] {
  if (!(thrown instanceof ProxyError)) return [visible(systemWords(thrown))];
  const lines = thrown.message.split('\n').map((line) => visible(line));
  return thrown.hint === undefined ? lines : [...lines.slice(0, -1), `${lines.at(-1) ?? ''} (${visible(thrown.hint)})`];
}

/** The system's own errors name a file in their middle and the trouble by its abbreviation. */
function systemWords(thrown: unknown): string {
  const path = thrown instanceof Error && 'path' in thrown && typeof thrown.path === 'string' ? thrown.path : undefined;
  return path === undefined ? wordsOf(thrown) : `${path}: ${fileWords(thrown)}`;
}

export const failed = (...lines: readonly string[]): CommandFailed => new CommandFailed(lines, 1);
export const misused = (...lines: readonly string[]): CommandFailed => new CommandFailed(lines, 2);
