// The http port: health, readiness and metrics, and the frame that API and console hang their routes into. Every answer that is
// no page is JSON; every error is `{"error":{"code","message"}}` with a fitting status and says nothing about the inside.
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { AddressInfo, Socket } from 'node:net';
import type { Address } from '../core/config-fields.ts';
import { ProxyError, type ErrorCode } from '../core/errors.ts';
import { randomText } from '../core/ids.ts';
import type { Limits } from '../core/limits.ts';
import type { Log } from '../core/log.ts';
import { partFigures, readinessText, type Parts } from './health.ts';

export interface HttpParts {
  readonly address: Address;
  readonly limits: Pick<
    Limits,
    'httpBodyBytesMax' | 'httpRequestsPerMinuteMax' | 'httpWrongTokensPerMinuteMax' | 'httpConnectionsMax'
  >;
  readonly parts: Pick<Parts, 'readiness'>;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly log: Log;
  /** Whose token an Authorization header holds; undefined: nobody's. Absent: no tokens are known here. */
  readonly personOf?: (authorization: string) => string | undefined;
  /** Whose session a Cookie header holds; undefined: nobody's. */
  readonly personOfCookie?: (cookie: string) => string | undefined;
  /** Rooms of the house that answer here: each gets the server and adds its routes. */
  readonly rooms?: readonly ((server: FastifyInstance) => void | Promise<void>)[];
}

export class HttpServer {
  readonly #address: Address;
  readonly #server: FastifyInstance;

  private constructor(address: Address, server: FastifyInstance) {
    this.#address = address;
    this.#server = server;
  }

  static async create(parts: HttpParts): Promise<HttpServer> {
    const server = await serverOf(parts);
    return new HttpServer(parts.address, server);
  }

  /** For tests that need no socket. */
  get inject(): FastifyInstance['inject'] {
    return this.#server.inject.bind(this.#server);
  }

  async listen(): Promise<AddressInfo> {
    await this.#server.listen({ host: this.#address.host, port: this.#address.port });
    const address = this.#server.server.address();
    if (address === null || typeof address === 'string') throw new Error('the http server has no address');
    return address;
  }

  async close(): Promise<void> {
    await this.#server.close();
  }
}

async function serverOf(parts: HttpParts): Promise<FastifyInstance> {
  const server = Fastify({
    logger: false,
    bodyLimit: parts.limits.httpBodyBytesMax,
    // Never the client's own id: it would write into our log.
    requestIdHeader: false,
    genReqId: () => `r_${randomText(12)}`,
    requestTimeout: 30_000,
    // Whoever sends a header letter by letter is not waited for long, nor are many of them let in.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 5_000 },
    connectionTimeout: 0,
    keepAliveTimeout: 65_000,
    trustProxy: false,
    routerOptions: { maxParamLength: 200, caseSensitive: true },
    forceCloseConnections: true,
    return503OnClosing: true,
    frameworkErrors: (_, request, reply) => notHttp(request, reply),
    clientErrorHandler: answerStranger,
  });
  server.server.maxConnections = parts.limits.httpConnectionsMax;
  await server.register(helmet, helmetOptions);
  await server.register(rateLimit, {
    max: (_, key) =>
      key.startsWith(wrongToken) ? parts.limits.httpWrongTokensPerMinuteMax : parts.limits.httpRequestsPerMinuteMax,
    timeWindow: 60_000,
    keyGenerator: (request) => whoAsks(request, parts),
    // Whoever watches health must not be locked out by whoever guesses tokens from the same address.
    allowList: (request) => ['/healthz', '/readyz', '/metrics'].includes(request.url),
  });
  server.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    reply.header('cache-control', 'no-store');
  });
  server.setErrorHandler(async (error: FastifyError, request, reply) => answerError(parts.log, error, request, reply));
  // Without this, asking for what is not there would be the one thing that may be done without limit.
  server.setNotFoundHandler({ preHandler: server.rateLimit() }, async (_, reply) =>
    sendError(reply, { code: 'NOT_FOUND', http: 404, words: 'no such page' }),
  );
  ownRoutes(server, parts);
  for (const room of parts.rooms ?? []) await server.register(async (inner) => room(inner));
  await server.ready();
  return server;
}

const wrongToken = 'wrong token from ';

/**
 * Whose requests are counted together. Who is known is counted by themselves, and a flood of wrong tokens too: otherwise whoever sends one
 * from behind the same address translation, or the same reverse proxy, would lock out everybody there, and nobody could deny anything.
 */
