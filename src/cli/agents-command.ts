// `countersign agents`: makes, lists, changes and removes the credentials of agents in the config file.
import type { Command } from 'commander';
import { addAgent, listAgents, removeAgent, rotateAgent, type Credential } from './agents.ts';
import type { Io } from './io.ts';

interface FileOption {
  readonly config: string;
  readonly json?: boolean;
}

interface AddOptions extends FileOption {
  readonly owner: string;
  readonly database?: readonly string[];
}

export function addAgents(program: Command, io: Io): void {
  const agents = program.command('agents').description('add, list, change and remove the credentials of agents');
  const withFile = (command: Command): Command =>
    command.option('-c, --config <file>', 'the config file', 'countersign.yaml').option('--json', 'as JSON');

  withFile(agents.command('add').argument('<name>', 'what the agent is called; its user name in Postgres'))
    .description('make a credential once, store only its verifier, print the connection string')
    .requiredOption('--owner <person>', 'the person behind it; never an approver of its holds')
    .option('--database <name...>', 'databases that it may connect to (the only one, if there is only one)')
    .action(async (name: string, options: AddOptions) => {
      const wanted = { file: options.config, name, owner: options.owner, databases: options.database ?? [] };
      show(io, options, await addAgent(wanted));
    });

  withFile(agents.command('rotate').argument('<name>'))
    .description('make a new credential; the old one ends when the proxy reads its config again')
    .action(async (name: string, options: FileOption) => show(io, options, await rotateAgent(options.config, name)));

  withFile(agents.command('remove').argument('<name>'))
    .description('take an agent out of the config file')
    .action((name: string, options: FileOption) => {
      removeAgent(options.config, name);
      if (options.json === true) io.out(JSON.stringify({ removed: name }));
      io.err(`Removed ${name} from ${options.config}. ${takesEffect}`);
    });

  withFile(agents.command('list'))
    .description('name every agent with its owner and databases')
    .action((options: FileOption) => {
      const list = listAgents(options.config);
      if (options.json === true) io.out(JSON.stringify(list));
      else
        for (const line of table(list.map((agent) => [agent.name, agent.owner, agent.databases.join(',')])))
          io.out(line);
    });
}

const takesEffect = 'A running proxy reads it at SIGHUP (kill -HUP PID) or at its next start.';

/** The secret goes to stdout, to be piped or copied; the words about it do not. */
function show(io: Io, options: FileOption, credential: Credential): void {
  if (options.json === true) io.out(JSON.stringify(credential));
  else io.out(credential.url);
  io.err(`This is shown once; ${options.config} keeps only a verifier of it. ${takesEffect}`);
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const all = [['NAME', 'OWNER', 'DATABASES'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
