// Goal: the proxy gets into a real Postgres by every way that libpq knows, and into nothing that only pretends to be one.
// Method: real servers with TLS and each method in pg_hba.conf; the URL's every sslmode; what was refused is looked at in words.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectUpstream, sendCancel, type Upstream, type UpstreamTarget } from '../../src/proxy/upstream.ts';
import { encodeClientMessage } from '../../src/wire/client-messages.ts';
import { makeCertificates, type Certificates } from '../support/certificates.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { waitFor, within } from '../support/wait.ts';
import { aTarget } from './upstream-target.ts';

const never = new AbortController().signal;

/** Roles by method; `tls_` only in TLS, `bare_` only outside. */
const hba = `
hostssl all tls_only 127.0.0.1/32 scram-sha-256
hostnossl all bare_only 127.0.0.1/32 scram-sha-256
host all tls_only,bare_only 127.0.0.1/32 reject
host all md5_role 127.0.0.1/32 md5
host all clear_role 127.0.0.1/32 password
host all trust_role 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
local all clear_role password
local all all scram-sha-256
`;

const password = 'pä\u00a0ß wörd';

let folder = '';
let strangers: Certificates | undefined;
const servers = new Map<number, TestPostgres>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-sockets-'));
  chmodSync(folder, 0o777);
  strangers = makeCertificates();
  for (const major of [18, 15] as const) {
    const flags = major === 18 ? [`unix_socket_directories=${folder}`] : [];
    const server = await startPostgres({ major, ssl: true, hba, flags });
    servers.set(major, server);
    const roles = ['scram_role', 'tls_only', 'bare_only', 'clear_role', 'trust_role'];
    const create = roles.map((role) => `create role ${role} login password '${password}';`).join('');
    await query(
      server.url(),
      `${create} set password_encryption = 'md5'; create role md5_role login password 'md5 word'`,
    );
  }
});

afterAll(async () => {
  for (const server of servers.values()) await server.stop();
  strangers?.remove();
  rmSync(folder, { recursive: true, force: true });
});

type Given = Partial<Parameters<typeof aTarget>[0]> & { readonly major?: 15 | 18 };

function target(given: Given): UpstreamTarget {
  const server = servers.get(given.major ?? 18);
  if (server === undefined) throw new Error('no server');
  return aTarget({ port: server.port, user: 'scram_role', password, ...given });
}

async function connected(given: Given): Promise<Upstream> {
  return await connectUpstream({ target: target(given), parameters: new Map() }, never);
}

