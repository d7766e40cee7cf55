// The link to Redis: whether it is up, and running scripts with a deadline. Knows neither documents nor counters.
//
//   down ──connected, and a beat was written──▶ up ──a beat fails, or the connection is lost──▶ down
//
// The beat is a write, each second: it finds out about a frozen server, a full one and one that became a replica before a hold does,
// it says how far the server's clock is from ours, and whether this is still the Redis that we knew: one that came back empty has
// forgotten what was held and what was spent.
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import { randomText } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { RedisUrl } from '../core/redis-url.ts';
import { connectRedis, type RedisClient, type RedisClients, type RedisTimes } from './redis-connect.ts';
import { beatScript, type Script } from './redis-scripts.ts';
import { redisWarnings } from './redis-warnings.ts';
import { lostWords, redisWords } from './redis-words.ts';
import type { Standing } from './store.ts';
import { Board } from './topics.ts';

export interface LinkOptions {
  readonly url: RedisUrl;
  readonly clock: Clock;
  readonly log: Log;
  readonly times: RedisTimes & { readonly beatMs: number };
  /** Proves after each connecting that all that is needed is allowed; throws when not. */
  readonly prove: () => Promise<void>;
  readonly onWake: (text: string) => void;
}

export class RedisLink {
  readonly #options: LinkOptions;
  readonly #clients: RedisClients;
  readonly #board = new Board({ state: 'down', words: 'not connected to Redis yet' });
  /** Server's clock minus our ticks, as of the last beat; never too late. */
  #serverAhead = 0;
  #life: string | undefined;
  #warnings: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | undefined;
  #isProven = false;
  #isClosed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#clients = connectRedis(options.url, options.times);
    const { commands, wakes } = this.#clients;
    commands.on('error', (error: unknown) => this.#down(redisWords(error)));
    commands.on('close', () => this.#down(lostWords));
    commands.on('ready', () => this.#beatNow());
    if (wakes !== commands) wakes.on('error', () => undefined); // The other connection says the same.
    wakes.on('ready', () => this.#subscribe());
    wakes.on('message', (_channel: string, text: string) => options.onWake(text));
  }

  /** Resolves when the link is up, or when it is not after the given time: then it goes on trying. */
  async open(ms: number): Promise<void> {
    const isUp = new Promise<void>((resolve) => {
      const stop = this.#board.on(({ state }) => {
        if (state !== 'up') return;
        stop();
        resolve();
      });
    });
    for (const client of new Set([this.#clients.commands, this.#clients.wakes])) {
      client.connect().catch((error: unknown) => this.#down(redisWords(error)));
    }
    this.#beatLater();
    await Promise.race([isUp, afterMs(ms)]);
  }

  get standing(): Standing {
    return this.#board.now;
  }

  onStanding(each: (now: Standing) => void): () => void {
    return this.#board.on(each);
  }

  /** Keys without the prefix; the deadline is the script's first argument. */
  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    if (this.standing.state === 'down') throw this.refusal();
    return await this.runAnyway(script, keys, args);
  }

  async get(key: string): Promise<string | null> {
    if (this.standing.state === 'down') throw this.refusal();
    return await this.#inTime(this.#clients.commands.get(this.named(key)));
  }

  /** Also while the link is being proven. */
  async runAnyway(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const deadline = Math.floor(this.#options.clock.ticks() + this.#serverAhead + this.#options.times.callMsMax);
    return await this.#inTime(this.#eval(script, keys, [deadline, ...args]));
  }

  named(key: string): string {
    return `{${this.#options.url.prefix}}:${key}`;
  }

  /** May be lost. */
  publish(text: string): void {
    if (this.standing.state === 'down') return;
    this.#clients.commands.publish(this.named('wake'), text).catch((error: unknown) => {
      this.#options.log.debug(`a wake-up was lost: ${redisWords(error)}`);
    });
  }

  refusal(cause?: unknown): ProxyError {
    const words = cause === undefined ? this.standing.words : this.#words(redisWords(cause));
    return new ProxyError('UNAVAILABLE', words, {
      cause,
      hint: 'nothing is held or released without its state; it goes on by itself when Redis answers again',
    });
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#board.set({ state: 'down', words: 'the state is closed' });
    this.#clients.commands.disconnect();
    this.#clients.wakes.disconnect();
  }

  async #eval(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const client = this.#clients.commands;
    const all = [...keys.map((key) => this.named(key)), ...args];
    try {
      return await client.evalsha(script.sha, keys.length, ...all);
    } catch (error) {
      // A Redis that was started anew has forgotten the script. It has run nothing, so once more is not twice.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return await client.eval(script.text, keys.length, ...all);
    }
  }

  async #inTime<T>(answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, fail) => {
      timer = setTimeout(() => fail(new Error('timed out')), this.#options.times.callMsMax);
    });
    try {
      return await Promise.race([answer, late]);
    } catch (error) {
      throw this.refusal(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #beatLater(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#beatNow();
      this.#beatLater();
    }, this.#options.times.beatMs);
    this.#timer.unref();
  }

