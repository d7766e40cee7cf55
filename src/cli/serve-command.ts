// `countersign serve`: from a file's name to a proxy that ends as it should, whatever ends it.
import type { Command } from 'commander';
import { loadConfig } from '../core/config.ts';
import { createLog, type Log } from '../core/log.ts';
import type { LogLevel } from '../core/log-levels.ts';
import { mistakeText } from '../core/place.ts';
import { makeVerifier } from '../wire/scram.ts';
import { failed, type Io } from './io.ts';
import { keepSignals, obeySignals } from './process-signals.ts';
import type { RunningProxy } from './serve.ts';

export function addServe(program: Command, io: Io): void {
  program
    .command('serve')
    .description('the proxy, its approval channels and the console, from a config file')
    .option('-c, --config <file>', 'the config file', io.env['COUNTERSIGN_CONFIG'] ?? 'countersign.yaml')
    .addHelpText(
      'after',
      '\nSIGHUP reads the config file again; SIGTERM and SIGINT let sessions come to rest, then stop; a second one stops at once.',
    )
    .action(async (options: { readonly config: string }) => {
      const signals = keepSignals();
      const { proxy, log } = await serveFile(options.config, io.env);
      obeySignals(proxy, log);
      const came = signals();
      if (came.has('SIGTERM') || came.has('SIGINT')) await proxy.stop();
      else if (came.has('SIGHUP')) await proxy.reload();
      await proxy.ended;
    });
}

export interface Served {
  readonly proxy: RunningProxy;
  readonly log: Log;
}

/** For `start` too: the same road from a file to a running proxy. */
export async function serveFile(file: string, env: Io['env'], level?: LogLevel): Promise<Served> {
  const read = () => loadConfig(file, { env, makeVerifier: (password) => makeVerifier(password) });
  const checked = await read();
  if (checked.kind === 'bad') throw failed(...checked.mistakes.map(mistakeText));
  const config = checked.value;
  const log = createLog({ level: level ?? config.logLevel });
  // The parts that serve are most of the program; the other commands start in half the time without them.
  const { serve } = await import('./serve.ts');
  return { proxy: await serve(config, { log, reread: read }), log };
}
