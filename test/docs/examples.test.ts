// Goal: the examples in docs/agents.md do what the page says, run as they stand there.
// Method: each block is run by its own language with the connection string of a proxy before the sample shop, judged by the sample
// classification; an example takes the offer after a refusal, so its rows lack the card numbers.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { startShop, type TestShop } from '../support/shop.ts';
import { waitFor } from '../support/wait.ts';
import { papers, root } from './papers.ts';

const run = promisify(execFile);
const python = '/usr/bin/python3';

let shop: TestShop;
let proxy: TestProxy;

beforeAll(async () => {
  shop = await startShop();
  const folder = join(root, 'classification');
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  proxy = await startProxy({ databases: { shop: shop.gateUrl }, files });
  // An offer has 300 ms, which a parser that is still being loaded does not keep.
  await waitFor('offers', isOffered, { withinMs: 60_000 });
});

afterAll(async () => {
  await proxy.stop();
  await shop.stop();
});

async function isOffered(): Promise<boolean> {
  const client = new pg.Client(proxy.url('shop'));
  await client.connect();
  try {
    return await client.query('select id, pan from billing.cards where id < $1', [1]).then(
      () => false,
      (error: unknown) => error instanceof pg.DatabaseError && error.detail?.includes('"offer"') === true,
    );
  } finally {
    await client.end();
  }
}

function example(language: string): string {
  const page = papers().find(({ path }) => path === 'docs/agents.md');
  const block = page?.blocks.find((one) => one.language === language);
  if (block === undefined) throw new Error(`docs/agents.md has no block of ${language}`);
  return block.text;
}

/** On a busy machine the offer may not be ready in time, or a coarser one is; then the example is run again. */
async function saidWith(part: string, program: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, DATABASE_URL: proxy.url('shop') };
  let last = '';
  const ran = async (): Promise<boolean> => {
    last = (await run(program, [...args], { cwd: root, env, timeout: 30_000 })).stdout;
    if (!last.includes(part)) throw new Error(`it printed ${last}`);
    return true;
  };
  await waitFor(`the example to print ${part}`, ran, { withinMs: 100_000 });
  return last;
}

test('the node-postgres example is refused, takes the offer, and prints rows without card numbers', async () => {
  const program = ['--input-type=module', '-e', example('js')];
  const printed = await saidWith("{ id: 1, brand: 'testcard' }", process.execPath, program);
  expect(printed).not.toContain('pan');
}, 120_000);

async function hasPsycopg(): Promise<boolean> {
  return await run(python, ['-c', 'import psycopg']).then(
    () => true,
    () => false,
  );
}

test.skipIf(!(await hasPsycopg()))(
  'the psycopg example does the same',
  async () => {
    expect(await saidWith("(1, 'testcard')", python, ['-c', example('python')])).not.toContain('pan');
  },
  120_000,
);
