// Goal: libpq of Postgres 18 comes in with all that is new in it: protocol 3.2, TLS from the first byte, a cancel key that is longer.
// Method: psql with the libpq that lies beside the server's binaries. It connects only if it gets what `min_protocol_version`,
// `channel_binding` and `sslnegotiation` demand, so what it says is its own word about the handshake.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findPostgres } from '../../src/cli/demo/postgres-binaries.ts';
import { makeCertificates, type Certificates } from '../support/certificates.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { agentPassword, startProxy, type TestProxy } from '../support/proxy.ts';
import { waitFor, within } from '../support/wait.ts';

const binaries = findPostgres();
const libraries = binaries.kind === 'native' ? join(binaries.root, 'lib') : undefined;
const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', ...(libraries && { LD_LIBRARY_PATH: libraries }) };

/** Only libpq 18 knows the option: an older one, or no psql at all, ends with another error. */
const isThere =
  libraries !== undefined &&
  spawnSync('psql', ['-X', 'host=/nowhere min_protocol_version=4'], { env, encoding: 'utf8' }).stderr?.includes(
    'invalid min_protocol_version value',
  );

let postgres: TestPostgres;
let certificates: Certificates;
let plain: TestProxy;
let secured: TestProxy;

beforeAll(async () => {
  postgres = await startPostgres();
  certificates = makeCertificates();
  const { certFile, keyFile } = certificates.server;
  const databases = { postgres: postgres.url('postgres') };
  [plain, secured] = await Promise.all([
    startProxy({ databases }),
    startProxy({ databases, config: `tls: { cert: ${certFile}, key: ${keyFile}, required: true }` }),
  ]);
});
afterAll(async () => {
  await Promise.all([plain.stop(), secured.stop()]);
  await postgres.stop();
  certificates.remove();
});

function psql(proxy: TestProxy, options: string, sql: string) {
  const { port } = new URL(proxy.url('postgres'));
  const to = `host=127.0.0.1 port=${port} user=tester dbname=postgres password='${agentPassword}' ${options}`;
  const child = spawn('psql', ['-XqAt', '-c', sql, to], { env });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<string>((resolve) => child.once('close', () => resolve(said.trim())));
  return { child, ended: within('psql to end', ended, 30_000) };
}

const newest = 'min_protocol_version=3.2 max_protocol_version=latest';
const oldest = 'max_protocol_version=3.0';
const bound = 'sslmode=require channel_binding=require';
const direct = `${bound} sslnegotiation=direct`;

const plainly: readonly string[] = ['', oldest, newest, `${newest} require_auth=scram-sha-256`, 'gssencmode=disable'];
const securely: readonly string[] = [bound, `${bound} ${newest}`, direct, `${direct} ${newest}`, `${direct} ${oldest}`];

describe.skipIf(!isThere)('libpq 18', () => {
  test.each(plainly)('comes in with “%s”', async (options) => {
    expect(await psql(plain, `sslmode=disable ${options}`, 'select 42').ended).toBe('42');
  });

  test.each(securely)('comes in by TLS with “%s”', async (options) => {
    expect(await psql(secured, options, 'select 42').ended).toBe('42');
    const root = `sslrootcert=${certificates.authority.certFile}`;
    const full = options.replace('sslmode=require', `sslmode=verify-full ${root}`);
    expect(await psql(secured, full, 'select 42').ended).toBe('42');
  });

  test('is told where there is no TLS from the first byte, and where there is no channel to bind to', async () => {
    expect(await psql(plain, direct, 'select 42').ended).toMatch(/SSL|TLS|closed the connection/);
    expect(await psql(plain, 'sslmode=disable channel_binding=require', 'select 42').ended).toMatch(/channel binding/);
  });

  test.each([
    ['of 3.0', 'plain', `sslmode=disable ${oldest}`],
    ['of 3.2', 'plain', `sslmode=disable ${newest}`],
    ['of 3.2 behind TLS', 'secured', `${direct} ${newest}`],
  ] as const)('cancels with a key %s', async (name, kind, options) => {
    const sql = `select pg_sleep(60) /* ${name} */`;
    const { child, ended } = psql(kind === 'plain' ? plain : secured, options, sql);
    await waitFor('it to sleep', async () => {
      const asleep = `select 1 from pg_stat_activity where query = $1 and wait_event = 'PgSleep'`;
      return (await query(postgres.url('postgres'), asleep, [sql])).length === 1;
    });
    child.kill('SIGINT');
    expect(await ended).toContain('canceling statement due to user request');
  });
});
