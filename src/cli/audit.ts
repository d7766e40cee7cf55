// `countersign audit …`: the auditor's terminal. Reads files only; talks to no proxy and needs no config but the folder.
import { createWriteStream, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { basename, join } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { exportForms } from '../audit/export.ts';
import { checkReceipt, makeReceipt, recordsOfHold, type ReceiptCheck } from '../audit/hold-receipt.ts';
import { findHold, openSealed, proveRecords } from '../audit/hold-records.ts';
import { JointSearch } from '../audit/joint-search.ts';
import { existingSigner, publicKeyFile, readText } from '../audit/keys.ts';
import { readPublicKey } from '../audit/note.ts';
import { rotateKey } from '../audit/rotate-key.ts';
import { recordsOf } from '../audit/search.ts';
import type { SearchFilter } from '../audit/search-facts.ts';
import { verifyFolder } from '../audit/verify.ts';
import { jsonWords, recordWords } from '../audit/words.ts';
import { systemClock } from '../core/clock.ts';
import { visible } from '../core/visible.ts';
import { auditFolder, chainFolders, type FolderOptions } from './audit-folder.ts';
import { registerReport } from './audit-report.ts';
import { brokenWords, wholeWords } from './audit-words.ts';
import { registerReplay } from './audit-replay.ts';
import { registerWhatIf } from './audit-what-if.ts';
import { workerFolders } from './worker-folders.ts';
import type { CommandPorts } from './world.ts';

export interface AuditPorts {
  readonly say: (line: string) => void;
  readonly complain: (line: string) => void;
  /** 1 when a check failed. */
  readonly exit: (code: number) => void;
  readonly env?: CommandPorts['env'];
}

export function registerAudit(program: Command, ports: AuditPorts): void {
  const audit = program
    .command('audit')
    .description('check, search and export the record of everything that was judged');
  registerVerify(audit, ports);
  registerSearch(audit, ports);
  registerExport(audit, ports);
  registerReceipt(audit, ports);
  registerKeys(audit, ports);
  const judging = { ...ports, env: ports.env ?? {} };
  registerReplay(audit, judging);
  registerWhatIf(audit, judging, { time, count });
  registerReport(audit, ports, { time });
}

interface VerifyOptions extends FolderOptions {
  readonly checkpoint: readonly string[];
  readonly against: readonly string[];
  readonly key?: string;
  readonly json?: true;
}

function registerVerify(audit: Command, ports: AuditPorts): void {
  folder(audit.command('verify'))
    .description('say whether the record, or a receipt, is whole, or which record is the first that does not fit')
    .argument('[receipt]', 'a receipt of a hold; needs only the public key')
    .option('--checkpoint <file...>', 'checkpoints that were kept elsewhere: shows a missing end', [])
    .option('--against <file...>', 'the same; also a file of several, or text copied out of a channel', [])
    .option('--key <file>', 'the public key that was kept elsewhere, instead of the folder’s own')
    .option('--json', 'for scripts')
    .action((receipt: string | undefined, options: VerifyOptions) => {
      const verdict = receipt === undefined ? verifyLog(options) : verifyReceipt(receipt, options);
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

/** What an auditor kept elsewhere speaks of one chain; without it, those of the workers are looked at too. */
function verifyLog(options: VerifyOptions): Verdict {
  const own = verifyOne(options);
  const isOfOne = options.key !== undefined || options.checkpoint.length > 0 || options.against.length > 0;
  const workers = isOfOne ? [] : workerFolders(auditFolder(options));
  if (workers.length === 0) return own;
  const all = [own, ...workers.map((dir) => verifyOne({ ...options, dir }))];
  const chains = ['.', ...workers.map((dir) => basename(dir))];
  return {
    fits: all.every(({ fits }) => fits),
    words: all.map(({ words }, index) => `${chains[index] ?? ''}: ${words}`).join('\n'),
    result: all.map(({ result }) => result),
  };
}

function verifyOne(options: VerifyOptions): Verdict {
  const result = verifyFolder({
    dir: auditFolder(options),
    checkpoints: [...options.checkpoint, ...options.against],
    ...(options.key === undefined ? {} : { keyFile: options.key }),
  });
  const fits = result.kind === 'whole';
  return { fits, words: fits ? wholeWords(result) : brokenWords(result), result };
}

function verifyReceipt(file: string, options: VerifyOptions): Verdict {
  const keyFile = options.key ?? join(auditFolder(options), publicKeyFile);
  const key = readPublicKey(readText(keyFile) ?? '');
  if (key === undefined) {
    const words = `${keyFile}: there is no Ed25519 public key here (name it with --key)`;
    return { fits: false, words, result: { kind: 'not genuine', words } };
  }
  const result = checkReceipt(readText(file) ?? '', [key]);
  return result.kind === 'genuine'
    ? { fits: true, words: visible(receiptWords(result)), result }
    : { fits: false, words: `${file}: ${result.words}`, result };
}

function receiptWords({ receipt, proven }: Extract<ReceiptCheck, { readonly kind: 'genuine' }>): string {
  const { hold, state, agent, owner, database, decided, released } = receipt;
  const by = decided.by.length === 0 ? '' : ` by ${decided.by.join(', ')}`;
  const signed = receipt.votes.filter(({ passkey }) => passkey !== undefined).map(({ person }) => person);
  const passkeys = signed.length === 0 ? '' : `, signed with the passkey of ${signed.join(', ')}`;
  return `${hold}: ${agent} (${owner}) on ${database}, ${state}${by} at ${decided.at}, released ${released.length} times${passkeys}; genuine by ${proven}`;
}

interface SearchOptions extends FolderOptions, SearchFilter {
  readonly limit: number;
  readonly before?: number;
  readonly json?: true;
}

function registerSearch(audit: Command, ports: AuditPorts): void {
  folder(audit.command('search'))
    .description('find records, newest first; all filters that are given must fit')
    .option('--agent <name>')
    .option('--person <name>', 'who voted, decided, or owns the agent')
    .option('--column <name>', 'public.customers.email, or its end')
    .option('--level <name>')
    .addOption(
      new Option('--verdict <verdict>').choices([
        'allow',
        'hold',
        'deny',
        'approved',
        'denied',
        'expired',
        'withdrawn',
      ]),
    )
    .option('--database <name>')
    .option('--hold <id>')
    .option('--kind <kind>')
    .option('--from <time>', 'in UTC, 2026-11-21T04:00, or its beginning', time)
    .option('--to <time>', 'the same; belongs to the span', time)
    .option('--limit <n>', 'at most so many', count, 100)
    .option(
      '--before <seq>',
      'only records before this one (of several workers: before this moment): the next page',
      count,
    )
    .option('--json', 'one record a line')
    .action(async (options: SearchOptions) => {
      // Made from the files each time: what lies beside them could be stale, or somebody's.
      const { limit, before } = options;
      const query = { filter: options, limit, ...(before === undefined ? {} : { before }) };
      const result = await new JointSearch(() => chainFolders(options)).search(query);
      for (const record of result.records) ports.say(options.json ? jsonWords(record) : recordWords(record));
      const last = result.next ?? result.records.at(-1)?.seq ?? 0;
      if (result.more)
        ports.complain(`there are more than ${limit}; --limit shows more, --before ${last} the next ones`);
      else if (result.records.length === 0) ports.complain('no record fits');
    });
}

interface ExportOptions extends FolderOptions {
  readonly form: keyof typeof exportForms;
  readonly out?: string;
  readonly from?: string;
  readonly to?: string;
}

function registerExport(audit: Command, ports: AuditPorts): void {
  folder(audit.command('export'))
    .description('write the records of a span for other programs')
    .addOption(new Option('--form <form>').choices(Object.keys(exportForms)).default('jsonl'))
    .option('--out <file>', 'instead of the standard output')
    .option('--from <time>', 'in UTC, 2026-11-21T04:00, or its beginning', time)
    .option('--to <time>', 'the same; belongs to the span', time)
    .action(async (options: ExportOptions) => {
      const form = exportForms[options.form];
      const out =
        options.out === undefined ? process.stdout : createWriteStream(options.out, { flags: 'wx', mode: 0o600 });
      let records = 0;
      out.write(form.head);
      for (const dir of chainFolders(options)) {
        for await (const record of recordsOf(dir, options)) {
          records += 1;
          if (!out.write(form.line(record))) await once(out, 'drain');
        }
      }
      if (out === process.stdout) return;
      out.end();
      await once(out, 'finish');
      ports.say(`${records} records written to ${options.out ?? ''}`);
    });
}

interface ReceiptOptions extends FolderOptions {
  readonly out?: string;
  readonly proof?: true;
}

function registerReceipt(audit: Command, ports: AuditPorts): void {
  folder(audit.command('receipt'))
    .description('write the signed receipt of a settled hold')
    .argument('<hold>')
    .option('--proof', 'with the way from its records to the newest checkpoint')
    .option('--out <file>', 'instead of the standard output')
    .action(async (hold: string, options: ReceiptOptions) => {
      const dir = auditFolder(options);
      const signer = existingSigner(dir);
      const found = await findHold(dir, hold);
      if (signer === undefined || found.kind !== 'settled') {
        ports.complain(
          signer === undefined ? `the signing key is not in ${dir}` : `${visible(hold, 40)} is ${found.kind}`,
        );
        return ports.exit(1);
      }
      const seqs = new Set(recordsOfHold(found.records));
      const receipt = await makeReceipt(found.records, signer, options.proof ? proveRecords(dir, seqs) : undefined);
      const text = jsonWords(receipt);
      if (options.out === undefined) return ports.say(text);
      writeFileSync(options.out, `${text}\n`, { flag: 'wx', mode: 0o600 });
      ports.say(`receipt of ${receipt.hold} written to ${options.out}`);
    });
}

function registerKeys(audit: Command, ports: AuditPorts): void {
  folder(audit.command('rotate-key'))
    .description('take a new signing key into use; the proxy must not be running')
    .action(async (options: FolderOptions) => {
      ports.say(`new public key: ${await rotateKey(auditFolder(options), systemClock)}`);
    });
  folder(audit.command('open'))
    .description('show the full statement of a record that was sealed to an auditor’s key')
    .argument('<seq>', 'the record', count)
    .requiredOption('--key <file>', 'the auditor’s private key (X25519, PEM)')
    .action(async (seq: number, options: FolderOptions & { readonly key: string }) => {
      const text = await openSealed(auditFolder(options), seq, readText(options.key) ?? '');
      if (text.kind === 'opened') return ports.say(visible(text.statement, 1_000_000));
      ports.complain(text.why);
      ports.exit(1);
    });
}

function folder(command: Command): Command {
  return command
    .option('--dir <folder>', 'the folder of the record; otherwise audit.dir of the config, or ./audit')
    .option('--config <file>', 'the config that names the folder; otherwise countersign.yaml here');
}

function time(text: string): string {
  const given = text.replace(' ', 'T');
  if (/^\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\d(\.\d{1,3})?)?)?)?)?)?Z?$/.test(given)) return given.replace(/Z$/, '');
  throw new InvalidArgumentError('a time in UTC like 2026-11-21, 2026-11-21T04:00 or 2026-11-21T04:00:30Z');
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('a whole number above 0');
}
