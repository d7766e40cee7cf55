// The program itself, started as a user would start it, before the Postgres of the clients' test.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/ports.ts';
import { waitFor, within } from '../support/wait.ts';

const root = new URL('../..', import.meta.url).pathname;

export interface Upstream {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly databases: readonly string[];
}

export interface RunningProxy {
  readonly port: number;
  /** What it said on stderr and stdout, for a failing test's words. */
  log(): string;
  stop(): Promise<void>;
}

/** The agent has the upstream role's name, so that a client's own words about itself are the same on both ways. */
export async function startProxy(upstream: Upstream, agentPassword: string): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-clients-'));
  const [port, http] = [await freePort(), await freePort()];
  const url = (database: string): string =>
    `postgres://${upstream.user}:${upstream.password}@127.0.0.1:${upstream.port}/${database}?sslmode=disable`;
  const config = {
    listen: `127.0.0.1:${port}`,
    http: { listen: `127.0.0.1:${http}` },
    state: 'journal:./state',
    audit: { dir: './audit' },
    databases: Object.fromEntries(upstream.databases.map((name) => [name, { url: url(name) }])),
    agents: { [upstream.user]: { password: agentPassword, owner: 'ana', databases: upstream.databases } },
  };
  writeFileSync(join(folder, 'countersign.yaml'), JSON.stringify(config), { mode: 0o600 });
  const child = spawn(process.execPath, ['bin/countersign.js', 'serve', '--config', join(folder, 'countersign.yaml')], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-64 * 1024)));
  }
  const ended = new Promise<void>((settle) => child.once('exit', () => settle()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await within('the proxy to stop', ended, 60_000);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.race([
      waitFor('the proxy to be ready', async () => (await fetch(`http://127.0.0.1:${http}/readyz`)).ok, {
        withinMs: 30_000,
      }),
      ended.then(() => Promise.reject(new Error('the proxy ended'))),
    ]);
  } catch (thrown) {
    await stop();
    throw new Error(`the proxy did not start: ${log.trim()}`, { cause: thrown });
  }
  return { port, log: () => log, stop };
}
