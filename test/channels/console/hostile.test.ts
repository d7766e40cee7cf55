// Goal: nothing that an agent writes, and nobody who is not who they say, changes what the console shows or does.
// Method: the whole program and real Chromium: hostile texts through SQL, reasons and names; forged forms; several people; a state
// that moves while somebody looks; axe-core on every page, in both colour schemes and on a phone.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { consoleInBrowser } from '../../support/console-in-browser.ts';
import { asAgent } from '../../support/held.ts';
import { waitFor } from '../../support/wait.ts';

const here = consoleInBrowser(() => ({
  agents: { 'hasty-bot': 'wait: 3s' },
  config: 'holds: { wait: 60s, pending: 0s }',
}));

const ask = (sql: string, applicationName?: string) => asAgent(here.stage.agentUrl, sql, applicationName);

const scripts = [
  '<script>window.harmed=1</script>',
  '<img src=x onerror="window.harmed=1">',
  '"><svg onload=window.harmed=1>',
  "' onmouseover='window.harmed=1",
  '</code></pre><script>window.harmed=1</script>',
  '</title><script>window.harmed=1</script>',
  'javascript:window.harmed=1',
  '&lt;script&gt;window.harmed=1&lt;/script&gt;',
  '\u202e\u2066reversed\u2069',
  '`${window.harmed=1}`',
];

/** Elements and attributes that no page of ours has. */
async function harmOf(page: Page): Promise<unknown> {
  // Ours has one script, from a file, and no handlers in attributes; what an agent wrote must not have made another.
  return page.evaluate(`({
    harmed: window.harmed,
    scripts: [...document.scripts].filter((one) => !/^\\/assets\\/console-[0-9a-f]+\\.js$/.test(one.getAttribute('src') ?? '')).length,
    handlers: [...document.querySelectorAll('*')].filter((one) => one.getAttributeNames().some((name) => name.startsWith('on'))).length,
    images: document.images.length,
    links: [...document.links].filter((one) => !one.href.startsWith(location.origin)).length,
  })`);
}
const noHarm = { harmed: undefined, scripts: 0, handlers: 0, images: 0, links: 0 };

describe('what agents write', () => {
  test('stays text, through statement, comment, reason and program name, on every page that shows it', async () => {
    const page = await here.signedIn('ben');
    const literal = scripts.map((text) => text.replaceAll("'", "''")).join(' ');
    const sql = `/* ${scripts.join(' ').replaceAll('*/', '')} */ select first_name as "${scripts[0]}" from customers where first_name = '${literal}'`;
    const asked = await ask(sql, scripts[1]);
    for (const path of [new URL(asked.page).pathname, '/inbox', '/agents', '/history?agent=report-bot']) {
      await page.goto(here.stage.origin + path);
      expect(await harmOf(page), path).toEqual(noHarm);
      expect(await page.content(), path).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
    }
    await page.goto(asked.page);
    await page.getByText('As it was sent, with comments').click();
    // As its code: of the character, or of its bytes where the text could not be read.
    expect(await page.locator('details pre').textContent()).toMatch(/\\u\{(?:202e|80)\}/);
    await page.getByLabel('Why not?').fill(scripts.join(' ').slice(0, 900));
    await page.getByRole('button', { name: 'Deny' }).click();
    await asked.refusal;
    await page
      .getByText(/^Denied by ben/)
      .first()
      .waitFor();
    expect(await harmOf(page)).toEqual(noHarm);
    await page.goto(
      `${here.stage.origin}/history?agent=${encodeURIComponent(scripts[0] ?? '')}&from=${encodeURIComponent(scripts[1] ?? '')}`,
    );
    await page.getByText(/from: a time in UTC/).waitFor();
    expect(await harmOf(page)).toEqual(noHarm);
  });
});

