// Goal: tools that look at a database through us are not held, with the demo's own catalog in force.
// Method: each tool runs against the sample database on Postgres 15 through a proxy whose people say nothing; every hold is compared with
// what the tool's row says is rightly held. `tsx test/clients/look.ts [NAMES]`; what cannot be installed is named as skipped.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setup as build } from '../support/build.ts';
import { startRowsProxy, type RowsProxy } from '../support/rows-proxy.ts';
import { startShop } from '../support/shop.ts';
import { lookers, type Looker } from './clients.ts';
import { clientFolder, installNode, installPackages } from './install.ts';

const folder = new URL('../../classification/', import.meta.url).pathname;
const scripts = new URL('scripts', import.meta.url).pathname;
const msMax = 240_000;

const files = Object.fromEntries(
  ['taxonomy.yaml', 'approvers.yaml', 'policy.yaml', 'shop.yaml'].map((name) => [
    name,
    readFileSync(folder + name, 'utf8')
      .replace(/^database: shop\b/m, 'database: db')
      .replaceAll('shop.public.', 'db.public.'),
  ]),
);

const isThere = ({ probe: [program, ...args] }: Looker): boolean =>
  spawnSync(program, args, { stdio: 'ignore' }).status === 0;

interface Look {
  readonly lines: number;
  readonly code: number | null;
  readonly complaints: string;
}

function play({ command: [program, ...args] }: Looker, proxy: RowsProxy): Promise<Look> {
  const { username, password } = new URL(proxy.url('db'));
  const env = {
    PATH: process.env['PATH'],
    LC_ALL: 'C.UTF-8',
    PGHOST: '127.0.0.1',
    PGPORT: String(proxy.port),
    PGUSER: username,
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: 'db',
    PYTHONDONTWRITEBYTECODE: '1',
    CLIENT_FOLDER: clientFolder,
  };
  const child = spawn(program, args, { cwd: scripts, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: msMax });
  let [out, complaints] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  return new Promise((settle, fail) => {
    child.once('error', fail);
    child.once('close', (code) => settle({ lines: out.split('\n').length, code, complaints }));
  });
}

async function look(looker: Looker, proxy: RowsProxy): Promise<string | undefined> {
  const before = proxy.asked.length;
  const notKnown = new Set<string>();
  const unwatch = proxy.desk.watch((hold) => {
    if (hold.reasons[0].action === 'notKnown') notKnown.add(`${hold.reasons[0].words}: ${hold.sql.raw}`);
  });
  const { lines, code, complaints } = await play(looker, proxy);
  unwatch();
  const held = proxy.asked.slice(before).map((hold) => hold.sql.raw.trim());
  const wrong = [...held.filter((sql) => looker.held?.test(sql) !== true), ...notKnown];
  if (wrong.length > 0) return `held: ${wrong.slice(0, 5).join('\n    ').slice(0, 1500)}`;
  if (code !== 0) return `it ended with ${code}: ${complaints.trim().slice(-800)}`;
  return lines < looker.linesMin ? `it said only ${lines} lines` : undefined;
}

async function run(names: readonly string[]): Promise<number> {
  const wanted = lookers.filter(({ name }) => names.length === 0 || names.includes(name));
  build();
  installPackages(wanted.filter((looker) => !isThere(looker)).flatMap((looker) => looker.debian));
  const hasNpm = !wanted.some((looker) => looker.npm) || installNode();
  const shop = await startShop({ major: 15 });
  const proxy = await startRowsProxy({ url: shop.gateUrl, files, waitMs: 200 });
  let [passed, failed, skipped] = [0, 0, 0];
  try {
    for (const looker of wanted) {
      const there = isThere(looker) && (looker.npm === undefined || hasNpm);
      const words = there ? await look(looker, proxy) : 'skipped: it could not be installed';
      console.log(`${words === undefined ? 'ok  ' : 'FAIL'} ${looker.name}${words === undefined ? '' : `: ${words}`}`);
      if (words === undefined) passed++;
      else if (words.startsWith('skipped')) skipped++;
      else failed++;
    }
  } finally {
    await proxy.stop();
    await shop.stop();
  }
  console.log(`looking: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

process.exitCode = await run(process.argv.slice(2));