/** How it went in: encrypted or not, or why not in. */
async function outcome(given: Given): Promise<string> {
  try {
    const upstream = await connected(given);
    upstream.socket.destroy();
    return upstream.secure ? 'tls' : 'bare';
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

const ourRoot = (): string => servers.get(18)?.certificates?.authority.cert ?? '';
const strangeRoot = (): string => strangers?.authority.cert ?? '';

describe('sslmode', () => {
  test.each<[string, Given, string]>([
    ['disable', { mode: 'disable' }, 'bare'],
    ['disable, where only TLS is let in', { mode: 'disable', user: 'tls_only' }, 'pg_hba.conf rejects connection'],
    ['allow', { mode: 'allow' }, 'bare'],
    ['allow, where only TLS is let in', { mode: 'allow', user: 'tls_only' }, 'tls'],
    ['prefer', { mode: 'prefer' }, 'tls'],
    ['prefer, where only bare is let in', { mode: 'prefer', user: 'bare_only' }, 'bare'],
    ['require', { mode: 'require' }, 'tls'],
    ['require, where only bare is let in', { mode: 'require', user: 'bare_only' }, 'pg_hba.conf rejects connection'],
  ])('%s', async (_, given, expected) => {
    expect(await outcome(given)).toContain(expected);
  });

  test('require with a root certificate checks the chain, as libpq does', async () => {
    expect(await outcome({ mode: 'require', rootCert: ourRoot() })).toBe('tls');
    expect(await outcome({ mode: 'require', rootCert: strangeRoot() })).toContain(
      'TLS with the database server failed',
    );
  });

  test('verify-ca wants the chain and not the name', async () => {
    expect(await outcome({ mode: 'verify-ca', rootCert: ourRoot() })).toBe('tls');
    expect(await outcome({ mode: 'verify-ca', rootCert: strangeRoot() })).toContain(
      'TLS with the database server failed',
    );
    expect(await outcome({ mode: 'verify-ca' })).toContain('TLS with the database server failed');
  });

  test('verify-full wants the name too', async () => {
    expect(await outcome({ mode: 'verify-full', rootCert: ourRoot() })).toBe('tls');
    expect(await outcome({ mode: 'verify-full', rootCert: ourRoot(), host: 'localhost' })).toBe('tls');
    expect(await outcome({ mode: 'verify-full', rootCert: strangeRoot() })).toContain(
      'TLS with the database server failed',
    );
    expect(await outcome({ mode: 'verify-full' })).toContain('TLS with the database server failed');
  });

  test('system certificates go with verify-full only', async () => {
    expect(await outcome({ mode: 'require', rootCert: 'system' })).toContain('goes with sslmode=verify-full only');
    expect(await outcome({ mode: 'verify-full', rootCert: 'system' })).toContain('TLS with the database server failed');
  });
});

describe('login', () => {
  test.each([18, 15] as const)('Postgres %s by each method', async (major) => {
    expect(await outcome({ major })).toBe('bare');
    expect(await outcome({ major, mode: 'require' })).toBe('tls');
    expect(await outcome({ major, user: 'md5_role', password: 'md5 word' })).toBe('bare');
    expect(await outcome({ major, user: 'clear_role', mode: 'require' })).toBe('tls');
    expect(await outcome({ major, user: 'trust_role', password: undefined })).toBe('bare');
  });

  test('a password never goes out in the open', async () => {
    expect(await outcome({ user: 'clear_role' })).toContain('asks for the password in the open');
  });

  test('a Unix socket is as good as TLS for a password', async () => {
    expect(await outcome({ host: folder, user: 'clear_role', mode: 'prefer' })).toBe('bare');
    expect(await outcome({ host: folder, mode: 'verify-full' })).toBe('bare');
  });

  test.each<[string, Given, string]>([
    ['the wrong password', { password: 'wrong' }, 'password authentication failed for user "scram_role"'],
    ['the wrong md5 password', { user: 'md5_role', password: 'wrong' }, 'password authentication failed'],
    ['no password', { password: undefined }, 'asks for a password, and none is configured'],
    ['another database', { database: 'nowhere' }, 'database "nowhere" does not exist'],
    ['another role', { user: 'nobody_here' }, 'password authentication failed for user "nobody_here"'],
    ['another port', { port: 1 }, 'nobody listens there'],
    ['another host', { host: 'no-such-host.invalid' }, 'no such host'],
    ['another socket', { host: '/nowhere' }, 'no such socket'],
  ])('%s is said in one line with a mend', async (_, given, words) => {
    const refused = await connected(given).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ name: 'ProxyError', hint: expect.stringMatching(/\w/) });
    expect(String(refused)).toContain(words);
    expect(String(refused)).not.toContain('\n');
    expect(String(refused)).not.toContain(password);
  });

  test.each<[string, Given, string]>([
    ['scram alone, and scram is asked', { requireAuth: ['scram-sha-256'] }, 'bare'],
    [
      'scram alone, and md5 is asked',
      { requireAuth: ['scram-sha-256'], user: 'md5_role', password: 'md5 word' },
      'asks for md5; require_auth',
    ],
    [
      'scram alone, and nothing is asked',
      { requireAuth: ['scram-sha-256'], user: 'trust_role' },
      'without any proof; require_auth',
    ],
    ['none, and nothing is asked', { requireAuth: ['none'], user: 'trust_role' }, 'bare'],
    [
      'md5 or password, and password is asked in TLS',
      { requireAuth: ['md5', 'password'], user: 'clear_role', mode: 'require' },
      'tls',
    ],
  ])('require_auth: %s', async (_, given, expected) => {
    expect(await outcome(given)).toContain(expected);
  });
});

