// What the agent sends while people are asked: kept in order within a bound, so that leaving and cancelling are seen.

export interface Deferred {
  readonly type: number;
  readonly bytes: Buffer;
  readonly place: 'whole' | 'first' | 'middle' | 'last';
}

export class Backlog {
  readonly #bytesMax: number;
  readonly #onFull: (isFull: boolean) => void;
  #frames: Deferred[] = [];
  #bytes = 0;

  constructor(bytesMax: number, onFull: (isFull: boolean) => void) {
    this.#bytesMax = bytesMax;
    this.#onFull = onFull;
  }

  defer(type: number, bytes: Buffer, place: Deferred['place']): void {
    this.#frames.push({ type, bytes, place });
    this.#bytes += bytes.length;
    if (this.#bytes > this.#bytesMax) this.#onFull(true);
  }

  /** Hands out frames for as long as `goOn` says so. */
  work(goOn: () => boolean, each: (frame: Deferred) => void): void {
    while (this.#frames.length > 0 && goOn()) {
      const next = this.#frames.shift();
      if (next === undefined) break;
      this.#bytes -= next.bytes.length;
      each(next);
    }
    if (this.#bytes <= this.#bytesMax) this.#onFull(false);
  }

  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
  }
}
