// From a URL to a client. Everything that a client could do behind our back is switched off here: keeping commands for later, sending
// them again, reading from a replica. A command that did not reach the server, or whose answer was lost, fails.
import { Cluster, Redis } from 'ioredis';
import type { RedisUrl } from '../core/redis-url.ts';

export type RedisClient = Redis | Cluster;

export interface RedisClients {
  readonly commands: RedisClient;
  /** A connection that listens takes no commands; a Cluster client keeps one of its own. */
  readonly wakes: RedisClient;
}

export interface RedisTimes {
  /** From asking to giving up. */
  readonly callMsMax: number;
  /** A connection that is owed an answer for so long is cut and made anew. */
  readonly silentMsMax: number;
  readonly connectMsMax: number;
  readonly retryMsMax: number;
}

export function connectRedis(url: RedisUrl, times: RedisTimes): RedisClients {
  if (url.kind === 'cluster') {
    const cluster = clusterOf(url, times);
    return { commands: cluster, wakes: cluster };
  }
  const options = {
    ...commonOf(url, times),
    ...placeOf(url),
    db: url.database,
    enableOfflineQueue: false,
    retryStrategy: (attempt: number) => backOff(attempt, times),
  };
  return { commands: new Redis(options), wakes: new Redis(options) };
}

function commonOf(url: RedisUrl, times: RedisTimes) {
  return {
    ...(url.user === undefined ? {} : { username: url.user }),
    ...(url.password === undefined ? {} : { password: url.password.reveal() }),
    ...(url.tls === 'off' ? {} : { tls: tlsOf(url) }),
    connectionName: 'countersign',
    disableClientInfo: true,
    lazyConnect: true,
    replyMapping: 'legacy' as const,
    // Sent again after a lost connection, a budget would be taken twice.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    commandTimeout: times.callMsMax,
    socketTimeout: times.silentMsMax,
    connectTimeout: times.connectMsMax,
    keepAlive: 10_000,
    // A server that was made a replica while we were on it: look for the new one. 1: without sending the command again.
    reconnectOnError: (error: Error) => (error.message.includes('READONLY') ? (1 as const) : false),
  };
}

function placeOf(url: RedisUrl) {
  if (url.kind === 'single') return { host: url.hosts[0].host, port: url.hosts[0].port };
  return {
    sentinels: [...url.hosts],
    name: url.group ?? '',
    role: 'master' as const,
    // Told by the Sentinels of a failover, at once; else the old master is left only when it says that it is one no longer.
    failoverDetector: true,
    ...(url.sentinelUser === undefined ? {} : { sentinelUsername: url.sentinelUser }),
    ...(url.sentinelPassword === undefined ? {} : { sentinelPassword: url.sentinelPassword.reveal() }),
    ...(url.tls === 'off' ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tlsOf(url) }),
  };
}

function clusterOf(url: RedisUrl, times: RedisTimes): Cluster {
  return new Cluster([...url.hosts], {
    lazyConnect: true,
    enableOfflineQueue: false,
    scaleReads: 'master',
    slotsRefreshTimeout: times.connectMsMax,
    slotsRefreshInterval: 10_000,
    // Zero: a command whose connection broke is not sent again to another node. MOVED and ASK mean it was not done, so those are.
    retryDelayOnFailover: 0,
    clusterRetryStrategy: (attempt) => backOff(attempt, times),
    // With TLS, nodes are told apart by the names they give themselves; an address in the list is checked as such.
    dnsLookup: (address, done) => done(null, address),
    redisOptions: commonOf(url, times),
  });
}

function tlsOf(url: RedisUrl) {
  return {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2' as const,
    ...(url.ca === undefined ? {} : { ca: url.ca }),
    ...(url.cert === undefined ? {} : { cert: url.cert }),
    ...(url.key === undefined ? {} : { key: url.key }),
    ...(url.kind === 'single' ? serverName(url.hosts[0].host) : {}),
  };
}

/** A server may have several certificates, and shows the one for this name. Addresses have no place in that field. */
function serverName(host: string): { readonly servername?: string } {
  return /^[\d.]+$|:/.test(host) ? {} : { servername: host };
}

function backOff(attempt: number, times: RedisTimes): number {
  // Many proxies must not come back in one moment.
  const jitter = 0.75 + Math.random() / 2;
  return Math.min(times.retryMsMax, 25 * 2 ** Math.min(attempt, 10)) * jitter;
}
