// The heads of the other instances. Each instance announces its newest signed head in the shared state, and carries the others' heads in its
// own checkpoints, so that the end of a whole chain cannot vanish without another chain saying so. What stands in the shared state is no
// proof: whoever can write there could announce anything, so a head is taken only by its form, and never one that goes back.
import { wordsOf } from '../core/errors.ts';
import type { Store } from '../store/store.ts';

export interface PeerHeadsOptions {
  readonly store: Pick<Store, 'list' | 'change'>;
  /** `origin blocks root` of this log's newest signed checkpoint. */
  readonly own: () => string | undefined;
  readonly everyMs?: number;
  readonly say?: (words: string) => void;
}

const prefix = 'audit-head/';
const peersMax = 64;
/** It becomes a line of a signed note: nothing else may be in it. */
const headPattern = /^countersign\/([A-Za-z0-9_-]{1,64}) (\d{1,15}) [0-9a-f]{64}$/;

export class PeerHeads {
  readonly #options: PeerHeadsOptions;
  readonly #heads = new Map<string, string>();
  #announced: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #trouble: string | undefined;
  #stopped = false;

  constructor(options: PeerHeadsOptions) {
    this.#options = options;
  }

  get heads(): readonly string[] {
    return [...this.#heads.values()].toSorted();
  }

  start(): void {
    this.#again(0);
  }

  /** Announces the last head, if the shared state is still there. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    await this.#look();
  }

  #again(ms: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#look().then(() => this.#again(this.#options.everyMs ?? 2_000));
    }, ms);
    this.#timer.unref();
  }

  /** Without the shared state checkpoints go on, with the heads that were seen last. */
  async #look(): Promise<void> {
    try {
      await this.#announce();
      for (const { key, value } of await this.#options.store.list(prefix, peersMax + 1)) this.#take(key, value);
      this.#tell(undefined);
    } catch (thrown) {
      this.#tell(`heads of other instances cannot be read: ${wordsOf(thrown)}`);
    }
  }

  async #announce(): Promise<void> {
    const own = this.#options.own();
    const name = headPattern.exec(own ?? '')?.[1];
    if (own === undefined || name === undefined || own === this.#announced) return;
    await this.#options.store.change([{ key: `${prefix}${name}`, expect: 'any', value: own }]);
    this.#announced = own;
  }

  #take(key: string, head: string): void {
    const [, name = '', blocks = ''] = headPattern.exec(head) ?? [];
    if (key !== `${prefix}${name}` || name === nameOf(this.#options.own())) return;
    const before = this.#heads.get(name);
    if (before === undefined && this.#heads.size >= peersMax) return;
    if (before !== undefined && Number(headPattern.exec(before)?.[2]) > Number(blocks)) {
      this.#options.say?.(`instance ${name} announces fewer blocks of its record than before; the higher head is kept`);
      return;
    }
    this.#heads.set(name, head);
  }

  #tell(trouble: string | undefined): void {
    // At the end nobody can do anything about it, and in a start that fails it would stand before the reason.
    if (this.#stopped) return;
    if (trouble !== undefined && trouble !== this.#trouble) this.#options.say?.(trouble);
    this.#trouble = trouble;
  }
}

const nameOf = (head: string | undefined): string | undefined => headPattern.exec(head ?? '')?.[1];
