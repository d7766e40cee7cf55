// What the rooms of the API share: checking what was sent, and sending JSON that is safe to look at.
import type { FastifyReply } from 'fastify';
import type * as z from 'zod';
import { ProxyError } from '../core/errors.ts';
import { jsonWords } from '../audit/words.ts';

/** Names the member, never what was given for it. */
export function parsed<Shape extends z.ZodObject>(schema: Shape, given: unknown, what: string): z.output<Shape> {
  const checked = schema.safeParse(given ?? {});
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const known = Object.keys(schema.shape).join(', ');
  if (issue?.code === 'unrecognized_keys') throw new ProxyError('BAD_REQUEST', `${what} may have: ${known}`);
  const where = issue?.path.join('.') ?? '';
  const words = issue?.message ?? 'does not have the form it should have';
  throw new ProxyError('BAD_REQUEST', `${where === '' ? what : where}: ${words}`);
}

/** Agents chose some of this text: what does not show itself is escaped, for whoever looks at it with curl. */
export function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(jsonWords(value));
}
