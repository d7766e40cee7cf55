// Goal: `sslmode` and `sslrootcert` mean to the proxy what they mean to libpq, in every combination.
// Method: a server with TLS and one without, roles that come in only by TLS or only without; each cell is asked of psql and of us.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configFromText } from '../../src/core/config.ts';
import { mistakeText } from '../../src/core/place.ts';
import { targetOf } from '../../src/proxy/from-config.ts';
import { connectUpstream } from '../../src/proxy/upstream.ts';
import { makeVerifier } from '../../src/wire/scram.ts';
import { makeCertificates, type Certificates } from '../support/certificates.ts';
import { hasPsql, query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

const hba = `
hostssl all tls_only 127.0.0.1/32 scram-sha-256
hostnossl all bare_only 127.0.0.1/32 scram-sha-256
host all tls_only,bare_only 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256
`;
const roles = ['any_role', 'tls_only', 'bare_only'] as const;
const modes = ['', 'disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
/** The certificate is for the first and not for the second. */
const hosts = ['127.0.0.1', '127.0.0.2'] as const;

let home = '';
let strangers: Certificates;
let servers: Readonly<Record<'with TLS' | 'without', TestPostgres>>;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'countersign-sslmode-'));
  strangers = makeCertificates();
  const flags = [`listen_addresses=${hosts.join(',')}`];
  const [secure, bare] = await Promise.all([startPostgres({ ssl: true, hba, flags }), startPostgres({ hba, flags })]);
  servers = { 'with TLS': secure, without: bare };
  const sql = roles.map((role) => `create role ${role} login password 'pw';`).join('');
  for (const server of [secure, bare]) await query(server.url(), sql);
});
afterAll(async () => {
  for (const server of Object.values(servers)) await server.stop();
  strangers.remove();
  rmSync(home, { recursive: true, force: true });
});

const isEncrypted = "select case when ssl then 'tls' else 'bare' end from pg_stat_ssl where pid = pg_backend_pid()";

/** Without a home folder of anybody, where libpq would look for certificates. */
function theirs(url: string): Promise<string> {
  const env = { PATH: process.env['PATH'], HOME: home };
  const child = spawn('psql', ['-X', '-At', '-c', isEncrypted, url], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  return new Promise((settle) => child.once('close', (code) => settle(code === 0 ? out.trim() : 'refused')));
}

async function ours(url: string): Promise<string> {
  const text = `listen: 127.0.0.1:0\ndatabases: { d: { url: "${url}" } }\n`;
  const checked = await configFromText(join(home, 'countersign.yaml'), text, { env: {}, makeVerifier });
  if (checked.kind === 'bad') throw new Error(checked.mistakes.map(mistakeText).join('\n'));
  const target = targetOf(checked.value, { database: 'd', agent: '' });
  try {
    const upstream = await connectUpstream({ target, parameters: new Map() }, AbortSignal.timeout(20_000));
    upstream.socket.destroy();
    return upstream.secure ? 'tls' : 'bare';
  } catch {
    return 'refused';
  }
}

interface Cell {
  readonly mode: string;
  readonly root: string;
  readonly host: string;
  readonly role: string;
}

const cells: readonly Cell[] = modes.flatMap((mode) =>
  ['none', 'its own', 'another'].flatMap((root) =>
    hosts.flatMap((host) =>
      roles.filter((role) => host === hosts[0] || role === 'any_role').map((role) => ({ mode, root, host, role })),
    ),
  ),
);

test.skipIf(!hasPsql()).each(['with TLS', 'without'] as const)('a server %s, in every cell as psql', async (kind) => {
  const roots: Readonly<Record<string, string | undefined>> = {
    'its own': servers['with TLS'].certificates?.authority.certFile,
    another: strangers.authority.certFile,
  };
  const differ: unknown[] = [];
  const verdicts = new Set<string>();
  for (const cell of cells) {
    const options = new URLSearchParams();
    if (cell.mode !== '') options.set('sslmode', cell.mode);
    const root = roots[cell.root];
    if (root !== undefined) options.set('sslrootcert', root);
    const url = `postgres://${cell.role}:pw@${cell.host}:${servers[kind].port}/postgres?${options.toString()}`;
    const [psql, proxy] = await Promise.all([theirs(url), ours(url)]);
    verdicts.add(psql);
    // libpq wants a file where none is named; a server process has no home folder, so we take the machine's own: both end here in a refusal.
    if (psql !== proxy) differ.push({ ...cell, psql, proxy });
  }
  expect(differ).toEqual([]);
  expect([...verdicts].toSorted()).toEqual(kind === 'with TLS' ? ['bare', 'refused', 'tls'] : ['bare', 'refused']);
});
