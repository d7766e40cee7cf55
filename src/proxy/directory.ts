// Who may connect, to what: the proxy's view of the configuration. Looked up anew at each login, so that a reload takes effect.
import type { Socket } from 'node:net';

export interface AgentAccount {
  readonly name: string;
  readonly owner: string;
  /** `SCRAM-SHA-256$…`, as Postgres stores it. The password itself is nowhere. */
  readonly verifier: string;
  readonly databases: readonly string[];
  /** `cleartext`: the password is asked for in the open, and only inside TLS. For tokens that SCRAM cannot carry. */
  readonly auth: 'scram' | 'cleartext';
  /** The name a client certificate must carry; undefined: none is asked of this agent. */
  readonly certificateName: string | undefined;
  readonly connectionsMax: number;
  /** Its own role at the database; undefined: the database's. */
  readonly login: { readonly user: string } | undefined;
  /** How its holds go; from its own settings, else those of all. */
  readonly holds: { readonly heartbeatMs: number };
}

export interface Directory {
  agent(name: string): AgentAccount | undefined;
  /** Whether there is such a database at all; an agent's own list decides whether it may go there. */
  hasDatabase(name: string): boolean;
}

/** A logged-in connection to the database, given to exactly one session. */
export interface OpenUpstream {
  readonly socket: Socket;
  /** What the server reported at login, for the agent to be told the same. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly processId: number;
  readonly serverMajor: number;
  /** Asks the server to stop what this connection runs. */
  cancel(): Promise<void>;
  /** Gives it back: `idle` connections are reset and may serve somebody else, others are closed. */
  release(how: 'idle' | 'unusable'): void;
}

export interface UpstreamRequest {
  readonly agent: string;
  readonly database: string;
  /** Start-up parameters as the agent sent them, without user and database. */
  readonly parameters: ReadonlyMap<string, string>;
}

export type OpenUpstreamFor = (request: UpstreamRequest, signal: AbortSignal) => Promise<OpenUpstream>;
