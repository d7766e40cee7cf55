// Goal: who runs the proxy gets a new sign-in link, and nobody else; and several consoles on one state are one: what one signs the other
// takes, who signs out at one is out at all.
// Method: two whole programs on a real Redis; the command as people run it; forms and links over plain HTTP.
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linkDeskPath, linkProof } from '../../../src/channels/console/link-desk.ts';
import { run } from '../../../src/cli/program.ts';
import { readConsoleKey } from '../../../src/cli/console-key.ts';
import { recordsIn } from '../../audit/fixtures.ts';
import { startConsole, type ConsoleStage } from '../../support/console.ts';
import { asAgent } from '../../support/held.ts';
import { freePort } from '../../support/ports.ts';
import { startRedis, type TestRedis } from '../../support/redis.ts';
import { waitFor } from '../../support/wait.ts';

let redis: TestRedis;
let [one, other]: ConsoleStage[] = [];

beforeAll(async () => {
  const port = await freePort();
  redis = await startRedis({ port });
  const config = `state: "redis://127.0.0.1:${port}"`;
  // Somebody whom no quorum needs, so that the files without them are still good.
  const classification = (folder: string): void =>
    appendFileSync(join(folder, 'approvers.yaml'), '  eva: { email: eva@example.com, groups: [operators] }\n');
  [one, other] = await Promise.all([startConsole({ config, classification }), startConsole({ config })]);
}, 120_000);
afterAll(async () => {
  await Promise.all([one?.stop(), other?.stop()]);
  await redis?.stop();
});

function stageOf(stage: ConsoleStage | undefined): ConsoleStage {
  if (stage === undefined) throw new Error('the console did not start');
  return stage;
}

