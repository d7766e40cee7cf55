// What a test suite of a driver is to us, and what several of them have in common.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Suite {
  readonly name: string;
  /** Where its files are run, seen from the folder that is named; without it the suite is left out. */
  readonly cwd: string;
  /** What it wants beside that, seen from the same folder. */
  readonly wants?: readonly string[];
  /** How long one file may take; without: three minutes. */
  readonly minutesMax?: number;
  files(folder: string): readonly string[];
  /** What runs it; without: this very Node. */
  program?(folder: string): string;
  /** Settings of its own. */
  env?(folder: string): Readonly<Record<string, string>>;
  /** What has to be done once, before its files are asked for. */
  prepare?(folder: string): void;
  command(file: string, folder: string): readonly string[];
  /** One entry for each test, in order. */
  read(out: string): readonly Outcome[];
}

export interface Outcome {
  readonly test: string;
  /** `ok`, or what went wrong. */
  readonly outcome: string;
}

export const scripts = new URL('scripts/suites/', import.meta.url).pathname;

export function filesUnder(folder: string, wanted: RegExp): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => wanted.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** What our own harnesses print. */
export function readLines(out: string): readonly Outcome[] {
  return [...out.matchAll(/@@(\{.*\})$/gm)].map(([, line = '']): Outcome => JSON.parse(line));
}
