// The rooms of the http server that answer to approvers' tokens: holds, votes, explaining.
import type { HttpParts } from '../channels/http-server.ts';
import { bearerAuthenticate } from '../channels/bearer.ts';
import type { Authenticate } from '../channels/authenticate.ts';
import { budgetsRoom } from '../channels/http-budgets.ts';
import { holdsRoom } from '../channels/http-holds.ts';
import type { Clock } from '../core/clock.ts';
import { explainService } from './explain-service.ts';
import type { LiveConfig } from './live-config.ts';
import type { Bench } from './serve-bench.ts';

export interface ApiParts {
  readonly live: LiveConfig;
  readonly bench: Pick<Bench, 'classification' | 'readers' | 'desk' | 'budgets'>;
  readonly clock: Clock;
  /** Who else proves to be a person, as by a session of the console; tokens alone when absent. */
  readonly authenticate?: Authenticate;
}

export function apiRooms({ live, bench, clock, authenticate }: ApiParts): NonNullable<HttpParts['rooms']> {
  const { classification, readers, desk, budgets } = bench;
  const explain = explainService({
    config: () => live.config,
    classification: () => classification.current,
    readers,
    clock,
  });
  const persons = authenticate ?? tokensOf(classification);
  return [
    holdsRoom({ authenticate: persons, desk, explain }),
    budgetsRoom({ authenticate: persons, budgets, agents: () => live.config.agents.keys() }),
  ];
}

export function tokensOf(classification: Bench['classification']): Authenticate {
  return bearerAuthenticate(() => classification.current.catalog.approvers.values());
}
