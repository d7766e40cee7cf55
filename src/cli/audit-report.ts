// `countersign audit report`: the evidence of a span, as one page of HTML that needs nothing else, and every hold as CSV.
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { recordsOfAll } from '../audit/joint-records.ts';
import { JointSearch } from '../audit/joint-search.ts';
import { existingSigner } from '../audit/keys.ts';
import { receiptOf } from '../audit/receipts.ts';
import { ReportCollector, type ReportFacts } from '../audit/report.ts';
import { reportCsv, reportHtml } from '../audit/report-pages.ts';
import { doubtsAbout, rightsOf, type Rights } from '../audit/report-rights.ts';
import { catalogThenIn } from '../audit/versions.ts';
import { jsonWords } from '../audit/words.ts';
import type { Classification } from '../policy/classification.ts';
import type { AuditPorts } from './audit.ts';
import { chainFolders, dirOption, type FolderOptions } from './audit-folder.ts';
import { verifiedChains } from './audit-verify.ts';
import { brokenWords, wholeWords } from './audit-words.ts';
import { misused } from './io.ts';
import { driftOf, coverageText } from './drift.ts';
import { schemaThenIn } from './kept-schemas.ts';

interface ReportOptions extends FolderOptions {
  readonly out: string;
  readonly from?: string;
  readonly to?: string;
}

export function registerReport(
  audit: Command,
  ports: AuditPorts,
  parse: { readonly time: (text: string) => string },
): void {
  audit
    .command('report')
    .description('write the evidence of a span: one page of HTML, and every hold as CSV')
    .option(...dirOption)
    .option('--config <file>', 'the config that names the folder; otherwise countersign.yaml here')
    .option('--from <time>', 'in UTC, 2026-11-21T04:00, or its beginning', parse.time)
    .option('--to <time>', 'the same; belongs to the span', parse.time)
    .requiredOption('--out <name>', 'writes NAME.html and NAME.csv')
    .action(async (options: ReportOptions) => report(options, ports));
}

async function report(options: ReportOptions, ports: AuditPorts): Promise<void> {
  const { from, to } = options;
  if (from !== undefined && to !== undefined && from > `${to}~`)
    throw misused(`--from ${from} --to ${to}: the span ends before it begins`);
  const dirs = chainFolders(options);
  const proofs = verifiedChains(dirs, {});
  const collector = new ReportCollector({ from: options.from, to: options.to });
  for await (const { record, chain } of recordsOfAll(dirs)) collector.take(record, chain);
  const facts = collector.facts();
  const words = proofs.map(({ result }) => (result.kind === 'whole' ? wholeWords(result) : brokenWords(result)));
  const catalogs = catalogsOf(dirs, facts);
  const receipts = await receiptsOf(dirs, facts);
  const html = reportHtml(facts, {
    proofs: words,
    rights: rightsIn(catalogs),
    doubts: facts.holds.flatMap((hold) => {
      const catalog = catalogs.get(hold.held.catalog ?? '');
      return catalog === undefined ? [] : doubtsAbout(hold, catalog);
    }),
    coverage: await coverageOf(dirs, facts, catalogs),
    receiptOf: (hold) => receipts.get(hold),
  });
  writeFileSync(`${options.out}.html`, html, { flag: 'wx', mode: 0o600 });
  writeFileSync(`${options.out}.csv`, reportCsv(facts), { flag: 'wx', mode: 0o600 });
  ports.say(`${facts.holds.length} holds, ${facts.records} records: ${options.out}.html, ${options.out}.csv`);
  const broken = words.filter((_, index) => proofs[index]?.result.kind !== 'whole');
  for (const line of broken) ports.complain(line);
  if (broken.length > 0) ports.exit(1);
}

type Catalogs = ReadonlyMap<string, Classification | undefined>;

/** Every version that judged in the span, or that judged a hold of it. */
function catalogsOf(dirs: readonly string[], facts: ReportFacts): Catalogs {
  const held = facts.holds.flatMap((hold) => hold.held.catalog ?? []);
  return new Map(
    [...new Set([...facts.catalogs.keys(), ...held])].map((version) => {
      const then = catalogThenIn(dirs, version);
      return [version, then.kind === 'there' ? then.classification : undefined];
    }),
  );
}

function rightsIn(catalogs: Catalogs): ReadonlyMap<string, Rights | undefined> {
  return new Map([...catalogs].map(([version, one]) => [version, one === undefined ? undefined : rightsOf(one)]));
}

async function receiptsOf(dirs: readonly string[], facts: ReportFacts): Promise<ReadonlyMap<string, string>> {
  const receipts = new Map<string, string>();
  const search = new JointSearch(() => dirs);
  for (const { held } of facts.holds) {
    const parts = await search.partsOfHold(held.hold);
    const made = await receiptOf(held.hold, parts, { signerOf: (dir) => existingSigner(dir) });
    if (made.kind === 'made') receipts.set(held.hold, jsonWords(made.receipt));
  }
  return receipts;
}

/** How much of each database somebody had classified, by the newest classification and schema that judged in the span. */
async function coverageOf(dirs: readonly string[], facts: ReportFacts, catalogs: Catalogs): Promise<readonly string[]> {
  const newest = [...facts.catalogs.keys()].at(-1) ?? '';
  const classification = catalogs.get(newest);
  const lines: string[] = [];
  for (const [database, version] of facts.schemas) {
    const schema = await schemaThenIn(dirs, version);
    if (classification === undefined || schema.kind === 'not there') {
      lines.push(`${database}: not known; classification or schema of then was not kept beside the log`);
      continue;
    }
    const { catalog } = classification;
    const { coverage } = driftOf({ catalog, database, live: schema.snapshot, before: undefined });
    const rest = `the rest is ${catalog.unclassified.name}`;
    lines.push(`${database}: ${coverageText(coverage)}; ${rest} (classification ${newest.slice(0, 12)})`);
  }
  return lines;
}
