// Goal: people come in by their identity provider, as who they are there, and nobody else does, whatever comes back from it.
// Method: the whole program and real Chromium before a real small provider on loopback, which lies on demand.
import type { Page } from 'playwright-core';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startConsole } from '../../support/console.ts';
import { consoleInBrowser } from '../../support/console-in-browser.ts';
import { asAgent } from '../../support/held.ts';
import { startOidcProvider, type Lie, type OidcProvider, type ProviderPerson } from '../../support/oidc-provider.ts';

let provider: OidcProvider;
const here = consoleInBrowser(async () => {
  provider = await startOidcProvider();
  const http = `, oidc: { issuer: "${provider.issuer}", client_id: ${provider.clientId}, client_secret: ${JSON.stringify(provider.clientSecret)}, name: Example, groups: { idp-people: people-office, idp-ops: operators } }`;
  return { http, config: 'holds: { wait: 60s }' };
});
afterAll(() => provider?.stop());
beforeEach(() => {
  provider.lie = undefined;
  provider.tells = 'in the token';
});

const ben: ProviderPerson = { sub: 'sub-ben', email: 'ben@example.com', email_verified: true };
const dora: ProviderPerson = {
  sub: 'sub-dora',
  email: 'dora@example.com',
  email_verified: true,
  groups: ['idp-people'],
};

/** From a page that wants somebody signed in, to the provider, and back. */
async function comeBack(person: ProviderPerson, wanted = '/inbox'): Promise<Page> {
  provider.people = [person];
  const page = await (await here.browser.newContext()).newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(here.stage.origin + wanted);
  await page.getByRole('link', { name: 'Sign in with Example' }).click();
  if (provider.lie !== 'denies') await page.getByRole('link', { name: person.sub }).click();
  return page;
}

const pathOf = (page: Page): string => new URL(page.url()).pathname;

describe('somebody whom the provider vouches for', () => {
  test('comes in, and back to where they wanted to go', async () => {
    const page = await comeBack(ben, '/agents?x=1');
    await page.getByRole('heading', { name: 'Agents' }).waitFor();
    expect(new URL(page.url()).search).toBe('?x=1');
    await page.getByText('Signed in as ben').waitFor();
  });

  test('is known by what userinfo says, where the token says only who it is', async () => {
    provider.tells = 'at userinfo';
    await (await comeBack(ben)).getByText('Signed in as ben').waitFor();
  });

  test('decides for a group that only the provider says they are in, and the record says so', async () => {
    const asked = await asAgent(here.stage.agentUrl, 'select name from hr.directory limit 2');
    // By the files she is in no group that is asked.
    const other = await comeBack({ ...dora, groups: ['people-office'] }, new URL(asked.page).pathname);
    await other.getByText('Not yours to decide').waitFor();
    const page = await comeBack(dora, new URL(asked.page).pathname);
    await page.getByRole('button', { name: 'Approve' }).click();
    expect(await asked.rows).toHaveLength(2);
    await page.goto(`${here.stage.origin}/history?person=dora`);
    await page.getByText('dora').first().waitFor();
  });

  test('signs out here, and finds the way out of the provider', async () => {
    const page = await comeBack(ben);
    await page.getByText('Signed in as ben').waitFor();
    // The session is over before the answer is there, and a page that looks again just then must not take its place.
    const looked = new Promise<void>((settle) => void page.exposeFunction('looked', settle));
    await page.evaluate(`(() => {
      const real = window.fetch;
      window.fetch = async (...request) => {
        const answer = await real(...request);
        if (answer.type === 'opaqueredirect') setTimeout(window.looked, 0);
        return answer;
      };
      setInterval(() => dispatchEvent(new Event('online')), 150);
    })()`);
    await page.route('**/sign-out', async (route) => {
      const answer = await route.fetch({ maxRedirects: 0 });
      await looked;
      await route.fulfill({ response: answer });
    });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: 'Sign out at Example too' }).click();
    await page.getByText('Signed out at the provider').waitFor();
    const asked = new URLSearchParams(provider.signedOut.at(-1));
    expect(asked.get('post_logout_redirect_uri')).toBe(`${here.stage.origin}/sign-in`);
    await page.goto(`${here.stage.origin}/inbox`);
    expect(pathOf(page)).toBe('/sign-in');
  });
});

const strangers: readonly (readonly [string, ProviderPerson, string])[] = [
  ['an unverified address', { ...ben, email_verified: false }, 'does not vouch for your address'],
  ['an address that is verified by a word', { ...ben, email_verified: 'true' }, 'does not vouch for your address'],
  ['no address', { sub: 'sub-ben' }, 'names no e-mail address'],
  ['an address of nobody', { ...ben, email: 'eve@example.com' }, 'is no approver’s address'],
  [
    'an address that is markup',
    { ...ben, email: '<img src=x onerror=alert(1)>@example.com' },
    'is no approver’s address',
  ],
];

describe('nobody comes in with', () => {
  test.each(strangers)('%s', async (_, person, words) => {
    const page = await comeBack(person);
    await page.getByRole('heading', { name: 'You are not known here' }).or(page.getByText(words)).first().waitFor();
    expect(await page.getByText(words).count()).toBe(1);
    expect(await page.locator('img').count()).toBe(0);
    await page.goto(`${here.stage.origin}/inbox`);
    expect(pathOf(page)).toBe('/sign-in');
  });

  const lies: readonly (readonly [Lie, RegExp])[] = [
    ['nonce', /does not fit/],
    ['issuer', /does not fit/],
    ['audience', /does not fit/],
    ['key', /does not fit/],
    ['none', /does not fit/],
    ['expired', /does not fit/],
    ['state', /does not fit/],
    ['denies', /said no \(access_denied\)/],
  ];
  test.each(lies)('an answer that lies: %s', async (lie, words) => {
    provider.lie = lie;
    const page = await comeBack(ben);
    await page.getByText(words).waitFor();
    await page.goto(`${here.stage.origin}/inbox`);
    expect(pathOf(page)).toBe('/sign-in');
  });

  test('a link that somebody else has begun', async () => {
    provider.people = [ben];
    const thief = await (await here.browser.newContext()).newPage();
    await thief.goto(`${here.stage.origin}/sign-in/oidc`);
    const link = await thief.getByRole('link', { name: ben.sub }).getAttribute('href');
    const victim = await (await here.browser.newContext()).newPage();
    await victim.goto(link ?? '');
    await victim.getByText('not begun in this browser').waitFor();
    // Nor is a code good twice, even where it was begun.
    await thief.goto(link ?? '');
    await thief.getByText('Signed in as ben').waitFor();
    await thief.goto(link ?? '');
    await thief.getByText('not begun in this browser').waitFor();
  });

  test('a provider that is away, which is said', async () => {
    const other = await startConsole({
      http: ', oidc: { issuer: "http://127.0.0.1:1", client_id: x, name: Gone }',
    });
    try {
      const page = await (await here.browser.newContext()).newPage();
      await page.goto(`${other.origin}/sign-in`);
      await page.getByRole('link', { name: 'Sign in with Gone' }).click();
      await page.getByText('does not answer').waitFor();
      // The other ways in are there.
      await page.getByRole('link', { name: 'Back to signing in' }).click();
      await page.getByLabel('Your approver’s token').waitFor();
    } finally {
      await other.stop();
    }
  });
});
