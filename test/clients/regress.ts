// Goal: SQL that others wrote to try every corner of Postgres gives through us what it gives directly.
// Method: every script of Postgres's own regression suite (out of Debian's source package), or every .sql file of the folders named
// as arguments, goes through psql on three servers that were made alike: two directly, one through the proxy. A file whose two direct answers differ is unsteady by itself
// and says nothing; of all others the answer through the proxy has to be equal to the letter, but for the differences that `named` names with their reasons.
// `--show` prints the first difference of each file, `--out FOLDER` keeps all answers, `--only A,B` runs these of the suite (and the one
// that all others build on), `--seconds N` is how long one script may take.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { query } from '../support/client.ts';
import { setup as build } from '../support/build.ts';
import { startPostgres } from '../support/postgres.ts';
import { bring, scheduled } from '../corpus/sources.ts';
import { startProxy } from './proxy.ts';

interface Way {
  readonly name: string;
  readonly port: number;
  readonly password: string;
}

const database = 'regression';
/** Debian's psql is of this version, and many of its own questions to the catalogs are. */
const major = 15;

const { values: flags, positionals: folders } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    show: { type: 'boolean' },
    out: { type: 'string' },
    only: { type: 'string' },
    seconds: { type: 'string', default: '300' },
  },
});

const msMax = Number(flags.seconds) * 1000;

/**
 * Process ids and ports differ between any two runs. So does the line of a notice in the middle of COPY FROM STDIN: psql says the line of the
 * data that it has come to when the notice comes in.
 */
const blurred = (text: string): string =>
  text
    .replace(/with PID \d+/g, 'with PID …')
    .replace(/port "\d+"/g, 'port …')
    .replace(/^(psql:.*):\d+: NOTICE: /gm, '$1:…: NOTICE: ');

function answer(file: string, way: Way): Promise<string> {
  const child = spawn(
    'psql',
    ['-X', '-a', '-q', '-v', 'HIDE_TABLEAM=on', '-v', 'HIDE_TOAST_COMPRESSION=on', '-f', file],
    {
      cwd: dirname(file),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: msMax,
      env: {
        PATH: process.env['PATH'],
        LC_ALL: 'C.UTF-8',
        PGHOST: '127.0.0.1',
        PGPORT: String(way.port),
        PGUSER: 'postgres',
        PGPASSWORD: way.password,
        PGDATABASE: database,
        PGTZ: 'PST8PDT',
        PGDATESTYLE: 'Postgres, MDY',
        PG_ABS_SRCDIR: resolve(dirname(file), '..'),
        PG_LIBDIR: '/none',
        PG_DLSUFFIX: '.so',
        PG_ABS_BUILDDIR: '/tmp',
      },
    },
  );
  let [out, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return new Promise((settle, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) =>
      settle(blurred(`${out}\n--- errors\n${errors}\n--- ended ${code ?? signal}`)),
    );
  });
}

function firstDifference(direct: string, through: string): string {
  const [left, right] = [direct.split('\n'), through.split('\n')];
  const at = left.findIndex((line, index) => line !== right[index]);
  const show = (lines: readonly string[]): string => lines.slice(Math.max(0, at - 2), at + 3).join('\n      ');
  return `    direct:\n      ${show(left)}\n    through:\n      ${show(right)}`;
}

async function openWays(): Promise<{ readonly ways: readonly [Way, Way, Way]; readonly close: () => Promise<void> }> {
  const servers = await Promise.all(
    [0, 1, 2].map(() => startPostgres({ major, flags: ['max_prepared_transactions=2'] })),
  );
  const [first, second, third] = servers;
  if (first === undefined || second === undefined || third === undefined) throw new Error('a server is missing');
  for (const server of servers) await query(server.url(), `create database ${database} template template0`);
  // Each script has a server process of its own, as it has directly: one that was used before keeps the libraries it has loaded (guc.sql).
  const upstream = { port: third.port, user: 'postgres', password: third.password, databases: [database], warm: 0 };
  const proxy = await startProxy(upstream, 'agentpassword');
  return {
    ways: [
      { name: 'direct', port: first.port, password: first.password },
      { name: 'again', port: second.port, password: second.password },
      { name: 'through', port: proxy.port, password: 'agentpassword' },
    ],
    close: async () => {
      await proxy.stop();
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

/** Postgres's own suite in its own order: later scripts use what earlier ones made. */
async function suiteFiles(): Promise<readonly string[]> {
  const folder = await bring(major);
  const only = flags.only?.split(',');
  return scheduled(folder)
    .filter((name) => only === undefined || name === 'test_setup' || only.includes(name))
    .map((name) => join(folder, 'sql', `${name}.sql`))
    .filter((file) => existsSync(file));
}

function sqlFiles(folder: string): readonly string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name) => join(folder, name));
}

