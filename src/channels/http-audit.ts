// The record over HTTP: searching it, and the receipts of settled holds. For people who proved who they are, and only to read; what is given
// out is what stands in the files.
import type { FastifyInstance, FastifyReply } from 'fastify';
import * as z from 'zod';
import { ProxyError } from '../core/errors.ts';
import type { HoldReceipt } from '../audit/hold-receipt.ts';
import type { SearchFilter } from '../audit/search-facts.ts';
import type { SearchQuery } from '../audit/search-index.ts';
import type { SearchResult } from '../audit/search.ts';
import { jsonWords } from '../audit/words.ts';
import type { Authenticate } from './authenticate.ts';

export interface AuditRoomParts {
  readonly authenticate: Authenticate;
  readonly audit: {
    search(query: SearchQuery): Promise<SearchResult>;
    receipt(hold: string): Promise<HoldReceipt | 'open' | 'not found'>;
  };
}

const usualLimit = 100;
const limitMax = 1_000;
/** Searching reads files; more at once would only wait for each other. */
const searchesMax = 4;

const word = z.string().min(1).max(300);
const time = z
  .string()
  .regex(/^\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\d(\.\d{1,3})?)?)?)?)?)?Z?$/, 'a time in UTC like 2026-11-21T04:00')
  .transform((text) => text.replace(/Z$/, ''));
const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'a whole number')
  .transform(Number);

const querySchema = z.strictObject({
  agent: word.optional(),
  person: word.optional(),
  column: word.optional(),
  level: word.optional(),
  verdict: z.enum(['allow', 'hold', 'deny', 'approved', 'denied', 'expired', 'withdrawn']).optional(),
  database: word.optional(),
  hold: word.optional(),
  kind: word.optional(),
  from: time.optional(),
  to: time.optional(),
  limit: wholeNumber.pipe(z.number().min(1).max(limitMax)).optional(),
  before: wholeNumber.optional(),
});

/** A room of the http server; see http-server.ts. */
export function auditRoom(parts: AuditRoomParts): (server: FastifyInstance) => void {
  let searches = 0;
  return (server) => {
    server.get('/api/audit', async (request, reply) => {
      await parts.authenticate(request);
      const query = queryOf(request.query);
      if (searches >= searchesMax) throw new ProxyError('RATE_LIMITED', 'others are searching; try again in a moment');
      searches += 1;
      try {
        const { records, more, next } = await parts.audit.search(query);
        const last = records.at(-1);
        return await sendJson(reply, {
          records,
          more,
          ...(more && last !== undefined ? { before: next ?? last.seq } : {}),
        });
      } finally {
        searches -= 1;
      }
    });
    server.get<{ Params: { id: string } }>('/api/holds/:id/receipt', async (request, reply) => {
      await parts.authenticate(request);
      const { id } = request.params;
      const receipt = /^h_\w{1,40}$/.test(id) ? await parts.audit.receipt(id) : 'not found';
      if (receipt === 'not found') throw new ProxyError('NOT_FOUND', 'no such hold');
      if (receipt === 'open')
        throw new ProxyError('NOT_FOUND', `${id} is not settled yet; a receipt is made when it is`);
      reply.header('content-disposition', `attachment; filename="receipt-${id}.json"`);
      return sendJson(reply, receipt);
    });
  };
}

/** Throws BAD_REQUEST; nobody else looks again at what was asked. */
export function queryOf(given: unknown): SearchQuery {
  const checked = querySchema.safeParse(given);
  if (!checked.success) throw new ProxyError('BAD_REQUEST', mistakeIn(checked.error));
  const { limit, before, ...asked } = checked.data;
  const filter: SearchFilter = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  return { filter, limit: limit ?? usualLimit, ...(before === undefined ? {} : { before }) };
}

/** Names the parameter, never what was given for it. */
function mistakeIn(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue?.code === 'unrecognized_keys') return `known parameters are ${Object.keys(querySchema.shape).join(', ')}`;
  return `${issue?.path.join('.') ?? 'the query'}: ${issue?.message ?? 'does not have the form it should have'}`;
}

/** Agents chose some of this text: what does not show itself is escaped, for whoever looks at it with curl. */
function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(jsonWords(value));
}
