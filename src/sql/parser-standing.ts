// Which agents' texts are to be read apart from everybody else's, and until when. Bounded: a flood of names pushes out the oldest.
import type { Clock } from '../core/clock.ts';

const agentsMax = 1_000;
/** An honest statement of this length takes well under a millisecond. */
const costlyMs = 25;
const apartMs = { lost: 60_000, costly: 5_000 } as const;

export class Standing {
  readonly #clock: Clock;
  readonly #apartUntil = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  good(agent: string): boolean {
    const until = this.#apartUntil.get(agent);
    if (until === undefined) return true;
    if (until > this.#clock.ticks()) return false;
    this.#apartUntil.delete(agent);
    return true;
  }

  /** What reading one of the agent's statements came to. */
  note(agent: string, tookMs: number, lost: boolean): void {
    if (!lost && tookMs < costlyMs) return;
    const until = this.#clock.ticks() + (lost ? apartMs.lost : apartMs.costly);
    const before = this.#apartUntil.get(agent) ?? 0;
    this.#apartUntil.delete(agent);
    this.#apartUntil.set(agent, Math.max(before, until));
    for (const oldest of this.#apartUntil.keys()) {
      if (this.#apartUntil.size <= agentsMax) return;
      this.#apartUntil.delete(oldest);
    }
  }
}
