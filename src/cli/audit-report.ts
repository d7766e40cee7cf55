// `countersign audit report`: the evidence of a span, as one page of HTML that needs nothing else, and every hold as CSV.
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { holdOf } from '../audit/hold-records.ts';
import { makeReceipt } from '../audit/hold-receipt.ts';
import { existingSigner, readText } from '../audit/keys.ts';
import { readNote } from '../audit/note.ts';
import { ReportCollector, type ReportFacts } from '../audit/report.ts';
import { reportCsv, reportHtml } from '../audit/report-pages.ts';
import { doubtsAbout, rightsOf, type Rights } from '../audit/report-rights.ts';
import { SearchIndex } from '../audit/search-index.ts';
import { recordsOf } from '../audit/search.ts';
import { headFile } from '../audit/tail.ts';
import { verifyFolder } from '../audit/verify.ts';
import { catalogThen } from '../audit/versions.ts';
import { jsonWords } from '../audit/words.ts';
import { join } from 'node:path';
import type { Classification } from '../policy/classification.ts';
import type { AuditPorts } from './audit.ts';
import { auditFolder, type FolderOptions } from './audit-folder.ts';
import { brokenWords, wholeWords } from './audit-words.ts';
import { driftOf, coverageText } from './drift.ts';
import { schemaThen } from './kept-schemas.ts';

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
    .option('--dir <folder>', 'the folder of the record; otherwise audit.dir of the config, or ./audit')
    .option('--config <file>', 'the config that names the folder; otherwise countersign.yaml here')
    .option('--from <time>', 'in UTC, 2026-11-21T04:00, or its beginning', parse.time)
    .option('--to <time>', 'the same; belongs to the span', parse.time)
    .requiredOption('--out <name>', 'writes NAME.html and NAME.csv')
    .action(async (options: ReportOptions) => report(options, ports));
}

async function report(options: ReportOptions, ports: AuditPorts): Promise<void> {
  const dir = auditFolder(options);
  const proof = verifyFolder({ dir });
  const collector = new ReportCollector({ from: options.from, to: options.to });
  for await (const record of recordsOf(dir)) collector.take(record);
  const facts = collector.facts();
  const words = proof.kind === 'whole' ? wholeWords(proof) : brokenWords(proof);
  const catalogs = catalogsOf(dir, facts);
  const receipts = await receiptsOf(dir, facts);
  const html = reportHtml(facts, {
    proof: words,
    rights: rightsIn(catalogs),
    doubts: facts.holds.flatMap((hold) => {
      const catalog = catalogs.get(hold.held.catalog ?? '');
      return catalog === undefined ? [] : doubtsAbout(hold, catalog);
    }),
    coverage: await coverageOf(dir, facts, catalogs),
    receiptOf: (hold) => receipts.get(hold),
  });
  writeFileSync(`${options.out}.html`, html, { flag: 'wx', mode: 0o600 });
  writeFileSync(`${options.out}.csv`, reportCsv(facts), { flag: 'wx', mode: 0o600 });
  ports.say(`${facts.holds.length} holds, ${facts.records} records: ${options.out}.html, ${options.out}.csv`);
  if (proof.kind === 'whole') return;
  ports.complain(words);
  ports.exit(1);
}

type Catalogs = ReadonlyMap<string, Classification | undefined>;

/** Every version that judged in the span, or that judged a hold of it. */
function catalogsOf(dir: string, facts: ReportFacts): Catalogs {
  const held = facts.holds.flatMap((hold) => hold.held.catalog ?? []);
  return new Map(
    [...new Set([...facts.catalogs.keys(), ...held])].map((version) => {
      const then = catalogThen(dir, version);
      return [version, then.kind === 'there' ? then.classification : undefined];
    }),
  );
}

function rightsIn(catalogs: Catalogs): ReadonlyMap<string, Rights | undefined> {
  return new Map([...catalogs].map(([version, one]) => [version, one === undefined ? undefined : rightsOf(one)]));
}

async function receiptsOf(dir: string, facts: ReportFacts): Promise<ReadonlyMap<string, string>> {
  const receipts = new Map<string, string>();
  const signer = existingSigner(dir);
  if (signer === undefined || facts.holds.length === 0) return receipts;
  const note = readNote(readText(join(dir, headFile)) ?? '', []);
  const origin = note.kind === 'note' ? note.checkpoint.origin : 'countersign/unknown';
  const index = new SearchIndex(dir);
  for (const { held } of facts.holds) {
    const found = holdOf(origin, await index.recordsOfHold(held.hold));
    if (found.kind === 'settled') receipts.set(held.hold, jsonWords(await makeReceipt(found.records, signer)));
  }
  return receipts;
}

/** How much of each database somebody had classified, by the newest classification and schema that judged in the span. */
async function coverageOf(dir: string, facts: ReportFacts, catalogs: Catalogs): Promise<readonly string[]> {
  const newest = [...facts.catalogs.keys()].at(-1) ?? '';
  const classification = catalogs.get(newest);
  const lines: string[] = [];
  for (const [database, version] of facts.schemas) {
    const schema = await schemaThen(dir, version);
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
