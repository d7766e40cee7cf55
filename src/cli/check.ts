// `countersign check`: every mistake in the classification files; with a database, how far files and schema have drifted apart.
import type { Command } from 'commander';
import { isNonEmpty } from '../core/brand.ts';
import { dotted } from '../core/names.ts';
import { mistakeText, type Mistake } from '../core/place.ts';
import { levelOf } from '../catalog/levels.ts';
import { loadCases } from '../policy/cases.ts';
import { loadClassification, type Classification } from '../policy/classification.ts';
import { readSnapshot } from '../sql/schema-picture.ts';
import type { Snapshot } from '../sql/schema.ts';
import { coverageText, driftOf, findingText, type Drift, type DriftFinding } from './drift.ts';
import { scanResult } from './scan/proposals.ts';
import { sampleTables } from './scan/sample-tables.ts';
import { carriedFindings } from './carried-findings.ts';
import { lineageAtHand } from './kept-lineage.ts';
import { readSchemaFile, schemaFileOf, writeSchemaFile } from './schema-file.ts';
import { SqlDesk } from './sql-desk.ts';
import { misspelled } from './strange-names.ts';
import {
  configOf,
  databaseOf,
  filesOf,
  folderOf,
  guarded,
  namesIn,
  withDatabase,
  type CommandPorts,
  type FolderOptions,
} from './world.ts';

interface CheckOptions extends FolderOptions {
  readonly database?: string;
  readonly writeSchema?: boolean;
  readonly scan?: boolean;
  readonly strict?: boolean;
  readonly json?: boolean;
}

export function registerCheck(program: Command, ports: CommandPorts): void {
  program
    .command('check')
    .description('every mistake in the classification files; with --database, drift between them and the live schema')
    .option('--database <name>', 'compare with this database of the config')
    .option(
      '--write-schema',
      'picture the schema into classification/schema, for tests without a database and to know renames',
    )
    .option('--no-scan', 'do not sample values to find entries that are too low')
    .option('--strict', 'notes fail too')
    .option('--classification <dir>', 'the folder of the classification files')
    .option('--config <file>', 'the config file (countersign.yaml)')
    .option('--json', 'as JSON')
    .action(guarded(ports, (options: CheckOptions) => check(options, ports)));
}

export async function check(options: CheckOptions, ports: CommandPorts): Promise<void> {
  const folder = folderOf(options);
  const files = filesOf(folder);
  const loaded = loadClassification(files);
  const cases = loadCases(files);
  const mistakes = [loaded, cases].flatMap((one) => (one.kind === 'bad' ? one.mistakes : []));
  if (isNonEmpty(mistakes)) return sayBad(mistakes, options, ports);
  if (loaded.kind === 'bad') return;
  const { catalog } = loaded.value;
  const counts = `${catalog.levels.length} levels, ${catalog.categories.size} categories, ${catalog.databases.size} databases, ${catalog.approvers.size} approvers, ${loaded.value.policy.rules.length} rules`;
  if (options.database === undefined) {
    if (options.json === true) ports.say(JSON.stringify({ mistakes: [], version: catalog.version }));
    else {
      ports.say(`${folder}: no mistakes (${counts})`);
      for (const words of misspelled(catalog, namesIn(options, 'databases') ?? [])) ports.say(`note: ${words}`);
    }
    return;
  }
  const seen = await compare(loaded.value, options.database, { folder, options, ports });
  sayDrift(seen, options, ports);
}

function sayBad(mistakes: readonly Mistake[], options: CheckOptions, ports: CommandPorts): void {
  if (options.json === true) {
    const plain = mistakes.map(({ place, words, mend }) => ({
      ...place,
      words,
      ...(mend === undefined ? {} : { mend }),
    }));
    ports.say(JSON.stringify({ mistakes: plain }));
  } else for (const mistake of mistakes) ports.complain(mistakeText(mistake));
  ports.exit(1);
}

interface Seen extends Drift {
  readonly advice: readonly string[];
}

