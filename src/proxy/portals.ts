// The executions that have a portal open in this transaction. The unnamed portal has a place of its own: nearly every execution
// uses it, and each use replaces the one before.
import type { Run } from './run.ts';

export class Portals {
  #unnamed: Run | undefined;
  readonly #named = new Map<string, Run>();

  /** Named ones; there is always room for the unnamed. */
  get size(): number {
    return this.#named.size;
  }

  has(name: string): boolean {
    return name === '' || this.#named.has(name);
  }

  get(name: string): Run | undefined {
    return name === '' ? this.#unnamed : this.#named.get(name);
  }

  open(name: string, run: Run): void {
    this.get(name)?.close();
    if (name === '') this.#unnamed = run;
    else this.#named.set(name, run);
  }

  take(name: string): Run | undefined {
    const run = this.get(name);
    if (name === '') this.#unnamed = undefined;
    else this.#named.delete(name);
    return run;
  }

  closeAll(): void {
    this.#unnamed?.close();
    this.#unnamed = undefined;
    if (this.#named.size === 0) return;
    for (const run of this.#named.values()) run.close();
    this.#named.clear();
  }
}
