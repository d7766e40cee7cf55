// Brings those suites that any machine with Debian's archive can have, into the cache under node_modules: node-postgres's repository and
// pg8000's out of Debian's sources, with pg8000 itself. What the others have published has no tests in it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { debian, type Debian } from '../support/debian.ts';
import { installDebian, present } from './install.ts';

const cache = new URL('../../node_modules/.cache/countersign/suites', import.meta.url).pathname;
/** The newest ones are here; none of it is installed. */
const suite = 'sid';

/** For libpq's addon, and for what is in Python. */
const wanted = [
  { probe: ['g++', '--version'], debian: ['g++', 'make'] },
  { probe: ['pg_config', '--version'], debian: ['libpq-dev'] },
  {
    probe: ['/usr/bin/python3', '-c', 'import pytest, pytest_mock, dateutil, asn1crypto'],
    debian: ['python3-pytest', 'python3-pytest-mock', 'python3-dateutil', 'python3-asn1crypto'],
  },
] as const;

export async function bringSuites(): Promise<string> {
  mkdirSync(cache, { recursive: true });
  if (!existsSync('/usr/bin/apt-get')) {
    console.log(
      'Suites are brought out of Debian, which this machine is not: name a folder that holds some with --suites',
    );
    return cache;
  }
  installDebian(wanted.filter((one) => !present(one)));
  const aside = join(cache, `fetch-${process.pid}`);
  try {
    const from = await debian(suite, aside);
    await brought('node-postgres', (into) => repository(from, 'node-postgres', into));
    await brought('pg8000', (into) => repository(from, 'pg8000', into));
    await brought('python', (into) => from.unpack(['python3-pg8000', 'python3-scramp'], into));
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return cache;

  /** Whole or not at all. */
  async function brought(name: string, make: (into: string) => Promise<void>): Promise<void> {
    if (existsSync(join(cache, name))) return;
    console.log(`Fetching ${name} …`);
    const into = join(aside, `new-${name}`);
    mkdirSync(into, { recursive: true });
    try {
      await make(into);
      renameSync(into, join(cache, name));
    } catch (thrown) {
      console.log(`${name} cannot be had: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }
}

async function repository(from: Debian, name: string, into: string): Promise<void> {
  execFileSync('tar', ['xf', await from.source(name), '--strip-components=1', '-C', into]);
}
