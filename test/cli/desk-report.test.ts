// Goal: the record of the real desk is evidence: what agents asked and people decided over the wire stands in search, report and receipts,
// and somebody with nothing but openssl and Python can check it, also against a checkpoint that was kept elsewhere.
// Method: `serve` before a real Postgres; agents by the pg driver, approvers over HTTP; then the auditor's commands on a copy of the files.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { serve, type RunningProxy } from '../../src/cli/serve.ts';
import { configFromText } from '../../src/core/config.ts';
import { silentLog } from '../../src/core/log.ts';
import { mistakeText } from '../../src/core/place.ts';
import { makeVerifier } from '../../src/wire/scram.ts';
import { recordsIn } from '../audit/fixtures.ts';
import { asAgent } from '../support/held.ts';
import { startPostgres } from '../support/postgres.ts';
import { gateUrl, layRules, shopFill, shopRules } from '../support/small-shop.ts';
import { waitFor, within } from '../support/wait.ts';
import { aFolder } from '../support/folders.ts';

let folder: string;
/** A copy of the record, and a checkpoint that was kept elsewhere before it ended. */
let copy: string;
let kept: string;
const holds: Record<'released' | 'denied' | 'ofAna', string> = { released: '', denied: '', ofAna: '' };

beforeAll(async () => {
  const postgres = await startPostgres({ fill: shopFill() });
  folder = aFolder();
  layRules(folder, shopRules({ approvers: ['ana', 'ben', 'cleo'], quorum: 2 }));
  const text = `listen: 127.0.0.1:0
http: { listen: "127.0.0.1:0" }
databases: { shop: { url: "${gateUrl(postgres.port)}" } }
agents:
  bot: { password: bot-password, owner: mia, databases: [shop] }
  anas: { password: bot-password, owner: ana, databases: [shop] }
`;
  const loaded = await configFromText(join(folder, 'countersign.yaml'), text, { env: {}, makeVerifier });
  if (loaded.kind === 'bad') throw new Error(loaded.mistakes.map(mistakeText).join('\n'));
  const proxy = await serve(loaded.value, { log: silentLog });
  try {
    await story(proxy);
  } finally {
    await proxy.stop('now');
    await postgres.stop();
  }
  writeFileSync(join(folder, 'countersign.yaml'), text);
  copy = aFolder();
  cpSync(join(folder, 'audit'), copy, { recursive: true });
}, 120_000);

async function story(proxy: RunningProxy): Promise<void> {
  const http = `http://${proxy.httpAddress.address}:${proxy.httpAddress.port}`;
  const api = async (path: string, body: object, token: string): Promise<Response> =>
    await fetch(`${http}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer token-of-${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const vote = async (hold: string, by: string, body: object): Promise<number> =>
    (await api(`/api/holds/${hold}/votes`, body, by)).status;
  const url = (agent: string): string =>
    `postgres://${agent}:bot-password@${proxy.address.address}:${proxy.address.port}/shop`;
  const openHold = async (): Promise<string> =>
    await waitFor('the hold', async () => {
      const headers = { authorization: 'Bearer token-of-ben' };
      const answer = await fetch(`${http}/api/holds?state=open`, { headers });
      return ((await answer.json()) as { holds: { id: string }[] }).holds[0]?.id;
    });

  await waitFor(
    'the proxy to understand statements',
    async () => {
      const answer = await api(
        '/api/explain',
        { agent: 'bot', database: 'shop', sql: 'select email from customers' },
        'ben',
      );
      const { statements } = (await answer.json()) as { statements: { unknowns: unknown[] }[] };
      return statements[0]?.unknowns.length === 0;
    },
    { withinMs: 30_000 },
  );
  const released = await asAgent(url('bot'), "select id from customers where email like 'c1%'");
  holds.released = await openHold();
  expect(await vote(holds.released, 'ben', { vote: 'approve', reason: 'for the audit' })).toBe(200);
  expect(await vote(holds.released, 'cleo', { vote: 'approve' })).toBe(200);
  expect(await within('rows', released.rows)).toHaveLength(11);

  const denied = await asAgent(url('bot'), 'select email from customers');
  holds.denied = await openHold();
  expect(await vote(holds.denied, 'cleo', { vote: 'deny', reason: 'count them instead' })).toBe(200);
  await within('the refusal', denied.refusal);
  const kept0 = await waitFor('a checkpoint', () => headOver(join(folder, 'audit'), holds.denied));

  // The owner of the agent is an approver, and may not decide about it.
  const ofAna = await asAgent(url('anas'), 'select email from customers where id = 7');
  holds.ofAna = await openHold();
  expect(await vote(holds.ofAna, 'ana', { vote: 'approve' })).toBe(403);
  expect(await vote(holds.ofAna, 'ben', { vote: 'approve' })).toBe(200);
  expect(await vote(holds.ofAna, 'cleo', { vote: 'approve' })).toBe(200);
  await within('rows', ofAna.rows);
  await expect(asAgent(url('bot'), 'select pin from customers')).rejects.toThrow('refused: reads customers.pin');
  kept = kept0;
}

/** The newest checkpoint, once it speaks for that hold's records. */
function headOver(dir: string, hold: string): string | undefined {
  const last = recordsIn(dir).findLast((record) => 'hold' in record && record.hold === hold)?.seq ?? Infinity;
  const note = readFileSync(join(dir, 'head.note'), 'utf8');
  return Number(/^records (\d+)$/m.exec(note)?.[1] ?? 0) > last ? note : undefined;
}

async function audit(
  ...args: readonly string[]
): Promise<{ readonly out: string; readonly err: string; readonly code: number }> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(['audit', ...args], { out: (line) => out.push(line), err: (line) => err.push(line), env: {} });
  return { out: out.join('\n'), err: err.join('\n'), code };
}

