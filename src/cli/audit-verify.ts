// `countersign audit verify`: whether a record is whole, of one chain or of several, or a receipt genuine. Of several chains each is also held
// against what the others' checkpoints say about it.
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { KeyObject } from 'node:crypto';
import type { Command } from 'commander';
import { originOf } from '../audit/hold-records.ts';
import { publicKeyFile, readText } from '../audit/keys.ts';
import { readPublicKey } from '../audit/note.ts';
import { checkReceipt, type ReceiptCheck } from '../audit/receipt-check.ts';
import { headFile } from '../audit/tail.ts';
import { verifyFolder, type Verification } from '../audit/verify.ts';
import { jsonWords } from '../audit/words.ts';
import { visible } from '../core/visible.ts';
import type { AuditPorts } from './audit.ts';
import { auditFolder, chainFolders, dirOption, eachTime, type FolderOptions } from './audit-folder.ts';
import { brokenWords, wholeWords } from './audit-words.ts';
import { failed } from './io.ts';

interface VerifyOptions extends FolderOptions {
  readonly checkpoint?: readonly string[];
  readonly against?: readonly string[];
  readonly key?: readonly string[];
  readonly json?: true;
}

export function registerVerify(audit: Command, ports: AuditPorts): void {
  audit
    .command('verify')
    .description('say whether the record, or a receipt, is whole, or which record is the first that does not fit')
    .argument('[receipt]', 'a receipt of a hold; needs only the public key, of each chain that it speaks of')
    .option(...dirOption)
    .option('--config <file>', 'the config that names the folder; otherwise countersign.yaml here')
    .option('--checkpoint <file...>', 'checkpoints that were kept elsewhere: shows a missing end')
    .option('--against <file...>', 'the same; also a file of several, or text copied out of a channel')
    .option(
      '--key <file>',
      'a public key that was kept elsewhere, instead of the folder’s own; of several chains: once for each',
      eachTime,
    )
    .option('--json', 'as JSON')
    .action((receipt: string | undefined, options: VerifyOptions) => {
      const verdict = receipt === undefined ? verifyLogs(options) : verifyReceipt(receipt, options);
      if (options.json) ports.say(jsonWords(verdict.result));
      else for (const line of verdict.words.split('\n')) (verdict.fits ? ports.say : ports.complain)(line);
      if (!verdict.fits) ports.exit(1);
    });
}

interface Verdict {
  readonly fits: boolean;
  readonly words: string;
  readonly result: unknown;
}

function verifyLogs(options: VerifyOptions): Verdict {
  const chains = verifiedChains(chainFolders(options), options);
  const [only] = chains;
  const words = ({ result }: VerifiedChain): string =>
    result.kind === 'whole' ? wholeWords(result) : brokenWords(result);
  if (only !== undefined && chains.length === 1)
    return { fits: only.result.kind === 'whole', words: words(only), result: only.result };
  const base = auditFolder(options);
  const name = (dir: string): string => (dir === base ? '.' : dir.startsWith(`${base}/`) ? basename(dir) : dir);
  return {
    fits: chains.every(({ result }) => result.kind === 'whole'),
    words: chains.map((each) => `${name(each.dir)}: ${words(each)}`).join('\n'),
    result: chains.map(({ result }) => result),
  };
}

export interface VerifiedChain {
  readonly dir: string;
  readonly result: Verification;
}

/** Each with the keys and checkpoints that were kept elsewhere, and with what its peers' newest checkpoints say about it. */
export function verifiedChains(
  dirs: readonly string[],
  { checkpoint = [], against = [], key }: Pick<VerifyOptions, 'checkpoint' | 'against' | 'key'>,
): readonly VerifiedChain[] {
  const origins = dirs.length < 2 ? [] : dirs.map(originOf);
  return dirs.map((dir) => {
    const heads = dirs.filter((other) => other !== dir).map((other) => join(other, headFile));
    const isThere = (file: string): boolean => readText(file) !== undefined;
    const checkpoints = [...checkpoint, ...against, ...heads.filter(isThere)];
    const results = (key ?? [undefined]).map((keyFile) =>
      verifyFolder({ dir, checkpoints, others: origins, ...(keyFile === undefined ? {} : { keyFile }) }),
    );
    // With several keys one of them is this chain's; the others' complaints are that they are not.
    const result = results.find(({ kind }) => kind === 'whole') ?? results.find(({ kind }) => kind === 'broken');
    if (result === undefined) throw new Error('no key to verify with');
    return { dir, result };
  });
}

function verifyReceipt(file: string, options: VerifyOptions): Verdict {
  const text = readText(file);
  if (text === undefined) throw failed(`${file}: there is no such file (name the receipt)`);
  const files = options.key ?? publicKeysOf(options);
  const keys: KeyObject[] = [];
  for (const each of files) {
    const key = readPublicKey(readText(each) ?? '');
    if (key !== undefined) keys.push(key);
    else if (options.key !== undefined || files.length === 1) return noKey(each);
  }
  const result = checkReceipt(text, keys);
  return result.kind === 'genuine'
    ? { fits: true, words: visible(receiptWords(result)), result }
    : { fits: false, words: `${file}: ${visible(result.words)}`, result };
}

/** Those of the record, where there is one at hand: a receipt is checked by whoever has nothing else. */
function publicKeysOf(options: VerifyOptions): readonly string[] {
  const isThere = options.dir !== undefined || existsSync(auditFolder(options));
  const folders = isThere ? chainFolders(options) : [auditFolder(options)];
  return folders.map((dir) => join(dir, publicKeyFile));
}

function noKey(file: string): Verdict {
  const words = `${file}: there is no Ed25519 public key here (name it with --key)`;
  return { fits: false, words, result: { kind: 'not genuine', words } };
}

const times = (count: number): string => (count === 1 ? '1 time' : `${count} times`);

function receiptWords({ receipt, proven, signed }: Extract<ReceiptCheck, { readonly kind: 'genuine' }>): string {
  const { hold, state, agent, owner, database, decided, released } = receipt;
  const by = decided.by.length === 0 ? '' : ` by ${decided.by.join(', ')}`;
  const unlocked = receipt.votes.filter(({ passkey }) => passkey !== undefined).map(({ person }) => person);
  const passkeys = unlocked.length === 0 ? '' : `, signed with the passkey of ${unlocked.join(', ')}`;
  const chains = signed.map(({ origin, key }) => `${origin} (key ${key.slice(0, 16)})`).join(', ');
  const several = signed.length < 2 ? '' : ` of ${signed.length} chains: ${chains}`;
  return `${hold}: ${agent} (${owner}) on ${database}, ${state}${by} at ${decided.at}, released ${times(released.length)}${passkeys}; genuine by ${proven}${several}`;
}
