// The last warnings and errors of the log, kept for people who ask how the proxy is and do not read its log at that moment. Our own words
// and the message of an error, without secrets, control and bidi characters made visible; never what else the line carried.
import type { Clock } from './clock.ts';
import type { UnixMillis } from './brand.ts';
import type { Log, LogFields } from './log.ts';
import { withoutSecrets } from './secrets.ts';
import { visible } from './visible.ts';

export interface Trouble {
  readonly at: UnixMillis;
  readonly level: 'warn' | 'error';
  readonly words: string;
  /** The last of so many that said the same. */
  readonly times: number;
}

const keptMax = 20;
const charactersMax = 300;

export class RecentTroubles {
  readonly #clock: Clock;
  #kept: readonly Trouble[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The newest first. */
  get last(): readonly Trouble[] {
    return this.#kept;
  }

  /** The same log, remembered. */
  hear(log: Log): Log {
    return {
      debug: (words, fields) => log.debug(words, fields),
      info: (words, fields) => log.info(words, fields),
      warn: (words, fields) => {
        this.#keep('warn', words, fields);
        log.warn(words, fields);
      },
      error: (words, fields) => {
        this.#keep('error', words, fields);
        log.error(words, fields);
      },
      child: (fields) => this.hear(log.child(fields)),
    };
  }

  #keep(level: Trouble['level'], said: string, fields: LogFields = {}): void {
    const error = fields['error'];
    const words = visible(withoutSecrets(error instanceof Error ? `${said}: ${error.message}` : said), charactersMax);
    // What fails every second must not push out everything else.
    const same = this.#kept.find((one) => one.level === level && one.words === words);
    const others = this.#kept.filter((one) => one !== same);
    this.#kept = [{ at: this.#clock.now(), level, words, times: (same?.times ?? 0) + 1 }, ...others].slice(0, keptMax);
  }
}
