// All sessions of this process: counted against the limits, found again to be ended, drained at the stop.
import type { Session } from './session.ts';
import { ProxyError } from '../core/errors.ts';

export interface Seat {
  readonly agent: string;
  leave(): void;
}

interface Entry {
  readonly agent: string;
  session: Session | undefined;
}

export class Sessions {
  readonly #entries = new Set<Entry>();
  readonly #byAgent = new Map<string, number>();
  /** One for each drain: a second, shorter one (a second signal) must end the first one's wait too. */
  readonly #onEmpty = new Set<() => void>();

  get count(): number {
    return this.#entries.size;
  }

  countOf(agent: string): number {
    return this.#byAgent.get(agent) ?? 0;
  }

  /** A place for one more session of this agent; throws when there is none. */
  take(
    agent: string,
    limits: { readonly connectionsMax: number; readonly agentConnectionsMax: number },
  ): Seat & { seat(session: Session): void } {
    if (this.#entries.size >= limits.connectionsMax) {
      throw new ProxyError('TOO_MANY_CONNECTIONS', 'sorry, too many clients already', {
        hint: `This proxy takes ${limits.connectionsMax} connections in all (limits.connections).`,
      });
    }
    if (this.countOf(agent) >= limits.agentConnectionsMax) {
      throw new ProxyError('TOO_MANY_CONNECTIONS', `too many connections for agent "${agent}"`, {
        hint: `An agent may have ${limits.agentConnectionsMax} connections (limits.agent_connections).`,
      });
    }
    const entry: Entry = { agent, session: undefined };
    this.#entries.add(entry);
    this.#byAgent.set(agent, this.countOf(agent) + 1);
    return {
      agent,
      seat: (session) => {
        entry.session = session;
      },
      leave: () => this.#leave(entry),
    };
  }

  #leave(entry: Entry): void {
    if (!this.#entries.delete(entry)) return;
    const left = this.countOf(entry.agent) - 1;
    if (left > 0) this.#byAgent.set(entry.agent, left);
    else this.#byAgent.delete(entry.agent);
    if (this.#entries.size === 0) for (const empty of [...this.#onEmpty]) empty();
  }

  /** Ends sessions as they come to rest; those that have not by the deadline are ended all the same. */
  async drain(waitMs: number): Promise<void> {
    if (this.#entries.size === 0) return;
    const error = new ProxyError('SHUTTING_DOWN', 'terminating connection due to administrator command');
    await new Promise<void>((resolve) => {
      const endQuiet = (): void => {
        for (const { session } of [...this.#entries]) if (session?.quiet === true) session.fail(error);
      };
      const look = setInterval(endQuiet, 20);
      const deadline = setTimeout(() => {
        for (const entry of [...this.#entries]) {
          entry.session?.fail(error);
          this.#leave(entry);
        }
      }, waitMs);
      const empty = (): void => {
        this.#onEmpty.delete(empty);
        clearInterval(look);
        clearTimeout(deadline);
        resolve();
      };
      this.#onEmpty.add(empty);
      endQuiet();
      if (this.#entries.size === 0) empty();
    });
  }
}
