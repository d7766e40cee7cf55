// Test suites of drivers, written by those who wrote the drivers: where each has its files, how a file is run, and how what it prints is
// read. Nothing of theirs is here; they lie in a folder that is named, as their repositories are.
import { join } from 'node:path';
import { pgjdbc } from './suite-jdbc.ts';
import { filesUnder, readLines, scripts, type Outcome, type Suite } from './suite.ts';

/** What the suites need beside their own sources. */
export const suitePackages = [
  ...['pg@8.23.1', 'pg-pool@3.14.0', 'pg-cursor@2.22.0', 'pg-types@2.2.0', 'pgpass@1.0.5', 'pg-copy-streams@0.3.0'],
  ...['async@2.6.4', 'bluebird@3.7.2', 'co@4.6.0', 'mocha@11', 'expect.js@0.3.1', 'lodash@4', 'chai@4'],
  ...['libpq@1.11.0', 'pg-native@3.9.0', 'okay@0.3.0', 'semver@7.7.2', 'buffer-from@1.1.2'],
  ...['JSONStream@1.3.5', 'concat-stream@1.0.1', 'stream-spec@0.3.6', 'tsx@4'],
] as const;

/** Made by node-gyp where there are a compiler and libpq's headers. */
export const libpqAddon = 'node_modules/libpq/build/Release/addon.node';

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

const mocha = (folder: string): string => join(folder, 'node_modules/mocha/bin/mocha.js');

function byMocha(name: string, wanted: RegExp, more: readonly string[] = [], home = 'node-postgres/packages'): Suite {
  const cwd = `${home}/${name}`;
  return {
    name,
    cwd,
    files: (folder) => filesUnder(join(folder, cwd, 'test'), wanted),
    command: (file, folder) => [
      ...more,
      mocha(folder),
      '--exit',
      '--no-config',
      '--timeout',
      '20000',
      '--reporter',
      'json',
      file,
    ],
    read: readMocha,
  };
}

/** As its makefile runs it: with its own client, with that one asked for binary results, and with libpq in its place. */
function pgBy(name: string, ...words: readonly string[]): Suite {
  const cwd = 'node-postgres/packages/pg';
  return {
    name,
    cwd,
    files: (folder) => filesUnder(join(folder, cwd, 'test/integration'), /-tests\.js$/),
    command: (file) => [file, 'postgres://', ...words],
    read: readOwnSuite,
  };
}

/** What stands on libpq's addon, which is made on the machine. */
const onLibpq = (suite: Suite): Suite => ({ ...suite, wants: [libpqAddon] });

const python = 'venv/bin/python';

/** By the Python of `FOLDER/venv`, which has the driver and pytest; what lies in the repository itself is found last. */
function byPytest(name: string, wanted: RegExp, more: readonly string[] = []): Suite {
  return {
    name,
    cwd: name,
    wants: [python],
    files: (folder) => filesUnder(join(folder, name, 'tests'), wanted),
    program: (folder) => join(folder, python),
    command: (file) => [
      ...['-P', '-m', 'pytest', '-v', '--tb=no', '-W', 'ignore', '--import-mode=append'],
      ...more,
      file,
    ],
    read: readPytest,
  };
}

/** Without what wants its own pg_hba.conf. By Debian's own Python: the newest version of the driver, which is made of nothing else, lies beside the suite. */
const pg8000: Suite = {
  ...byPytest('pg8000', /^/),
  wants: ['python'],
  files: (folder) => filesUnder(join(folder, 'pg8000/test'), /^(?:dbapi|legacy|native)\/test_(?!bench).*\.py$/),
  program: () => '/usr/bin/python3',
  env: (folder) => ({
    PYTHONPATH: `${join(folder, 'pg8000')}:${join(folder, 'python/usr/lib/python3/dist-packages')}`,
  }),
};

/** What happened to a test that runs in several rounds, and to its ending, are outcomes of their own. */
function readPytest(out: string): readonly Outcome[] {
  const ended = out.matchAll(/^(\S+::.*?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b/gm);
  return [...ended].map(([, test = '', word = '']) => ({ test, outcome: pytestWords[word] ?? word.toLowerCase() }));
}

const pytestWords: Readonly<Record<string, string>> = { PASSED: 'ok', SKIPPED: 'skipped', XFAIL: 'skipped' };

export const suites: readonly Suite[] = [
  pgBy('pg'),
  pgBy('pg in binary', 'binary'),
  onLibpq(pgBy('pg on libpq', 'native')),
  onLibpq(byMocha('pg-native', /^(?!load).*\.js$/)),
  onLibpq(byMocha('libpq', /^(?!helper|load).*\.js$/, [], 'node_modules')),
  byMocha('pg-cursor', /\.js$/),
  byMocha('pg-pool', /^(?!setup).*\.js$/),
  byMocha('pg-query-stream', /^(?!helper).*\.ts$/, ['--import', 'tsx']),
  {
    name: 'postgres.js',
    cwd: 'postgres/tests',
    files: (folder) => [join(folder, 'postgres/tests/index.js')],
    command: (file) => ['--import', join(scripts, 'postgresjs-hook.mjs'), file],
    read: readLines,
  },
  byPytest('psycopg', /^test_(?!.*(?:dns|typing|gevent|windows|crdb)).*\.py$|^(?:types|pq)\/test_.*\.py$/, [
    ...['-m', 'not slow and not timing and not flakey and not proxy and not subprocess'],
  ]),
  byPytest('asyncpg', /^test_(?!_).*\.py$/),
  pg8000,
  pgjdbc,
];

interface OnPurpose {
  readonly suite: string;
  /** Which files and tests; without: any. */
  readonly file?: RegExp;
  readonly test?: RegExp;
  /** How such a one ends through us; without: anyhow. */
  readonly through?: RegExp;
  readonly why: string;
}

const replication = 'a replication connection sends data without SQL to judge it by, so it is refused';
const functionCalls = 'a function call message names a function by its number and holds no SQL to judge';
const newRoles = 'a role that is made at the server is no agent of the proxy, so nobody comes in by it';
const newDatabases = 'a database that is made meanwhile is none of those that the configuration names';

/** What we do not offer or do otherwise on purpose, with the reason. */
export const onPurpose: readonly OnPurpose[] = [
  {
    suite: 'postgres.js',
    test: /^subscribe/,
    why: replication,
  },
  {
    suite: 'psycopg',
    test: /::test_change_password$/,
    why: newRoles,
  },
  {
    suite: 'asyncpg',
    test: /::test_introspection_(?:on_large_db|loads_basetypes_of_domains)$/,
    why: newDatabases,
  },
  {
    suite: 'pg8000',
    test: /::(?:test_password_bytes|test_bytes_password|testBytesPassword)$/,
    why: newRoles,
  },
  {
    suite: 'pg8000',
    test: /::test_scram_sha_256$/,
    why: newDatabases,
  },
  {
    suite: 'pgjdbc',
    through: /replication connections cannot be judged/,
    why: replication,
  },
  {
    suite: 'pgjdbc',
    through: /function call messages cannot be judged/,
    why: functionCalls,
  },
  {
    suite: 'pgjdbc',
    file: /^(?:BlobTest|LargeObjectManagerTest)/,
    through: /^not run$|but was: <0A000>$/,
    why: functionCalls,
  },
  {
    suite: 'pgjdbc',
    file: /^(?:Scram|RequireAuth|PasswordUtil|AuthenticationPlugin)Test/,
    why: newRoles,
  },
];