describe('what the real desk recorded', () => {
  test('is whole, also against a checkpoint that was kept elsewhere; a missing end is seen', async () => {
    const elsewhere = join(aFolder(), 'kept.note');
    writeFileSync(elsewhere, kept);
    expect(await audit('verify', '--dir', copy, '--checkpoint', elsewhere)).toMatchObject({ code: 0 });
    const shorter = aFolder();
    cpSync(copy, shorter, { recursive: true });
    const segment = join(shorter, 'segment-00000001.jsonl');
    const lines = readFileSync(segment, 'utf8').split('\n');
    writeFileSync(segment, `${lines.slice(0, 3).join('\n')}\n`);
    // With its own checkpoints gone too, nothing in the folder says that there was more.
    for (const name of readdirSync(shorter)) if (name.includes('.note')) rmSync(join(shorter, name));
    const { code, err } = await audit('verify', '--dir', shorter, '--checkpoint', elsewhere);
    expect(code).toBe(1);
    expect(err).toMatch(/missing/);
  });

  test('is found by agent, person, column, level, verdict and time', async () => {
    const found = async (...flags: readonly string[]): Promise<readonly { kind: string; hold?: string }[]> => {
      const { out, code } = await audit('search', '--dir', copy, '--json', ...flags);
      expect(code).toBe(0);
      return out === '' ? [] : out.split('\n').map((line) => JSON.parse(line) as { kind: string; hold?: string });
    };
    expect((await found('--agent', 'anas', '--kind', 'held')).map(({ hold }) => hold)).toEqual([holds.ofAna]);
    expect(new Set((await found('--person', 'ben', '--kind', 'voted')).map(({ hold }) => hold))).toEqual(
      new Set([holds.released, holds.ofAna]),
    );
    expect(
      (await found('--column', 'customers.email', '--verdict', 'denied')).some(({ hold }) => hold === holds.denied),
    ).toBe(true);
    expect((await found('--level', 'secret', '--verdict', 'deny')).map(({ kind }) => kind)).toEqual(['judged']);
    expect(await found('--from', '2999')).toEqual([]);
    const first = await audit('search', '--dir', copy, '--limit', '2', '--json');
    const before = /--before (\d+) the next/.exec(first.err)?.[1] ?? '';
    const next = await audit('search', '--dir', copy, '--limit', '2', '--json', '--before', before);
    expect(next.out).not.toBe('');
    expect(next.out.split('\n').filter((line) => first.out.includes(line))).toEqual([]);
  });

  test('makes a report: every hold with its receipt, nobody decided about their own agent, nothing unexplained', async () => {
    const out = join(aFolder(), 'evidence');
    expect(await audit('report', '--dir', copy, '--out', out)).toMatchObject({ code: 0 });
    const html = readFileSync(`${out}.html`, 'utf8');
    const rows = readFileSync(`${out}.csv`, 'utf8').trim().split('\r\n');
    expect(rows).toHaveLength(4);
    expect(rows.find((row) => row.startsWith(holds.released))).toMatch(/,approved,.*"?ben[ ;,]+cleo"?,1,11$/);
    expect(rows.find((row) => row.startsWith(holds.denied))).toContain(',denied,');
    expect(html).toContain('No owner of an agent voted');
    expect(html).not.toMatch(
      /which was not approved before|without a vote of theirs|was no approver then|its level wants/,
    );
    expect(html).toMatch(/<td>level restricted: security<\/td><td>2<\/td><td>ana, ben, cleo<\/td>/);
    expect(html).toContain('are whole, under head');
    expect(html).toMatch(/shop: 100 % of 1 tables and 100 % of 3 columns are classified/);
    expect([...html.matchAll(/<pre>/g)]).toHaveLength(3);
    expect(html).not.toMatch(/c1%|example\.com|<script/);
  });

  test.each(['released', 'denied', 'ofAna'] as const)(
    'gives a receipt of the hold that was %s, genuine by the key alone and by openssl and Python',
    async (which) => {
      const cwd = aFolder();
      const file = join(cwd, 'receipt.json');
      expect(await audit('receipt', holds[which], '--dir', copy, '--proof', '--out', file)).toMatchObject({ code: 0 });
      copyFileSync(join(copy, 'key.pub'), join(cwd, 'key.pub'));
      const verified = await audit('verify', file, '--key', join(cwd, 'key.pub'), '--dir', aFolder());
      expect(verified.out).toMatch(/genuine by signature and checkpoint$/);
      const guide = readFileSync(new URL('../../docs/audit.md', import.meta.url), 'utf8');
      const code = (language: string): string =>
        new RegExp(`## Receipts[^]*?\`\`\`${language}\\n([^]*?)\`\`\``).exec(guide)?.[1] ?? '';
      const said = execFileSync('python3', ['-'], { cwd, input: code('python'), encoding: 'utf8' });
      expect(said).toContain(`${holds[which]} ${which === 'denied' ? 'denied' : 'approved'} by`);
      expect(execFileSync('sh', ['-ec', code('sh')], { cwd, encoding: 'utf8' })).toContain(
        'Signature Verified Successfully',
      );
      const receipt = JSON.parse(readFileSync(file, 'utf8')) as { votes: object[]; released: { outcome: object }[] };
      if (which === 'released') {
        expect(receipt.votes).toMatchObject([
          { person: 'ben', vote: 'approve', channel: 'api', reason: 'for the audit' },
          { person: 'cleo', vote: 'approve', channel: 'api' },
        ]);
        expect(receipt.released).toMatchObject([{ outcome: { rows: 11 } }]);
      }
    },
  );
});
