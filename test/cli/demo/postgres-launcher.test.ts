// Goal: the embedded Postgres runs for anybody, and whatever ends us leaves neither a process nor a file behind.
// Method: real servers; our own process is ended in every way there is, and then the process table and the folder are looked at.
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { findPostgres } from '../../../src/cli/demo/postgres-binaries.ts';
import { startPostgres } from '../../../src/cli/demo/postgres-launcher.ts';
import { query } from '../../support/client.ts';
import { waitFor } from '../../support/wait.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

const here = new URL('../../..', import.meta.url).pathname;

/** A process of its own that starts a server, says where, and waits. */
async function startInChild(): Promise<{ readonly pid: number; readonly data: string; readonly postmaster: number }> {
  const program = `
    import { startPostgres } from '${here}src/cli/demo/postgres-launcher.ts';
    const postgres = await startPostgres();
    process.stdout.write(postgres.dataFolder + '\\n');
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { cwd: here });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const data = (
    await waitFor('the server of the other process', () => out.endsWith('\n') && out, { withinMs: 30_000 })
  ).trim();
  const postmaster = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
  return { pid: child.pid ?? 0, data, postmaster };
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the embedded Postgres', () => {
  test('takes connections as soon as it is said to run, and is gone with its files after stop', async () => {
    const postgres = await startPostgres();
    stops.push(() => postgres.stop());
    expect(await query(postgres.url(), 'select 1 as one')).toEqual([{ one: 1 }]);
    await postgres.stop();
    expect(existsSync(dirname(postgres.dataFolder))).toBe(false);
    await expect(query(postgres.url(), 'select 1')).rejects.toThrow();
  });

  test('lets nobody in without the password', async () => {
    const postgres = await startPostgres();
    stops.push(() => postgres.stop());
    await expect(query(postgres.url('postgres', 'postgres', 'wrong'), 'select 1')).rejects.toThrow(/password/);
  });

  test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('goes away with its files when we end by %s', async (signal) => {
    const other = await startInChild();
    process.kill(other.pid, signal);
    await waitFor('the server to end', () => !alive(other.postmaster));
    await waitFor('its folder to go', () => !existsSync(dirname(other.data)));
  });

  test('goes away even when a client is in the middle of a query', async () => {
    const postgres = await startPostgres();
    const busy = query(postgres.url(), 'select pg_sleep(600)').catch((thrown: unknown) => thrown);
    await waitFor('the query to run', async () => {
      const rows = await query(postgres.url(), "select 1 from pg_stat_activity where query like 'select pg_sleep%'");
      return rows.length > 0;
    });
    await postgres.stop();
    expect(String(await busy)).toMatch(/terminat/);
  });

  test('is swept up by the next start when even its supervisor was killed', async () => {
    // A temporary folder of its own: sweeping the common one without regard to age would hit servers that are just starting.
    const home = mkdtempSync(join(tmpdir(), 'countersign-home-'));
    chmodSync(home, 0o1777);
    vi.stubEnv('TMPDIR', home);
    stops.push(() => Promise.resolve(rmSync(home, { recursive: true, force: true })));
    const other = await startInChild();
    const base = dirname(other.data);
    const supervisor = Number(readFileSync(join(base, 'supervisor.pid'), 'utf8'));
    process.kill(supervisor, 'SIGKILL');
    process.kill(other.pid, 'SIGKILL');
    await waitFor('both to be gone', () => !alive(supervisor) && !alive(other.pid));
    expect(existsSync(base)).toBe(true);
    const next = await startPostgres({ sweepAfterMs: 0 });
    await waitFor('the server to end', () => !alive(other.postmaster));
    expect(existsSync(base)).toBe(false);
    await next.stop();
  });

  test('keeps its cluster and its password where it is told to', async () => {
    const keep = mkdtempSync(join(tmpdir(), 'countersign-keep-'));
    chmodSync(keep, 0o711); // Root's server runs as nobody, who has to pass through.
    try {
      const first = await startPostgres({ keep });
      await query(first.url(), 'create table kept (n int)');
      await first.stop();
      expect(statSync(join(keep, 'postgres.password')).mode & 0o077).toBe(0);
      const second = await startPostgres({ keep });
      stops.push(() => second.stop());
      expect(await query(second.url(), 'select count(*)::int as n from kept')).toEqual([{ n: 0 }]);
      await second.stop();
    } finally {
      rmSync(keep, { recursive: true, force: true });
    }
  });

  test('says in one line when the port that was asked for is taken', async () => {
    const server = createServer();
    const port = await new Promise<number>((settle) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        settle(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    try {
      await expect(startPostgres({ port })).rejects.toThrow(/^Postgres did not start: .*$/);
    } finally {
      server.close();
    }
  });
});

test('runs from a checkout that only its owner may enter', async () => {
  const home = mkdtempSync(join(tmpdir(), 'countersign-private-'));
  const found = findPostgres();
  if (found.kind !== 'native') throw new Error('this machine has no packaged Postgres');
  cpSync(found.root, join(home, 'native'), { recursive: true, verbatimSymlinks: true });
  for (const link of readdirSync(join(home, 'native/lib'), { withFileTypes: true })) {
    if (link.isSymbolicLink()) rmSync(join(home, 'native/lib', link.name)); // As if install scripts were switched off.
  }
  const postgres = await startPostgres({ binaries: { kind: 'native', root: join(home, 'native') } });
  stops.push(
    () => postgres.stop(),
    () => Promise.resolve(rmSync(home, { recursive: true, force: true })),
  );
  expect(await query(postgres.url(), 'select 1 as one')).toEqual([{ one: 1 }]);
});