  #beatNow(): void {
    this.#beating ??= this.#beat().finally(() => (this.#beating = undefined));
  }

  async #beat(): Promise<void> {
    if (this.#isClosed || this.#clients.commands.status !== 'ready') return;
    this.#pingWakes();
    try {
      const asked = await this.#inTime(this.#eval(beatScript, ['life', 'beat'], [randomText(12)]));
      const answeredAt = this.#options.clock.ticks();
      const [life, serverNow] = Array.isArray(asked) ? asked : [];
      if (typeof life !== 'string' || typeof serverNow !== 'string') throw new Error('an answer of another form');
      // As if the answer had taken no time: a deadline may come too early for the server, never too late.
      this.#serverAhead = Number(serverNow) - answeredAt;
      this.#compareLife(life);
      if (!this.#isProven) await this.#proveNow();
      this.#up();
    } catch (error) {
      this.#down(error instanceof ProxyError ? redisWords(error.cause) : redisWords(error));
    }
  }

  /** A connection that only listens would not notice that nobody is at its other end; one that is owed an answer is cut in time. */
  #pingWakes(): void {
    const { commands, wakes } = this.#clients;
    if (wakes === commands || wakes.status !== 'ready') return;
    wakes.ping().catch((error: unknown) => this.#options.log.debug(`wake-ups may be lost: ${redisWords(error)}`));
  }

  async #proveNow(): Promise<void> {
    await this.#options.prove();
    this.#warnings = await redisWarnings(this.#clients.commands);
    for (const warning of this.#warnings) this.#options.log.warn(`Redis: ${warning}`);
    this.#isProven = true;
  }

  #compareLife(life: string): void {
    if (this.#life !== undefined && this.#life !== life) {
      this.#options.log.error(
        'Redis came back without what was in it: holds that were open and grants are gone, which counts as no; budgets start anew',
      );
    }
    this.#life = life;
  }

  #up(): void {
    if (this.#isClosed) return;
    if (this.standing.state === 'down') this.#options.log.info('Redis answers');
    this.#board.set({ state: 'up', words: [`Redis (${placeText(this.#options.url)})`, ...this.#warnings].join('; ') });
  }

  #down(why: string): void {
    if (this.#isClosed) return;
    this.#isProven = false;
    // That it is lost tells less than why: a refused login is followed by a lost connection.
    if (why === lostWords && this.standing.state === 'down') return;
    const words = this.#words(why);
    if (this.standing.state === 'up' || this.standing.words !== words) this.#options.log.error(words);
    this.#board.set({ state: 'down', words });
  }

  #words(why: string): string {
    return `the state in Redis (${placeText(this.#options.url)}) cannot be used: ${why}`;
  }

  #subscribe(): void {
    const client: RedisClient = this.#clients.wakes;
    client.subscribe(this.named('wake')).catch((error: unknown) => {
      this.#options.log.warn(`no wake-ups from Redis, so votes are seen later: ${redisWords(error)}`);
    });
  }
}

function placeText({ kind, hosts, group }: RedisUrl): string {
  const places = hosts.map(({ host, port }) => `${host}:${port}`).join(', ');
  return kind === 'single'
    ? places
    : kind === 'cluster'
      ? `Cluster at ${places}`
      : `${group} by Sentinels at ${places}`;
}

function afterMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