describe('password_command', () => {
  const node = process.execPath;
  const printing = (script: string): Given => ({ password: undefined, passwordCommand: [node, '-e', script] });

  test('gives the first line it prints', async () => {
    expect(await outcome(printing(`console.log(${JSON.stringify(password)}); console.log('more')`))).toBe('bare');
  });

  test.each([
    ['fails', printing('process.exit(3)'), 'ended with 3'],
    ['prints nothing', printing(''), 'printed no password'],
    ['prints too much', printing(`process.stdout.write('x'.repeat(1e6))`), 'printed more than'],
    ['is not there', { passwordCommand: ['/nowhere/token'] }, 'cannot be started'],
    ['hangs', { ...printing('setInterval(() => {}, 1000)'), connectMsMax: 1500 }, 'took too long'],
  ])('that %s is said', async (_, given, words) => {
    expect(await outcome(given)).toContain(words);
  });

  test('is not run when nobody asks for a password', async () => {
    expect(await outcome({ user: 'trust_role', password: undefined, passwordCommand: ['/nowhere/token'] })).toBe(
      'bare',
    );
  });
});

describe('what comes back', () => {
  test('parameters, key, version; start-up parameters are the session’s own', async () => {
    const parameters = new Map([
      ['application_name', 'report bot'],
      ['client_encoding', 'LATIN1'],
      ['options', '-c work_mem=3MB'],
    ]);
    const upstream = await connectUpstream({ target: target({}), parameters }, never);
    expect(upstream.serverMajor).toBe(18);
    expect(upstream.key.processId).toBeGreaterThan(0);
    expect(upstream.key.secret).toHaveLength(4);
    expect(upstream.parameters.get('application_name')).toBe('report bot');
    expect(upstream.parameters.get('client_encoding')).toBe('LATIN1');
    expect(await firstRow(upstream, 'show work_mem')).toContain('3MB');
    upstream.socket.destroy();
  });

  test('nothing is lost when the socket is handed over', async () => {
    for (const mode of ['disable', 'require'] as const) {
      const upstream = await connected({ mode });
      const text = await firstRow(upstream, `select repeat('x', 100000) || '#'`);
      expect(text).toContain(`${'x'.repeat(100_000)}#`);
      upstream.socket.destroy();
    }
  });

  test('a cancel stops what the connection runs', async () => {
    for (const mode of ['disable', 'require'] as const) {
      const upstream = await connected({ mode });
      const asleep = firstRow(upstream, 'select pg_sleep(60)');
      const watched = `select 1 from pg_stat_activity where pid = ${upstream.key.processId} and wait_event = 'PgSleep'`;
      const server = servers.get(18);
      await waitFor('the query', async () => (await query(server?.url() ?? '', watched)).length);
      await sendCancel(target({ mode }), upstream, never);
      expect(await within('the end', asleep)).toContain('canceling statement');
      upstream.socket.destroy();
    }
  });

  test('a caller who has had enough ends the attempt', async () => {
    const reason = new Error('gone');
    await expect(
      connectUpstream({ target: target({}), parameters: new Map() }, AbortSignal.abort(reason)),
    ).rejects.toBe(reason);
  });
});

/** Sends a query and gives everything up to ReadyForQuery as Latin-1. */
function firstRow(upstream: Upstream, sql: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    upstream.socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (/Z\0\0\0\x05[ITE]$/.test(text)) resolve(text);
    });
    upstream.socket.once('close', () => reject(new Error('closed')));
    upstream.socket.write(encodeClientMessage({ kind: 'query', sql: Buffer.from(sql) }));
  });
}
