// Goal: what a reload takes from an agent ends at once: its sessions with the server's own kind of word, its holds for good.
// Method: `serve` in this process before a real Postgres; the config changes under it; the pg driver as the agents, fetch as the approver.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { serve, type RunningProxy } from '../../src/cli/serve.ts';
import { agentSalts } from '../../src/cli/salts.ts';
import { configFromText } from '../../src/core/config.ts';
import type { Config } from '../../src/core/config-types.ts';
import { silentLog } from '../../src/core/log.ts';
import type { Checked } from '../../src/core/yaml.ts';
import { makeVerifier } from '../../src/wire/scram.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { gateUrl, layRules, shopFill, shopRules, tokenOf } from '../support/small-shop.ts';
import { waitFor, within } from '../support/wait.ts';

const whole: Readonly<Record<string, string>> = {
  staying: '{ password: staying-password, owner: ana, databases: [shop, other] }',
  removed: '{ password: removed-password, owner: ana, databases: [shop], wait: 40s }',
  rotated: '{ password: rotated-password, owner: ana, databases: [shop] }',
  narrowed: '{ password: narrowed-password, owner: ana, databases: [shop, other] }',
  moved: '{ password: moved-password, owner: ana, databases: [shop] }',
};

let postgres: TestPostgres;
let proxy: RunningProxy;
let folder: string;
let agents = whole;
const salts = agentSalts();
const clients = new Set<pg.Client>();

function readConfig(): Promise<Checked<Config>> {
  const text = `listen: 127.0.0.1:0
http: { listen: "127.0.0.1:0" }
databases:
  shop: { url: "${gateUrl(postgres.port)}" }
  other: { url: "${gateUrl(postgres.port, 'other')}" }
agents:
${Object.entries(agents)
  .map(([name, value]) => `  ${name}: ${value}`)
  .join('\n')}
`;
  return configFromText(join(folder, 'countersign.yaml'), text, { env: {}, makeVerifier, saltOf: salts });
}

beforeAll(async () => {
  postgres = await startPostgres({
    fill: [
      ...shopFill(),
      { database: 'postgres', sql: "create role worker login password 'worker-password'" },
      { database: 'postgres', sql: 'create database other owner gate' },
    ],
  });
  folder = mkdtempSync(join(tmpdir(), 'countersign-revoke-'));
  layRules(folder, shopRules());
  const loaded = await readConfig();
  if (loaded.kind === 'bad') throw new Error(JSON.stringify(loaded.mistakes));
  proxy = await serve(loaded.value, { log: silentLog, reread: readConfig });
}, 90_000);

afterEach(async () => {
  for (const client of clients) await client.end().catch(() => undefined);
  clients.clear();
  agents = whole;
  await proxy.reload();
});

afterAll(async () => {
  await proxy.stop('now');
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Agent {
  readonly client: pg.Client;
  readonly lost: Promise<pg.DatabaseError>;
}

async function connect(name: string, database = 'shop', password = `${name}-password`): Promise<Agent> {
  const { address, port } = proxy.address;
  const client = new pg.Client({ connectionString: `postgres://${name}:${password}@${address}:${port}/${database}` });
  clients.add(client);
  const lost = new Promise<pg.DatabaseError>((settle) => client.on('error', (error) => settle(error as never)));
  await client.connect();
  return { client, lost };
}

async function holdsOf(agent: string): Promise<readonly { readonly id: string; readonly state: string }[]> {
  const { address, port } = proxy.httpAddress;
  const headers = { authorization: `Bearer ${tokenOf('ben')}` };
  const response = await fetch(`http://${address}:${port}/api/holds?agent=${agent}`, { headers });
  const { holds } = (await response.json()) as { readonly holds: readonly { id: string; state: string }[] };
  return holds;
}

const takenAway: readonly {
  readonly what: string;
  readonly agent: string;
  readonly database?: string;
  readonly now: Readonly<Record<string, string | undefined>>;
  readonly words: string;
}[] = [
  {
    what: 'the agent',
    agent: 'removed',
    now: { removed: undefined },
    words: 'agent "removed" is not in the configuration any more',
  },
  {
    what: 'its password',
    agent: 'rotated',
    now: { rotated: '{ password: another-password, owner: ana, databases: [shop] }' },
    words: 'the password of agent "rotated" was changed',
  },
  {
    what: 'one of its databases',
    agent: 'narrowed',
    database: 'other',
    now: { narrowed: '{ password: narrowed-password, owner: ana, databases: [shop] }' },
    words: 'database "other" is no longer open to agent "narrowed"',
  },
  {
    what: 'its role',
    agent: 'moved',
    now: {
      moved:
        '{ password: moved-password, owner: ana, databases: [shop], upstream: { user: worker, password: worker-password } }',
    },
    words: 'agent "moved" has another role at the database now',
  },
];

const known = (wanted: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(wanted).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

describe('a reload that takes away', () => {
  test.each(takenAway)('$what ends the session with 57P01 and says why', async ({ agent, database, now, words }) => {
    const [taken, staying] = [await connect(agent, database), await connect('staying', database)];
    agents = known({ ...whole, ...now });
    await proxy.reload();
    expect(await within('the word to the agent', taken.lost)).toMatchObject({
      severity: 'FATAL',
      code: '57P01',
      message: `terminating connection due to administrator command: ${words}`,
    });
    expect((await staying.client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  test('nothing leaves every session as it was', async () => {
    const all = await Promise.all(Object.keys(whole).map((name) => connect(name)));
    await proxy.reload();
    for (const { client } of all) expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  test('an agent withdraws what it waits for', async () => {
    const { client, lost } = await connect('removed');
    const answer = client.query('select email from customers').then(
      () => 'rows',
      () => 'no rows',
    );
    const open = await waitFor(
      'the hold',
      async () => (await holdsOf('removed')).find(({ state }) => state === 'open'),
      {
        withinMs: 30_000,
      },
    );
    agents = known({ ...whole, removed: undefined });
    await proxy.reload();
    await within('the word to the agent', lost);
    expect(await within('its answer', answer)).toBe('no rows');
    await waitFor('the hold to be withdrawn', async () =>
      (await holdsOf('removed')).some(({ id, state }) => id === open.id && state === 'withdrawn'),
    );
  });

  test('an agent withdraws what it was told to come back for', async () => {
    agents = known({ ...whole, removed: '{ password: removed-password, owner: ana, databases: [shop], wait: 50ms }' });
    await proxy.reload();
    const { client } = await connect('removed');
    const sql = 'select email from customers where id = 2';
    await expect(client.query(sql)).rejects.toMatchObject({ detail: expect.stringContaining('"HOLD_TIMEOUT"') });
    expect((await holdsOf('removed')).some(({ state }) => state === 'open')).toBe(true);
    agents = known({ ...whole, removed: undefined });
    await proxy.reload();
    expect((await holdsOf('removed')).map(({ state }) => state)).not.toContain('open');
  });
});
