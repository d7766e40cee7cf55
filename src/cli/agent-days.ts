// What each agent did today, counted from what goes on the record. Of this process and since midnight in UTC: the record has the rest.
import type { AuditBody } from '../audit/record.ts';
import type { AgentDay } from '../channels/console/ports.ts';
import type { Clock } from '../core/clock.ts';

type Counts = { -readonly [Name in keyof AgentDay]: number };

const nothingYet = (): Counts => ({ allowed: 0, held: 0, denied: 0, refused: 0, rows: 0 });
const dayMs = 24 * 60 * 60 * 1000;

export class AgentDays {
  readonly #clock: Clock;
  readonly #agents = new Map<string, Counts>();
  /** Whose session it is: the end of a statement names only its session. */
  readonly #sessions = new Map<string, string>();
  #day = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(agent: string): AgentDay {
    this.#turnDay();
    return this.#agents.get(agent) ?? nothingYet();
  }

  count(body: AuditBody): void {
    switch (body.kind) {
      case 'login':
        if (body.error === undefined) this.#sessions.set(body.session, body.agent);
        return;
      case 'logout':
        this.#sessions.delete(body.session);
        return;
      case 'judged':
        this.#countsOf(body.agent)[verdictCounts[body.verdict]] += 1;
        return;
      case 'refused':
        this.#countsOf(body.agent).refused += 1;
        return;
      case 'finished': {
        const agent = this.#sessions.get(body.session);
        if (agent !== undefined) this.#countsOf(agent).rows += body.rows;
        return;
      }
      default:
    }
  }

  #countsOf(agent: string): Counts {
    this.#turnDay();
    const known = this.#agents.get(agent);
    if (known !== undefined) return known;
    const fresh = nothingYet();
    this.#agents.set(agent, fresh);
    return fresh;
  }

  #turnDay(): void {
    const day = Math.floor(this.#clock.now() / dayMs);
    if (day !== this.#day) this.#agents.clear();
    this.#day = day;
  }
}

const verdictCounts = { allow: 'allowed', hold: 'held', deny: 'denied' } as const;
