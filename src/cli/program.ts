// The command line as one object: every command's name, help and options. What a command does is in its own file.
import { Command, CommanderError } from 'commander';
import { addAgents } from './agents-command.ts';
import { registerAudit } from './audit.ts';
import { registerCheck } from './check.ts';
import { registerExplain } from './explain.ts';
import { registerGrants } from './grants.ts';
import { addConsoleLink } from './console-link.ts';
import { addHolds } from './holds.ts';
import { registerImport } from './import.ts';
import { CommandFailed, complaintOf, type Io } from './io.ts';
import { registerScan } from './scan.ts';
import { addServe } from './serve-command.ts';
import { addSlack } from './slack-command.ts';
import { addStart } from './start-command.ts';
import { registerTest } from './test-cases.ts';
import { version } from './version.ts';

/** Each puts its command on the program; a new command is one file and one line here. */
const commands: readonly ((program: Command, io: Io) => void)[] = [
  addStart,
  addServe,
  addAgents,
  addSlack,
  addHolds,
  addConsoleLink,
  (program, io) =>
    registerAudit(program, { say: io.out, columns: io.columns, complain: io.err, exit: io.exit, env: io.env }),
  (program, io) => {
    const ports = { say: io.out, complain: io.err, exit: io.exit, env: io.env };
    for (const register of [registerCheck, registerScan, registerTest, registerExplain, registerImport, registerGrants])
      register(program, ports);
  },
];

/** Exit code: 0 well, 1 a check failed or it could not be done, 2 it was asked wrongly. */
export async function run(args: readonly string[], world: Omit<Io, 'exit'>): Promise<number> {
  let exitCode = 0;
  const io: Io = { ...world, exit: (code) => (exitCode = Math.max(exitCode, code)) };
  const program = buildProgram(io);
  if (args.length === 0) {
    program.outputHelp();
    return 0;
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    const lines = thrown instanceof CommandFailed ? thrown.lines : complaintOf(thrown);
    for (const line of lines) io.err(`countersign: ${line}`);
    return thrown instanceof CommandFailed ? thrown.exitCode : 1;
  }
}

export function buildProgram(io: Io): Command {
  const program = new Command('countersign');
  program
    .description(
      'A Postgres proxy that holds an AI agent’s risky statements on the wire until the right person approves.',
    )
    .version(version(), '-V, --version')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      // Two lines of the library (the error, what was perhaps meant) become one.
      writeErr: (text) => io.err(text.startsWith('error: ') ? oneLine(text) : text.trimEnd()),
    });
  for (const add of commands) add(program, io);
  // Settings of the program reach only the commands made by it, not those that were added; make sure of each.
  for (const command of allOf(program)) command.exitOverride().copyInheritedSettings(program);
  return program;
}

const oneLine = (text: string): string =>
  text
    .trim()
    .replace(/^error: /, 'countersign: ')
    .replaceAll('\n', ' ');

const allOf = (command: Command): readonly Command[] => command.commands.flatMap((inner) => [inner, ...allOf(inner)]);
