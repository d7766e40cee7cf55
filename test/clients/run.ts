// Goal: clients that know nothing of us work through us as they work without us.
// Method: each client's script runs against Postgres directly and then through the proxy, and says each thing it got; the two
// transcripts have to be equal to the letter, and whole. `--self` compares direct with direct: what differs then is the script's fault.
// Further arguments are names of clients to run; default: all.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { query } from '../support/client.ts';
import { setup as build } from '../support/build.ts';
import { startShop, type TestShop } from '../support/shop.ts';
import { clients, type Client } from './clients.ts';
import { expectedOf, heldClients, openHeldStage, type HeldClient } from './held-clients.ts';
import { openRowsStage, rowsClients, type RowsClient } from './rows-clients.ts';
import { clientFolder, installDebian, installNode, present } from './install.ts';
import { startProxy, type RunningProxy } from './proxy.ts';

interface Road {
  readonly port: number;
  readonly password: string;
}

interface Transcript {
  readonly lines: readonly string[];
  readonly code: number | null;
  readonly complaints: string;
}

const user = 'gate';
const copyDatabase = 'copy';
const agentPassword = 'agentpassword';
const msMax = 240_000;

/** What may differ: ports, and process ids in psql's words about a notification. */
const blurred = (text: string): string =>
  text.replace(/process with PID \d+/g, 'process with PID …').replace(/at port "\d+"/g, 'at port …');

function play(client: Client, road: Road): Promise<Transcript> {
  const own = `ct_${client.name.toLowerCase().replace(/[^a-z0-9]+/g, '_')}`;
  const home = mkdtempSync(join(tmpdir(), 'countersign-home-'));
  const [program, ...args] = client.command;
  const child = spawn(program, client.name === 'psql' ? [...args, '-v', `own=${own}`] : args, {
    cwd: new URL('scripts', import.meta.url).pathname,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: msMax,
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      PGHOST: '127.0.0.1',
      PGPORT: String(road.port),
      PGUSER: user,
      PGPASSWORD: road.password,
      PGDATABASE: 'shop',
      DATABASE_URL: `postgres://${user}:${road.password}@127.0.0.1:${road.port}/shop`,
      COPY_DATABASE: copyDatabase,
      CLIENT_TABLE: own,
      CLIENT_FOLDER: clientFolder,
      NODE_PATH: join(clientFolder, 'node_modules'),
      NODE_NO_WARNINGS: '1',
      PYTHONDONTWRITEBYTECODE: '1',
    },
  });
  // For psql's `\copy … from pstdin`.
  child.stdin.on('error', () => undefined).end('10,ten\n11,eleven\n');
  let [out, complaints] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  return new Promise((settle, fail) => {
    child.once('error', fail);
    child.once('close', (code) => {
      rmSync(home, { recursive: true, force: true });
      settle({ lines: blurred(out).trimEnd().split('\n'), code, complaints: blurred(complaints) });
    });
  });
}

/** Undefined when the two are whole and equal. */
function difference(client: Client, direct: Transcript, through: Transcript): string | undefined {
  const failed = (where: string, { code, complaints, lines }: Transcript): string =>
    `${where} it ended with ${code} after ${lines.length} lines: ${complaints.trim().slice(-1500)}`;
  if (direct.code !== 0) return failed('without us', direct);
  if (direct.lines.length < client.linesMin) return `its transcript has only ${direct.lines.length} lines`;
  if (through.code !== 0) return failed('through us', through);
  const at = direct.lines.findIndex((line, index) => line !== through.lines[index]);
  if (at >= 0 || direct.lines.length !== through.lines.length) {
    const index = at < 0 ? direct.lines.length : at;
    return `line ${index + 1}:\n    direct:  ${direct.lines[index] ?? '(end)'}\n    through: ${through.lines[index] ?? '(end)'}`;
  }
  if (client.stderr !== 'compared' || direct.complaints === through.complaints) return undefined;
  return `stderr:\n    direct:  ${direct.complaints.slice(0, 800)}\n    through: ${through.complaints.slice(0, 800)}`;
}

interface Stage {
  readonly shop: TestShop;
  readonly proxy: RunningProxy | undefined;
}

async function openStage(major: 15 | 18, how: 'self' | 'proxy'): Promise<Stage> {
  const shop = await startShop({ major, flags: ['max_connections=200'] });
  const upstream = { port: shop.port, user, password: shop.gatePassword, databases: ['shop', copyDatabase] };
  try {
    return { shop, proxy: how === 'self' ? undefined : await startProxy(upstream, agentPassword) };
  } catch (thrown) {
    await shop.stop();
    throw thrown;
  }
}

