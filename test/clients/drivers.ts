// Goal: the test suites of drivers, which know nothing of us, end through us as they end without us, test by test.
// Method: each file of a suite runs against one server directly and against another, made alike, through the proxy. A file with
// a test that ends otherwise runs once more both ways, and a test that differs by itself says nothing.
// `--suites FOLDER` holds the repositories (node-postgres, postgres); the packages they need are installed there, outside of ours.
// `--show` prints each test that fails directly too, `--only A,B` takes these suites or files.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { setup as build } from '../support/build.ts';
import { query } from '../support/client.ts';
import { bringSuites } from './bring-suites.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startProxy } from '../support/proxy.ts';
import type { Outcome, Suite } from './suite.ts';
import { onPurpose, suitePackages, suites } from './suites.ts';

const { values: flags } = parseArgs({
  options: { suites: { type: 'string' }, only: { type: 'string' }, show: { type: 'boolean' } },
});

const database = 'suite';
const password = 'a password';
const minutesMax = 3;

/** Roles that the suites log in as beside the superuser; postgres.js's own bootstrap makes its. */
const others = ['scram_test', 'test', 'postgres_js_test', 'postgres_js_test_md5', 'postgres_js_test_scram'] as const;
const passwordOf = (role: string): string => (/_(?:md5|scram)$/.test(role) ? role : password);

/** As postgres.js wants it: a user without a password, and one whose password is kept the old way. */
const hba = `host all postgres_js_test 127.0.0.1/32 trust
host all all 127.0.0.1/32 md5
host replication all 127.0.0.1/32 md5
`;

interface Way {
  readonly name: 'direct' | 'through';
  readonly port: number;
  readonly server: TestPostgres;
  readonly password: string;
}

interface Stage {
  readonly direct: Way;
  readonly through: Way;
  stop(): Promise<void>;
}

async function startServer(): Promise<TestPostgres> {
  const server = await startPostgres({
    hba,
    ssl: true,
    flags: ['wal_level=logical', 'max_connections=200', 'max_prepared_transactions=10'],
  });
  await query(server.url(), `create database ${database}`);
  await query(server.url(), `create role scram_test login password '${password}'`);
  // As pgjdbc wants it: somebody who is no superuser, with a database of his own.
  await query(server.url(), `create role test login replication password '${password}'`);
  await query(server.url(), 'create database test owner test');
  await query(server.url(), 'create database test_2 owner test');
  await query(server.url('test'), 'create extension hstore; create extension lo');
  await query(server.url(), 'create extension hstore');
  return server;
}

async function openStage(): Promise<Stage> {
  const [first, second] = await Promise.all([startServer(), startServer()]);
  const { certificates } = second;
  if (certificates === undefined) throw new Error('a server with TLS has certificates');
  const names = [database, 'test', 'test_2', 'postgres', 'postgres_js_test', 'postgres_js_test_scram'];
  const url = (name: string): string => new URL(`${second.url(name)}?sslmode=disable`).href;
  const agents = others.map(
    (role) =>
      `  ${role}: { password: ${passwordOf(role)}, owner: ana, databases: [${names.join(', ')}], upstream: { user: ${role}, password: ${passwordOf(role)} } }`,
  );
  const proxy = await startProxy({
    databases: Object.fromEntries(names.map((name) => [name, url(name)])),
    agent: { name: 'postgres', password },
    agents,
    config: `tls: { cert: ${certificates.server.certFile}, key: ${certificates.server.keyFile}, required: false }`,
  });
  return {
    direct: { name: 'direct', port: first.port, server: first, password: first.password },
    through: { name: 'through', port: proxy.port, server: second, password },
    stop: async () => {
      await proxy.stop();
      await Promise.all([first.stop(), second.stop()]);
    },
  };
}

/** What a suite does to its server (roles, databases, settings) goes to the server itself, in whichever way its tests go. */
function toolsOf({ server }: Way): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-suite-'));
  for (const tool of ['psql', 'createdb', 'dropdb']) {
    const found = spawnSync('/bin/sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).stdout.trim();
    const to = `PGHOST=127.0.0.1 PGPORT=${server.port} PGUSER=postgres PGDATABASE=postgres PGPASSWORD='${server.password}'`;
    writeFileSync(join(folder, tool), `#!/bin/sh\n${to} exec ${found} "$@"\n`);
    chmodSync(join(folder, tool), 0o755);
  }
  return folder;
}