async function compare(
  classification: Classification,
  database: string,
  { folder, options, ports }: { readonly folder: string; readonly options: CheckOptions; readonly ports: CommandPorts },
): Promise<Seen> {
  const { catalog } = classification;
  const file = schemaFileOf(folder, database);
  const before = readSchemaFile(file);
  const target = databaseOf(await configOf(options, ports.env), database);
  return await withDatabase(target, async (query) => {
    const live = await readSnapshot(query);
    const drift = driftOf({ catalog, database, live, before });
    const doubts = options.scan === false ? [] : scanResult(catalog, database, await sampleTables(query, live)).doubts;
    const scanned = doubts.map(({ table, column, now, level, proposal }): DriftFinding => ({
      kind: 'scan',
      weight: 'fails',
      what: `${table}.${column}`,
      words: `is ${now.level.name}, looks like ${level.name}: ${proposal.evidence}; raise it or give a reason`,
      place: now.place,
    }));
    const lowered = await loweredViews(classification, database, live);
    const carried = carriedFindings(await lineageAtHand(options, ports.env, { catalog, database, live }), {
      ...{ catalog, database, live },
    });
    if (options.writeSchema === true) writeSchemaFile(file, live);
    return {
      ...drift,
      findings: [...drift.findings, ...lowered, ...scanned, ...carried],
      advice: await adviceOf(query),
    };
  });
}

/** A view's entry that is lower than what it reads, and does not say why: files alone cannot know. */
async function loweredViews(
  classification: Classification,
  database: string,
  live: Snapshot,
): Promise<readonly DriftFinding[]> {
  const { catalog } = classification;
  const views = [...(catalog.databases.get(database)?.views.values() ?? [])].filter(
    (view) => view.reason === undefined,
  );
  if (views.length === 0) return [];
  const desk = await SqlDesk.open(live);
  const asker = {
    agent: '',
    owner: '',
    database,
    role: '',
    applicationName: '',
    clientAddress: '',
    reason: undefined,
    transaction: 'none' as const,
  };
  return views.flatMap((view): readonly DriftFinding[] => {
    const name = dotted(view.relation.schema, view.relation.name);
    const judged = desk.judge({
      classification,
      asker,
      sql: `select * from ${name}`,
      searchPath: [],
      now: 0,
      rows: undefined,
    });
    const reads = judged.statements.flatMap((one) => one.analysis.reads);
    const under = reads
      .map((read) => levelOf(catalog, database, read.column).level)
      .toSorted((a, b) => b.rank - a.rank)[0];
    if (under === undefined || under.rank <= view.level.rank) return [];
    return [
      {
        kind: 'downgrade',
        weight: 'fails',
        what: name,
        words: `${view.level.name}, but it reads ${under.name}; add a reason`,
        place: view.place,
      },
    ];
  });
}

/** The server's own trees, which the proxy asks for, land in the server's log too unless it is told not to keep them. */
async function adviceOf(
  query: (sql: string) => Promise<readonly (readonly (string | null)[])[]>,
): Promise<readonly string[]> {
  const rows = await query("select current_setting('log_min_messages'), pg_catalog.quote_ident(current_user)");
  const [setting, role] = [rows[0]?.[0] ?? '', rows[0]?.[1] ?? ''];
  if (setting === 'fatal' || setting === 'panic') return [];
  return [
    `log_min_messages is ${setting}: the server would log the trees that the proxy asks for, with constants of statements in them; ` +
      `as a superuser run: alter role ${role} set log_min_messages = fatal`,
  ];
}

function sayDrift({ findings, coverage, advice }: Seen, options: CheckOptions, ports: CommandPorts): void {
  const failing = findings.filter((finding) => finding.weight === 'fails' || options.strict === true);
  if (options.json === true) {
    ports.say(JSON.stringify({ mistakes: [], findings, coverage, advice }));
  } else {
    for (const finding of failing) ports.complain(findingText(finding));
    for (const finding of findings) if (!failing.includes(finding)) ports.say(`note: ${findingText(finding)}`);
    for (const words of advice) ports.say(`advice: ${words}`);
    ports.say(`${coverageText(coverage)}; ${failing.length === 0 ? 'no drift' : `${failing.length} to mend`}`);
  }
  if (failing.length > 0) ports.exit(1);
}
