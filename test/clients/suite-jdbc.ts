// pgjdbc's own suite, in Java: compiled once against the driver and JUnit, then each class of it runs by itself.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { filesUnder, readLines, scripts, type Suite } from './suite.ts';

const tests = 'pgjdbc/pgjdbc/src/test/java';
const resources = (folder: string): string => join(folder, 'pgjdbc/pgjdbc/src/test/resources');
const classes = (folder: string): string => join(folder, 'pgjdbc-classes');
/** The driver, JUnit and what that needs. */
const jars = (folder: string): readonly string[] =>
  readdirSync(join(folder, 'jars')).map((name) => join(folder, 'jars', name));

/** All but what wants packages that are no part of JUnit: they set the environment of a running process, or stand for OSGi. */
const foreign = /import (?:uk\.org\.webcompere|org\.osgi)|StubEnvironmentAndProperties/;

function compile(folder: string): void {
  if (existsSync(classes(folder))) return;
  const sources = [join(folder, 'pgjdbc/testkit/src'), join(folder, tests)].flatMap((part) =>
    filesUnder(part, /\.java$/),
  );
  const wanted = sources.filter((file) => !foreign.test(readFileSync(file, 'utf8')));
  const args = ['-nowarn', '-proc:none', '-d', classes(folder), '-cp', jars(folder).join(':')];
  const made = spawnSync('javac', [...args, join(scripts, 'JdbcRunner.java'), ...wanted], { encoding: 'utf8' });
  if (made.status === 0) return;
  rmSync(classes(folder), { recursive: true, force: true });
  throw new Error(`pgjdbc's suite does not compile: ${made.error?.message ?? made.stderr.slice(0, 2_000)}`);
}

const nameOf = (file: string, folder: string): string => relative(join(folder, tests), file).replace(/\.java$/, '');

export const pgjdbc: Suite = {
  name: 'pgjdbc',
  cwd: 'pgjdbc/pgjdbc',
  wants: ['jars'],
  minutesMax: 15,
  program: () => '/usr/bin/java',
  prepare: compile,
  /** Those that know of a server. */
  files: (folder) =>
    filesUnder(join(folder, tests), /Test\.java$/).filter(
      (file) =>
        existsSync(join(classes(folder), `${nameOf(file, folder)}.class`)) &&
        /TestUtil|BaseTest4|BaseDataSourceTest/.test(readFileSync(file, 'utf8')),
    ),
  command: (file, folder) => [
    ...[
      '-XX:TieredStopAtLevel=1',
      '-Xshare:auto',
      '-cp',
      [classes(folder), resources(folder), ...jars(folder)].join(':'),
    ],
    ...['JdbcRunner', nameOf(file, folder).replaceAll('/', '.')],
  ],
  read: readLines,
};
