// The proxy before the Postgres of the clients' test, in this process: everything is public, and what is held all the same (what nobody
// can know for sure, what touches files) goes the held path and gets a yes at once. So every client's every statement is read, judged,
// recorded and let through, and a transcript that differs from the direct one is a mistake of ours.
import { startProxy as start } from '../support/proxy.ts';

export interface Upstream {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly databases: readonly string[];
  /** Connections kept ready; without: as many as usual. */
  readonly warm?: number;
}

export interface RunningProxy {
  readonly port: number;
  stop(): Promise<void>;
}

/** The agent has the upstream role's name, so that a client's own words about itself are the same on both ways. */
export function startProxy(upstream: Upstream, agentPassword: string): Promise<RunningProxy> {
  const url = (database: string): string =>
    `postgres://${upstream.user}:${upstream.password}@127.0.0.1:${upstream.port}/${database}?sslmode=disable`;
  return start({
    databases: Object.fromEntries(upstream.databases.map((name) => [name, url(name)])),
    agent: { name: upstream.user, password: agentPassword },
    ...(upstream.warm === undefined ? {} : { warm: upstream.warm }),
  });
}
