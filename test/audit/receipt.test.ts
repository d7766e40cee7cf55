// Goal: what came of a hold can be shown to an outsider, by the public key alone; a changed receipt is found.
// Method: a hold through all its steps in a real log; the command that makes the receipt; then every way to check it and to forge it.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkReceipt } from '../../src/audit/receipt-check.ts';
import { openAudit } from '../../src/audit/keeper.ts';
import { readPublicKey } from '../../src/audit/note.ts';
import { seal, unseal } from '../../src/audit/seal.ts';
import { verifyFolder } from '../../src/audit/verify.ts';
import { registerAudit } from '../../src/cli/audit.ts';
import { systemClock } from '../../src/core/clock.ts';
import { aJudged, linesIn } from './fixtures.ts';
import { aFolder } from '../support/folders.ts';

const asker = { session: 's_1', agent: 'report-bot', owner: 'ana', database: 'shop' };
const statement = 'c'.repeat(64);
const auditor = generateKeyPairSync('x25519');
const guide = readFileSync(join(import.meta.dirname, '../../docs/audit.md'), 'utf8');

let dir: string;
let sealedSeq: number;

async function aHold(): Promise<void> {
  const audit = await openAudit({ dir, clock: systemClock, limits: { checkpointMs: 60_000 } });
  const { log } = audit;
  log.record(aJudged());
  log.flush();
  sealedSeq = log.record(
    aJudged({
      session: 's_1',
      verdict: 'hold',
      statement,
      sealed: seal('select email from customers', auditor.publicKey),
    }),
  ).seq;
  await log.recordDurably({
    ...asker,
    kind: 'held',
    hold: 'h_1',
    statement,
    parameters: 'd'.repeat(64),
    columns: [{ column: 'public.customers.email', level: 'restricted' }],
    rules: ['level restricted'],
    deadline: 1_795_000_000_000,
  });
  await log.recordDurably({
    kind: 'voted',
    hold: 'h_1',
    person: 'ben',
    vote: 'approve',
    channel: 'slack',
    reason: 'für die Prüfung \u202e "ok" \u007f',
    link: 'https://example.slack.com/archives/C1/p1',
  });
  await log.recordDurably({ kind: 'decided', hold: 'h_1', state: 'approved', by: ['ben'] });
  const released = await log.recordDurably({ ...asker, kind: 'released', hold: 'h_1', statement });
  log.record({ kind: 'finished', session: 's_1', of: released.seq, rows: 12, bytes: 900, ms: 3.25 });
  log.record(aJudged({ agent: 'other-bot' }));
  log.flush();
  await log.recordDurably({ kind: 'voted', hold: 'h_2', person: 'ben', vote: 'deny', channel: 'console' });
  await audit.stop();
}

beforeAll(async () => {
  dir = aFolder();
  await aHold();
});

async function run(...args: readonly string[]): Promise<{ out: string; err: string; code: number }> {
  const [out, err]: [string[], string[]] = [[], []];
  let code = 0;
  const program = new Command().exitOverride();
  const ports = {
    say: (l: string) => out.push(l),
    complain: (l: string) => err.push(l),
    exit: (c: number) => (code = c),
  };
  registerAudit(program, ports);
  await program.parseAsync(['audit', ...args], { from: 'user' });
  return { out: out.join('\n'), err: err.join('\n'), code };
}

async function aReceipt(...flags: readonly string[]): Promise<string> {
  const file = join(aFolder(), 'receipt.json');
  await run('receipt', 'h_1', '--dir', dir, '--out', file, ...flags);
  return file;
}