async function run(): Promise<number> {
  const files = folders.length === 0 ? await suiteFiles() : folders.flatMap(sqlFiles);
  build();
  const { ways, close } = await openWays();
  const unsteady: string[] = [];
  const different: string[] = [];
  const failed: string[] = [];
  let passed = 0;
  try {
    for (const file of files) {
      const began = performance.now();
      const [direct = '', again = '', through = ''] = await Promise.all(ways.map((way) => answer(file, way)));
      if (flags.out !== undefined) keep(flags.out, file, { direct, again, through });
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      if (flags.show === true) console.log(`${basename(file)}: ${seconds} s`);
      if (direct === through) passed++;
      else if (direct !== again) unsteady.push(basename(file));
      else if (isNamed(file, direct, through)) different.push(basename(file));
      else {
        failed.push(basename(file));
        console.log(`FAIL ${file}${flags.show === true ? `\n${firstDifference(direct, through)}` : ''}`);
      }
    }
  } finally {
    await close();
  }
  if (unsteady.length > 0) console.log(`differ by themselves: ${unsteady.join(', ')}`);
  for (const name of different) console.log(`differs as named: ${name}: ${named[name]?.why ?? ''}`);
  console.log(`same result as directly: ${passed} of ${files.length} scripts`);
  console.log(`${passed} passed, ${failed.length} failed, ${unsteady.length + different.length} skipped`);
  return failed.length === 0 && passed > 0 ? 0 : 1;
}

interface NamedDifference {
  readonly why: string;
  /** What makes the two answers equal when this is all in which they differ. */
  readonly without: (answer: string) => string;
}

const rowOfView: NamedDifference = {
  why: 'an error of WITH CHECK OPTION does not say whose row its DETAIL shows, so nobody can tell whether it may be shown (docs/columns.md)',
  without: (answer) =>
    answer.replace(
      /(: ERROR: {2}new row violates check option for view .*\n)DETAIL: {2}Failing row contains .*\n/g,
      '$1',
    ),
};

/** Only what psql's `\lo_` commands did not do, and what hangs on it. */
const withoutLargeObjects = (answer: string): string =>
  answer
    .replace(/^ +Large objects\n ID .*\n[-+]+\n(?: 42 .*\n)?\(\d rows?\)$/gm, '')
    .replace(
      /^psql:.*: ERROR: {2}(?:function call messages|large object 0 does not exist|role "regress_lo_user").*\n/gm,
      '',
    )
    .replace(/^DETAIL: {2}(?:\{"code":"FEATURE_NOT_SUPPORTED","retry":"never"\}|owner of large object 42)\n/gm, '');

const named: Readonly<Record<string, NamedDifference>> = {
  'largeobject.sql': {
    why: 'psql’s \\lo_ commands are function call messages, which name a function by its number and cannot be judged: refused (docs/errors.md)',
    without: withoutLargeObjects,
  },
  'update.sql': rowOfView,
  'updatable_views.sql': rowOfView,
};

function isNamed(file: string, direct: string, through: string): boolean {
  const difference = named[basename(file)];
  return difference !== undefined && difference.without(direct) === difference.without(through);
}

function keep(folder: string, file: string, answers: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [way, text] of Object.entries(answers)) writeFileSync(join(folder, `${basename(file)}.${way}`), text);
}

process.exitCode = await run();
