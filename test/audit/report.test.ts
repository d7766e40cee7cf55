// Goal: the evidence pack says what the log says, also what is unpleasant, and nothing in it can act on the one who reads it.
// Method: a log with a good hold, an owner who voted, a release without approval and hostile names; then the command's two files.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { createPublicKey } from 'node:crypto';
import { recordCatalog } from '../../src/audit/catalog-record.ts';
import { checkReceipt } from '../../src/audit/receipt-check.ts';
import { openAudit, type Audit } from '../../src/audit/keeper.ts';
import { versionOf } from '../../src/catalog/load.ts';
import { sampleFiles } from '../catalog/sample.ts';
import { registerAudit } from '../../src/cli/audit.ts';
import { systemClock } from '../../src/core/clock.ts';
import { aJudged } from './fixtures.ts';
import { aFolder } from '../support/folders.ts';

const asker = { session: 's_1', agent: 'report-bot', owner: 'ana', database: 'shop' };
const held = (hold: string, agent = 'report-bot') =>
  ({
    ...asker,
    agent,
    kind: 'held',
    hold,
    statement: 'a',
    parameters: 'b',
    columns: [{ column: 'public.customers.email', level: 'restricted' }],
    rules: ['level restricted'],
    deadline: 1,
  }) as const;
const vote = (hold: string, person: string) =>
  ({ kind: 'voted', hold, person, vote: 'approve', channel: 'slack' }) as const;

async function aReport(...flags: readonly string[]): Promise<{ html: string; csv: string }> {
  const dir = aFolder();
  const audit = await openAudit({ dir, clock: systemClock, limits: { checkpointMs: 60_000 } });
  const { log } = audit;
  log.record(aJudged());
  log.record(aJudged({ verdict: 'deny' }));
  await log.recordDurably(held('h_good'));
  await log.recordDurably(vote('h_good', 'ben'));
  await log.recordDurably({ kind: 'decided', hold: 'h_good', state: 'approved', by: ['ben'] });
  const released = await log.recordDurably({ ...asker, kind: 'released', hold: 'h_good', statement: 'a' });
  log.record({ kind: 'finished', session: 's_1', of: released.seq, rows: 12, bytes: 1, ms: 1 });
  await log.recordDurably(held('h_own', '<script>alert(1)</script>\u202e'));
  await log.recordDurably(vote('h_own', 'ana'));
  await log.recordDurably({ ...asker, kind: 'released', hold: 'h_own', statement: 'a' });
  await log.recordDurably({ kind: 'decided', hold: 'h_own', state: 'approved', by: ['eve'] });
  await log.recordDurably({ kind: 'catalog', words: 'classification read', version: 'c2' });
  await audit.stop();
  const out = join(aFolder(), 'evidence');
  const program = new Command().exitOverride();
  const nothing = (): void => undefined;
  registerAudit(program, { say: nothing, complain: nothing, exit: nothing });
  await program.parseAsync(['audit', 'report', '--dir', dir, '--out', out, ...flags], { from: 'user' });
  return { html: readFileSync(`${out}.html`, 'utf8'), csv: readFileSync(`${out}.csv`, 'utf8') };
}

test('says every hold, every change, and what does not fit', async () => {
  const { html, csv } = await aReport();
  const lines = csv.trim().split('\r\n');
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatch(/^h_good,.*,approved,.*,ben,1,12$/);
  expect(html).toContain('1 votes and 0 decisions by the owner of the agent that asked');
  expect(html).toContain('releases h_own, which was not approved before');
  expect(html).toContain('h_own is approved by eve, without a vote of theirs in the log');
  expect(html).toContain('classification read c2');
  expect(html).toContain('are whole, under head');
});

const versionRecorded = async (dir: string, holds: (version: string, audit: Audit) => Promise<void>): Promise<void> => {
  const audit = await openAudit({ dir, clock: systemClock, limits: { checkpointMs: 60_000 } });
  const files = Object.entries(sampleFiles).map(([name, text]) => ({ name, text, path: name }));
  recordCatalog(dir, audit.log, { files, before: undefined });
  await holds(versionOf(files), audit);
  await audit.stop();
};

async function reportOf(dir: string): Promise<string> {
  const out = join(aFolder(), 'evidence');
  const program = new Command().exitOverride();
  const nothing = (): void => undefined;
  registerAudit(program, { say: nothing, complain: nothing, exit: nothing });
  await program.parseAsync(['audit', 'report', '--dir', dir, '--out', out], { from: 'user' });
  return readFileSync(`${out}.html`, 'utf8');
}

test('says who could approve what, from the classification as it was in force', async () => {
  const dir = aFolder();
  await versionRecorded(dir, async (catalog, audit) => {
    audit.log.record(aJudged({ catalog }));
    await audit.log.recordDurably({ ...held('h_1'), catalog });
    await audit.log.recordDurably(vote('h_1', 'ben'));
    await audit.log.recordDurably(vote('h_1', 'mallory'));
    await audit.log.recordDurably({ kind: 'decided', hold: 'h_1', state: 'approved', by: ['ben'] });
  });
  const html = await reportOf(dir);
  expect(html).toMatch(/<td>level restricted: security<\/td><td>2<\/td><td>ben, eve<\/td>/);
  expect(html).toMatch(/<td>ana<\/td><td>data-owners, crm<\/td><td>[^<]*<\/td><td>report-bot<\/td>/);
  expect(html).toContain('mallory voted on h_1 and was no approver then');
  expect(html).not.toContain('was not kept beside the log.</p>');
});

