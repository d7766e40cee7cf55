// Keys for hashes in place of values, one for each database, from one secret of the house: equal values look alike whichever proxy
// shows them. The secret lies in the shared state; it is read at the start, and again from time to time, since a state that came back
// empty has another one. While it is not known there is no key, and what should be hashed is NULL.
import { createHmac } from 'node:crypto';
import type { Clock } from '../core/clock.ts';

/** A key in use may be older than this by one statement. */
const staleMs = 30_000;

export class MaskKeys {
  readonly #read: () => Promise<Buffer>;
  readonly #clock: Clock;
  readonly #keys = new Map<string, Buffer>();
  #secret: Buffer | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #isReading = false;

  constructor(read: () => Promise<Buffer>, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
    this.#refresh();
  }

  of(database: string): Buffer | undefined {
    if (this.#clock.ticks() - this.#readAt > staleMs) this.#refresh();
    if (this.#secret === undefined) return undefined;
    const known = this.#keys.get(database);
    if (known !== undefined) return known;
    const made = createHmac('sha256', this.#secret).update(database).digest();
    this.#keys.set(database, made);
    return made;
  }

  #refresh(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#readAt = this.#clock.ticks();
    this.#read()
      .then(
        (secret) => {
          if (this.#secret?.equals(secret) !== true) this.#keys.clear();
          this.#secret = secret;
        },
        () => {
          // The state is away, and says so itself: the next one who asks tries again. What was read before is still the house's, as far
          // as anybody knows.
          this.#readAt = Number.NEGATIVE_INFINITY;
        },
      )
      .finally(() => (this.#isReading = false));
  }
}
