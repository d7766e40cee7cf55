// Test suites of drivers, written by those who wrote the drivers: where each has its files, how a file is run, and how what it prints is
// read. Nothing of theirs is here; they lie in a folder that is named, as their repositories are.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Suite {
  readonly name: string;
  /** Its repository's folder, and where its files are run, both seen from the folder that is named. */
  readonly repository: string;
  readonly cwd: string;
  files(folder: string): readonly string[];
  /** What runs it; without: this very Node. */
  program?(folder: string): string;
  command(file: string, folder: string): readonly string[];
  /** One entry for each test, in order. */
  read(out: string): readonly Outcome[];
}

export interface Outcome {
  readonly test: string;
  /** `ok`, or what went wrong. */
  readonly outcome: string;
}

/** What the suites need beside their own sources. */
export const suitePackages = [
  ...['pg@8.23.1', 'pg-pool@3.14.0', 'pg-cursor@2.22.0', 'pg-types@2.2.0', 'pgpass@1.0.5', 'pg-copy-streams@0.3.0'],
  ...['async@2.6.4', 'bluebird@3.7.2', 'co@4.6.0', 'mocha@11', 'expect.js@0.3.1', 'lodash@4', 'chai@4'],
  ...['JSONStream@1.3.5', 'concat-stream@1.0.1', 'stream-spec@0.3.6', 'tsx@4'],
] as const;

const scripts = new URL('scripts/suites/', import.meta.url).pathname;

function filesUnder(folder: string, wanted: RegExp): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => wanted.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** A line is written when a test begins, and its sign when it has ended; what is printed in between is the driver's. */
function readOwnSuite(out: string): readonly Outcome[] {
  const ended = out.matchAll(/^ {2}(\S.*?) (✔|\? - SKIPPED|FAILED!\n\n(.*))$/gm);
  return [...ended].map(([, test = '', sign, words]) => ({
    test,
    outcome: words ?? (sign === '✔' ? 'ok' : 'skipped'),
  }));
}

interface MochaReport {
  readonly tests: readonly { readonly fullTitle: string; readonly err: { readonly message?: string } }[];
}

/** The report stands behind whatever the tests print. */
function readMocha(out: string): readonly Outcome[] {
  const at = out.indexOf('{\n  "stats"');
  if (at < 0) return [];
  const report: MochaReport = JSON.parse(out.slice(at));
  return report.tests.map(({ fullTitle, err }) => ({ test: fullTitle, outcome: err.message ?? 'ok' }));
}

function readLines(out: string): readonly Outcome[] {
  return [...out.matchAll(/@@(\{.*\})$/gm)].map(([, line = '']): Outcome => JSON.parse(line));
}

const mocha = (folder: string): string => join(folder, 'node_modules/mocha/bin/mocha.js');

function byMocha(name: string, wanted: RegExp, more: readonly string[] = []): Suite {
  const cwd = `node-postgres/packages/${name}`;
  return {
    name,
    repository: 'node-postgres',
    cwd,
    files: (folder) => filesUnder(join(folder, cwd, 'test'), wanted),
    command: (file, folder) => [...more, mocha(folder), '--exit', '--no-config', '--reporter', 'json', file],
    read: readMocha,
  };
}

/** By the Python of `FOLDER/venv`, which has the driver and pytest; what lies in the repository itself is found last. */
function byPytest(name: string, wanted: RegExp, more: readonly string[] = []): Suite {
  return {
    name,
    repository: name,
    cwd: name,
    files: (folder) => filesUnder(join(folder, name, 'tests'), wanted),
    program: (folder) => join(folder, 'venv/bin/python'),
    command: (file) => [
      ...['-P', '-m', 'pytest', '-v', '--tb=no', '-W', 'ignore', '--import-mode=append'],
      ...more,
      file,
    ],
    read: readPytest,
  };
}

/** What happened to a test that runs in several rounds, and to its ending, are outcomes of their own. */
function readPytest(out: string): readonly Outcome[] {
  const ended = out.matchAll(/^(\S+::.*?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b/gm);
  return [...ended].map(([, test = '', word = '']) => ({ test, outcome: pytestWords[word] ?? word.toLowerCase() }));
}

const pytestWords: Readonly<Record<string, string>> = { PASSED: 'ok', SKIPPED: 'skipped', XFAIL: 'skipped' };

export const suites: readonly Suite[] = [
  {
    name: 'pg',
    repository: 'node-postgres',
    cwd: 'node-postgres/packages/pg',
    files: (folder) => filesUnder(join(folder, 'node-postgres/packages/pg/test/integration'), /-tests\.js$/),
    command: (file) => [file, 'postgres://'],
    read: readOwnSuite,
  },
  byMocha('pg-cursor', /\.js$/),
  byMocha('pg-pool', /^(?!setup).*\.js$/),
  byMocha('pg-query-stream', /^(?!helper).*\.ts$/, ['--import', 'tsx']),
  {
    name: 'postgres.js',
    repository: 'postgres',
    cwd: 'postgres/tests',
    files: (folder) => [join(folder, 'postgres/tests/index.js')],
    command: (file) => ['--import', join(scripts, 'postgresjs-hook.mjs'), file],
    read: readLines,
  },
  byPytest('psycopg', /^test_(?!.*(?:dns|typing|gevent|windows|crdb)).*\.py$|^(?:types|pq)\/test_.*\.py$/, [
    ...['-m', 'not slow and not timing and not flakey and not proxy and not subprocess'],
  ]),
  byPytest('asyncpg', /^test_(?!_).*\.py$/),
];

/** What we do not offer or do otherwise on purpose, with the reason. */
export const onPurpose: readonly { readonly suite: string; readonly test: RegExp; readonly why: string }[] = [
  {
    suite: 'postgres.js',
    test: /^subscribe/,
    why: 'a replication connection sends data without SQL to judge it by, so it is refused',
  },
  {
    suite: 'psycopg',
    test: /::test_change_password$/,
    why: 'a role that is made at the server is no agent of the proxy, so nobody comes in by it',
  },
  {
    suite: 'asyncpg',
    test: /::test_introspection_(?:on_large_db|loads_basetypes_of_domains)$|^test_introspection\.py ends$/,
    why: 'a database that is made meanwhile is none of those that the configuration names',
  },
];
