// `countersign start` on the command line: its options, and the proxy that `start.ts` asks for.
import { InvalidArgumentError, type Command } from 'commander';
import { CommandFailed, type Io } from './io.ts';
import { serveFile } from './serve-command.ts';
import { start } from './start.ts';

interface Options {
  readonly port?: number;
  readonly http?: number;
  readonly keep?: string;
  readonly agent?: true;
}

export function addStart(program: Command, io: Io): void {
  program
    .command('start')
    .description('everything on a bare machine: a real Postgres with a sample shop, and the proxy before it')
    .option('--port <number>', 'where agents connect (6432, or the next that is free)', port)
    .option('--http <number>', 'where API, console and health are (6480, or the next that is free)', port)
    .option('--keep <folder>', 'keep database, state and secrets in this folder; otherwise nothing is left behind')
    .option('--agent', 'a scripted agent works beside it, so that the console is alive')
    .action(async (options: Options) => {
      const code = await start(
        {
          port: options.port,
          http: options.http,
          keep: options.keep,
          agent: options.agent === true ? 'scripted' : undefined,
        },
        {
          serve: async (file) => (await serveFile(file, io.env, 'warn')).proxy,
          say: io.out,
          complain: io.err,
          askedToStop: firstOf(['SIGINT', 'SIGTERM', 'SIGHUP']),
          onEnter,
        },
      );
      if (code !== 0) throw new CommandFailed([], 1);
    });
}

function port(text: string): number {
  const number = Number(text);
  if (/^\d{1,5}$/.test(text) && number >= 1 && number <= 65_535) return number;
  throw new InvalidArgumentError('It is a number from 1 to 65535.');
}

function firstOf(signals: readonly NodeJS.Signals[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) process.once(signal, () => resolve());
  });
}

/** Only somebody at a keyboard presses Enter; a terminal that nobody reads from keeps nothing alive. */
function onEnter(each: () => void): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => undefined;
  stdin.on('data', each);
  return () => {
    stdin.off('data', each);
    stdin.pause();
  };
}
