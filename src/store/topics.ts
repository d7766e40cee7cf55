// Who in this process wants to be woken by which topic, and who wants to know how the store stands.
import type { Standing } from './store.ts';

export class Topics {
  readonly #listeners = new Map<string, Set<(message: string) => void>>();

  listen(topic: string, each: (message: string) => void): () => void {
    const own = (message: string): void => each(message);
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(own));
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic);
    };
  }

  /** In a later turn: whoever announces is in the middle of something. */
  wake(topic: string, message: string): void {
    if (!this.#listeners.has(topic)) return;
    setImmediate(() => {
      for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener(message);
    });
  }

  clear(): void {
    this.#listeners.clear();
  }
}

export class Board {
  #now: Standing;
  readonly #listeners = new Set<(now: Standing) => void>();

  constructor(now: Standing) {
    this.#now = now;
  }

  get now(): Standing {
    return this.#now;
  }

  on(each: (now: Standing) => void): () => void {
    const own = (now: Standing): void => each(now);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Listeners hear of changes of state; other words alone are for /readyz. */
  set(now: Standing): void {
    const isNews = now.state !== this.#now.state;
    this.#now = now;
    if (isNews) for (const listener of [...this.#listeners]) listener(now);
  }
}
