// Goal: `countersign serve` with `slack:` and `teams:` in its config shows holds there, takes a click, and does not start with wrong tokens.
// Method: `serve` in this process before a real Postgres, with a config file's text; Slack and a Teams workflow on loopback.
import { createServer } from 'node:http';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { actionIds } from '../../src/channels/slack-card.ts';
import { serve, type RunningProxy } from '../../src/cli/serve.ts';
import { configFromText } from '../../src/core/config.ts';
import { silentLog } from '../../src/core/log.ts';
import { mistakeText } from '../../src/core/place.ts';
import { makeVerifier } from '../../src/wire/scram.ts';
import { psql } from '../support/client.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { FakeSlack } from '../support/slack/fake-slack.ts';
import { Person, buttonsOf, readable } from '../support/slack/person.ts';
import { waitFor } from '../support/wait.ts';

const files: Readonly<Record<string, string>> = {
  'taxonomy.yaml':
    'version: 1\nlevels:\n  - { name: public, read: allow }\n  - { name: restricted, read: hold, approvers: [security] }\ndefaults: { unclassified: restricted }\n',
  'shop.yaml':
    'version: 1\ndatabase: shop\ntables:\n  public.customers: { columns: { id: public, email: restricted } }\n',
  'approvers.yaml': 'version: 1\napprovers:\n  ben: { slack: UBEN, groups: [security] }\n',
};

let postgres: TestPostgres;
let slack: FakeSlack;
let folder: string;
const told: string[] = [];
const workflow = createServer((request, response) => {
  request.on('data', (chunk: Buffer) => told.push(String(chunk)));
  request.on('end', () => response.writeHead(202).end());
});

beforeAll(async () => {
  slack = await FakeSlack.start({ users: [{ id: 'UBEN', team_id: 'T0TEAM', name: 'ben' }] });
  await new Promise<void>((resolve) => workflow.listen(0, '127.0.0.1', resolve));
  const sql =
    "create table customers (id int primary key, email text); insert into customers values (1, 'c1@example.com')";
  postgres = await startPostgres({
    fill: [
      { database: 'postgres', sql: 'create database shop' },
      { database: 'shop', sql },
    ],
  });
  folder = mkdtempSync(join(tmpdir(), 'countersign-slack-'));
  mkdirSync(join(folder, 'classification'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'classification', name), text);
});
afterAll(async () => {
  await slack.close();
  workflow.close();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function served(slackPart: string): Promise<RunningProxy> {
  const address = workflow.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const text = `listen: 127.0.0.1:0
http: { listen: "127.0.0.1:0", public_url: "https://gate.example.com" }
databases: { shop: { url: ${JSON.stringify(postgres.url('shop'))} } }
agents: { bot: { password: bot-password, owner: ana, databases: [shop] } }
slack: { channel: C0GATE, api_url: "${slack.apiUrl}", ${slackPart} }
teams: { webhook_url: "http://127.0.0.1:${port}/workflow" }
`;
  const loaded = await configFromText(join(folder, 'countersign.yaml'), text, { env: {}, makeVerifier });
  if (loaded.kind === 'bad') throw new Error(loaded.mistakes.map(mistakeText).join('\n'));
  return await serve(loaded.value, { log: silentLog });
}

test.each([
  ['socket', 'mode: socket, bot_token: xoxb-fake-bot, app_token: xapp-fake-app'],
  ['http', `mode: http, bot_token: xoxb-fake-bot, signing_secret: ${'f'.repeat(32)}`],
] as const)('psql is held by serve and released by a click, over %s', async (way, part) => {
  const proxy = await served(part);
  try {
    const http = `http://127.0.0.1:${proxy.httpAddress.port}`;
    slack.interactivityUrl = `${http}/slack/events`;
    const ben = new Person(slack, 'UBEN', { way });
    // A parser that is still being loaded takes longer than a statement may: what it is asked meanwhile is not known.
    const explain = async () =>
      readable((await ben.command('explain bot shop select email from customers')).ack['blocks']);
    await waitFor('the proxy to understand statements', async () => (await explain()).includes('customers.email'), {
      withinMs: 30_000,
    });
    const known = slack.messages.length;
    const heard = told.length;
    const url = `postgres://bot:bot-password@127.0.0.1:${proxy.address.port}/shop`;
    const asking = psql(url, { input: 'select email from customers' });
    const card = await waitFor(
      'the card',
      () => slack.messages.slice(known).find((each) => each.channel === 'C0GATE' && each.threadTs === undefined),
      {
        withinMs: 30_000,
      },
    );
    const open = buttonsOf(card.blocks).find((each) => each['action_id'] === actionIds.open);
    expect(String(open?.['url'])).toMatch(/^https:\/\/gate\.example\.com\/holds\/h_/);
    await ben.click(card, actionIds.once);
    expect(await asking).toMatchObject({ out: expect.stringContaining('c1@example.com'), err: expect.any(String) });
    await waitFor('Teams', () => told.slice(heard).join('').includes('bot wants'));
    const ready = await (await fetch(`${http}/readyz`)).text();
    expect(ready).toMatch(/up {4}slack: connected[\s\S]*up {4}teams:/);
    expect(await (await fetch(`${http}/metrics`)).text()).toMatch(
      /countersign_slack_clicks_total\{result="counted"\} 1/,
    );
  } finally {
    await proxy.stop('now');
  }
});

test('a wrong token stops the start, in one line with the key and the mend', async () => {
  const start = served('mode: socket, bot_token: xoxb-wrong, app_token: xapp-fake-app');
  await expect(start).rejects.toThrow(
    /countersign\.yaml: slack\.bot_token: Slack does not take it \(invalid_auth\); put in/,
  );
});
