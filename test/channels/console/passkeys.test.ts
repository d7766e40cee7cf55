// Goal: a level that demands a passkey is approved by nobody's word but that of the approver's own authenticator, and anybody can check it.
// Method: the whole program and real Chromium with its virtual authenticator; forged, borrowed and replayed answers; the receipt offline.
import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CDPSession, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { holdOf as holdRecords } from '../../../src/audit/hold-records.ts';
import { JointSearch } from '../../../src/audit/joint-search.ts';
import { checkReceipt } from '../../../src/audit/receipt-check.ts';
import { receiptOf } from '../../../src/audit/receipts.ts';
import { existingSigner } from '../../../src/audit/keys.ts';
import { consoleInBrowser } from '../../support/console-in-browser.ts';
import { asAgent } from '../../support/held.ts';

const token = 'a-token-of-bens';

const classification = (folder: string): void => {
  const edit = (name: string, from: string | RegExp, to: string): void => {
    const file = join(folder, name);
    const before = readFileSync(file, 'utf8');
    const after = before.replace(from, to);
    if (after === before) throw new Error(`${name} is not as expected`);
    writeFileSync(file, after);
  };
  const hash = createHash('sha256').update(token).digest('hex');
  edit('approvers.yaml', 'slack: U02BEN,', `slack: U02BEN, token_sha256: ${hash},`);
  edit('taxonomy.yaml', 'name: confidential,', 'name: confidential, step_up: passkey,');
};
const here = consoleInBrowser(() => ({ host: 'localhost', classification, config: 'holds: { wait: 60s }' }));

const ask = (sql: string) => asAgent(here.stage.agentUrl, sql);

interface Device {
  readonly cdp: CDPSession;
  readonly id: string;
}

const device = {
  protocol: 'ctap2',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
} as const;

/** An authenticator as in a laptop: it asks for a finger, and gets the right one. */
async function withDevice(page: Page, finger: 'right' | 'wrong' = 'right'): Promise<Device> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId: id } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { ...device, isUserVerified: finger === 'right' },
  });
  return { cdp, id };
}

async function addPasskey(page: Page, label = 'Laptop'): Promise<void> {
  await page.getByLabel('A name for it').fill(label);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByText('The passkey is added').waitFor();
}

