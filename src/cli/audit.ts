// `countersign audit …`: the auditor's terminal. Reads files only; talks to no proxy and needs no config but the folder.
import { createWriteStream, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { exportForms } from '../audit/export.ts';
import type { ChainPart } from '../audit/hold-receipt.ts';
import { openSealed } from '../audit/hold-records.ts';
import { recordsOfAll } from '../audit/joint-records.ts';
import { JointSearch } from '../audit/joint-search.ts';
import { existingSigner, readText } from '../audit/keys.ts';
import { receiptOf, type MadeReceipt } from '../audit/receipts.ts';
import { rotateKey } from '../audit/rotate-key.ts';
import { recordKinds } from '../audit/record.ts';
import type { SearchFilter } from '../audit/search-facts.ts';
import { jsonWords, recordWords } from '../audit/words.ts';
import { systemClock } from '../core/clock.ts';
import { assertNever } from '../core/exhaustive.ts';
import { codeOf } from '../core/file-words.ts';
import { folded } from '../core/folded.ts';
import { inOrder, visible } from '../core/visible.ts';
import { auditFolder, chainFolders, dirOption, type FolderOptions } from './audit-folder.ts';
import { registerReport } from './audit-report.ts';
import { registerReplay } from './audit-replay.ts';
import { registerVerify } from './audit-verify.ts';
import { registerWhatIf } from './audit-what-if.ts';
import type { CommandPorts } from './world.ts';

export interface AuditPorts {
  readonly say: (line: string) => void;
  readonly columns?: (() => number | undefined) | undefined;
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

interface SearchOptions extends FolderOptions, SearchFilter {
  readonly limit: number;
  readonly before?: number;
  readonly json?: true;
}

function registerSearch(audit: Command, ports: AuditPorts): void {
  folder(audit.command('search'))
    .description('find records, newest first; all filters that are given must fit')
    .option('--agent <name>', 'who sent it')
    .option('--person <name>', 'who voted, decided, or owns the agent')
    .option('--column <name>', 'it touches public.customers.email, or email of any table')
    .option('--level <name>', 'it touches a column of this level')
    .addOption(
      new Option('--verdict <verdict>', 'what was judged, or what people decided').choices([
        'allow',
        'hold',
        'deny',
        'approved',
        'denied',
        'expired',
        'withdrawn',
      ]),
    )
    .option('--database <name>', 'where it was sent')
    .option('--hold <id>', 'everything about this hold')
    .addOption(new Option('--kind <kind>', 'what the record is about').choices(recordKinds))
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
      const columns = ports.columns?.();
      const linesOf = (record: (typeof result.records)[number]): readonly string[] => {
        if (options.json) return [jsonWords(record)];
        const lines = folded(recordWords(record), columns);
        // Scripts get the text as it is.
        return columns === undefined ? lines : lines.map(inOrder);
      };
      for (const record of result.records) for (const line of linesOf(record)) ports.say(line);
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
    .addOption(new Option('--form <form>', 'how they are written').choices(Object.keys(exportForms)).default('jsonl'))
    .option('--out <file>', 'instead of the standard output')
    .option('--from <time>', 'in UTC, 2026-11-21T04:00, or its beginning', time)
    .option('--to <time>', 'the same; belongs to the span', time)
    .action(async (options: ExportOptions) => {
      const form = exportForms[options.form];
      const out =
        options.out === undefined ? process.stdout : createWriteStream(options.out, { flags: 'wx', mode: 0o600 });
      const records = await writeRecords(out, form, options).catch((thrown: unknown) => {
        // Whoever reads our output may stop (`| head`): then the rest need not be written.
        if (out === process.stdout && codeOf(thrown) === 'EPIPE') return 0;
        throw thrown;
      });
      if (out === process.stdout) return;
      out.end();
      await once(out, 'finish');
      ports.say(`${records} records written to ${options.out ?? ''}`);
    });
}

async function writeRecords(
  out: NodeJS.WritableStream,
  form: (typeof exportForms)[keyof typeof exportForms],
  options: ExportOptions,
): Promise<number> {
  let records = 0;
  const dirs = chainFolders(options);
  out.write(form.head(dirs.length > 1));
  for await (const { record, chain } of recordsOfAll(dirs, options)) {
    records += 1;
    if (!out.write(form.line(record, dirs.length > 1 ? chain : undefined))) await once(out, 'drain');
  }
  return records;
}

interface ReceiptOptions extends FolderOptions {
  readonly out?: string;
  readonly proof?: true;
}

function registerReceipt(audit: Command, ports: AuditPorts): void {
  folder(audit.command('receipt'))
    .description('write the signed receipt of a settled hold')
    .argument('<hold>')
    .option('--proof', 'with the way from its records to the newest checkpoint of each chain')
    .option('--out <file>', 'instead of the standard output')
    .action(async (hold: string, options: ReceiptOptions) => {
      const parts = await new JointSearch(() => chainFolders(options)).partsOfHold(hold);
      const made = await receiptOf(hold, parts, {
        signerOf: (dir) => existingSigner(dir),
        ...(options.proof === undefined ? {} : { proof: options.proof }),
      });
      if (made.kind !== 'made') {
        ports.complain(unmadeWords(hold, made) + whereElse(parts));
        return ports.exit(1);
      }
      const text = jsonWords(made.receipt);
      if (options.out === undefined) return ports.say(text);
      writeFileSync(options.out, `${text}\n`, { flag: 'wx', mode: 0o600 });
      ports.say(`receipt of ${made.receipt.hold} written to ${options.out}`);
    });
}

/** What its steps here say about those that are not here. */
function whereElse(parts: readonly ChainPart[]): string {
  const here = parts.map(({ origin }) => origin);
  const named = parts.flatMap(({ records }) => records.flatMap((one) => ('chains' in one ? (one.chains ?? []) : [])));
  const missing = [...new Set(named)].filter((chain) => !here.includes(chain));
  return missing.length === 0 ? '' : ` (other steps stand in the chain of ${visible(missing.join(', '), 400)})`;
}

function unmadeWords(hold: string, made: Exclude<MadeReceipt, { readonly kind: 'made' }>): string {
  const name = visible(hold, 40);
  switch (made.kind) {
    case 'no key':
      return `the signing key is not in ${made.dir}`;
    case 'open':
      return `${name} is open, as far as these folders know; where several proxies share a state, name the folder of each with --dir`;
    case 'not found':
      return made.steps === 0
        ? `${name} is not found`
        : `${name} is not found: ${made.steps} of its steps are here, its beginning is in the record of another proxy; name its folder too with --dir`;
    default:
      return assertNever(made);
  }
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
    .option(...dirOption)
    .option('--config <file>', 'the config that names the folder; otherwise countersign.yaml here');
}

function time(text: string): string {
  const given = text.replace(' ', 'T');
  const form = /^(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:T\d\d(?::\d\d(?::\d\d(?:\.\d{1,3})?)?)?)?Z?$/.exec(given);
  if (form !== null && !Number.isNaN(Date.parse(form[1] ?? ''))) return given.replace(/Z$/, '');
  throw new InvalidArgumentError('a time in UTC like 2026-11-21, 2026-11-21T04:00 or 2026-11-21T04:00:30Z');
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('a whole number above 0');
}
