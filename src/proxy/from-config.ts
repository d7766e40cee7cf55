// The proxy's ports, filled from the configuration: who may come in, the certificate at the door, and how to reach each database.
import { X509Certificate } from 'node:crypto';
import type { Config } from '../core/config-types.ts';
import { ProxyError, wordsOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { encodeClientMessage } from '../wire/client-messages.ts';
import { serverEndPoint } from '../wire/channel-binding.ts';
import type { AgentAccount, Directory, OpenUpstreamFor, UpstreamRequest } from './directory.ts';
import { farewell } from './farewell.ts';
import { TlsDoor } from './tls-door.ts';
import { connectUpstream, sendCancel, type UpstreamTarget } from './upstream.ts';

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

/** A fresh connection for each session. The pool offers the same with warm ones. */
export function openFresh(config: () => Config, log: Log): OpenUpstreamFor {
  return async (request, signal) => {
    const target = targetOf(config(), request);
    const upstream = await connectUpstream({ target, parameters: request.parameters }, signal);
    const cancel = (): void => {
      const deadline = AbortSignal.timeout(target.connectMsMax);
      sendCancel(target, upstream, deadline).catch((thrown: unknown) => {
        log.warn('a cancel did not reach the database', { why: wordsOf(thrown) });
      });
    };
    return {
      socket: upstream.socket,
      parameters: upstream.parameters,
      processId: upstream.key.processId,
      cancel,
      release: (how) => {
        if (how === 'idle') upstream.socket.end(encodeClientMessage({ kind: 'terminate' }));
        else farewell(upstream.socket, cancel);
      },
    };
  };
}