describe('forms', () => {
  test('are not taken without the session’s own token, nor from another site, nor without a session', async () => {
    const page = await here.signedIn('ben');
    const asked = await ask('select last_name from hr.employees limit 3');
    const [{ name = '', value = '' } = {}] = await page.context().cookies();
    await page.goto(asked.page);
    const form = (await page.locator('input[name=form]').first().getAttribute('value')) ?? '';
    const send = async (headers: Readonly<Record<string, string>>, body: Readonly<Record<string, string>>) => {
      const answer = await fetch(`${asked.page}/votes`, {
        method: 'POST',
        redirect: 'manual',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams({ vote: 'approve', terms: 'once', ...body }).toString(),
      });
      return answer.status;
    };
    const cookie = `${name}=${value}`;
    expect(await send({ cookie, origin: here.stage.origin }, {})).toBe(403);
    expect(await send({ cookie, origin: here.stage.origin }, { form: 'x' })).toBe(403);
    expect(await send({ cookie, origin: 'https://evil.example' }, { form })).toBe(403);
    expect(await send({ cookie, origin: 'null' }, { form })).toBe(403);
    expect(await send({ cookie, 'sec-fetch-site': 'cross-site' }, { form })).toBe(403);
    expect(await send({ cookie: `${cookie}x`, origin: here.stage.origin }, { form })).toBe(303);
    expect(await send({ origin: here.stage.origin }, { form })).toBe(303);
    await page.reload();
    await page.getByText('people-office: 0 of 1').waitFor();
    expect(await send({ cookie, origin: here.stage.origin }, { form })).toBe(303);
    expect(await asked.rows).toHaveLength(3);
  });

  test('say in their headers that no site may frame them, and that nothing from elsewhere runs', async () => {
    const { headers } = await fetch(`${here.stage.origin}/sign-in`);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('sign somebody in by a link once, and never by a made-up one', async () => {
    const link = await here.stage.proxy.consoleLink('ben');
    const token = new URL(link).searchParams.get('t') ?? '';
    const enter = async (t: string) => {
      const body = new URLSearchParams({ t }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: here.stage.origin };
      const answer = await fetch(`${here.stage.origin}/enter`, { method: 'POST', redirect: 'manual', headers, body });
      return { status: answer.status, cookie: answer.headers.get('set-cookie') };
    };
    // A preview that opens the link uses nothing up.
    expect((await fetch(link)).status).toBe(200);
    const first = await enter(token);
    expect(first.status).toBe(303);
    expect(first.cookie).toMatch(/^countersign=.*HttpOnly; SameSite=Lax$/);
    expect((await enter(token)).status).toBe(401);
    expect(
      (await enter(`${Buffer.from('["cem",9999999999999,"n"]').toString('base64url')}.${token.split('.')[1] ?? ''}`))
        .status,
    ).toBe(401);
    const session = first.cookie?.split(';')[0] ?? '';
    expect((await fetch(`${here.stage.origin}/inbox`, { headers: { cookie: session } })).status).toBe(200);
    // A session is no link, and a link no session.
    expect((await enter(session.split('=')[1] ?? '')).status).toBe(401);
    expect(
      (await fetch(`${here.stage.origin}/inbox`, { headers: { cookie: `countersign=${token}` }, redirect: 'manual' }))
        .status,
    ).toBe(303);
  });
});

describe('people', () => {
  test('two of them are needed where the level says two, and each sees the other’s vote come', async () => {
    const [ben, cem] = await Promise.all([here.signedIn('ben'), here.signedIn('cem')]);
    const asked = await ask('select email from customers where id = 7');
    await Promise.all([ben.goto(asked.page), cem.goto(asked.page)]);
    await ben.getByRole('button', { name: 'Approve' }).click();
    await ben.getByText('It takes more people to settle this').waitFor();
    await cem.getByText(/security: 1 of 2 \(ben/).waitFor();
    await cem.getByRole('button', { name: 'Approve' }).click();
    expect(await asked.rows).toHaveLength(1);
    await ben
      .getByText(/Approved by ben and cem/)
      .first()
      .waitFor();
  });

  test('see a hold expire while they look, and are told so when they vote too late', async () => {
    const page = await here.signedIn('ben');
    const asked = await asAgent(here.stage.urlOf('hasty-bot'), 'select last_name from hr.employees limit 4');
    await page.goto(asked.page);
    await asked.refusal;
    await page.getByText('Expired: nobody decided in time').first().waitFor();
    await waitFor('the forms to go', async () => (await page.getByRole('button', { name: 'Approve' }).count()) === 0);
  });

  test('are told when the connection is lost, and see what came meanwhile when it is back', async () => {
    const page = await here.signedIn('ben');
    await page.context().setOffline(true);
    await page.evaluate('dispatchEvent(new Event("online"))');
    await page.getByText('No connection to Countersign').waitFor();
    const asked = await ask('select last_name from hr.employees limit 5');
    await page.context().setOffline(false);
    await page.evaluate('dispatchEvent(new Event("online"))');
    await page
      .getByRole('link', { name: /^report-bot wants/ })
      .first()
      .waitFor();
    await waitFor('the warning to go', async () => !(await page.getByText('No connection to Countersign').isVisible()));
    // The next test looks at who waits.
    await page.goto(asked.page);
    await page.getByRole('button', { name: 'Approve' }).click();
    expect(await asked.rows).toHaveLength(5);
  });

  test('end a session only as operators, and the agent is told as Postgres would', async () => {
    const asked = await ask('select last_name from hr.employees limit 6');
    const other = await here.signedIn('cem');
    await other.goto(`${here.stage.origin}/agents`);
    await other.getByText('waiting for people').waitFor();
    expect(await other.getByRole('button', { name: /^End session/ }).count()).toBe(0);
    const page = await here.signedIn('ben');
    await page.goto(`${here.stage.origin}/agents`);
    await page
      .getByRole('button', { name: /^End session/ })
      .first()
      .click();
    await page.getByText('The session is ended').waitFor();
    expect((await asked.refusal).code).toBe('57P01');
    await page.goto(`${here.stage.origin}/history?kind=operator`);
    await page.getByText(/ben ends session s_\w+ of report-bot at the console/).waitFor();
  });
});

test('more rows for a budget are given on the agents’ page by those who decide about its levels, and never by its owner', async () => {
  const other = await here.signedIn('ana');
  await other.goto(`${here.stage.origin}/agents`);
  await other
    .getByText(/of 500 rows of confidential\+ in 1d/)
    .first()
    .waitFor();
  expect(await other.getByText('Let it read more').count()).toBe(0);
  const form = await other.locator('input[name=form]').first().inputValue();
  const forged = await other.request.post(`${here.stage.origin}/agents/report-bot/budgets`, {
    form: { form, level: 'confidential+', per: '1d', rows: '1000000' },
  });
  expect(forged.status()).toBe(403);
  const page = await here.signedIn('ben');
  await page.goto(`${here.stage.origin}/agents`);
  const agent = page.locator('section.agent', { has: page.getByRole('heading', { name: 'report-bot' }) });
  await agent.getByText('Let it read more').click();
  await agent.getByLabel('rows').fill('250');
  await agent.getByLabel('why').fill('<b>quarter’s end</b>');
  await agent.getByRole('button', { name: 'Add' }).click();
  await page.getByText(/It may read more|Counted\./).waitFor();
});

describe('everybody', { timeout: 180_000 }, () => {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const looks = [
    { name: 'light', options: { colorScheme: 'light' } },
    { name: 'dark', options: { colorScheme: 'dark' } },
    { name: 'phone', options: { viewport: { width: 390, height: 844 } } },
  ] as const;

  test.each(looks)('can read and use every page: axe finds nothing serious ($name)', async ({ options }) => {
    const page = await here.signedIn('ben', { ...options, bypassCSP: true });
    const asked = await ask(
      `select email, first_name from customers where id = ${looks.findIndex((one) => one.options === options) + 50}`,
    );
    const paths = [
      new URL(asked.page).pathname,
      '/inbox',
      '/history',
      '/history?agent=report-bot',
      '/catalog',
      '/agents',
      '/health',
      '/sign-in',
      '/passkeys',
      '/passkeys?done=added',
      '/enter?t=x',
      '/holds/h_none',
    ];
    const found: string[] = [];
    for (const path of paths) {
      await page.goto(here.stage.origin + path);
      for (const details of await page.locator('details').all())
        await details.evaluate('(one) => { one.open = true; }');
      await page.evaluate(axe);
      const { violations } = await page.evaluate<{
        violations: { id: string; impact: string; nodes: { html: string }[] }[];
      }>('axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"] })');
      for (const { id, impact, nodes } of violations) {
        if (impact === 'serious' || impact === 'critical')
          found.push(`${path}: ${id}: ${nodes[0]?.html.slice(0, 200) ?? ''}`);
      }
      const isWide = await page.evaluate('document.documentElement.scrollWidth > innerWidth + 1');
      if (isWide === true) found.push(`${path}: wider than the window`);
    }
    expect(found).toEqual([]);
  });
});
