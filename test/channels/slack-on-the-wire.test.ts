// Goal: the whole way: an agent in psql is held, a person clicks in Slack, and psql goes on as if nothing had been; or is told why not.
// Method: a real Postgres, the real gate and desk on a journal, the real bolt over a Slack on loopback, and psql itself.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDesk, type StoreDesk } from '../../src/approval/open-desk.ts';
import { actionIds } from '../../src/channels/slack-card.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { loadClassification, type Classification } from '../../src/policy/classification.ts';
import { holdsUsual } from '../approval/fixtures.ts';
import { recordsIn } from '../audit/fixtures.ts';
import { aJournal } from '../store/fixtures.ts';
import { psql } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { waitFor } from '../support/wait.ts';
import { aScene, read } from './slack-scene.ts';

const files: Readonly<Record<string, string>> = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: restricted, read: hold, approvers: [security] }
defaults: { unclassified: restricted }
`,
  'shop.yaml': `version: 1
database: shop
tables:
  public.customers:
    columns: { id: public, email: restricted }
`,
  'approvers.yaml': `version: 1
approvers:
  ana: { slack: UANA, groups: [security] }
  ben: { slack: UBEN, groups: [security] }
`,
};

let postgres: TestPostgres;
let proxy: TestProxy;
let desk: StoreDesk;
let classification: Classification;
let store: Awaited<ReturnType<typeof aJournal>>;

beforeAll(async () => {
  const rows = "insert into customers select n, 'c' || n || '@example.com' from generate_series(1, 3) n";
  const sql = `create table customers (id int primary key, email text); ${rows}`;
  postgres = await startPostgres({
    fill: [
      { database: 'postgres', sql: 'create database shop' },
      { database: 'shop', sql },
    ],
  });
  const loaded = loadClassification(Object.entries(files).map(([name, text]) => ({ name, path: name, text })));
  if (loaded.kind === 'bad') throw new Error(JSON.stringify(loaded.mistakes));
  classification = loaded.value;
  store = await aJournal();
  proxy = await startProxy({
    databases: { shop: postgres.url('shop') },
    files,
    desk: (recorder) => {
      desk = openDesk({
        ...{ store, recorder, clock: systemClock, log: silentLog },
        holdsOf: () => ({ ...holdsUsual, waitMs: 30_000 }),
        ownerOf: () => 'ana',
        limits: () => ({ holdsMax: 100, holdsPerAgentMax: 100 }),
        catalog: () => classification.catalog,
      });
      return desk;
    },
  });
});
afterAll(async () => {
  await desk.stop();
  await proxy.stop();
  await postgres.stop();
});

async function theScene(way: 'socket' | 'http') {
  const { audit } = proxy;
  const wired = { desk, audit: audit.log, records: () => recordsIn(proxy.auditDir) };
  return await aScene({ way, store, proxy: wired, files: classification.catalog });
}

test.each(['socket', 'http'] as const)('psql is held, and a click releases it, over %s', async (way) => {
  const scene = await theScene(way);
  const before = scene.slack.cards('C0GATE').length;
  const asking = psql(proxy.url('shop'), {
    input: `/*reason='audit of ${way}'*/ select email from customers where id < 3`,
  });
  const card = await waitFor('the card', () => scene.slack.cards('C0GATE')[before], { withinMs: 30_000 });
  expect(read(card)).toContain('tester wants 1 restricted column · shop');
  expect(read(card)).toContain(`audit of ${way}`);
  await scene.person('UBEN').click(card, actionIds.once);
  const { code, out } = await asking;
  expect(code).toBe(0);
  expect(out).toContain('c1@example.com');
  expect(out).not.toContain('c3@example.com');
  await waitFor('the edited card', () => read(card).includes('Approved and run'));
});

test('psql is told the reason of a denial, and its session lives on', async () => {
  const scene = await theScene('http');
  const asking = psql(proxy.url('shop'), {
    input: 'select email from customers;\nselect id from customers where id = 2;',
  });
  const card = await waitFor('the card', () => scene.slack.cards('C0GATE')[0], { withinMs: 30_000 });
  const ben = scene.person('UBEN');
  await ben.click(card, actionIds.deny);
  const dialog = await waitFor('the dialog', () => scene.slack.views.at(-1));
  await ben.submit(dialog, { cs_reason: 'use the aggregate' });
  const { out, err } = await asking;
  expect(err).toContain('use the aggregate');
  expect(out).not.toContain('@example.com');
  expect(out).toMatch(/\b2\b/);
});
