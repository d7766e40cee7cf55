// Budgets over HTTP: how each agent's stand, and more rows for one. Who may say so is the desk's business; here are forms and statuses.
import type { FastifyInstance, FastifyReply } from 'fastify';
import * as z from 'zod';
import { isHoldId } from '../approval/board.ts';
import type { BudgetBook, BudgetView, TopUpResult } from '../approval/budgets.ts';
import { ProxyError } from '../core/errors.ts';
import { placeText } from '../core/place.ts';
import type { Authenticate } from './authenticate.ts';
import { parsed, sendJson } from './http-forms.ts';

export interface BudgetsRoomParts {
  readonly authenticate: Authenticate;
  readonly budgets: BudgetBook;
  readonly agents: () => Iterable<string>;
}

const agentName = z.string().regex(/^[A-Za-z0-9_.@-]{1,63}$/, 'the name of an agent');
const filterSchema = z.strictObject({ agent: agentName.optional() });

const topUpSchema = z.strictObject({
  level: z.string().min(1).max(100),
  per: z.string().min(1).max(20),
  rows: z.number().int().min(1),
  reason: z.string().max(1_000).nullish(),
  hold: z.string().refine(isHoldId, 'the id of a hold').nullish(),
  request: z.string().min(1).max(100).nullish(),
});

export function budgetsRoom({ authenticate, budgets, agents }: BudgetsRoomParts): (server: FastifyInstance) => void {
  return (server) => {
    server.get('/api/budgets', async (request, reply) => {
      await authenticate(request);
      const { agent } = parsed(filterSchema, request.query, 'the query');
      const asked = [...agents()].filter((name) => agent === undefined || name === agent);
      const all = await Promise.all(
        asked.map(async (name) => (await budgets.of(name)).map((budget) => budgetJson(name, budget))),
      );
      return sendJson(reply, { budgets: all.flat() });
    });
    server.post<{ Params: { agent: string } }>('/api/budgets/:agent/top-ups', async (request, reply) => {
      const { name: person } = await authenticate(request);
      const { reason, hold, request: once, ...asked } = parsed(topUpSchema, request.body, 'the body');
      const { agent } = request.params;
      const result = await budgets.topUp({
        ...{ ...asked, agent, person, channel: 'api', reason: reason ?? undefined },
        hold: hold != null && isHoldId(hold) ? hold : undefined,
        // Of one person: what somebody else calls the same is something else.
        request: once == null ? undefined : JSON.stringify(['api', person, once]),
      });
      return answer(reply, agent, result);
    });
  };
}

function answer(reply: FastifyReply, agent: string, result: TopUpResult): FastifyReply {
  switch (result.kind) {
    case 'added':
    case 'waiting': {
      const { rows, by, kind } = result;
      return sendJson(reply, { state: kind, rows, by, budget: budgetJson(agent, result.budget) });
    }
    case 'forbidden':
      throw new ProxyError('FORBIDDEN', result.words);
    case 'notFound':
      throw new ProxyError('NOT_FOUND', result.words);
    case 'invalid':
      throw new ProxyError('BAD_REQUEST', result.words);
  }
}

function budgetJson(agent: string, view: BudgetView): Readonly<Record<string, unknown>> {
  const { level, per, rowsMax, used, left, added, place, approvers } = view;
  return { agent, level, per, rows_max: rowsMax, used, left, added, place: placeText(place), approvers };
}
