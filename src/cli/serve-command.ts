// `countersign serve`: from a file's name to a proxy that ends as it should, whatever ends it.
import cluster from 'node:cluster';
import type { Command } from 'commander';
import { loadConfig } from '../core/config.ts';
import type { Config } from '../core/config-types.ts';
import { createLog, type Log } from '../core/log.ts';
import type { LogLevel } from '../core/log-levels.ts';
import { mistakeText } from '../core/place.ts';
import type { Checked } from '../core/yaml.ts';
import { makeVerifier } from '../wire/scram.ts';
import { failed, type Io } from './io.ts';
import { keepSignals, obeySignals } from './process-signals.ts';
import { agentSalts } from './salts.ts';
import type { RunningProxy } from './serve.ts';
import { workerFamilyVariable, workerNumberVariable } from './worker-words.ts';

export function addServe(program: Command, io: Io): void {
  program
    .command('serve')
    .description('the proxy, its approval channels and the console, from a config file')
    .option('-c, --config <file>', 'the config file', 'countersign.yaml')
    .addHelpText(
      'after',
      '\nSIGHUP reads the config file again; SIGTERM and SIGINT let sessions come to rest,\nthen stop; a second one stops at once.',
    )
    .action(async (options: { readonly config: string }) => {
      const number = io.env[workerNumberVariable];
      if (cluster.isWorker && number !== undefined) {
        const { serveAsWorker } = await import('./serve-worker.ts');
        await serveAsWorker(Number(number), io.env[workerFamilyVariable] ?? '', configReader(options.config, io.env));
        return;
      }
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
  const read = configReader(file, env);
  const checked = await read();
  if (checked.kind === 'bad') throw failed(...checked.mistakes.map(mistakeText));
  const config = checked.value;
  const log = createLog({ level: level ?? config.logLevel });
  // The parts that serve are most of the program; the other commands start in half the time without them.
  const begin =
    config.workers > 1 ? (await import('./serve-workers.ts')).serveWithWorkers : (await import('./serve.ts')).serve;
  return { proxy: await begin(config, { log, reread: read }), log };
}

function configReader(file: string, env: Io['env']): () => Promise<Checked<Config>> {
  const sources = { env, makeVerifier, saltOf: agentSalts() };
  return () => loadConfig(file, sources);
}