async function outcomes(suite: Suite, file: string, way: Way, folder: string): Promise<readonly Outcome[]> {
  const tools = toolsOf(way);
  const child = spawn(suite.program?.(folder) ?? process.execPath, suite.command(file, folder), {
    cwd: join(folder, suite.cwd),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: (suite.minutesMax ?? minutesMax) * 60_000,
    env: {
      PATH: `${tools}:${process.env['PATH'] ?? ''}`,
      HOME: tools,
      USER: 'postgres',
      TZ: 'UTC',
      LC_ALL: 'C.UTF-8',
      PGHOST: '127.0.0.1',
      PGPORT: String(way.port),
      PGUSER: 'postgres',
      PGPASSWORD: way.password,
      PGDATABASE: database,
      PSYCOPG_TEST_DSN: `host=127.0.0.1 port=${way.port} user=postgres password='${way.password}' dbname=${database}`,
      PYTHONDONTWRITEBYTECODE: '1',
      SCRAM_TEST_PGUSER: 'scram_test',
      SCRAM_TEST_PGPASSWORD: password,
      SUITE_PASSWORD: password,
      NODE_NO_WARNINGS: '1',
      ...suite.env?.(folder),
    },
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.resume();
  const ended = await new Promise<string>((settle, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => settle(code === 0 ? 'ok' : `ended with ${code ?? signal}`));
  });
  rmSync(tools, { recursive: true, force: true });
  return [...suite.read(out), { test: endOf(file), outcome: ended }].map(blurred);
}

const endOf = (file: string): string => `${basename(file)} ends`;

/** Ports and process ids differ between any two runs. */
const blurred = ({ test, outcome }: Outcome): Outcome => ({ test, outcome: outcome.replace(/\b\d{4,6}\b/g, '…') });

interface Tally {
  same: number;
  failBoth: number;
  readonly differ: string[];
  readonly unsteady: string[];
  readonly named: string[];
}

const of = (all: readonly Outcome[], test: string): string =>
  all.flatMap((one) => (one.test === test ? [one.outcome] : [])).join('; ') || 'not run';

function reasonOf(suite: Suite, file: string, test: string, through: string): string | undefined {
  const named = onPurpose.find(
    (each) =>
      each.suite === suite.name &&
      each.file?.test(basename(file)) !== false &&
      each.test?.test(test) !== false &&
      each.through?.test(through) !== false,
  );
  return named?.why;
}

async function compare(suite: Suite, file: string, stage: Stage, folder: string, tally: Tally): Promise<void> {
  const direct = await outcomes(suite, file, stage.direct, folder);
  const through = await outcomes(suite, file, stage.through, folder);
  const wanted = [...new Set([...direct, ...through].map(({ test }) => test))];
  const wrong = wanted.filter((test) => of(direct, test) !== of(through, test));
  const named = wrong.filter((test) => reasonOf(suite, file, test, of(through, test)) !== undefined);
  for (const test of named) {
    tally.named.push(`${suite.name}: ${test}: ${reasonOf(suite, file, test, of(through, test)) ?? ''}`);
  }
  // How the whole file ends follows from its tests.
  const unnamed = wrong.filter((test) => !named.includes(test));
  const rest = named.length > 0 && unnamed.length === 1 ? unnamed.filter((test) => test !== endOf(file)) : unnamed;
  for (const test of wanted.filter((one) => !wrong.includes(one))) {
    tally.same += 1;
    const outcome = of(direct, test);
    if (/^(?:ok|skipped)(?:; (?:ok|skipped))*$/.test(outcome)) continue;
    tally.failBoth += 1;
    if (flags.show === true) console.log(`both ${suite.name} ${basename(file)}: ${test}: ${outcome}`);
  }
  if (rest.length === 0) return;
  const again = await outcomes(suite, file, stage.direct, folder);
  const throughAgain = await outcomes(suite, file, stage.through, folder);
  for (const test of rest) {
    const [one, other] = [of(direct, test), of(through, test)];
    if (of(again, test) !== one || of(throughAgain, test) !== other) {
      tally.unsteady.push(`${suite.name}: ${test}`);
      continue;
    }
    const words = `${suite.name} ${basename(file)}: ${test}\n    direct:  ${one}\n    through: ${other}`;
    tally.differ.push(words);
    console.log(`FAIL ${words}`);
  }
}

function install(folder: string): void {
  if (existsSync(join(folder, 'node_modules/okay'))) return;
  console.log(`Fetching what the suites need into ${folder} …`);
  const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', ...suitePackages];
  if (spawnSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0) throw new Error('npm failed');
  spawnSync('npm', ['rebuild', '--prefix', folder, 'libpq'], { stdio: 'ignore' });
}

async function run(): Promise<number> {
  const folder = flags.suites === undefined ? await bringSuites() : resolve(flags.suites);
  const only = flags.only?.split(',');
  const isWanted = (suite: Suite, file: string): boolean =>
    only === undefined || only.includes(suite.name) || only.includes(basename(file));
  install(folder);
  build();
  const stage = await openStage();
  let [passed, failed, skipped] = [0, 0, 0];
  try {
    for (const suite of suites) {
      const missing = [suite.cwd, ...(suite.wants ?? [])].find((path) => !existsSync(join(folder, path)));
      if (missing !== undefined) {
        console.log(`${suite.name}: left out, there is no ${missing} in ${folder}`);
        continue;
      }
      suite.prepare?.(folder);
      const tally: Tally = { same: 0, failBoth: 0, differ: [], unsteady: [], named: [] };
      for (const file of suite.files(folder).filter((one) => isWanted(suite, one))) {
        await compare(suite, file, stage, folder, tally);
      }
      for (const words of tally.named) console.log(`on purpose: ${words}`);
      for (const words of tally.unsteady) console.log(`differs by itself: ${words}`);
      const { same, failBoth, differ } = tally;
      console.log(
        `${suite.name}: ${same} end alike (${failBoth} of them fail without us too), ${differ.length} do not`,
      );
      passed += same;
      failed += differ.length;
      skipped += tally.unsteady.length + tally.named.length;
    }
  } finally {
    await stage.stop();
  }
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

process.exitCode = await run();
