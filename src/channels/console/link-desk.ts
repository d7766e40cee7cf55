// One-time links for whoever has lost theirs, given to the operator of this very machine: to whoever can read a file that the running proxy
// wrote for its own user alone, with a key that is new at each start. The key itself never travels; what does is good once, for a minute.
import type { FastifyInstance } from 'fastify';
import { createHmac } from 'node:crypto';
import * as z from 'zod';
import type { Clock } from '../../core/clock.ts';
import { ProxyError } from '../../core/errors.ts';
import { visible } from '../../core/visible.ts';
import type { Approver } from '../../catalog/catalog.ts';
import type { Door } from './door.ts';
import { equal } from './tokens.ts';

export const linkDeskPath = '/console-links';
const skewMs = 60_000;

const askShape = z.strictObject({
  person: z.string().min(1).max(200),
  at: z.number().int(),
  nonce: z.string().regex(/^\w{16,64}$/),
  proof: z.string().max(100),
});

export type LinkAsk = z.output<typeof askShape>;

/** What proves that the asker has read the file. */
export function linkProof(key: Uint8Array, { person, at, nonce }: Omit<LinkAsk, 'proof'>): string {
  return createHmac('sha256', key)
    .update(JSON.stringify(['console link', person, at, nonce]))
    .digest('base64url');
}

export interface LinkDeskParts {
  readonly key: Uint8Array;
  readonly door: Door;
  readonly clock: Clock;
  readonly approvers: () => ReadonlyMap<string, Approver>;
  /** The whole address of a link for this person. */
  readonly link: (person: string) => Promise<string>;
  readonly record: (words: string) => Promise<void>;
}

export function linkDesk(server: FastifyInstance, parts: LinkDeskParts): void {
  const { key, door, clock, approvers, link, record } = parts;
  const guessing = { config: { rateLimit: { max: 20, timeWindow: 60_000 } } };
  server.post(linkDeskPath, guessing, async (request, reply) => {
    const ask = askShape.safeParse(request.body).data;
    if (ask === undefined)
      throw new ProxyError(
        'BAD_REQUEST',
        'this does not ask for a link in the form it should; use countersign console-link',
      );
    const isFresh = Math.abs(clock.now() - ask.at) < skewMs;
    if (!equal(ask.proof, linkProof(key, ask)) || !isFresh)
      throw new ProxyError('FORBIDDEN', 'only somebody who can read the proxy’s own key file may ask for a link');
    const until = clock.now() + 2 * skewMs;
    if (!(await door.useOnce({ person: ask.person, nonce: `desk-${ask.nonce}`, until })))
      throw new ProxyError('FORBIDDEN', 'this request was sent before; ask again');
    const known = [...approvers().keys()];
    if (!known.includes(ask.person))
      throw new ProxyError('NOT_FOUND', `${visible(ask.person, 60)} is no approver; there are ${known.join(', ')}`);
    await record(`a sign-in link for ${ask.person} is given to the operator of this machine`);
    return reply.send({ url: await link(ask.person) });
  });
}