function whoAsks({ ip, headers }: FastifyRequest, { personOf, personOfCookie }: HttpParts): string {
  const { authorization, cookie } = headers;
  if (authorization === undefined || personOf === undefined) {
    const signedIn = cookie === undefined ? undefined : personOfCookie?.(cookie);
    return signedIn === undefined ? `address ${ip}` : `session of ${signedIn}`;
  }
  const person = personOf(authorization);
  return person === undefined ? `${wrongToken}${ip}` : `person ${person}`;
}

/** No script, style, frame or form but our own; the referrer stays inside, since links may carry a one-time token. */
const helmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'style-src': ["'self'"],
      'img-src': ["'self'", 'data:'],
      'connect-src': ["'self'"],
      'form-action': ["'self'"],
      'base-uri': ["'none'"],
      'frame-ancestors': ["'none'"],
    },
  },
  // With `no-referrer` browsers send `Origin: null` on our own forms, and the check of the origin would fail.
  referrerPolicy: { policy: 'same-origin' as const },
  // Plain http on loopback is a normal way to run this; a proxy with TLS before it sets its own.
  strictTransportSecurity: false,
};

function ownRoutes(server: FastifyInstance, parts: HttpParts): void {
  server.get('/healthz', async (_, reply) => reply.type('text/plain; charset=utf-8').send('alive\n'));
  server.get('/readyz', async (request, reply) => {
    const readiness = await parts.parts.readiness();
    reply.code(readiness.ready ? 200 : 503);
    if (wantsJson(request)) return reply.send(readiness);
    return reply.type('text/plain; charset=utf-8').send(readinessText(readiness));
  });
  server.get('/metrics', async (_, reply) => {
    const [figures, readiness] = await Promise.all([parts.metrics.text(), parts.parts.readiness()]);
    return reply.type(parts.metrics.contentType).send(figures + partFigures(readiness));
  });
}

const wantsJson = (request: FastifyRequest): boolean => /\bapplication\/json\b/i.test(request.headers.accept ?? '');

interface RefusalJson {
  readonly code: ErrorCode;
  readonly message: string;
}

interface Refusal {
  readonly code: ErrorCode;
  readonly http: number;
  readonly words: string;
}

function sendError(reply: FastifyReply, refusal: Refusal): FastifyReply {
  return reply.code(refusal.http).send({ error: { code: refusal.code, message: refusal.words } });
}

/** An address that cannot be read comes to no route, and to none of the hooks. */
function notHttp(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers({ 'x-request-id': request.id, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  sendError(reply, { code: 'BAD_REQUEST', http: 400, words: 'the address is not of the form it should have' });
}

const strangers: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** What is no HTTP, or takes too long to become a request: answered before there is one. */
function answerStranger({ code }: { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const error = { code: 'BAD_REQUEST', message: 'this is not a request that can be read' } satisfies RefusalJson;
  const body = JSON.stringify({ error });
  const head = [
    `HTTP/1.1 ${strangers[code ?? ''] ?? '400 Bad Request'}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function answerError(log: Log, error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof ProxyError) {
    return sendError(reply, { code: error.code, http: error.row.http, words: error.message });
  }
  const status = error.statusCode ?? 500;
  if (status === 429)
    return sendError(reply, { code: 'RATE_LIMITED', http: 429, words: 'too many requests; try again later' });
  if (status === 413)
    return sendError(reply, { code: 'BAD_REQUEST', http: 413, words: 'the body is larger than limits.http_body' });
  if (status >= 400 && status < 500) {
    return sendError(reply, {
      code: 'BAD_REQUEST',
      http: status,
      words: formWords(status, error.code),
    });
  }
  // What went wrong inside is for the operator's log, found again by its id; the asker learns only that.
  log.error('an http request failed', {
    request: request.id,
    method: request.method,
    route: request.routeOptions.url,
    error,
  });
  return sendError(reply, {
    code: 'UNAVAILABLE',
    http: 500,
    words: `something failed inside; the log has it under ${request.id}`,
  });
}

/** What the server itself refused, before any of ours looked at it. */
function formWords(status: number, code: string | undefined): string {
  if (status === 415) return 'the body has to be JSON, sent with content-type: application/json';
  if (code === 'FST_ERR_CTP_INVALID_JSON_BODY' || code === 'FST_ERR_CTP_EMPTY_JSON_BODY') return 'the body is no JSON';
  return 'the request does not have the form it should have';
}
