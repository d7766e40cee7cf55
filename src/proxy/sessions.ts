// All sessions of this process: counted against the limits, found again to be ended, drained at the stop.
import type { UnixMillis } from '../core/brand.ts';
import type { AgentAccount } from './directory.ts';
import type { Session } from './session.ts';
import { ProxyError } from '../core/errors.ts';

export interface Seat {
  readonly agent: string;
  leave(): void;
}

/** What operators see of a session. */
export interface SessionFacts {
  readonly id: string;
  readonly agent: string;
  readonly database: string;
  readonly address: string;
  readonly applicationName: string;
  readonly since: UnixMillis;
}

export interface LiveSession extends SessionFacts {
  /** `idle`: nothing is owed and no transaction is open. */
  readonly state: 'idle' | 'working' | 'waiting for people' | 'ending';
}

export interface SeatLimits {
  readonly connectionsMax: number;
  readonly agentConnectionsMax: number;
}

/** Where several processes share the limits, each place is asked for; without it this process counts alone. */
export interface SharedSeats {
  take(agent: string, limits: SeatLimits): Promise<'seated' | 'full' | 'agent is full'>;
  leave(agent: string): void;
}

export function tooMany(which: 'full' | 'agent is full', agent: string, limits: SeatLimits): ProxyError {
  if (which === 'full') {
    return new ProxyError('TOO_MANY_CONNECTIONS', 'sorry, too many clients already', {
      hint: `This proxy takes ${limits.connectionsMax} connections in all (limits.connections).`,
    });
  }
  return new ProxyError('TOO_MANY_CONNECTIONS', `too many connections for agent "${agent}"`, {
    hint: `An agent may have ${limits.agentConnectionsMax} connections (limits.connections_per_agent).`,
  });
}

interface Entry {
  readonly agent: string;
  session: Session | undefined;
  facts: SessionFacts | undefined;
  account: AgentAccount | undefined;
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
    limits: SeatLimits,
  ): Seat & { seat(session: Session, facts: SessionFacts, account: AgentAccount): void } {
    if (this.#entries.size >= limits.connectionsMax) throw tooMany('full', agent, limits);
    if (this.countOf(agent) >= limits.agentConnectionsMax) throw tooMany('agent is full', agent, limits);
    const entry: Entry = { agent, session: undefined, facts: undefined, account: undefined };
    this.#entries.add(entry);
    this.#byAgent.set(agent, this.countOf(agent) + 1);
    return {
      agent,
      seat: (session, facts, account) => {
        entry.account = account;
        entry.session = session;
        entry.facts = facts;
      },
      leave: () => this.#leave(entry),
    };
  }

  list(): readonly LiveSession[] {
    return [...this.#entries].flatMap(({ session, facts }) =>
      session === undefined || facts === undefined ? [] : [{ ...facts, state: stateOf(session) }],
    );
  }

  /** As an administrator of Postgres ends one. False: there is none of that id. */
  end(id: string): boolean {
    const session = [...this.#entries].find(({ facts }) => facts?.id === id)?.session;
    session?.fail(new ProxyError('SHUTTING_DOWN', 'terminating connection due to administrator command'));
    return session !== undefined;
  }

  /** Ends those of which `why` has words; how many. */
  endWhere(why: (account: AgentAccount, database: string) => string | undefined): number {
    let ended = 0;
    for (const { session, facts, account } of [...this.#entries]) {
      const words = account === undefined || facts === undefined ? undefined : why(account, facts.database);
      if (words === undefined) continue;
      session?.fail(new ProxyError('ACCESS_REVOKED', `terminating connection due to administrator command: ${words}`));
      ended += 1;
    }
    return ended;
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

function stateOf(session: Session): LiveSession['state'] {
  if (session.quiet) return 'idle';
  if (session.state === 'waiting') return 'waiting for people';
  return session.state === 'leaving' || session.state === 'ended' ? 'ending' : 'working';
}
