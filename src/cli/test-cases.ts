// `countersign test`: the DBA's own cases. Exits 1 when one does not hold, or when there is none: a check that checks nothing is none.
import type { Command } from 'commander';
import type { NonEmpty } from '../core/brand.ts';
import { ProxyError } from '../core/errors.ts';
import { mistakeText, placeText } from '../core/place.ts';
import { visible } from '../core/visible.ts';
import { loadCases, type TestCase } from '../policy/cases.ts';
import { loadClassification } from '../policy/classification.ts';
import type { Snapshot } from '../sql/schema.ts';
import { explained } from './explain-words.ts';
import { runCase, type CaseResult } from './run-cases.ts';
import { SqlDesk } from './sql-desk.ts';
import { filesOf, folderOf, guarded, schemaOf, type CommandPorts, type FolderOptions } from './world.ts';

interface TestOptions extends FolderOptions {
  readonly json?: boolean;
}

export function registerTest(program: Command, ports: CommandPorts): void {
  program
    .command('test')
    .description('run the cases in classification/cases against the classification beside them')
    .option('--classification <dir>', 'the folder of the classification files')
    .option(
      '--config <file>',
      'the config file; with it the live schema is read, else classification/schema/NAME.json.gz',
    )
    .option('--json', 'as JSON')
    .action(guarded(ports, (options: TestOptions) => testCases(options, ports)));
}

export async function testCases(options: TestOptions, ports: CommandPorts): Promise<void> {
  const folder = folderOf(options);
  const files = filesOf(folder);
  const classification = loadClassification(files);
  const cases = loadCases(files);
  const mistakes = [classification, cases].flatMap((one) => (one.kind === 'bad' ? one.mistakes : []));
  if (mistakes.length > 0) throw new ProxyError('CONFIG_INVALID', mistakes.map(mistakeText).join('\n'));
  if (classification.kind === 'bad' || cases.kind === 'bad') return;
  if (cases.value.length === 0)
    throw new ProxyError('CONFIG_INVALID', `${folder}/cases: no cases`, {
      hint: 'docs/dbas.md shows how they are written',
    });
  const results: CaseResult[] = [];
  for (const ofDatabase of byDatabase(cases.value).values()) {
    const desk = await SqlDesk.open(await schemaFor(ofDatabase, options, ports));
    const world = { classification: classification.value, desk, ownerOf: () => '', role: 'countersign' };
    for (const one of ofDatabase) results.push(runCase(one, world));
  }
  const failed = results.filter((result) => result.complaints.length > 0);
  if (options.json === true) ports.say(JSON.stringify(asJson(results, classification.value.catalog.version)));
  else for (const result of failed) for (const line of failureLines(result)) ports.complain(line);
  const words = `${results.length - failed.length} of ${results.length} cases hold`;
  if (options.json !== true) (failed.length === 0 ? ports.say : ports.complain)(words);
  if (failed.length > 0) ports.exit(1);
}

function byDatabase(cases: readonly TestCase[]): ReadonlyMap<string, NonEmpty<TestCase>> {
  const groups = new Map<string, NonEmpty<TestCase>>();
  for (const one of cases) groups.set(one.database, [...(groups.get(one.database) ?? []), one]);
  return groups;
}

/** Where it cannot be had, the first case that needs it says where it is named. */
async function schemaFor([first]: NonEmpty<TestCase>, options: TestOptions, ports: CommandPorts): Promise<Snapshot> {
  try {
    return await schemaOf(first.database, options, ports.env);
  } catch (thrown) {
    if (!(thrown instanceof ProxyError)) throw thrown;
    const hint = thrown.hint === undefined ? {} : { hint: thrown.hint };
    throw new ProxyError(thrown.code, `${placeText(first.place)}: ${thrown.message}`, { ...hint, cause: thrown });
  }
}

function failureLines({ of, complaints }: CaseResult): readonly string[] {
  return [
    `${placeText(of.place)}: ${of.agent}: ${visible(of.sql, 120)}`,
    ...complaints.map((complaint) => `  ${complaint}`),
  ];
}

function asJson(results: readonly CaseResult[], catalog: string): object {
  return {
    cases: results.length,
    failed: results.filter((result) => result.complaints.length > 0).length,
    results: results.map(({ of, judgement, complaints }) => ({
      place: placeText(of.place),
      sql: of.sql,
      expect: of.expect,
      complaints,
      ...explained(judgement, { agent: of.agent, database: of.database, catalog }),
    })),
  };
}
