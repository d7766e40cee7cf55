// Brings the corpora at run time: the regression suites of Postgres out of Debian's source packages. They stay in the cache under
// node_modules; nothing of them is part of this project.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ParserMajor } from '../../src/sql/parser.ts';
import { debian } from '../support/debian.ts';

const run = promisify(execFile);
const cache = new URL('../../node_modules/.cache/countersign/corpus', import.meta.url).pathname;

/** Debian's suites with the majors they carry. 16 is in none: it gets 15's. */
const suites: Readonly<Record<15 | 17 | 18, string>> = { 15: 'bookworm', 17: 'trixie', 18: 'sid' };
const sourceOf: Readonly<Record<ParserMajor, 15 | 17 | 18>> = { 15: 15, 16: 15, 17: 17, 18: 18 };

export interface Script {
  readonly name: string;
  readonly text: string;
}

export interface Suite {
  readonly major: 15 | 17 | 18;
  /** In the order of the schedule: later scripts use what earlier ones made. */
  readonly scripts: readonly Script[];
}

export async function regressionSuite(major: ParserMajor): Promise<Suite> {
  const wanted = sourceOf[major];
  try {
    return suiteIn(await bring(wanted), wanted);
  } catch (thrown) {
    if (wanted === 15) throw thrown;
    return suiteIn(await bring(15), 15);
  }
}

/** Names of scripts in the order of the schedule. */
export function scheduled(folder: string): readonly string[] {
  const schedule = readFileSync(join(folder, 'parallel_schedule'), 'utf8');
  return [...schedule.matchAll(/^test:\s*(.+)$/gm)].flatMap((match) => (match[1] ?? '').trim().split(/\s+/));
}

function suiteIn(folder: string, major: Suite['major']): Suite {
  const names = scheduled(folder);
  const scripts = names.flatMap((name) => {
    const file = join(folder, 'sql', `${name}.sql`);
    return existsSync(file) ? [{ name, text: readFileSync(file, 'utf8') }] : [];
  });
  return { major, scripts };
}

/** The folder `src/test/regress` of one major's source. */
export async function bring(major: Suite['major']): Promise<string> {
  const home = join(cache, `regress-${major}`);
  if (existsSync(home)) return home;
  const aside = join(cache, `fetch-${major}-${process.pid}`);
  try {
    const archive = await (await debian(suites[major], aside)).source(`postgresql-${major}`);
    await run('tar', ['xf', archive, '--strip-components=1', '--wildcards', '*/src/test/regress/*'], { cwd: aside });
    renameSync(join(aside, 'src', 'test', 'regress'), home);
  } catch (thrown) {
    // Another run beside this one has brought it meanwhile.
    if (!existsSync(home)) throw thrown;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return home;
}
