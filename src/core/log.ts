// The ordinary log, for operators; the only door to pino. JSON lines on stderr, so that stdout stays a command's own.
// It knows what never to print: secrets by key and by form, parameters and rows at all, SQL above `debug`.
import { pino, type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from './log-levels.ts';
import { hidden, Secret, withoutSecrets } from './secrets.ts';
import { visible } from './visible.ts';

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(words: string, fields?: LogFields): void;
  info(words: string, fields?: LogFields): void;
  warn(words: string, fields?: LogFields): void;
  error(words: string, fields?: LogFields): void;
  /** One child for each session, part or channel; its fields are on every line. */
  child(fields: LogFields): Log;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** Where lines go; stderr when absent. */
  readonly stream?: { write(line: string): unknown };
}

/** Throws when the redaction does not hold: a log that would print a password is not started. */
export function createLog(options: LogOptions): Log {
  proveRedaction();
  return logTo(options);
}

/** For parts that are made without a log, as in tests. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

function logTo(options: LogOptions): Log {
  // Written at once: the lines before a crash are the ones that are needed.
  const stream: DestinationStream = options.stream ?? pino.destination({ fd: 2, sync: true });
  const base = { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const labels = { formatters: { level: (label: string) => ({ level: label }) }, messageKey: 'words' };
  return new PinoLog(pino({ ...base, ...labels }, stream));
}

class PinoLog implements Log {
  readonly #pino: Logger;

  constructor(logger: Logger) {
    this.#pino = logger;
  }

  debug(words: string, fields: LogFields = {}): void {
    this.#write('debug', words, fields);
  }

  info(words: string, fields: LogFields = {}): void {
    this.#write('info', words, fields);
  }

  warn(words: string, fields: LogFields = {}): void {
    this.#write('warn', words, fields);
  }

  error(words: string, fields: LogFields = {}): void {
    this.#write('error', words, fields);
  }

  child(fields: LogFields): Log {
    return new PinoLog(this.#pino.child(cleanFields(fields, 'info')));
  }

  #write(level: LogLevel, words: string, fields: LogFields): void {
    if (this.#pino.isLevelEnabled(level)) this.#pino[level](cleanFields(fields, level), cleanText(words));
  }
}

/** Keys whose value never prints, whatever it is and however deep it lies. */
const secretKey =
  /^(?:pass(?:word|wd|phrase)?|pwd|pgpassword|scram|verifier|authorization|cookie|set-cookie|credentials?|salt|nonce)$|(?:password|secret|token|private_?key|api_?key|verifier|cookie)$/i;
/** Content of statements and results: values that belong to people in the database. */
const valueKey = /^(?:params?|parameters?|values?|bind|binds|row|rows_?data|literal|literals|detail)$/i;
const sqlKey = /^(?:sql|query|statement_?text|text)$/i;

const depthMax = 5;
const entriesMax = 50;

function cleanFields(fields: LogFields, level: LogLevel): Record<string, unknown> {
  return cleanEntries(fields, level, 0);
}

function cleanEntries(fields: object, level: LogLevel, depth: number): Record<string, unknown> {
  const entries = Object.entries(fields).slice(0, entriesMax);
  return Object.fromEntries(
    entries.map(([key, value]) => {
      const isNumber = typeof value === 'number' || typeof value === 'boolean' || value === undefined;
      if (secretKey.test(key) && value !== undefined) return [visible(key, 100), hidden];
      if (valueKey.test(key) && !isNumber) return [visible(key, 100), '‹value›'];
      if (sqlKey.test(key) && level !== 'debug' && !isNumber) return [visible(key, 100), '‹sql›'];
      return [visible(key, 100), cleanValue(value, level, depth + 1)];
    }),
  );
}

function cleanValue(value: unknown, level: LogLevel, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? '‹function›' : value;
  if (value instanceof Secret) return hidden;
  if (value instanceof Error) return cleanError(value, level, depth);
  if (value instanceof Date) return value;
  // Bytes are frames, keys or values: none of them is for a log.
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `‹${value.byteLength} bytes›`;
  if (depth > depthMax) return '‹deeper›';
  if (Array.isArray(value)) return value.slice(0, entriesMax).map((item) => cleanValue(item, level, depth + 1));
  return cleanEntries(value, level, depth);
}

function cleanError(error: Error, level: LogLevel, depth: number): Record<string, unknown> {
  const code = 'code' in error && typeof error.code === 'string' ? { code: cleanText(error.code) } : {};
  const cause =
    error.cause === undefined || depth > depthMax ? {} : { cause: cleanValue(error.cause, level, depth + 1) };
  // A stack tells an operator where to look; it is ours, but its first line repeats the message.
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const stack = frames.slice(0, 12).map((line) => cleanText(line.trim()));
  return { name: cleanText(error.name), message: cleanText(error.message), ...code, ...cause, stack };
}

const cleanText = (text: string): string =>
  visible(withoutSecrets(text.length > 4000 ? text.slice(0, 4000) : text), 2000);

/** Prints what must not print into memory, in every shape that we know, and looks for it. */
function proveRedaction(): void {
  const canary = 'canary-7f3a9c';
  let printed = '';
  const log = logTo({ level: 'debug', stream: { write: (line) => (printed += line) } });
  const token = `gate_${canary.replaceAll('-', '')}${'x'.repeat(30)}`;
  const fields = {
    password: canary,
    bot_token: canary,
    parameters: [canary],
    deep: { list: [{ signing_secret: canary }] },
  };
  log.child(fields).error(`postgres://gate:${canary}@db/shop and ${token}`, {
    ...fields,
    wrapped: new Secret(canary),
    error: new Error(`password=${canary}`, { cause: new Error(`redis://:${canary}@cache:6379`) }),
    bytes: Buffer.from(canary),
  });
  log.info('the statement', { sql: canary });
  if (!printed.includes('the statement')) throw new Error('the log prints nothing; it is not started');
  if (printed.includes(canary) || printed.includes(canary.replaceAll('-', ''))) {
    throw new Error('the log would print secrets; it is not started');
  }
}