describe('a level that demands a passkey', () => {
  test('sends somebody without one to add it, takes their signature over this hold, and lets the agent go on', async () => {
    const asked = await ask('select name from hr.directory limit 2');
    const page = await here.signedIn('ben');
    await withDevice(page);
    await page.goto(asked.page);
    expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Add a passkey' }).click();
    await addPasskey(page);
    await page.getByRole('link', { name: 'Back to the hold' }).click();
    await page.getByText('The first rows only').click();
    await page.getByRole('button', { name: 'Approve with your passkey' }).click();
    expect(await asked.rows).toHaveLength(2);
    await page.getByText('approved and run').first().waitFor();
    const hold = new URL(asked.page).pathname.split('/').at(-1) ?? '';
    const auditDir = join(here.stage.folder, 'audit');
    const parts = await new JointSearch(() => [auditDir]).partsOfHold(hold);
    const found = holdRecords(parts);
    if (found.kind !== 'settled') throw new Error('the hold is not on the record');
    const [vote] = found.records.votes;
    expect(vote).toMatchObject({ person: 'ben', channel: 'console', terms: 'once, the first 100 rows' });
    expect(JSON.parse(vote?.passkey?.signed ?? '')).toEqual({
      approve: hold,
      binding: found.records.held.binding,
      person: 'ben',
      terms: { kind: 'rows', rowsMax: 100 },
    });
    // The receipt, with nothing but the public key.
    const made = await receiptOf(hold, parts, { signerOf: (dir) => existingSigner(dir) });
    if (made.kind !== 'made') throw new Error(`no receipt: ${made.kind}`);
    const key = createPublicKey(readFileSync(join(auditDir, 'key.pub')));
    expect(checkReceipt(JSON.stringify(made.receipt), [key])).toMatchObject({ kind: 'genuine' });
  });

  test('takes no yes by any other road, and says where to go', async () => {
    const asked = await ask('select name from hr.directory limit 3');
    const page = await here.signedIn('ben');
    const id = holdOf(asked.page);
    const api = await fetch(`${here.stage.origin}/api/holds/${id}/votes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ vote: 'approve' }),
    });
    expect(api.status).toBe(403);
    expect(JSON.stringify(await api.json())).toContain('passkey');
    // The page's own form, sent without a signature, or with one that is none.
    for (const confirm of [
      '',
      '{}',
      'null',
      JSON.stringify({ id: 'AAAA', rawId: 'AAAA', type: 'public-key', response: {} }),
    ]) {
      const status = await sent(page, asked.page, { vote: 'approve', terms: 'once', confirm });
      expect(status, confirm).toBe(403);
    }
    // A no takes nothing more.
    await denied(page, asked.page);
    expect((await asked.refusal).code).toBe('42501');
  });

  test('takes no signature for another hold, for other terms, or of somebody else', async () => {
    const [one, other] = await Promise.all([
      ask('select name from hr.directory limit 4'),
      ask('select name from hr.directory limit 5'),
    ]);
    const cem = await here.signedIn('cem');
    await withDevice(cem);
    await cem.goto(`${here.stage.origin}/passkeys`);
    await addPasskey(cem);
    await cem.goto(one.page);
    // Signed as it should be, and taken out of the post.
    const taken = new Promise<string>((settle) => {
      void cem.route('**/votes', async (route) => {
        settle(new URLSearchParams(route.request().postData() ?? '').get('confirm') ?? '');
        await route.abort();
      });
    });
    await cem.getByRole('button', { name: 'Approve with your passkey' }).click();
    const confirm = await taken;
    expect(confirm).toContain('signature');
    const ben = await here.signedIn('ben');
    const once = { vote: 'approve', terms: 'once', confirm };
    expect(await sent(cem, other.page, once), 'another hold').toBe(403);
    expect(await sent(cem, one.page, { ...once, terms: 'rows', rows: '100' }), 'other terms').toBe(403);
    expect(await sent(ben, one.page, once), 'somebody else').toBe(403);
    expect(await sent(cem, one.page, once), 'what was signed').toBe(200);
    expect(await one.rows).toHaveLength(4);
    await denied(ben, other.page);
    expect((await other.refusal).code).toBe('42501');
  });

  test('adds no second passkey without the first, and none for a finger that is not theirs', async () => {
    const dora = await here.signedIn('dora');
    await dora.goto(`${here.stage.origin}/passkeys`);
    const strange = await withDevice(dora, 'wrong');
    await dora.getByLabel('A name for it').fill('wrong finger');
    await dora.getByRole('button', { name: 'Add a passkey' }).click();
    await dora.getByRole('alert').filter({ hasText: 'was not used' }).waitFor();
    await strange.cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: strange.id });
    const own = await withDevice(dora);
    await addPasskey(dora, 'blue key');
    // Another browser with her session, and a device of its own: the thief.
    const thief = await here.signedIn('dora');
    await withDevice(thief);
    await thief.goto(`${here.stage.origin}/passkeys`);
    await thief.getByLabel('A name for it').fill('thief');
    await thief.getByRole('button', { name: 'Add a passkey' }).click();
    await thief.getByRole('alert').filter({ hasText: 'was not used' }).waitFor();
    expect(await sent(thief, `${here.stage.origin}/passkeys`, { label: 'thief' }, '')).toBe(400);
    // She herself adds one on another device, confirmed by the first.
    await dora.goto(`${here.stage.origin}/passkeys`);
    await own.cdp.send('WebAuthn.addVirtualAuthenticator', { options: { ...device, transport: 'usb' } });
    await addPasskey(dora, 'phone');
    await dora.getByText('2 passkeys').waitFor();
    await dora.getByRole('button', { name: 'Remove phone' }).click();
    await dora.getByText('One passkey').waitFor();
    expect(await dora.getByRole('button', { name: /^Remove/ }).count()).toBe(0);
    // What an operator can do for somebody who has lost theirs, and nobody for themselves.
    const ben = await here.signedIn('ben');
    expect(await sent(ben, `${here.stage.origin}/passkeys`, { person: 'ben' }, '/reset')).toBe(403);
    expect(await sent(thief, `${here.stage.origin}/passkeys`, { person: 'cem' }, '/reset')).toBe(403);
    expect(await sent(ben, `${here.stage.origin}/passkeys`, { person: 'dora' }, '/reset')).toBe(200);
    await dora.goto(`${here.stage.origin}/passkeys`);
    await dora.getByText('No passkey yet').waitFor();
  });
});

const holdOf = (page: string): string => new URL(page).pathname.split('/').at(-1) ?? '';

/** The page's own form, sent by somebody who leaves the page's script out; the status after all redirects. */
async function sent(
  page: Page,
  at: string,
  fields: Readonly<Record<string, string>>,
  path = '/votes',
): Promise<number> {
  await page.goto(at);
  const form = await page.locator('input[name=form]').first().inputValue();
  const answer = await page.request.post(at + path, { form: { form, ...fields } });
  return answer.status();
}

async function denied(page: Page, at: string): Promise<void> {
  await page.goto(at);
  await page.getByLabel('Why not?').fill('enough');
  await page.getByRole('button', { name: 'Deny' }).click();
  await page.getByText('Denied by ben').first().waitFor();
}
