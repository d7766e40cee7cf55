// Deadlines of many waits with one timer: ten thousand held statements must not be ten thousand timers. Things are put into slots of
// time; a turn of the wheel hands over the slots that are due.

const slotMs = 25;

export class Wheel<Thing> {
  readonly #ticks: () => number;
  readonly #due: (thing: Thing) => void;
  readonly #slots = new Map<number, Set<Thing>>();
  #next: number;
  #timer: NodeJS.Timeout | undefined;

  /** `ticks` are monotonic milliseconds. */
  constructor(ticks: () => number, due: (thing: Thing) => void) {
    this.#ticks = ticks;
    this.#due = due;
    this.#next = this.#slotOf(ticks());
  }

  /** Returns how to take it out again. Never early; late by a slot and by what the process is busy with. */
  after(ms: number, thing: Thing): () => void {
    const slot = Math.max(this.#slotOf(this.#ticks() + Math.max(0, ms)) + 1, this.#next);
    const things = this.#slots.get(slot) ?? new Set();
    this.#slots.set(slot, things.add(thing));
    this.#timer ??= setInterval(() => this.turn(), slotMs).unref();
    return () => {
      things.delete(thing);
      if (things.size === 0 && this.#slots.get(slot) === things) this.#slots.delete(slot);
    };
  }

  turn(): void {
    const now = this.#slotOf(this.#ticks());
    // After a long sleep of the machine there may be more slots to pass than there are things: then the things are asked.
    const due =
      now - this.#next > this.#slots.size
        ? [...this.#slots.keys()].filter((slot) => slot <= now).sort((a, b) => a - b)
        : Array.from({ length: Math.max(0, now - this.#next + 1) }, (_, index) => this.#next + index);
    this.#next = Math.max(this.#next, now + 1);
    for (const slot of due) {
      const things = this.#slots.get(slot);
      this.#slots.delete(slot);
      for (const thing of things ?? []) this.#due(thing);
    }
    if (this.#slots.size === 0) this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #slotOf(ticks: number): number {
    return Math.floor(ticks / slotMs);
  }
}
