// Bolt's log lines, put into ours. Its `debug` prints whole payloads (people's names, statements), so that is dropped.
import { LogLevel, type Logger } from '@slack/bolt';
import type { Log } from '../core/log.ts';

export type SlackLogger = Logger;

export function slackLogger(log: Log): SlackLogger {
  const words = (parts: readonly unknown[]): string =>
    parts.map((part) => (part instanceof Error ? part.message : typeof part === 'string' ? part : '…')).join(' ');
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: (...parts) => log.warn(words(parts)),
    // What failed is handled and counted where it was called; this is the library's own word about it.
    error: (...parts) => log.warn(words(parts)),
    setLevel: () => undefined,
    getLevel: () => LogLevel.WARN,
    setName: () => undefined,
  };
}
