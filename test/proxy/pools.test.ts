// Goal: each agent gets connections of its own role, and a reloaded configuration is what the next session meets.
// Method: a real Postgres, configurations from text, two agents with different roles.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { configFromText } from '../../src/core/config.ts';
import type { Config } from '../../src/core/config-types.ts';
import { silentLog } from '../../src/core/log.ts';
import { mistakeText } from '../../src/core/place.ts';
import { Pools } from '../../src/proxy/pools.ts';
import { makeVerifier } from '../../src/wire/scram.ts';
import { query } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { waitFor } from '../support/wait.ts';

const never = new AbortController().signal;
const parameters = new Map([['application_name', 'bot']]);
let server: TestPostgres;
let pools: Pools | undefined;

beforeAll(async () => {
  server = await startPostgres();
  await query(server.url(), `create role etl login password 'etl word'; create role gate login password 'gate word'`);
});
afterEach(async () => pools?.drain());
afterAll(async () => server.stop());

async function aConfig(user: string): Promise<Config> {
  const url = server.url('postgres', user, `${user} word`);
  const text = `
databases:
  shop: { url: ${JSON.stringify(url)}, pool: { warm: 1 } }
agents:
  bot: { password: some password, owner: ana, databases: [shop] }
  etl-bot: { password: some password, owner: ana, databases: [shop], upstream: { user: etl, password: etl word } }
`;
  const checked = await configFromText('/countersign.yaml', text, { env: {}, makeVerifier });
  if (checked.kind === 'bad') throw new Error(checked.mistakes.map(mistakeText).join('\n'));
  return checked.value;
}

async function roleOf(agent: string): Promise<string | undefined> {
  const lease = await pools?.open({ agent, database: 'shop', parameters }, never);
  const role = lease?.parameters.get('session_authorization');
  lease?.release('idle');
  return role;
}

test('an agent with a role of its own never meets a connection of another role', async () => {
  const config = await aConfig('gate');
  pools = new Pools({ config: () => config, clock: systemClock, log: silentLog });
  const roles: (string | undefined)[] = [];
  for (let round = 0; round < 6; round += 1) roles.push(await roleOf('bot'), await roleOf('etl-bot'));
  expect(roles).toEqual(Array.from({ length: 6 }, () => ['gate', 'etl']).flat());
  await waitFor('warm ones', () => (pools?.stats().idle ?? 0) >= 2);
});

test('after a reload the next session goes the new way, and what was open before is lent to nobody', async () => {
  let config = await aConfig('gate');
  pools = new Pools({ config: () => config, clock: systemClock, log: silentLog });
  const lent = await pools.open({ agent: 'bot', database: 'shop', parameters }, never);
  config = await aConfig('etl');
  expect(await roleOf('bot')).toBe('etl');
  lent.release('idle');
  await waitFor('the end of the old way', async () => {
    const [left] = await query(server.url(), `select count(*)::int as n from pg_stat_activity where usename = 'gate'`);
    return left?.['n'] === 0;
  });
});

test('a database that is not in the configuration is said', async () => {
  const config = await aConfig('gate');
  const made = new Pools({ config: () => config, clock: systemClock, log: silentLog });
  const refused = made.open({ agent: 'bot', database: 'nowhere', parameters }, never);
  await expect(refused).rejects.toThrow('not in the configuration');
});