test('finds the owner’s vote where the config calls them by another name', async () => {
  const dir = aFolder();
  await versionRecorded(dir, async (catalog, audit) => {
    audit.log.record(aJudged({ catalog, owner: 'Ana@example.com' }));
    await audit.log.recordDurably({ ...held('h_1'), owner: 'Ana@example.com', catalog });
    await audit.log.recordDurably(vote('h_1', 'ana'));
    await audit.log.recordDurably({ kind: 'decided', hold: 'h_1', state: 'approved', by: ['ana'] });
  });
  const html = await reportOf(dir);
  expect(html).toContain('ana voted on h_1 and stands behind its agent, whose owner is Ana@example.com');
  expect(html).toContain('h_1 is approved by 0 people besides the owner, and its level wants 2');
  expect(html).toMatch(/<td>ana<\/td><td>data-owners, crm<\/td><td>[^<]*<\/td><td>report-bot<\/td>/);
});

test('finds an approval with fewer people than the level wanted', async () => {
  const dir = aFolder();
  await versionRecorded(dir, async (catalog, audit) => {
    await audit.log.recordDurably({ ...held('h_1'), catalog });
    await audit.log.recordDurably(vote('h_1', 'ben'));
    await audit.log.recordDurably({ kind: 'decided', hold: 'h_1', state: 'approved', by: ['ben'] });
  });
  expect(await reportOf(dir)).toContain('h_1 is approved by 1 people besides the owner, and its level wants 2');
});

test.each([
  ['passkey', 'slack', 'ben approved h_1 without the passkey that a level of it wants'],
  ['console', 'slack', 'ben approved h_1 in slack, and a level of it wants the console'],
  ['console', 'console', undefined],
])('finds a vote that took less than its level wants: %s, voted in %s', async (stepUp, channel, words) => {
  const dir = aFolder();
  const audit = await openAudit({ dir, clock: systemClock, limits: { checkpointMs: 60_000 } });
  const files = Object.entries(sampleFiles).map(([name, text]) => ({
    name,
    text: text.replace('approvers: [security], quorum: 2', `approvers: [security], step_up: ${stepUp}`),
    path: name,
  }));
  recordCatalog(dir, audit.log, { files, before: undefined });
  await audit.log.recordDurably({ ...held('h_1'), catalog: versionOf(files) });
  await audit.log.recordDurably({ ...vote('h_1', 'ben'), channel });
  await audit.log.recordDurably({ kind: 'decided', hold: 'h_1', state: 'approved', by: ['ben'] });
  await audit.stop();
  const html = await reportOf(dir);
  if (words === undefined) expect(html).not.toContain('ben approved h_1');
  else expect(html).toContain(words);
});

test('excuses no release by a chain that nobody has read, and calls no rows zero that are not known', async () => {
  const dir = aFolder();
  const audit = await openAudit({ dir, clock: systemClock, limits: { checkpointMs: 60_000 } });
  await audit.log.recordDurably(held('h_1'));
  const chains = ['countersign/never-was'];
  await audit.log.recordDurably({ ...asker, kind: 'released', hold: 'h_1', statement: 'a', chains });
  await audit.stop();
  const html = await reportOf(dir);
  expect(html).toContain('countersign/never-was has steps of 1 holds of this span, and its folder was not read');
  expect(html).toContain('Nothing in what was read; holds under “Not read” were not looked at.');
  expect(html).toContain('<td>1</td><td>not known</td>');
});

test('has each settled hold’s receipt in it, which the public key confirms when it is copied out', async () => {
  const dir = aFolder();
  await versionRecorded(dir, async (catalog, audit) => {
    await audit.log.recordDurably({ ...held('h_1', '<b>bot</b>'), catalog });
    await audit.log.recordDurably({ kind: 'decided', hold: 'h_1', state: 'expired', by: [] });
    await audit.log.recordDurably({ ...held('h_2'), catalog });
  });
  const html = await reportOf(dir);
  const shown = /<pre>([^<]*)<\/pre>/.exec(html)?.[1] ?? '';
  const signs: Readonly<Record<string, string>> = {
    '&lt;': '<',
    '&gt;': '>',
    '&quot;': '"',
    '&#39;': "'",
    '&amp;': '&',
  };
  const copied = shown.replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => signs[entity] ?? '');
  const key = createPublicKey(readFileSync(join(dir, 'key.pub'), 'utf8'));
  expect(checkReceipt(copied, [key])).toMatchObject({ kind: 'genuine', receipt: { hold: 'h_1', agent: '<b>bot</b>' } });
  expect(html).toContain('No receipt: not settled');
});

test('says nothing of what lies outside its span', async () => {
  const { html, csv } = await aReport('--from', '2999');
  expect(csv.trim().split('\r\n')).toHaveLength(1);
  expect(html).toContain('No owner of an agent voted');
});

test('shows hostile names as text', async () => {
  const { html, csv } = await aReport();
  expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;\\u{202e}');
  expect(html).not.toMatch(/<script|\u202e/);
  expect(csv).not.toContain('\u202e');
});
