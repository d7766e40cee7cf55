// Live sessions of all proxies on one state, as one list: each writes down its own every few seconds, for a few seconds. Who ends one that
// lives elsewhere writes that down too, and the proxy that has it obeys at once, or with its next look when the word was lost.
import { z } from 'zod';
import type { UnixMillis } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import { randomText } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { ShownSession } from '../channels/console/ports.ts';
import type { Store } from '../store/store.ts';
import type { RoadView } from './serve-front.ts';

export interface EverywhereParts {
  readonly own: RoadView['sessions'];
  readonly store: Pick<Store, 'list' | 'change' | 'announce' | 'listen' | 'standing'>;
  readonly clock: Clock;
  readonly log: Log;
}

const roundMs = 3_000;
/** Longer than a round by much: one that is late is not gone. */
const keptMs = 15_000;
const endingMs = 60_000;
const topic = 'sessions';
const prefixes = { lists: 'sessions/', endings: 'session-end/' } as const;
/** A person looks at a list, not at thousands; those that wait for people come first. */
const sessionsMax = 500;
const proxiesMax = 100;

const listShape = z.array(
  z.object({
    id: z.string(),
    agent: z.string(),
    database: z.string(),
    address: z.string(),
    applicationName: z.string(),
    since: z.number().transform((value) => value as UnixMillis),
    state: z.string(),
  }),
);

export class SessionsEverywhere {
  readonly #parts: EverywhereParts;
  readonly #name = randomText(12);
  readonly #timer: NodeJS.Timeout;
  readonly #unlisten: () => void;
  #round: Promise<void> = Promise.resolve();

  constructor(parts: EverywhereParts) {
    this.#parts = parts;
    this.#unlisten = parts.store.listen(topic, () => this.#soon());
    this.#timer = setInterval(() => this.#soon(), roundMs);
    this.#timer.unref();
    this.#soon();
  }

  /** Where the state is away, one's own. */
  async list(): Promise<readonly ShownSession[]> {
    const { own, store } = this.#parts;
    const [mine, all] = await Promise.all([own.list(), store.list(prefixes.lists, proxiesMax).catch(() => [])]);
    const theirs = all
      .filter(({ key }) => key !== this.#key)
      .flatMap(({ value }) => listShape.safeParse(JSON.parse(value)).data ?? []);
    return [...mine, ...theirs];
  }

  async end(id: string): Promise<boolean> {
    const { own, store, clock } = this.#parts;
    if (await own.end(id)) return true;
    if (!(await this.list()).some((one) => one.id === id)) return false;
    const expiresAt = clock.now() + endingMs;
    await store.change([{ key: prefixes.endings + id, expect: 'any', value: '1', expiresAt }]);
    store.announce(topic, id);
    return true;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#unlisten();
    await this.#round;
    const { store } = this.#parts;
    if (store.standing.state === 'up')
      await store.change([{ key: this.#key, expect: 'any', value: undefined }]).catch(() => undefined);
  }

  get #key(): string {
    return prefixes.lists + this.#name;
  }

  /** One after the other: what is asked for twice is looked at twice. */
  #soon(): void {
    this.#round = this.#round
      .then(() => this.#look())
      .catch((error: unknown) => {
        this.#parts.log.warn('live sessions could not be told to the other proxies', { error });
      });
  }

  async #look(): Promise<void> {
    const { own, store, clock } = this.#parts;
    if (store.standing.state === 'down') return;
    for (const { key } of await store.list(prefixes.endings, sessionsMax)) {
      if (await own.end(key.slice(prefixes.endings.length)))
        await store.change([{ key, expect: 'any', value: undefined }]);
    }
    const mine = [...(await own.list())].sort((a, b) => Number(isWaiting(b)) - Number(isWaiting(a)));
    const value = JSON.stringify(mine.slice(0, sessionsMax));
    await store.change([{ key: this.#key, expect: 'any', value, expiresAt: clock.now() + keptMs }]);
  }
}

const isWaiting = ({ state }: ShownSession): boolean => state.startsWith('waiting');
