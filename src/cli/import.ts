// `countersign import dbt|odcs|openmetadata|comments`: what a house has said elsewhere about its columns, as YAML for review. Never live:
// nothing read here takes effect before a person has put the file into the folder.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { ProxyError } from '../core/errors.ts';
import { fileWords } from '../core/file-words.ts';
import { mistakeText } from '../core/place.ts';
import { loadYaml, type PlainValue } from '../core/yaml.ts';
import { fromComments } from './import-comments.ts';
import { fromDbt } from './import-dbt.ts';
import { fromOdcs } from './import-odcs.ts';
import { fromOpenMetadata } from './import-openmetadata.ts';
import { importYaml, type Statement } from './import-words.ts';
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

interface ImportOptions extends FolderOptions {
  readonly database: string;
  readonly write?: string;
}

const readers = {
  dbt: { words: 'dbt’s manifest.json or a schema.yml: meta, tags', read: fromDbt },
  odcs: { words: 'an Open Data Contract (ODCS 3): classification, tags', read: fromOdcs },
  openmetadata: { words: 'an OpenMetadata export of tables as JSON: tags', read: fromOpenMetadata },
} as const;

export function registerImport(program: Command, ports: CommandPorts): void {
  const command = program
    .command('import')
    .description('turn labels that stand elsewhere into YAML for review; changes nothing');
  for (const [name, { words, read }] of Object.entries(readers)) {
    withOptions(command.command(name))
      .description(`from ${words}`)
      .argument('<file...>', 'the files')
      .action(
        guarded(ports, (files: readonly string[], options: ImportOptions) => {
          finish(
            files.flatMap((file) => read(readAny(file))),
            options,
            ports,
          );
        }),
      );
  }
  withOptions(command.command('comments'))
    .description('from COMMENT ON COLUMN and SECURITY LABEL in the live database')
    .action(
      guarded(ports, async (options: ImportOptions) => {
        const database = databaseOf(await configOf(options, ports.env), options.database);
        finish(await withDatabase(database, fromComments), options, ports);
      }),
    );
}

function withOptions(command: Command): Command {
  return command
    .requiredOption('--database <name>', 'the database that the entries are for')
    .option('--write <file>', 'write the YAML there; never over a file that exists')
    .option('--classification <dir>', 'the folder of the classification files')
    .option('--config <file>', 'the config file');
}

/** JSON is read as JSON: manifests are larger than any YAML file should be. */
function readAny(file: string): PlainValue {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new ProxyError('CONFIG_INVALID', `${file}: cannot be read: ${fileWords(thrown)}`);
  }
  if (file.endsWith('.json')) {
    try {
      const value: PlainValue = JSON.parse(text);
      return value;
    } catch {
      throw new ProxyError('CONFIG_INVALID', `${file}: is not JSON`);
    }
  }
  const loaded = loadYaml(file, text);
  if (loaded.kind === 'bad') throw new ProxyError('CONFIG_INVALID', loaded.mistakes.map(mistakeText).join('\n'));
  return loaded.value.value;
}

function finish(statements: readonly Statement[], options: ImportOptions, ports: CommandPorts): void {
  const { yaml, taken, foreign } = importYaml(catalogOf(options), options.database, statements);
  if (options.write === undefined) ports.say(yaml.trimEnd());
  else writeNew(options.write, yaml);
  ports.complain(
    `${taken} columns with a word that the taxonomy knows, ${foreign} with words that it does not (in comments, for you to translate)`,
  );
}