describe('a receipt', () => {
  test('says who asked, what for, who decided, and what came of it', async () => {
    const receipt = JSON.parse(readFileSync(await aReceipt(), 'utf8'));
    expect(receipt).toMatchObject({
      hold: 'h_1',
      state: 'approved',
      agent: 'report-bot',
      owner: 'ana',
      statement,
      columns: [{ column: 'public.customers.email', level: 'restricted' }],
      catalog: 'c1',
      schema: 'v1',
      votes: [{ person: 'ben', vote: 'approve', channel: 'slack', link: 'https://example.slack.com/archives/C1/p1' }],
      decided: { by: ['ben'] },
      released: [{ outcome: { rows: 12, bytes: 900, ms: 3 } }],
    });
    expect(receipt.records).toHaveLength(6);
  });

  test.each([
    [[], 'signature'],
    [['--proof'], 'signature and checkpoint'],
  ])('with %j is genuine by %s, by the key alone', async (flags, proven) => {
    const file = await aReceipt(...flags);
    const key = join(aFolder(), 'elsewhere.pub');
    copyFileSync(join(dir, 'key.pub'), key);
    const { out, code } = await run('verify', file, '--key', key, '--dir', aFolder());
    expect(code).toBe(0);
    expect(out).toContain('h_1: report-bot (ana) on shop, approved by ben');
    expect(out.endsWith(`genuine by ${proven}`)).toBe(true);
  });

  test.each([[[]], [['--proof']]])(
    'with %j is genuine for somebody who has only openssl and Python, by the words of the guide',
    async (flags) => {
      const file = await aReceipt(...flags);
      const cwd = join(file, '..');
      copyFileSync(join(dir, 'key.pub'), join(cwd, 'key.pub'));
      const code = (language: string): string =>
        new RegExp(`## Receipts[^]*?\`\`\`${language}\\n([^]*?)\`\`\``).exec(guide)?.[1] ?? '';
      expect(code('python').trimEnd().split('\n').length).toBeLessThanOrEqual(20);
      expect(execFileSync('python3', ['-'], { cwd, input: code('python'), encoding: 'utf8' })).toContain(
        'h_1 approved by',
      );
      expect(execFileSync('sh', ['-ec', code('sh')], { cwd, encoding: 'utf8' })).toContain(
        'Signature Verified Successfully',
      );
    },
  );

  test.each<[string, (receipt: Record<string, unknown>) => void]>([
    ['another decision', (r) => (r['state'] = 'denied')],
    ['another person', (r) => (r['decided'] = { at: '', by: ['eve'] })],
    ['another member', (r) => (r['extra'] = 1)],
    ['no signature', (r) => (r['signature'] = '')],
    ['its proof taken off', (r) => delete r['proof']],
  ])('with %s is not genuine', async (_, change) => {
    const receipt = JSON.parse(readFileSync(await aReceipt('--proof'), 'utf8'));
    change(receipt);
    const key = readPublicKey(readFileSync(join(dir, 'key.pub'), 'utf8'));
    expect(checkReceipt(JSON.stringify(receipt), key === undefined ? [] : [key]).kind).toBe('not genuine');
  });

  test('shows no record of anybody else in its proof', async () => {
    const receipt = readFileSync(await aReceipt('--proof'), 'utf8');
    expect(receipt).not.toContain('other-bot');
    expect(JSON.parse(receipt).proof.blocks.length).toBeGreaterThanOrEqual(4);
  });

  test.each([
    ['h_2', 'not found'],
    ['h_nobody', 'not found'],
  ])('of %s is refused: %s', async (hold, words) => {
    const { err, code } = await run('receipt', hold, '--dir', dir);
    expect([code, err]).toEqual([1, expect.stringContaining(words)]);
  });
});

