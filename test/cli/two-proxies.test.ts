// Goal: several proxies on one Redis are one desk, whichever of them dies, and whatever befalls the Redis while people are asked.
// Method: two real `serve` processes and a real Redis before a real Postgres; the pg driver asks at one, people decide at the other.
import { execFileSync, spawnSync, type ChildProcess, type SpawnSyncReturns } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { recordsIn } from '../audit/fixtures.ts';
import { freePort } from '../support/ports.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { bin, ServeProgram } from '../support/serve-program.ts';
import { gateUrl, layRules, shopFill, shopRules, tokenOf } from '../support/small-shop.ts';
import { waitFor, within } from '../support/wait.ts';

const guide = readFileSync(new URL('../../docs/audit.md', import.meta.url), 'utf8');

interface Serving {
  readonly child: ChildProcess;
  readonly url: string;
  readonly http: string;
  readonly auditDir: string;
}

let folder: string;
let postgres: TestPostgres;
let redisPort: number;
let redis: TestRedis;
const children = new Set<ChildProcess>();
const clients = new Set<pg.Client>();

const startShared = (): Promise<TestRedis> => {
  const flags = ['--dir', folder, '--appendonly', 'yes', '--appendfsync', 'always'];
  return startRedis({ port: redisPort, flags });
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-two-'));
  layRules(folder, shopRules());
  redisPort = await freePort();
  redis = await startShared();
  postgres = await startPostgres({ fill: shopFill() });
}, 90_000);
afterEach(async () => {
  for (const client of clients) await client.end().catch(() => undefined);
  clients.clear();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all([postgres.stop(), redis.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

async function serve(name: string): Promise<Serving> {
  const auditDir = join(folder, `audit-${name}`);
  writeFileSync(
    join(folder, `${name}.yaml`),
    `listen: 127.0.0.1:0
http: { listen: "127.0.0.1:0" }
state: redis://127.0.0.1:${redisPort}/0?prefix=two
audit: { dir: ${JSON.stringify(auditDir)} }
databases: { shop: { url: "${gateUrl(postgres.port)}" } }
agents: { bot: { password: bot-password, owner: ana, databases: [shop] } }
`,
  );
  const program = new ServeProgram(join(folder, `${name}.yaml`), folder);
  children.add(program.child);
  const { address, http } = await program.serving();
  const serving = { child: program.child, url: `postgres://bot:bot-password@${address}/shop`, http, auditDir };
  const body = { agent: 'bot', database: 'shop', sql: 'select email from customers' };
  const isUnderstood = async (): Promise<boolean> => {
    const { statements } = (await api(serving, 'POST', '/api/explain', body)) as {
      readonly statements: readonly [{ readonly unknowns: readonly unknown[] }];
    };
    return statements[0].unknowns.length === 0;
  };
  await waitFor(`${name} to understand statements (${program.err})`, isUnderstood, { withinMs: 60_000, everyMs: 100 });
  return serving;
}

async function api({ http }: Serving, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${http}${path}`, {
    method,
    headers: { authorization: `Bearer ${tokenOf('ben')}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return await response.json();
}

const approve = (at: Serving, id: string): Promise<unknown> =>
  api(at, 'POST', `/api/holds/${id}/votes`, { vote: 'approve' });

async function agentAt({ url }: Serving) {
  const client = new pg.Client({ connectionString: url });
  clients.add(client);
  const notices: string[] = [];
  client.on('notice', ({ message }) => void notices.push(message ?? ''));
  client.on('error', () => undefined);
  await client.connect();
  const heldId = (): Promise<string> =>
    waitFor('the notice of a hold', () => /held for approval (h_\w{20})/.exec(notices.at(-1) ?? '')?.[1], {
      withinMs: 20_000,
    });
  const forget = (): void => void notices.splice(0);
  return { client, heldId, forget };
}

async function receiptOf(at: Serving, id: string): Promise<object | undefined> {
  const receipt = (await api(at, 'GET', `/api/holds/${id}/receipt`)) as { readonly released: readonly object[] };
  return receipt.released.some((release) => 'outcome' in release) ? receipt : undefined;
}

const originIn = (dir: string): string => readFileSync(join(dir, 'head.note'), 'utf8').split('\n')[0] ?? '';

const audit = (...args: readonly string[]): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, [bin, 'audit', ...args], { cwd: folder, encoding: 'utf8' });

type Outcome = { readonly rows: number } | { readonly code: string; readonly detail: string };

/** Never rejects: what the agent was told, as data. */
async function outcomeOf(work: Promise<pg.QueryResult>): Promise<Outcome> {
  try {
    return { rows: (await work).rows.length };
  } catch (thrown) {
    const { code = '', detail = '' } = thrown as pg.DatabaseError;
    return { code, detail };
  }
}

describe('two proxies on one Redis', () => {
  let one: Serving;
  let other: Serving;
  beforeAll(async () => {
    [one, other] = await Promise.all([serve('one'), serve('other')]);
  }, 120_000);

  test('what is held at one is seen, approved and so released from the other', { timeout: 60_000 }, async () => {
    const agent = await agentAt(one);
    const outcome = outcomeOf(agent.client.query('select email from customers where id = 1'));
    const id = await agent.heldId();
    expect(JSON.stringify(await api(other, 'GET', '/api/holds?state=open'))).toContain(id);
    await approve(other, id);
    expect(await within('the rows', outcome)).toEqual({ rows: 1 });
    expect(recordsIn(one.auditDir).map(({ kind }) => kind)).toEqual(expect.arrayContaining(['held', 'released']));
    expect(recordsIn(other.auditDir).map(({ kind }) => kind)).toEqual(expect.arrayContaining(['voted', 'decided']));
  });

  test(
    'a hold whose steps lie in both chains has one whole receipt, from either, and from the folders',
    { timeout: 120_000 },
    async () => {
      const agent = await agentAt(one);
      const outcome = outcomeOf(agent.client.query('select email from customers where id < 5'));
      const id = await agent.heldId();
      await approve(other, id);
      expect(await within('the rows', outcome)).toEqual({ rows: 4 });
      await waitFor('the outcome', () => recordsIn(one.auditDir).some(({ kind }) => kind === 'finished'));
      const keys = [one, other].map(({ auditDir }) => ['--key', join(auditDir, 'key.pub')]);
      const summary = {
        hold: id,
        state: 'approved',
        votes: [{ person: 'ben' }],
        decided: { by: ['ben'] },
        released: [{ outcome: { rows: 4 } }],
      };
      for (const at of [one, other]) {
        const receipt = await waitFor('a receipt with its outcome', () => receiptOf(at, id));
        expect(receipt).toMatchObject(summary);
        const file = join(folder, `${id}-${at === one ? 'one' : 'other'}.json`);
        writeFileSync(file, JSON.stringify(receipt));
        const whole = audit('verify', file, ...keys.flat());
        expect([whole.status, whole.stdout]).toEqual([0, expect.stringContaining('of 2 chains')]);
        // One key is not enough: nobody signs for what another's chain says.
        const half = audit('verify', file, ...(keys[at === one ? 0 : 1] ?? []));
        expect([half.status, half.stderr]).toEqual([1, expect.stringContaining('the key.pub of that chain too')]);
      }
      const dirs = [one, other].flatMap(({ auditDir }) => ['--dir', auditDir]);
      const file = join(folder, `${id}-folders.json`);
      expect(audit('receipt', id, ...dirs, '--proof', '--out', file).status).toBe(0);
      expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject(summary);
      await waitFor('checkpoints over all of it', () => {
        rmSync(file);
        audit('receipt', id, ...dirs, '--proof', '--out', file);
        return audit('verify', file, ...keys.flat()).stdout.includes('genuine by signature and checkpoint');
      });
      // Each folder alone says what it lacks.
      const [ofOne, ofOther] = [one, other].map(({ auditDir }) => audit('receipt', id, '--dir', auditDir).stderr);
      expect(ofOne).toContain('name the folder of each with --dir');
      expect(ofOne).toContain(`other steps stand in the chain of ${originIn(other.auditDir)}`);
      expect(ofOther).toContain('in the record of another proxy');
      expect(ofOther).toContain(`other steps stand in the chain of ${originIn(one.auditDir)}`);
      // By hand, with the words of the guide: one key.pub for each chain.
      const cwd = mkdtempSync(join(folder, 'by-hand-'));
      copyFileSync(file, join(cwd, 'receipt.json'));
      const receipt = JSON.parse(readFileSync(file, 'utf8')) as { origin: string; elsewhere: { origin: string }[] };
      const isOfOne = receipt.origin === originIn(one.auditDir);
      copyFileSync(join((isOfOne ? one : other).auditDir, 'key.pub'), join(cwd, 'key.pub'));
      copyFileSync(join((isOfOne ? other : one).auditDir, 'key.pub'), join(cwd, 'key.1.pub'));
      const code = (language: string): string =>
        new RegExp(`## Receipts[^]*?\`\`\`${language}\\n([^]*?)\`\`\``).exec(guide)?.[1] ?? '';
      const said = execFileSync('python3', ['-'], { cwd, input: code('python'), encoding: 'utf8' });
      expect(said).toContain(`${id} approved by ['ben']`);
      const verified = execFileSync('sh', ['-ec', code('sh')], { cwd, encoding: 'utf8' });
      expect(verified.match(/Signature Verified Successfully/g)).toHaveLength(2);
    },
  );

  test('the record of both is one to the auditor: verified, reported, searched and judged again', async () => {
    const dirs = [one, other].flatMap(({ auditDir }) => ['--dir', auditDir]);
    const verified = await waitFor('both whole', () => {
      const answer = audit('verify', ...dirs);
      return answer.status === 0 ? answer : undefined;
    });
    expect(verified.stdout.trim().split('\n')).toHaveLength(2);
    const votes = audit('search', ...dirs, '--agent', 'bot', '--kind', 'voted', '--column', 'customers.email');
    expect(votes.stdout).toContain(`ben: approve (api) (${originIn(other.auditDir)})`);
    expect(audit('search', ...dirs, '--person', 'ben', '--kind', 'held').stdout).toContain('h_');
    const out = join(folder, 'evidence');
    expect(audit('report', ...dirs, '--out', out).status).toBe(0);
    const html = readFileSync(`${out}.html`, 'utf8');
    expect(html).toContain('The log, 2 chains');
    expect(html).toContain('Not explained by the log</h2><ul><li>Nothing.</li></ul>');
    expect(readFileSync(`${out}.csv`, 'utf8')).toMatch(/h_\w{20},.*,approved,.*,ben,1,4/);
    // One folder alone: what is missing is said, never taken for a wrong.
    const half = join(folder, 'half');
    audit('report', '--dir', one.auditDir, '--out', half);
    expect(readFileSync(`${half}.html`, 'utf8')).toContain(
      `${originIn(other.auditDir)} has steps of 2 holds of this span, and its folder was not read`,
    );
    expect(readFileSync(`${half}.csv`, 'utf8')).toContain('not in what was read');
    expect(readFileSync(`${half}.html`, 'utf8')).toContain('Nothing in what was read; holds under “Not read”');
    const [, hold = ''] = /(h_\w{20})/.exec(votes.stdout) ?? [];
    const files_ = ['--classification', join(folder, 'classification')];
    const replayed = audit('replay', hold, ...dirs, ...files_);
    expect([replayed.status, replayed.stdout]).toEqual([0, expect.stringContaining('nothing would differ')]);
    expect(audit('what-if', ...dirs, ...files_).stdout).toContain('0 more held, 0 fewer');
  });

  test(
    'with every wake-up lost, a vote taken by one releases a client of the other within a second',
    { timeout: 60_000 },
    async () => {
      const admin = new Redis(redisPort, '127.0.0.1', { lazyConnect: true });
      await admin.connect();
      const agent = await agentAt(one);
      // Nobody may send to a channel or hear one any more; who listens is thrown out.
      await admin.call('ACL', 'SETUSER', 'default', 'resetchannels');
      try {
        const tookMs: number[] = [];
        for (let n = 0; n < 5; n++) {
          const outcome = outcomeOf(agent.client.query(`select email from customers where id = 10 + ${n}`));
          const id = await agent.heldId();
          await approve(other, id);
          const began = performance.now();
          expect(await within('the rows', outcome)).toEqual({ rows: 1 });
          tookMs.push(performance.now() - began);
          agent.forget();
        }
        // Some are noticed by luck; without any looking all of them would wait for the end of their time.
        expect(Math.max(...tookMs)).toBeLessThan(1_000);
        expect(Math.max(...tookMs)).toBeGreaterThan(50);
      } finally {
        await admin.call('ACL', 'SETUSER', 'default', 'allchannels');
        admin.disconnect();
      }
    },
  );

  test(
    'Redis dies in the middle of a hold: allowed work goes on, nothing is approved, and back again it is decided',
    { timeout: 90_000 },
    async () => {
      const [waiting, working] = [await agentAt(one), await agentAt(other)];
      const outcome = outcomeOf(waiting.client.query('select email from customers where id = 2'));
      const id = await waiting.heldId();
      await redis.stop();
      expect((await working.client.query('select id from customers')).rows.length).toBe(20);
      const refused = await outcomeOf(working.client.query('select email from customers where id = 3'));
      expect(refused).toMatchObject({ code: '42501', detail: expect.stringContaining('"UNAVAILABLE"') });
      await expect(approve(other, id)).rejects.toThrow('503');
      await waitFor('readyz to say so', async () =>
        (await (await fetch(`${other.http}/readyz`)).text()).includes('Redis ('),
      );
      redis = await startShared();
      await waitFor('a vote to be taken', () => approve(other, id).then(() => true), {
        withinMs: 20_000,
        everyMs: 100,
      });
      expect(await within('the rows', outcome, 20_000)).toEqual({ rows: 1 });
      const again = outcomeOf(working.client.query('select email from customers where id = 3'));
      await approve(one, await working.heldId());
      expect(await within('the rows', again)).toEqual({ rows: 1 });
    },
  );

  test(
    'the proxy of a waiting agent is killed: its peer goes on with the hold, and the retry there gets its rows',
    { timeout: 90_000 },
    async () => {
      const agent = await agentAt(one);
      const lost = outcomeOf(agent.client.query('select email from customers where id = 4'));
      const id = await agent.heldId();
      one.child.kill('SIGKILL');
      expect(await within('the agent to lose its connection', lost)).not.toHaveProperty('rows');
      const retry = await agentAt(other);
      const outcome = outcomeOf(retry.client.query('select email from customers where id = 4'));
      expect(await retry.heldId()).toBe(id);
      await approve(other, id);
      expect(await within('the rows', outcome)).toEqual({ rows: 1 });
      const released = recordsIn(other.auditDir).filter((record) => record.kind === 'released' && record.hold === id);
      expect(released.length).toBe(1);
      // What the dead one had recorded alone is in its folder, and no receipt without it: not from the proxy that lives.
      await expect(api(other, 'GET', `/api/holds/${id}/receipt`)).rejects.toThrow(
        /503 .*its beginning stands in the record of a proxy that does not answer/,
      );
      const dirs = [one, other].flatMap(({ auditDir }) => ['--dir', auditDir]);
      expect(JSON.parse(audit('receipt', id, ...dirs).stdout)).toMatchObject({
        hold: id,
        votes: [{ person: 'ben' }],
        released: [{}],
      });
    },
  );
});
