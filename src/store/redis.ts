// State that several proxies share, in one Redis, behind Sentinels or in a Cluster. What is one step is one script; see redis-scripts.ts.
import type { NonEmpty } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import { randomText } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { RedisUrl } from '../core/redis-url.ts';
import { checkChanges, checkKey, checkList, checkSpend, stepMsOf } from './asked.ts';
import { RedisLink } from './redis-link.ts';
import { changeScript, listScript, spendScript, versionLength } from './redis-scripts.ts';
import type { Change, Listed, Spending, Standing, Store, Stored, Version, Window } from './store.ts';
import { Topics } from './topics.ts';

export interface RedisOptions {
  readonly url: RedisUrl;
  readonly clock: Clock;
  readonly log: Log;
  readonly times?: Partial<Times>;
}

const usualTimes = {
  callMsMax: 1000,
  silentMsMax: 4000,
  connectMsMax: 2000,
  retryMsMax: 1000,
  beatMs: 1000,
  /** How long a start waits for Redis. A proxy starts without it too: what needs no approval goes on. */
  openMsMax: 3000,
};
type Times = typeof usualTimes;

export async function openRedis(options: RedisOptions): Promise<Store> {
  const times = { ...usualTimes, ...options.times };
  const store = new RedisStore({ ...options, times });
  await store.open(times.openMsMax);
  return store;
}

class RedisStore implements Store {
  readonly #link: RedisLink;
  readonly #topics = new Topics();
  readonly #self = randomText(12);

  constructor(options: RedisOptions & { readonly times: Times }) {
    this.#link = new RedisLink({ ...options, prove: () => this.#prove(), onWake: (text) => this.#wake(text) });
  }

  open(ms: number): Promise<void> {
    return this.#link.open(ms);
  }

  get standing(): Standing {
    return this.#link.standing;
  }

  onStanding(each: (now: Standing) => void): () => void {
    return this.#link.onStanding(each);
  }

  async read(key: string): Promise<Stored | undefined> {
    checkKey(key);
    const body = await this.#link.get(documentKey(key));
    return body === null ? undefined : storedOf(body);
  }

  async list(prefix: string, limit: number, after = ''): Promise<readonly Listed[]> {
    checkList(prefix, limit);
    const first = after > prefix ? `(${after}` : `[${prefix}`;
    // Keys are visible ASCII: none of this prefix goes on with the byte 0x7f or above.
    const args = [this.#link.named(documentKey('')), first, `[${prefix}\x7f`, limit];
    const answer = await this.#link.run(listScript, ['index', 'due'], args);
    if (!Array.isArray(answer)) throw this.#link.refusal(new Error('an answer of another form'));
    const texts = answer.map(String);
    return texts.flatMap((text, index) =>
      index % 2 === 0 ? [{ key: text, ...storedOf(texts[index + 1] ?? '') }] : [],
    );
  }

  async change(changes: NonEmpty<Change>): Promise<'changed' | 'conflict'> {
    checkChanges(changes);
    return (await this.#link.run(changeScript, ...changeCall(changes))) === 1 ? 'changed' : 'conflict';
  }

  async spend(key: string, amount: number, window: Window, max: number | undefined): Promise<Spending> {
    checkSpend(key, amount, window, max);
    return spendingOf(await this.#link.run(spendScript, ...spendCall(key, amount, window, max)));
  }

  announce(topic: string, message: string): void {
    this.#topics.wake(topic, message);
    this.#link.publish(JSON.stringify([this.#self, topic, message]));
  }

  listen(topic: string, each: (message: string) => void): () => void {
    return this.#topics.listen(topic, each);
  }

  close(): Promise<void> {
    this.#link.close();
    this.#topics.clear();
    return Promise.resolve();
  }

  /** Anybody who may publish can send anything here; at worst somebody looks at the store once more. */
  #wake(text: string): void {
    const value = parsed(text);
    if (!Array.isArray(value)) return;
    const [from, topic, message]: readonly unknown[] = value;
    // Our own listeners were woken at once.
    if (from === this.#self || typeof topic !== 'string' || typeof message !== 'string') return;
    this.#topics.wake(topic, message);
  }

  /** Does once what will be done later: a right that is missing must not show in the middle of a change. */
  async #prove(): Promise<void> {
    const key = `probe:${this.#self}`;
    const expiresAt = 4e12; // Far off.
    const run = this.#link.runAnyway.bind(this.#link);
    await run(changeScript, ...changeCall([{ key, expect: 'any', value: '', expiresAt }]));
    await run(listScript, ['index', 'due'], [this.#link.named(documentKey('')), `[${key}`, `[${key}`, 1]);
    await run(changeScript, ...changeCall([{ key, expect: 'any', value: '' }]));
    await run(changeScript, ...changeCall([{ key, expect: 'any', value: undefined }]));
    await run(spendScript, ...spendCall(key, 1, { ms: 1, at: 1 }, undefined));
  }
}

type Call = readonly [keys: readonly string[], args: readonly (string | number)[]];

const documentKey = (key: string): string => `d:${key}`;

function changeCall(changes: NonEmpty<Change>): Call {
  const keys = ['index', 'due', ...changes.map(({ key }) => documentKey(key))];
  const args = changes.flatMap(({ key, expect, value, expiresAt }) => [
    key,
    expect,
    value === undefined ? 'delete' : 'set',
    value ?? '',
    expiresAt ?? '',
  ]);
  return [keys, [randomText(versionLength), ...args]];
}

function spendCall(key: string, amount: number, window: Window, max: number | undefined): Call {
  const stepMs = stepMsOf(window);
  // By the server's clock, while steps are numbered by the askers' clocks: twice as long as the window covers both.
  const keepMs = 2 * window.ms + 2 * stepMs;
  return [[`c:${window.ms}:${key}`], [amount, Math.floor(window.at / stepMs), max ?? '', keepMs]];
}

function storedOf(body: string): Stored {
  return { version: body.slice(0, versionLength) as Version, value: body.slice(versionLength) };
}

function spendingOf(answer: unknown): Spending {
  const [taken, used] = Array.isArray(answer) ? answer.map(Number) : [];
  if (taken === undefined || used === undefined) throw new Error('a script answered in another form');
  return { spent: taken === 1, used };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
