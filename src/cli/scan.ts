// `countersign scan`: proposes what columns without a word hold, by their names and by samples of their values. Prints YAML for review;
// nothing takes effect by itself, and no value is ever printed.
import type { Command } from 'commander';
import type { Catalog } from '../catalog/catalog.ts';
import { readSnapshot } from '../sql/schema-picture.ts';
import { proposalYaml, scanResult, type ScanResult } from './scan/proposals.ts';
import { sampleTables } from './scan/sample-tables.ts';
import {
  catalogOf,
  configOf,
  databaseOf,
  guarded,
  withDatabase,
  writeNew,
  type CommandPorts,
  type FolderOptions,
} from './world.ts';

interface ScanOptions extends FolderOptions {
  readonly database: string;
  readonly write?: string;
  readonly json?: boolean;
}

export function registerScan(program: Command, ports: CommandPorts): void {
  program
    .command('scan')
    .description(
      'propose classification for columns that have none, by name and by sampled values; never prints a value',
    )
    .requiredOption('--database <name>', 'the database’s name in the config')
    .option('--write <file>', 'write the YAML there; never over a file that exists')
    .option('--classification <dir>', 'the folder of the classification files')
    .option('--config <file>', 'the config file', 'countersign.yaml')
    .option('--json', 'as JSON')
    .action(guarded(ports, (options: ScanOptions) => scan(options, ports)));
}

export async function scan(options: ScanOptions, ports: CommandPorts): Promise<void> {
  const catalog = catalogOf(options);
  const database = databaseOf(await configOf(options, ports.env), options.database);
  const result = await withDatabase(database, async (query) => {
    const snapshot = await readSnapshot(query);
    return scanResult(catalog, options.database, await sampleTables(query, snapshot));
  });
  show(result, catalog, options, ports);
}

function show(result: ScanResult, catalog: Catalog, options: ScanOptions, ports: CommandPorts): void {
  const yaml = proposalYaml(options.database, result);
  if (options.write !== undefined) writeNew(options.write, yaml);
  if (options.json === true) ports.say(JSON.stringify(asJson(result, catalog)));
  else if (options.write === undefined) ports.say(yaml.trimEnd());
  const where = options.write === undefined ? '' : `; written to ${options.write}`;
  ports.complain(
    `${result.proposals.length} proposals, ${result.doubts.length} entries in doubt, ${result.silent.length} columns with nothing to see${where}`,
  );
  for (const { table, column, now, level, proposal } of result.doubts) {
    ports.complain(`  ${table}.${column}: is ${now.level.name}, looks like ${level.name} (${proposal.evidence})`);
  }
  for (const { table, words } of result.troubles) ports.complain(`  ${table}: ${words}`);
}

function asJson(result: ScanResult, catalog: Catalog): object {
  const plain = (list: ScanResult['proposals']): object[] =>
    list.map((one) => ({
      column: `${one.table}.${one.column}`,
      word: one.word,
      level: one.level.name,
      now: one.now.level.name,
      kind: one.proposal.kind,
      evidence: one.proposal.evidence,
      sure: one.proposal.sure,
    }));
  return {
    catalog: catalog.version,
    proposals: plain(result.proposals),
    doubts: plain(result.doubts),
    silent: result.silent.map((one) => `${one.table}.${one.column}`),
    troubles: result.troubles,
  };
}
