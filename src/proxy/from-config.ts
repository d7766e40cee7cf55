// The proxy's ports, filled from the configuration: who may come in, the certificate at the door, and how to reach each database.
import { X509Certificate } from 'node:crypto';
import type { Config } from '../core/config-types.ts';
import { ProxyError } from '../core/errors.ts';
import { serverEndPoint } from '../wire/channel-binding.ts';
import type { AgentAccount, Directory, UpstreamRequest } from './directory.ts';
import { TlsDoor } from './tls-door.ts';
import type { UpstreamTarget } from './upstream.ts';

export function directoryOf(config: Config): Directory {
  const accounts = new Map<string, AgentAccount>(config.agents);
  return {
    agent: (name) => accounts.get(name),
    hasDatabase: (name) => config.databases.has(name),
  };
}

export function tlsDoorOf(config: Config): TlsDoor | undefined {
  const { tls } = config;
  if (tls === undefined) return undefined;
  return new TlsDoor({
    cert: tls.cert,
    key: tls.key.reveal(),
    ca: tls.clientCa,
    required: tls.required,
    endPoint: serverEndPoint(new X509Certificate(tls.cert).raw),
  });
}

/** Where a session's statements go, and as whom: the agent's own role where it has one, else the database's. */
export function targetOf(config: Config, request: Pick<UpstreamRequest, 'agent' | 'database'>): UpstreamTarget {
  const database = config.databases.get(request.database);
  if (database === undefined) {
    throw new ProxyError('UNKNOWN_DATABASE', `database "${request.database}" is not in the configuration`);
  }
  const own = config.agents.get(request.agent)?.login;
  return own === undefined ? database : { ...database, login: own };
}
