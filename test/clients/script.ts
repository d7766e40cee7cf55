// Runs one client's script against one server, and gives what it said.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Script {
  readonly command: readonly [program: string, ...args: string[]];
  /** Where its files are, seen from here. */
  readonly folder: string;
}

export interface Said {
  readonly lines: readonly string[];
  readonly complaints: string;
}

const msMax = 120_000;

export async function playScript(
  { command: [program, ...args], folder }: Script,
  url: URL,
  more: Readonly<Record<string, string>> = {},
): Promise<Said> {
  const home = mkdtempSync(join(tmpdir(), 'countersign-script-'));
  const child = spawn(program, args, {
    cwd: new URL(folder, import.meta.url).pathname,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: msMax,
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      PGHOST: '127.0.0.1',
      PGPORT: url.port,
      PGUSER: url.username,
      PGPASSWORD: decodeURIComponent(url.password),
      PGDATABASE: url.pathname.slice(1),
      PYTHONDONTWRITEBYTECODE: '1',
      ...more,
    },
  });
  let [out, complaints] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  await new Promise((settle, fail) => child.once('error', fail).once('close', settle));
  rmSync(home, { recursive: true, force: true });
  return { lines: out.trimEnd().split('\n'), complaints };
}
