// Brings the corpora at run time: the regression suites of Postgres out of Debian's source packages. They stay in the cache under
// node_modules; nothing of them is part of this project.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ParserMajor } from '../../src/sql/parser.ts';

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

/** Whence this machine has its own packages; the archive of security updates has no sources of other suites. */
async function archiveOfDebian(): Promise<string> {
  const asked = ['indextargets', '--format', '$(ORIGIN) $(REPO_URI)', 'Created-By: Packages'];
  const { stdout } = await run('apt-get', asked);
  const archive = /^Debian (\S+\/debian\/)$/m.exec(stdout)?.[1];
  if (archive === undefined)
    throw new Error('apt knows no archive of Debian, so there is no regression suite to be had');
  return archive;
}

/** The folder `src/test/regress` of one major's source. */
export async function bring(major: Suite['major']): Promise<string> {
  const home = join(cache, `regress-${major}`);
  if (existsSync(home)) return home;
  const aside = join(cache, `fetch-${major}-${process.pid}`);
  mkdirSync(join(aside, 'lists', 'partial'), { recursive: true });
  try {
    const list = join(aside, 'sources.list');
    writeFileSync(list, `deb-src ${await archiveOfDebian()} ${suites[major]} main\n`);
    const options = [
      `Dir::Etc::sourcelist=${list}`,
      'Dir::Etc::sourceparts=-',
      `Dir::State::lists=${join(aside, 'lists')}`,
    ];
    const apt = options.flatMap((option) => ['-o', option]);
    await run('apt-get', [...apt, 'update'], { cwd: aside });
    await run('apt-get', [...apt, 'source', '--download-only', `postgresql-${major}`], { cwd: aside });
    const archive = readdirSync(aside).find((name) => name.includes('.orig.tar.'));
    if (archive === undefined) throw new Error(`Debian gave no source archive of postgresql-${major}`);
    await run('tar', ['xf', archive, '--strip-components=1', '--wildcards', '*/src/test/regress/*'], { cwd: aside });
    renameSync(join(aside, 'src', 'test', 'regress'), home);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return home;
}
