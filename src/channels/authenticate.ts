// Who asks over HTTP: the port that every room of the http server shares. Who fills it knows tokens and sessions; who uses it knows a
// person and nothing of how they proved to be one.
import type { FastifyRequest } from 'fastify';

export interface Person {
  /** As in approvers.yaml. Agents are never persons. */
  readonly name: string;
  readonly groups: readonly string[];
}

/** Throws UNAUTHENTICATED where nobody, or nobody known, asks. */
export type Authenticate = (request: FastifyRequest) => Person | Promise<Person>;