interface Ran {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

async function ran(...args: readonly string[]): Promise<Ran> {
  const [out, err]: string[][] = [[], []];
  const code = await run(args, { out: (line) => out?.push(line), err: (line) => err?.push(line), env: {} });
  return { code, out: out ?? [], err: err ?? [] };
}

const auditOf = (stage: ConsoleStage): string => join(stage.folder, 'audit');

/** Uses a link as its page's form does; gives the session's cookie. */
async function entered(link: string, at = new URL(link).origin): Promise<string> {
  const body = new URLSearchParams({ t: new URL(link).searchParams.get('t') ?? '' });
  const answer = await fetch(`${at}/enter`, { method: 'POST', body, redirect: 'manual' });
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

/** Whether a page is shown, and not the way to signing in. */
async function isIn(stage: ConsoleStage, cookie: string): Promise<boolean> {
  const answer = await fetch(`${stage.origin}/inbox`, { headers: { cookie }, redirect: 'manual' });
  return answer.status === 200;
}

describe('countersign console-link', () => {
  test('prints a link that signs its person in once, and is on the record', async () => {
    const stage = stageOf(one);
    const { code, out } = await ran('console-link', 'cem', '--dir', auditOf(stage));
    expect(code).toBe(0);
    const [link = ''] = out;
    expect(link.startsWith(`${stage.origin}/enter?t=`)).toBe(true);
    const page = await (await fetch(link)).text();
    expect(page).toContain('Sign in as cem');
    const cookie = await entered(link);
    expect(await isIn(stage, cookie)).toBe(true);
    expect(await entered(link)).toBe('');
    const words = recordsIn(auditOf(stage)).map((record) => ('words' in record ? record.words : ''));
    expect(words).toContain('a sign-in link for cem is given to the operator of this machine');
  });

  test('says what is wrong in one line', async () => {
    const dir = auditOf(stageOf(one));
    expect(await ran('console-link', 'mallory', '--dir', dir)).toMatchObject({
      code: 1,
      err: ['countersign: mallory is no approver; there are ana, ben, cem, dora, eva'],
    });
    const { err } = await ran('console-link', 'ben', '--dir', join(dir, 'nowhere'));
    expect(err.join()).toContain('no proxy is running here');
    expect((await ran('console-link', '--dir', dir)).code).toBe(2);
  });

  test('is of the proxy’s own user alone, and believes no other key, no old asking and none twice', async () => {
    const stage = stageOf(one);
    const file = join(auditOf(stage), 'console.key');
    expect(statSync(file).mode & 0o077).toBe(0);
    const found = readConsoleKey(auditOf(stage));
    if (found === undefined) throw new Error('no key');
    const ask = { person: 'ben', at: Date.now(), nonce: 'a'.repeat(24) };
    const right = { ...ask, proof: linkProof(found.key, ask) };
    const old = { ...ask, at: ask.at - 120_000 };
    const bodies: readonly (readonly [unknown, number])[] = [
      [{ ...ask, proof: linkProof(Buffer.alloc(32), ask) }, 403],
      [{ ...right, person: 'cem' }, 403],
      [{ ...old, proof: linkProof(found.key, old) }, 403],
      [{ ...right, more: 1 }, 400],
      ['nonsense', 400],
      [right, 200],
      [right, 403],
    ];
    for (const [body, status] of bodies) {
      const answer = await fetch(found.url + linkDeskPath, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(body),
      });
      expect(answer.status, JSON.stringify(body)).toBe(status);
    }
  });
});

describe('two consoles on one state', () => {
  test('take each other’s links and sessions, and a sign-out at one is one at both', async () => {
    const [a, b] = [stageOf(one), stageOf(other)];
    const link = await a.proxy.consoleLink('ben');
    const cookie = await entered(link, b.origin);
    expect([await isIn(a, cookie), await isIn(b, cookie)]).toEqual([true, true]);
    // Used at one, it is used at both.
    expect(await entered(link, a.origin)).toBe('');
    const page = await (await fetch(`${a.origin}/inbox`, { headers: { cookie } })).text();
    const form = /name="form" value="([^"]+)"/.exec(page)?.[1] ?? '';
    const out = await fetch(`${b.origin}/sign-out`, {
      method: 'POST',
      headers: { cookie },
      body: new URLSearchParams({ form }),
      redirect: 'manual',
    });
    expect(out.status).toBe(303);
    expect([await isIn(a, cookie), await isIn(b, cookie)]).toEqual([false, false]);
  });

  test('let nobody stay who is taken out of the files', async () => {
    const stage = stageOf(one);
    const cookie = await entered(await stage.proxy.consoleLink('eva'));
    expect(await isIn(stage, cookie)).toBe(true);
    const file = join(stage.folder, 'classification', 'approvers.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^ {2}eva: .*$/m, ''));
    await stage.proxy.reload();
    await waitFor('eva to be out', async () => !(await isIn(stage, cookie)));
  });

  test('show each other’s sessions, and end them', async () => {
    const [a, b] = [stageOf(one), stageOf(other)];
    const asked = await asAgent(a.agentUrl, 'select name from hr.directory limit 2', 'elsewhere');
    const cookie = await entered(await b.proxy.consoleLink('ben'));
    const page = async (): Promise<string> => (await fetch(`${b.origin}/agents`, { headers: { cookie } })).text();
    await waitFor('the session at the other console', async () => (await page()).includes('elsewhere'));
    const shown = await page();
    const form = /name="form" value="([^"]+)"/.exec(shown)?.[1] ?? '';
    const id = /End session (s_\w+)/.exec(shown)?.[1] ?? '';
    const ended = await fetch(`${b.origin}/agents/sessions/${id}/end`, {
      method: 'POST',
      headers: { cookie },
      body: new URLSearchParams({ form }),
      redirect: 'manual',
    });
    expect(ended.headers.get('location')).toBe('/agents?ended=1');
    expect((await asked.refusal).code).toBe('57P01');
    await waitFor('it to be gone', async () => !(await page()).includes('elsewhere'));
  });
});
