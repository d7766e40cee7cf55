// The config that is in force. A reload puts another in its place as a whole, or leaves everything as it was: a broken edit must
// neither stop the proxy nor half change it.
import type { Recorder } from '../audit/recorder.ts';
import type { Config } from '../core/config-types.ts';
import { wordsOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { mistakeText } from '../core/place.ts';
import type { Checked } from '../core/yaml.ts';
import { configChange } from './config-words.ts';
import { tlsDoorOf } from '../proxy/from-config.ts';
import type { TlsDoor } from '../proxy/tls-door.ts';

export type Reread = () => Promise<Checked<Config>>;

export interface LiveConfigParts {
  readonly config: Config;
  readonly log: Log;
  readonly recorder: Recorder;
  readonly reread: Reread | undefined;
}

export class LiveConfig {
  readonly #parts: LiveConfigParts;
  #config: Config;
  #door: TlsDoor | undefined;
  #trouble: string | undefined;
  #reloading: Promise<void> = Promise.resolve();

  constructor(parts: LiveConfigParts) {
    this.#parts = parts;
    this.#config = parts.config;
    this.#door = tlsDoorOf(parts.config);
  }

  get config(): Config {
    return this.#config;
  }

  get door(): TlsDoor | undefined {
    return this.#door;
  }

  /** Why the file's newest text is not the one in force. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** One after the other: two signals in a row must not race for who is last. */
  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload());
    return this.#reloading;
  }

  async #reload(): Promise<void> {
    const { log, reread, recorder } = this.#parts;
    if (reread === undefined) {
      log.warn('this proxy’s config is in no file; there is nothing to read again');
      return;
    }
    try {
      const checked = await reread();
      if (checked.kind === 'bad') {
        this.#keep(checked.mistakes.map(mistakeText));
        return;
      }
      const door = tlsDoorOf(checked.value);
      const fixed = fixedDifferences(this.#config, checked.value);
      // On the record before it takes effect.
      await recorder.recordDurably({ kind: 'config', words: configChange(this.#config, checked.value) });
      this.#config = { ...checked.value, ...fixedOf(this.#config) };
      this.#door = door;
      this.#trouble = undefined;
      log.info('the config was read again', {
        agents: checked.value.agents.size,
        databases: checked.value.databases.size,
      });
      if (fixed.length > 0) log.warn(`changed in the file, but only a restart can change it: ${fixed.join(', ')}`);
    } catch (thrown) {
      this.#keep([wordsOf(thrown)]);
    }
  }

  #keep(mistakes: readonly string[]): void {
    this.#trouble = `the file has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}; the last good one is in force`;
    for (const mistake of mistakes)
      this.#parts.log.error(`config not taken, the last good one stays in force: ${mistake}`);
  }
}

/** What is bound at the start: ports and folders. */
function fixedOf(config: Config): Pick<Config, 'listen' | 'http' | 'auditDir' | 'state' | 'workers'> {
  const { listen, http, auditDir, state, workers } = config;
  return { listen, http, auditDir, state, workers };
}

function fixedDifferences(old: Config, fresh: Config): readonly string[] {
  const stateText = ({ state }: Config): string => (state.kind === 'journal' ? state.dir : state.url.reveal());
  const pairs: readonly (readonly [key: string, old: unknown, fresh: unknown])[] = [
    ['listen', JSON.stringify(old.listen), JSON.stringify(fresh.listen)],
    ['http', JSON.stringify(old.http), JSON.stringify(fresh.http)],
    ['audit.dir', old.auditDir, fresh.auditDir],
    ['state', stateText(old), stateText(fresh)],
    ['workers', old.workers, fresh.workers],
  ];
  return pairs.filter(([, before, after]) => before !== after).map(([key]) => key);
}
