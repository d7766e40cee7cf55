// Goal: what other tests lean on is really there: every Postgres we support, TLS, Redis.
// Method: start each, ask it who it is, stop it, and see that it is gone.
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import pg from 'pg';
import { expect, test } from 'vitest';
import { query } from './client.ts';
import { majors, startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';

test.each(majors)('Postgres %i starts and says so', { timeout: 120_000 }, async (major) => {
  const postgres = await startPostgres({ major });
  try {
    const rows = await query(postgres.url(), "select current_setting('server_version_num')::int / 10000 as major");
    expect(rows).toEqual([{ major }]);
  } finally {
    await postgres.stop();
  }
});

test('Postgres serves TLS with a certificate that verifies', async () => {
  const postgres = await startPostgres({ ssl: true });
  const ca = readFileSync(postgres.certificates?.authority.certFile ?? '', 'utf8');
  const client = new pg.Client({ connectionString: postgres.url(), ssl: { ca, servername: 'localhost' } });
  await client.connect();
  const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
  await client.end();
  await postgres.stop();
  expect(rows).toEqual([{ ssl: true }]);
});

test('Redis starts, answers and goes', async () => {
  const redis = await startRedis({ flags: ['--appendonly', 'no'] });
  const port = Number(new URL(redis.url).port);
  await redis.stop();
  await expect(
    new Promise((settle, fail) => createConnection(port, '127.0.0.1', () => settle('connected')).once('error', fail)),
  ).rejects.toThrow(/ECONNREFUSED/);
});
