// How the process itself ends: by a signal in good order, or by a defect at once. Never half alive: after an error that nobody
// caught, no promise of this house can be trusted any more.
import type { Log } from '../core/log.ts';
import type { RunningProxy } from './serve.ts';

const kept = ['SIGHUP', 'SIGTERM', 'SIGINT'] as const;

/**
 * A signal that comes while the parts begin must not end the process half way: it is kept, and obeyed once there is something to obey.
 * A second wish to end is obeyed at once.
 */
export function keepSignals(): () => ReadonlySet<NodeJS.Signals> {
  const came = new Set<NodeJS.Signals>();
  const keep = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGHUP' && (came.has('SIGTERM') || came.has('SIGINT'))) process.exit(130);
    came.add(signal);
  };
  for (const signal of kept) process.on(signal, keep);
  return () => {
    for (const signal of kept) process.removeListener(signal, keep);
    return came;
  };
}

export function obeySignals(proxy: RunningProxy, log: Log): void {
  let asked = 0;
  const stop = (signal: NodeJS.Signals): void => {
    asked += 1;
    log.info(asked === 1 ? `${signal}: stopping` : `${signal} again: stopping at once`);
    proxy
      .stop(asked === 1 ? 'drain' : 'now')
      .catch((thrown: unknown) => log.error('stopping failed', { error: thrown }));
  };
  const reload = (): void => {
    proxy.reload().catch((thrown: unknown) => log.error('reloading failed', { error: thrown }));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', reload);
  endOnDefects(proxy, log);
  const forget = (): void => {
    process.removeListener('SIGTERM', stop);
    process.removeListener('SIGINT', stop);
    process.removeListener('SIGHUP', reload);
  };
  proxy.ended.then(forget, forget);
}

const lastWordsMsMax = 2000;

export function endOnDefects(proxy: Pick<RunningProxy, 'stop'>, log: Log): void {
  let isEnding = false;
  const end = (error: unknown): void => {
    if (isEnding) return;
    isEnding = true;
    log.error('an error that nobody caught; the process ends', { error });
    // Sessions are told (57P01) and the record is closed, if that still works; it does not get long.
    setTimeout(() => process.exit(1), lastWordsMsMax).unref();
    const exit = (): never => process.exit(1);
    proxy.stop('now').then(exit, exit);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}
