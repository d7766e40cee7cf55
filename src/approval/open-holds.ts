// How many holds are open, in all and of each agent, so that approvers do not drown. Exact for what this process asks; what peers
// ask is known from the last round through the store.
import { ProxyError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';

export type OpenLimits = Pick<Limits, 'holdsMax' | 'holdsPerAgentMax'>;

export class OpenHolds {
  readonly #holds = new Map<string, { readonly agent: string; round: number }>();
  readonly #byAgent = new Map<string, number>();
  #round = 0;

  get count(): number {
    return this.#holds.size;
  }

  /** Takes a place, or throws HOLD_LIMIT. */
  reserve(id: string, agent: string, limits: OpenLimits): void {
    const own = this.#byAgent.get(agent) ?? 0;
    const which = own >= limits.holdsPerAgentMax ? 'holds_per_agent' : 'holds';
    if (own >= limits.holdsPerAgentMax || this.#holds.size >= limits.holdsMax) {
      const words =
        which === 'holds'
          ? `${this.#holds.size} statements are waiting for people already`
          : `${own} statements of ${agent} are waiting for people already`;
      throw new ProxyError('HOLD_LIMIT', words, {
        hint: `wait for decisions, or ask for fewer things at once (limits.${which})`,
        facts: { limit: which, open: which === 'holds' ? this.#holds.size : own },
      });
    }
    this.#add(id, agent);
  }

  remove(id: string): void {
    const held = this.#holds.get(id);
    if (held === undefined) return;
    this.#holds.delete(id);
    this.#byAgent.set(held.agent, (this.#byAgent.get(held.agent) ?? 1) - 1);
  }

  /** What the store lists as open; what was asked while it was listed stays. */
  round(): { readonly saw: (id: string, agent: string) => void; readonly end: () => void } {
    const round = this.#round + 1;
    this.#round = round;
    return {
      saw: (id, agent) => {
        const held = this.#holds.get(id);
        if (held === undefined) this.#add(id, agent);
        else held.round = Math.max(held.round, round);
      },
      end: () => {
        for (const [id, held] of this.#holds) if (held.round < round) this.remove(id);
      },
    };
  }

  #add(id: string, agent: string): void {
    // One that is asked during a round may not be in its list yet.
    this.#holds.set(id, { agent, round: this.#round + 1 });
    this.#byAgent.set(agent, (this.#byAgent.get(agent) ?? 0) + 1);
  }
}