describe('a sealed statement', () => {
  const pem = (key: typeof auditor.privateKey): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

  test('is opened by the auditor’s key, from the log', async () => {
    const key = join(aFolder(), 'auditor.pem');
    writeFileSync(key, pem(auditor.privateKey));
    expect((await run('open', String(sealedSeq), '--dir', dir, '--key', key)).out).toBe('select email from customers');
  });

  test('is opened by no other key, nor when a byte was changed', () => {
    const sealed = seal('select 1', auditor.publicKey);
    const bytes = Buffer.from(sealed, 'base64');
    expect(unseal(sealed, pem(auditor.privateKey))).toBe('select 1');
    expect(unseal(sealed, pem(generateKeyPairSync('x25519').privateKey))).toBeUndefined();
    for (const at of [0, 1, 40, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(unseal(changed.toString('base64'), pem(auditor.privateKey))).toBeUndefined();
    }
  });

  test('looks different each time', () => {
    expect(seal('x', auditor.publicKey)).not.toBe(seal('x', auditor.publicKey));
  });
});

describe('the signing key', () => {
  test('is rotated in the record, and each of the two public keys checks the whole log', async () => {
    dir = aFolder();
    await aHold();
    const old = join(aFolder(), 'old.pub');
    copyFileSync(join(dir, 'key.pub'), old);
    const oldHead = readFileSync(join(dir, 'head.note'));
    await run('rotate-key', '--dir', dir);
    expect(readFileSync(join(dir, 'key.pub'))).not.toEqual(readFileSync(old));
    expect(verifyFolder({ dir })).toMatchObject({ kind: 'whole', unsigned: 0 });
    expect(verifyFolder({ dir, keyFile: old })).toMatchObject({ kind: 'whole' });
    expect(readdirSync(dir).filter((name) => name.includes('before') || name.includes('next'))).toEqual([]);
    expect(linesIn(dir).filter((line) => line.includes('"vouched"'))).toHaveLength(1);
    expect(oldHead).not.toEqual(readFileSync(join(dir, 'head.note')));
  });

  test('may be with a command, whose every answer is checked', async () => {
    const secret = aFolder();
    execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', join(secret, 'key.pem')]);
    const folder = aFolder();
    execFileSync('openssl', ['pkey', '-in', join(secret, 'key.pem'), '-pubout', '-out', join(folder, 'key.pub')]);
    const script = `cat > ${secret}/in; openssl pkeyutl -sign -rawin -inkey ${secret}/key.pem -in ${secret}/in | base64 -w0`;
    const signerCommand = ['sh', '-c', script];
    const audit = await openAudit({ dir: folder, clock: systemClock, signerCommand });
    audit.log.record(aJudged());
    await audit.stop();
    expect(readdirSync(folder)).not.toContain('key.pem');
    expect(verifyFolder({ dir: folder })).toMatchObject({ kind: 'whole', unsigned: 0 });
    for (const command of [['sh', '-c', 'echo AAAA'], ['false'], ['/no/such/program']]) {
      await expect(openAudit({ dir: aFolderWith(folder), clock: systemClock, signerCommand: command })).rejects.toThrow(
        'signer',
      );
    }
  });
});

function aFolderWith(other: string): string {
  const folder = aFolder();
  copyFileSync(join(other, 'key.pub'), join(folder, 'key.pub'));
  return folder;
}

describe('a log that is to be sealed', () => {
  const pemFile = (key: KeyObject): string => {
    const file = join(aFolder(), 'auditor.pub');
    writeFileSync(file, key.export({ type: 'spki', format: 'pem' }));
    return file;
  };

  test('seals each statement to the auditor, what repeats only once', async () => {
    const pair = generateKeyPairSync('x25519');
    const audit = await openAudit({ dir: aFolder(), clock: systemClock, seal: pemFile(pair.publicKey) });
    const texts = ['select 1', 'select 2', 'x'.repeat(10_000)].map((text) => Buffer.from(text));
    for (const text of texts) {
      const sealed = audit.sealed(text) ?? '';
      expect(unseal(sealed, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())).toBe(text.toString());
      expect(sealed).not.toContain(text.toString());
    }
    const [first = Buffer.alloc(0)] = texts;
    expect(audit.sealed(first)).toBe(audit.sealed(Buffer.from(first)));
    await audit.stop();
  });

  test('seals nothing unless it is asked to', async () => {
    const audit = await openAudit({ dir: aFolder(), clock: systemClock });
    expect(audit.sealed(Buffer.from('select 1'))).toBeUndefined();
    await audit.stop();
  });

  test.each([
    ['of another kind', () => pemFile(generateKeyPairSync('ed25519').publicKey), 'is not an X25519 public key'],
    ['that is not there', () => '/nowhere/auditor.pub', 'is no public key'],
  ])('does not start with a key %s', async (_, file, words) => {
    await expect(openAudit({ dir: aFolder(), clock: systemClock, seal: file() })).rejects.toThrow(words);
  });
});

describe('peers', () => {
  test('one instance’s checkpoint shows that the end of another’s log is gone', async () => {
    const [mine, other] = [aFolder(), aFolder()];
    const first = await openAudit({ dir: mine, clock: systemClock, instance: 'one', limits: { checkpointMs: 60_000 } });
    await first.checkpoint('keep');
    const early = readFileSync(join(mine, 'head.note'));
    const before = linesIn(mine).length;
    await first.log.recordDurably(aJudged());
    await first.checkpoint();
    const peerHeads = (): readonly string[] => [first.headForPeers() ?? ''];
    const second = await openAudit({ dir: other, clock: systemClock, instance: 'two', peerHeads });
    await second.stop();
    await first.stop();
    const seen = join(other, 'head.note');
    expect(verifyFolder({ dir: mine, checkpoints: [seen] })).toMatchObject({ kind: 'whole' });
    for (const name of readdirSync(mine).filter((each) => each.startsWith('checkpoint-') || each === 'history.notes')) {
      writeFileSync(join(mine, name), early);
    }
    writeFileSync(join(mine, 'head.note'), early);
    const segment = join(mine, 'segment-00000001.jsonl');
    writeFileSync(
      segment,
      linesIn(mine)
        .slice(0, before)
        .map((line) => `${line}\n`)
        .join(''),
    );
    expect(verifyFolder({ dir: mine })).toMatchObject({ kind: 'whole' });
    expect(verifyFolder({ dir: mine, checkpoints: [seen] })).toMatchObject({
      kind: 'broken',
      words: expect.stringContaining('missing'),
    });
  });
});
