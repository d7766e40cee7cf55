// Why something is not going on now, as a set of reasons: it goes on when the last one is gone. A boolean would let one reason
// clear another's.

export class ReasonSet<Reason extends string> {
  readonly #reasons = new Set<Reason>();
  readonly #onFirst: () => void;
  readonly #onLast: () => void;

  constructor(handlers: { readonly onFirst: () => void; readonly onLast: () => void }) {
    this.#onFirst = handlers.onFirst;
    this.#onLast = handlers.onLast;
  }

  get any(): boolean {
    return this.#reasons.size > 0;
  }

  add(reason: Reason): void {
    const first = this.#reasons.size === 0;
    this.#reasons.add(reason);
    if (first) this.#onFirst();
  }

  remove(reason: Reason): void {
    if (this.#reasons.delete(reason) && this.#reasons.size === 0) this.#onLast();
  }
}
