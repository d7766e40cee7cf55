// Goal: whoever floods the http port without a sign-in keeps nobody who is signed in from deciding, though both come from one address.
// Method: the whole program with a low limit; requests and a form over plain HTTP, as behind one reverse proxy.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startConsole, type ConsoleStage } from '../../support/console.ts';
import { asAgent } from '../../support/held.ts';

let started: ConsoleStage | undefined;
beforeAll(async () => (started = await startConsole({ requestsMax: 40 })), 120_000);
afterAll(async () => await started?.stop());

function stageOf(): ConsoleStage {
  if (started === undefined) throw new Error('the console did not start');
  return started;
}

async function cookieOf(person: string): Promise<string> {
  const link = await stageOf().proxy.consoleLink(person);
  const body = new URLSearchParams({ t: new URL(link).searchParams.get('t') ?? '' });
  const answer = await fetch(`${stageOf().origin}/enter`, { method: 'POST', body, redirect: 'manual' });
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

const status = async (path: string, cookie?: string): Promise<number> => {
  const headers = cookie === undefined ? {} : { cookie };
  return (await fetch(stageOf().origin + path, { headers, redirect: 'manual' })).status;
};

test('who is signed in denies while others flood; a made-up session, and one person’s flood, are counted', async () => {
  const [ben, cleo] = [await cookieOf('ben'), await cookieOf('ana')];
  const asked = await asAgent(stageOf().agentUrl, 'select last_name from hr.employees limit 3');
  const path = new URL(asked.page).pathname;
  const forged = `${ben.slice(0, -4)}AAAA`;
  const flood = await Promise.all(
    Array.from({ length: 120 }, (_, n) => status('/sign-in', n % 2 === 0 ? undefined : forged)),
  );
  expect(flood.filter((one) => one === 429).length).toBeGreaterThan(70);
  expect(await status('/inbox', forged)).toBe(429);
  expect(await status('/inbox', ben)).toBe(200);
  const page = await (await fetch(stageOf().origin + path, { headers: { cookie: ben } })).text();
  const form = /name="form" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const body = new URLSearchParams({ vote: 'deny', reason: 'too much', form });
  const headers = { cookie: ben, origin: stageOf().origin };
  const answer = await fetch(`${asked.page}/votes`, { method: 'POST', headers, body, redirect: 'manual' });
  expect(answer.status).toBe(303);
  expect(String(await asked.refusal)).toContain('too much');
  // Their own flood is theirs alone.
  const own = await Promise.all(Array.from({ length: 60 }, () => status('/health', ben)));
  expect(own.filter((one) => one === 429).length).toBeGreaterThan(15);
  expect(await status('/inbox', cleo)).toBe(200);
}, 60_000);
