// Holds over HTTP: what waits, one whole, and votes on it; and what the verdict on a statement would be. For people who proved who they
// are. The desk decides; here are only forms, statuses and words.
import type { FastifyInstance, FastifyReply } from 'fastify';
import * as z from 'zod';
import { ProxyError } from '../core/errors.ts';
import { outcomeText } from '../approval/card.ts';
import { isHoldId } from '../approval/board.ts';
import type { HoldBook, VoteResult } from '../approval/channel.ts';
import { holdStates, type Vote } from '../approval/hold.ts';
import type { Authenticate, Person } from './authenticate.ts';
import { holdJson, termsOfJson } from './hold-json.ts';
import { parsed, sendJson } from './http-forms.ts';

export interface Explaining {
  readonly agent: string;
  readonly database: string;
  readonly sql: string;
}

export interface HoldsRoomParts {
  readonly authenticate: Authenticate;
  readonly desk: HoldBook;
  /** The verdict as `countersign explain --json` gives it; throws ProxyError. */
  readonly explain: (asked: Explaining) => Promise<unknown>;
}

const limitMax = 1_000;
/** Explaining parses and resolves: more at once would only wait for each other. */
const explainsMax = 4;

const filterSchema = z.strictObject({
  state: z.enum(holdStates).optional(),
  agent: z
    .string()
    .regex(/^[A-Za-z0-9_.@-]{1,63}$/, 'the name of an agent')
    .optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, 'a whole number')
    .transform(Number)
    .pipe(z.number().min(1).max(limitMax))
    .optional(),
});

const voteSchema = z.strictObject({
  vote: z.enum(['approve', 'deny']),
  reason: z.string().max(1_000).nullish(),
  terms: z
    .strictObject({
      kind: z.enum(['once', 'rows', 'masked', 'shape']),
      rows: z.number().int().min(1).optional(),
      for: z.string().max(20).optional(),
      uses: z.number().int().min(1).optional(),
    })
    .nullish(),
});

const explainSchema = z.strictObject({
  agent: z.string().min(1).max(63),
  database: z.string().min(1).max(63),
  sql: z.string().min(1).max(1_000_000),
});

/** A room of the http server; see http-server.ts. */
export function holdsRoom(parts: HoldsRoomParts): (server: FastifyInstance) => void {
  const { authenticate, desk } = parts;
  return (server) => {
    server.get('/api/holds', async (request, reply) => {
      await authenticate(request);
      const { state, agent, limit } = parsed(filterSchema, request.query, 'the query');
      const filter = {
        ...(state === undefined ? {} : { state }),
        ...(agent === undefined ? {} : { agent }),
        ...(limit === undefined ? {} : { limit }),
      };
      return sendJson(reply, { holds: (await desk.list(filter)).map(holdJson) });
    });
    server.get<{ Params: { id: string } }>('/api/holds/:id', async (request, reply) => {
      await authenticate(request);
      const { id } = request.params;
      const hold = isHoldId(id) ? await desk.find(id) : undefined;
      if (hold === undefined) throw noSuchHold();
      return sendJson(reply, holdJson(hold));
    });
    server.post<{ Params: { id: string } }>('/api/holds/:id/votes', async (request, reply) => {
      const person = await authenticate(request);
      const { id } = request.params;
      const vote = voteOf(person, request.body);
      if (!isHoldId(id)) throw noSuchHold();
      return answerVote(reply, await desk.vote(id, vote));
    });
    addExplain(server, parts);
  };
}

function addExplain(server: FastifyInstance, { authenticate, explain }: HoldsRoomParts): void {
  let explains = 0;
  server.post('/api/explain', async (request, reply) => {
    await authenticate(request);
    const asked = parsed(explainSchema, request.body, 'the body');
    if (explains >= explainsMax) throw new ProxyError('RATE_LIMITED', 'others are asking; try again in a moment');
    explains += 1;
    try {
      return sendJson(reply, await explain(asked));
    } finally {
      explains -= 1;
    }
  });
}

function voteOf(person: Person, body: unknown): Vote {
  const { vote, reason, terms } = parsed(voteSchema, body, 'the body');
  const chosen = terms == null ? undefined : termsOfJson(terms);
  if (terms != null && chosen === undefined) {
    const forms =
      '{"kind":"once"}, {"kind":"rows","rows":10}, {"kind":"masked"} or {"kind":"shape","for":"2h","uses":20}';
    throw new ProxyError('BAD_REQUEST', `terms are ${forms}`);
  }
  if (vote === 'deny' && chosen !== undefined) throw new ProxyError('BAD_REQUEST', 'terms are for approvals');
  return { person: person.name, vote, channel: 'api', reason: reason ?? undefined, terms: chosen, link: undefined };
}

function answerVote(reply: FastifyReply, result: VoteResult): FastifyReply {
  switch (result.kind) {
    case 'counted':
      return sendJson(reply, holdJson(result.hold));
    case 'forbidden':
      throw new ProxyError('FORBIDDEN', result.words);
    case 'notFound':
      throw noSuchHold();
    case 'settled':
      throw new ProxyError('SETTLED_ALREADY', `settled already. ${outcomeText(result.hold) ?? ''}`.trim());
    case 'invalid':
      throw new ProxyError('BAD_REQUEST', result.words);
  }
}

const noSuchHold = (): ProxyError => new ProxyError('NOT_FOUND', 'no such hold');
