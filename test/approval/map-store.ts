// Goal: shared state for tests of the desk, where the real stores are not the subject: it can lose wake-ups, fail and be slow.
// Method: the promises of src/store/store.ts over one map; several desks on one of these are several proxies.
import { ProxyError } from '../../src/core/errors.ts';
import type { Change, Listed, Spending, Standing, Store, Stored, Version } from '../../src/store/store.ts';

export interface Weather {
  /** Wake-ups are lost. */
  silent: boolean;
  /** Every call fails, before anything happened. */
  down: boolean;
  /** The next changes happen, and then fail: nobody is told whether they did. */
  unclear: number;
}

export class MapStore implements Store {
  readonly weather: Weather = { silent: false, down: false, unclear: 0 };
  readonly documents = new Map<
    string,
    { readonly value: string; readonly version: number; readonly expiresAt: number }
  >();
  readonly #listeners = new Map<string, Set<(message: string) => void>>();
  #version = 0;

  async read(key: string): Promise<Stored | undefined> {
    await this.#turn();
    const found = this.#get(key);
    return found === undefined ? undefined : { value: found.value, version: String(found.version) as Version };
  }

  async list(prefix: string, limit: number, after?: string): Promise<readonly Listed[]> {
    await this.#turn();
    const keys = [...this.documents.keys()]
      .filter((key) => key.startsWith(prefix) && this.#get(key) !== undefined)
      .sort();
    return keys
      .filter((key) => after === undefined || key > after)
      .slice(0, limit)
      .map((key) => ({ key, value: this.#get(key)!.value, version: String(this.#get(key)!.version) as Version }));
  }

  async change(changes: readonly Change[]): Promise<'changed' | 'conflict'> {
    await this.#turn();
    const fits = changes.every(({ key, expect }) => {
      const found = this.#get(key);
      return expect === 'any' || (expect === 'absent' ? found === undefined : String(found?.version) === expect);
    });
    if (!fits) return 'conflict';
    for (const { key, value, expiresAt = Infinity } of changes) {
      if (value === undefined) this.documents.delete(key);
      else this.documents.set(key, { value, version: ++this.#version, expiresAt });
    }
    await this.#turn();
    if (this.weather.unclear > 0) {
      this.weather.unclear--;
      throw new ProxyError('UNAVAILABLE', 'the store did not answer');
    }
    return 'changed';
  }

  async spend(): Promise<Spending> {
    throw new Error('the desk spends nothing');
  }

  announce(topic: string, message: string): void {
    if (this.weather.silent || this.weather.down) return;
    setImmediate(() => {
      for (const each of this.#listeners.get(topic) ?? []) each(message);
    });
  }

  listen(topic: string, each: (message: string) => void): () => void {
    const all = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, all.add(each));
    return () => all.delete(each);
  }

  get standing(): Standing {
    return { state: this.weather.down ? 'down' : 'up', words: 'a map' };
  }

  onStanding(): () => void {
    return () => undefined;
  }

  async close(): Promise<void> {
    await this.#turn();
  }

  #get(key: string) {
    const found = this.documents.get(key);
    return found === undefined || found.expiresAt <= Date.now() ? undefined : found;
  }

  /** Between a look and a change others get their turn, as over a network. */
  async #turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.weather.down) throw new ProxyError('UNAVAILABLE', 'the store is away');
  }
}
