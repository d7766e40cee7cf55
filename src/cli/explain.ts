// `countersign explain`: the verdict on one text and why, with the line of every entry. Runs nothing.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { parseNetwork } from '../core/cidr.ts';
import { ProxyError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { visible } from '../core/visible.ts';
import type { Asker } from '../policy/asker.ts';
import { explained, explainLines } from './explain-words.ts';
import { lineageAtHand } from './kept-lineage.ts';
import { SqlDesk } from './sql-desk.ts';
import { classificationOf, guarded, namesIn, schemaOf, type CommandPorts, type FolderOptions } from './world.ts';

interface ExplainOptions extends FolderOptions {
  readonly agent: string;
  readonly database: string;
  readonly owner?: string;
  readonly searchPath?: string;
  readonly at?: string;
  readonly rows?: string;
  readonly reason?: string;
  readonly applicationName?: string;
  readonly clientAddress?: string;
  readonly json?: boolean;
}

export function registerExplain(program: Command, ports: CommandPorts): void {
  program
    .command('explain')
    .description('the verdict on a statement, and why; runs nothing')
    .argument('<sql>', 'the statement; - reads it from stdin')
    .requiredOption('--agent <name>', 'who would send it')
    .requiredOption('--database <name>', 'to which database')
    .option('--owner <person>', 'the person behind the agent')
    .option('--search-path <names>', 'the session’s search_path, with commas (default: "$user",public)')
    .option('--at <time>', 'as if it were then: 2026-01-15T22:00:00+01:00')
    .option('--rows <count>', 'as if the planner expected so many rows')
    .option('--reason <words>', 'what the agent would say why')
    .option('--application-name <name>', 'what the client would call itself')
    .option('--client-address <address>', 'where it would come from', '127.0.0.1')
    .option('--classification <dir>', 'the folder of the classification files')
    .option('--config <file>', 'the config file; with it the live schema is read')
    .option('--json', 'as JSON')
    .action(
      guarded(ports, (sql: string, options: ExplainOptions) =>
        explain(sql === '-' ? readFileSync(0, 'utf8') : sql, options, ports),
      ),
    );
}

export async function explain(sql: string, options: ExplainOptions, ports: CommandPorts): Promise<void> {
  const classification = classificationOf(options);
  const { agent, database } = options;
  const live = await schemaOf(database, options, ports.env);
  const desk = await SqlDesk.open(live);
  const kept = await lineageAtHand(options, ports.env, { catalog: classification.catalog, database, live });
  const asker: Asker = {
    agent,
    owner: options.owner ?? '',
    database,
    role: 'countersign',
    applicationName: options.applicationName ?? '',
    clientAddress: addressOf(options.clientAddress ?? '127.0.0.1'),
    reason: options.reason,
    transaction: 'none',
  };
  const question = {
    classification: kept.kind === 'read' ? { ...classification, floors: kept.lineage } : classification,
    asker,
    sql,
    searchPath: pathOf(options.searchPath ?? '"$user",public'),
    now: momentOf(options.at),
    rows: countOf(options.rows),
  };
  const judgement = desk.judge(question);
  const offer = desk.offer(question, judgement);
  const whole = explained(judgement, { agent, database, catalog: classification.catalog.version });
  const unread = kept.kind === 'read' ? {} : { lineage: `not looked at: ${kept.why}` };
  if (options.json === true)
    ports.say(JSON.stringify({ ...whole, ...(offer === undefined ? {} : { offer }), ...unread }));
  else for (const line of explainLines(whole)) ports.say(line);
  if (options.json !== true && kept.kind !== 'read')
    ports.say(`data that took its level with it was not looked at: ${visible(kept.why, 300)}`);
  const agents = namesIn(options, 'agents');
  if (options.json !== true && agents !== undefined && !agents.includes(agent)) {
    const near = nearest(agent, agents);
    const meant = near === undefined ? '' : ` (did you mean '${near}'?)`;
    ports.complain(`the config has no agent '${visible(agent, 63)}'${meant}; judged as if it had`);
  }
  if (options.json !== true && offer !== undefined) ports.say(`this would pass: ${offer}`);
}

function pathOf(text: string): readonly string[] {
  return text.split(',').map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
}

function addressOf(text: string): string {
  if (parseNetwork(text) !== undefined && !text.includes('/')) return text;
  throw new ProxyError('BAD_REQUEST', `--client-address ${visible(text, 60)}: not an address`, {
    hint: 'write for example 10.0.5.7',
  });
}

function momentOf(text: string | undefined): number {
  const moment = text === undefined ? Date.now() : Date.parse(text);
  if (Number.isNaN(moment))
    throw new ProxyError('BAD_REQUEST', `--at ${text ?? ''}: not a time`, { hint: 'write 2026-01-15T22:00:00+01:00' });
  return moment;
}

function countOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!/^\d+$/.test(text))
    throw new ProxyError('BAD_REQUEST', `--rows ${text}: not a count`, { hint: 'write a whole number' });
  return count;
}
