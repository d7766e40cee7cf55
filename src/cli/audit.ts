// `countersign audit …`: the auditor's terminal. Reads files only; talks to no proxy and needs no config but the folder.
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { exportForms } from '../audit/export.ts';
import { recordsOf, searchLog, type SearchFilter } from '../audit/search.ts';
import { verifyFolder, type Verification } from '../audit/verify.ts';
import { jsonWords, recordWords } from '../audit/words.ts';
import { auditFolder, type FolderOptions } from './audit-folder.ts';

export interface AuditPorts {
  readonly say: (line: string) => void;
  readonly complain: (line: string) => void;
  /** 1 when a check failed. */
  readonly exit: (code: number) => void;
}

export function registerAudit(program: Command, ports: AuditPorts): void {
  const audit = program
    .command('audit')
    .description('check, search and export the record of everything that was judged');
  registerVerify(audit, ports);
  registerSearch(audit, ports);
  registerExport(audit, ports);
}

interface VerifyOptions extends FolderOptions {
  readonly checkpoint: readonly string[];
  readonly key?: string;
  readonly json?: true;
}

function registerVerify(audit: Command, ports: AuditPorts): void {
  folder(audit.command('verify'))
    .description('say whether the record is whole, or which record is the first that does not fit')
    .option('--checkpoint <file...>', 'checkpoints that were kept elsewhere: shows a missing end', [])
    .option('--key <file>', 'the public key that was kept elsewhere, instead of the folder’s own')
    .option('--json', 'for scripts')
    .action((options: VerifyOptions) => {
      const result = verifyFolder({
        dir: auditFolder(options),
        checkpoints: options.checkpoint,
        ...(options.key === undefined ? {} : { keyFile: options.key }),
      });
      if (options.json) ports.say(jsonWords(result));
      else if (result.kind === 'whole') ports.say(wholeWords(result));
      else ports.complain(brokenWords(result));
      if (result.kind === 'broken') ports.exit(1);
    });
}

function wholeWords(result: Extract<Verification, { readonly kind: 'whole' }>): string {
  const { head } = result;
  const first = result.firstSeq > 0 ? ` (records before ${result.firstSeq} are not in this folder)` : '';
  const newest = result.unsigned === 0 ? '' : `; the newest ${result.unsigned} are behind the head, not signed yet`;
  return (
    `${result.records} records from ${result.from} to ${result.to}${first} are whole, under head ${head.root.slice(0, 16)} ` +
    `(${head.origin}, ${head.blocks} blocks, signed ${head.at})${newest}`
  );
}

function brokenWords(result: Extract<Verification, { readonly kind: 'broken' }>): string {
  return `the record does not fit: ${result.file}${result.line === undefined ? '' : `:${result.line}`}: ${result.words}`;
}

interface SearchOptions extends FolderOptions, SearchFilter {
  readonly limit: number;
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
    .option('--json', 'one record a line')
    .action(async (options: SearchOptions) => {
      const result = await searchLog(auditFolder(options), options, options.limit);
      for (const record of result.records) ports.say(options.json ? jsonWords(record) : recordWords(record));
      if (result.more) ports.complain(`there are more than ${options.limit}; --limit shows more`);
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
      for await (const record of recordsOf(auditFolder(options), options)) {
        records += 1;
        if (!out.write(form.line(record))) await once(out, 'drain');
      }
      if (out === process.stdout) return;
      out.end();
      await once(out, 'finish');
      ports.say(`${records} records written to ${options.out ?? ''}`);
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
