// Goal: a proxy that dies at any step of its work.
// Method: store and record are wrapped; at the chosen step the call happens or does not, and nothing ever answers again.
import type { Recorder } from '../../src/audit/recorder.ts';
import type { Store } from '../../src/store/store.ts';

export interface Death {
  /** Counted over changes of the store and durable records together; the first is 1. */
  readonly step: number;
  /** Whether the step itself still happened. */
  readonly when: 'before' | 'after';
}

export class Mortal {
  readonly #death: Death;
  #steps = 0;
  #dead: () => void = () => undefined;
  isDead = false;
  /** Resolves at death. */
  readonly died: Promise<void>;

  constructor(death: Death) {
    this.#death = death;
    this.died = new Promise((resolve) => (this.#dead = resolve));
  }

  store(inner: Store): Store {
    return {
      read: (key) => this.#whileAlive(() => inner.read(key)),
      list: (...args) => this.#whileAlive(() => inner.list(...args)),
      change: (changes) => this.#step(() => inner.change(changes)),
      spend: (...args) => inner.spend(...args),
      announce: (topic, message) => {
        if (!this.isDead) inner.announce(topic, message);
      },
      listen: (topic, each) => inner.listen(topic, (message) => (this.isDead ? undefined : each(message))),
      get standing() {
        return inner.standing;
      },
      onStanding: (each) => inner.onStanding(each),
      close: () => inner.close(),
    };
  }

  recorder(inner: Recorder): Recorder {
    return {
      record: (body) => inner.record(body),
      flush: () => inner.flush(),
      recordDurably: (body) => this.#step(() => inner.recordDurably(body)),
    };
  }

  async #step<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.isDead) return silence;
    this.#steps += 1;
    if (this.#steps !== this.#death.step) return this.#whileAlive(work);
    this.isDead = true;
    if (this.#death.when === 'after') await work();
    this.#dead();
    return silence;
  }

  async #whileAlive<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.isDead) return silence;
    const result = await work();
    return this.isDead ? silence : result;
  }
}

const silence = new Promise<never>(() => undefined);