async function closeStage(stage: Stage): Promise<void> {
  await stage.proxy?.stop();
  await stage.shop.stop();
}

async function compare(client: Client, stage: Stage): Promise<string | undefined> {
  const direct: Road = { port: stage.shop.port, password: stage.shop.gatePassword };
  const through: Road = stage.proxy === undefined ? direct : { port: stage.proxy.port, password: agentPassword };
  const playOn = async (road: Road): Promise<Transcript> => {
    await query(stage.shop.url('postgres'), `drop database if exists ${copyDatabase} with (force)`);
    await query(stage.shop.url('postgres'), `create database ${copyDatabase} owner ${user}`);
    return play(client, road);
  };
  return difference(client, await playOn(direct), await playOn(through));
}

/** Gives how many were told something else than they had to be. */
async function playHeld(asked: readonly HeldClient[]): Promise<number> {
  if (asked.length === 0) return 0;
  const stage = await openHeldStage();
  let failed = 0;
  for (const client of asked) {
    const { lines, complaints } = await stage.play(client);
    const expected = expectedOf(client);
    const at = expected.findIndex((line, index) => line !== lines[index]);
    const isWhole = at < 0 && lines.length === expected.length;
    if (!isWhole) failed += 1;
    const index = at < 0 ? expected.length : at;
    const wrong = `line ${index + 1}: ${lines[index] ?? '(end)'}\n    expected: ${expected[index] ?? '(end)'}\n${complaints.slice(-1500)}`;
    console.log(`${isWhole ? 'ok  ' : 'FAIL'} ${client.name}, held${isWhole ? '' : `: ${wrong}`}`);
  }
  await stage.stop();
  return failed;
}

/** Gives how many read something else than they had to, or were asked about otherwise. */
async function playRows(asked: readonly RowsClient[]): Promise<number> {
  const failed = new Set<RowsClient>();
  for (const major of asked.length === 0 ? [] : ([15, 18] as const)) {
    const stage = await openRowsStage(major);
    for (const client of asked) {
      const wrong = await stage.play(client);
      if (wrong.length > 0) failed.add(client);
      const words = wrong.length === 0 ? 'ok  ' : 'FAIL';
      console.log([`${words} ${client.name}, rows (Postgres ${major})`, ...wrong].join(': '));
    }
    await stage.stop();
  }
  return failed.size;
}

async function run(args: readonly string[]): Promise<number> {
  mkdirSync(clientFolder, { recursive: true });
  const how = args.includes('--self') ? 'self' : 'proxy';
  const names = args.filter((arg) => !arg.startsWith('--'));
  const held =
    how === 'self' ? [] : heldClients.filter(({ name }) => names.length === 0 || names.includes(`${name}, held`));
  const rows =
    how === 'self' ? [] : rowsClients.filter(({ name }) => names.length === 0 || names.includes(`${name}, rows`));
  const wanted = clients.filter((client) => names.length === 0 || names.includes(client.name));
  if (how === 'proxy') build();
  installDebian([...wanted, ...held, ...rows].filter((client) => !present(client)));
  const nodeThere = wanted.some((client) => client.command[0] === process.execPath) && installNode();
  const there = (client: Client): boolean => present(client) && (client.command[0] !== process.execPath || nodeThere);
  const stages = new Map<number, Stage>();
  const skipped: { readonly name: string }[] = wanted.filter((client) => !there(client));
  let [passed, failed] = [0, 0];
  try {
    for (const client of wanted.filter(there)) {
      const stage = stages.get(client.major) ?? (await openStage(client.major, how));
      stages.set(client.major, stage);
      const began = performance.now();
      const words = await compare(client, stage);
      const seconds = `${((performance.now() - began) / 1000).toFixed(1)} s`;
      console.log(
        `${words === undefined ? 'ok  ' : 'FAIL'} ${client.name} (Postgres ${client.major}, ${seconds})${words === undefined ? '' : `: ${words}`}`,
      );
      if (words === undefined) passed++;
      else failed++;
    }
  } finally {
    for (const stage of stages.values()) await closeStage(stage);
  }
  const stopped = (await playHeld(held.filter(present))) + (await playRows(rows.filter(present)));
  skipped.push(...[...held, ...rows].filter((client) => !present(client)));
  passed += [...held, ...rows].filter(present).length - stopped;
  failed += stopped;
  const why =
    skipped.length === 0 ? '' : ` (could not be installed: ${skipped.map((client) => client.name).join(', ')})`;
  console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped${why}`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

process.exitCode = await run(process.argv.slice(2));
