// Brings what the clients need: Debian packages where we are root on Debian, npm packages into a cache. What cannot be brought is
// said, not hidden: the runner names it as skipped.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodePackages, type Client } from './clients.ts';

/** Where npm-only clients live, with the scratch files of scripts. */
export const clientFolder = new URL('../../node_modules/.cache/countersign/clients', import.meta.url).pathname;

/** A client as far as it has to be brought. */
type Brought = Pick<Client, 'probe' | 'debian'>;

export function present(client: Brought): boolean {
  const [program, ...args] = client.probe;
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

export function installDebian(missing: readonly Brought[]): void {
  installPackages(missing.flatMap((client) => client.debian));
}

export function installPackages(wanted: readonly string[]): void {
  const packages = [...new Set(wanted)];
  if (packages.length === 0 || process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return;
  console.log(`Installing ${packages.join(' ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['apt-get', 'install', '-y', '--no-install-recommends'];
  for (const args of [
    ['apt-get', 'update'],
    [...install, ...packages],
  ]) {
    const [program = '', ...rest] = args;
    spawnSync(program, rest, { env, stdio: 'ignore' });
  }
}

/** True when they are there. */
export function installNode(): boolean {
  mkdirSync(clientFolder, { recursive: true });
  const wanted = nodePackages.join(' ');
  const mark = join(clientFolder, 'installed.txt');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return true;
  console.log(`Fetching ${wanted} …`);
  writeFileSync(join(clientFolder, 'package.json'), '{ "private": true }');
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--save-exact', ...nodePackages];
  if (spawnSync('npm', args, { cwd: clientFolder, stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0) return false;
  writeFileSync(mark, wanted);
  return true;
}
