// What has to be sent, in lanes: one for each channel, in order, at the pace that the other side bears. The outbox holds names of work, not
// messages: what to send is decided when its turn comes, from how things stand then. So a hold that changed five times while the other
// side was away is shown once, as it is; and after a restart the same names are put in again and nothing is missing.
import type { Log } from '../core/log.ts';
import { wordsOf } from '../core/errors.ts';

export type Done =
  /** Nothing is left for now. `sent` counts against the pace. */
  | { readonly kind: 'done'; readonly sent: boolean }
  /** Something was sent and more is to come: back to the end of the lane. */
  | { readonly kind: 'more' }
  /** Not now. `lane`: it concerns everything that goes there (the other side is away, or wants a slower pace). */
  | {
      readonly kind: 'later';
      readonly why: string;
      readonly scope: 'key' | 'lane';
      readonly afterMs?: number | undefined;
    };

export interface OutboxOptions {
  /** May be called again for the same key, also when it failed half-way: it must not matter. */
  readonly work: (lane: string, key: string) => Promise<Done>;
  readonly log: Log;
  /** Between two sendings of one lane. */
  readonly gapMs: number;
  readonly retryMsMin?: number;
  readonly retryMsMax?: number;
  /** Names in all lanes; above, `push` drops and says so: what is open comes round again. */
  readonly keysMax?: number;
}

interface Item {
  notBefore: number;
  tries: number;
}

interface Lane {
  readonly name: string;
  /** In the order in which they are taken. */
  readonly items: Map<string, Item>;
  current: { readonly key: string; again: boolean } | undefined;
  pausedUntil: number;
  tries: number;
  trouble: string | undefined;
  timer: NodeJS.Timeout | undefined;
}

export class Outbox {
  readonly #options: Required<OutboxOptions>;
  readonly #lanes = new Map<string, Lane>();
  readonly #running = new Set<Promise<void>>();
  #isStopped = false;
  #dropped = 0;

  constructor(options: OutboxOptions) {
    this.#options = { retryMsMin: 500, retryMsMax: 30_000, keysMax: 20_000, ...options };
  }

  /** `first`: before what waits in that lane, for what people are looking at. */
  push(lane: string, key: string, place: 'first' | 'last' = 'last'): void {
    if (this.#isStopped) return;
    const queue = this.#laneOf(lane);
    if (queue.current?.key === key) {
      queue.current.again = true;
      return;
    }
    const known = queue.items.get(key);
    if (known === undefined && this.waiting >= this.#options.keysMax) {
      this.#dropped += 1;
      return;
    }
    const item = known ?? { notBefore: 0, tries: 0 };
    if (place === 'first') {
      item.notBefore = 0;
      const rest = [...queue.items].filter(([name]) => name !== key);
      queue.items.clear();
      queue.items.set(key, item);
      for (const [name, other] of rest) queue.items.set(name, other);
    } else if (known === undefined) queue.items.set(key, item);
    this.#wake(queue);
  }

  get waiting(): number {
    let sum = 0;
    for (const lane of this.#lanes.values()) sum += lane.items.size + (lane.current === undefined ? 0 : 1);
    return sum;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Lanes that do not get on, with the reason. */
  troubles(): readonly { readonly lane: string; readonly why: string }[] {
    return [...this.#lanes.values()].flatMap(({ name, trouble }) =>
      trouble === undefined ? [] : [{ lane: name, why: trouble }],
    );
  }

  /** What is being sent is waited for; what waits is dropped, and found again at the next start. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const lane of this.#lanes.values()) clearTimeout(lane.timer);
    await Promise.all(this.#running);
    this.#lanes.clear();
  }

  #laneOf(name: string): Lane {
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const lane: Lane = {
      name,
      items: new Map(),
      current: undefined,
      pausedUntil: 0,
      tries: 0,
      trouble: undefined,
      timer: undefined,
    };
    this.#lanes.set(name, lane);
    return lane;
  }

  #wake(lane: Lane): void {
    if (this.#isStopped || lane.current !== undefined) return;
    clearTimeout(lane.timer);
    if (lane.items.size === 0) {
      // A lane that is forgotten forgets its pace too, so it stays until that is over.
      if (lane.pausedUntil <= performance.now()) this.#lanes.delete(lane.name);
      else lane.timer = setTimeout(() => this.#wake(lane), lane.pausedUntil - performance.now() + 1).unref();
      return;
    }
    const soonest = Math.min(...[...lane.items.values()].map(({ notBefore }) => notBefore));
    const waitMs = Math.max(0, Math.max(soonest, lane.pausedUntil) - performance.now());
    lane.timer = setTimeout(() => {
      const turn = this.#turn(lane).finally(() => this.#running.delete(turn));
      this.#running.add(turn);
    }, waitMs);
    lane.timer.unref();
  }

  async #turn(lane: Lane): Promise<void> {
    const now = performance.now();
    const next = [...lane.items].find(([, item]) => item.notBefore <= now);
    if (next === undefined || lane.pausedUntil > now || lane.current !== undefined) return this.#wake(lane);
    const [key, item] = next;
    lane.items.delete(key);
    const current = { key, again: false };
    lane.current = current;
    const done = await this.#work(lane, key);
    lane.current = undefined;
    this.#settle(lane, { key, item, again: current.again }, done);
    this.#wake(lane);
  }

  async #work(lane: Lane, key: string): Promise<Done> {
    try {
      return await this.#options.work(lane.name, key);
    } catch (thrown) {
      this.#options.log.warn('sending failed; it is tried again', { lane: lane.name, error: thrown });
      return { kind: 'later', why: wordsOf(thrown), scope: 'key' };
    }
  }

  #settle(lane: Lane, turn: { readonly key: string; readonly item: Item; readonly again: boolean }, done: Done): void {
    const { retryMsMin, retryMsMax, gapMs } = this.#options;
    const now = performance.now();
    const backOff = (tries: number): number =>
      Math.min(retryMsMax, retryMsMin * 2 ** Math.min(tries, 16)) * (0.8 + Math.random() * 0.4);
    if (done.kind === 'later') {
      const { key, item } = turn;
      const waits = done.scope === 'lane' ? lane : item;
      const until = now + (done.afterMs ?? backOff(waits.tries));
      waits.tries += 1;
      lane.trouble = done.scope === 'lane' ? done.why : lane.trouble;
      if (done.scope === 'lane') lane.pausedUntil = until;
      else item.notBefore = until;
      // First in line again: the order of what one channel sees is the order in which it happened.
      const rest = [...lane.items];
      lane.items.clear();
      lane.items.set(key, turn.again ? { ...item, notBefore: done.scope === 'key' ? until : 0 } : item);
      for (const [name, other] of rest) lane.items.set(name, other);
      return;
    }
    lane.tries = 0;
    lane.trouble = undefined;
    if (done.kind === 'more' || done.sent) lane.pausedUntil = now + gapMs;
    if (done.kind === 'more' || turn.again) lane.items.set(turn.key, { notBefore: 0, tries: 0 });
  }
}
