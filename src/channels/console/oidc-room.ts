// The way to the identity provider and back. What is remembered meanwhile lies signed in a cookie of the browser that went there, so that a
// link made by somebody else, with a code of theirs, signs nobody in.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { Log } from '../../core/log.ts';
import type { Approver } from '../../catalog/catalog.ts';
import type { Door } from './door.ts';
import { wayBack } from './entrance.ts';
import { fieldOf, sendPage } from './forms.ts';
import { emptyState, page } from './layout.ts';
import type { Markup } from './markup.ts';
import type { Journey, Oidc } from './oidc.ts';
import { personOf } from './person-of.ts';

export interface OidcRoomParts {
  readonly door: Door;
  readonly oidc: Oidc;
  readonly approvers: () => ReadonlyMap<string, Approver>;
  readonly publicUrl: () => string | undefined;
  readonly log: Log;
}

const callbackPath = '/sign-in/oidc/callback';
/** Nothing can be guessed here, but each makes us ask the provider. A whole house may come from one address. */
const journeys = { config: { rateLimit: { max: 240, timeWindow: 60_000 } } } as const;
/** Long enough for a second factor, and for finding the phone. */
const journeyMs = 10 * 60 * 1000;

const journeyShape = z.object({ state: z.string(), nonce: z.string(), verifier: z.string(), next: z.string() });

export function oidcRoom(server: FastifyInstance, parts: OidcRoomParts): void {
  const { door, oidc, log } = parts;
  server.get('/sign-in/oidc', journeys, async (request, reply) => {
    const base = baseOf(parts);
    if (base === undefined) return sendPage(reply.code(404), troubled('There is no identity provider in the config.'));
    const begun = await oidc.begin(wayBack(fieldOf(request.query, 'next')), base + callbackPath);
    if (begun === undefined)
      return sendPage(reply.code(502), troubled('The identity provider does not answer. Try again in a moment.'));
    await keep(door, reply, begun.journey);
    return reply.redirect(begun.url.href, 303);
  });
  server.get(callbackPath, journeys, async (request, reply) => {
    const base = baseOf(parts);
    const journey = await kept(door, request);
    reply.clearCookie(cookieOf(door), { ...door.cookieOptions });
    if (base === undefined || journey === undefined)
      return sendPage(reply.code(400), troubled('This sign-in was not begun in this browser, or it took too long.'));
    const finished = await oidc.finish(new URL(request.url, base), journey);
    const { config } = oidc;
    if (finished.kind !== 'identity' || config === undefined) {
      const words = finished.kind === 'identity' ? 'There is no identity provider in the config.' : finished.words;
      return sendPage(reply.code(finished.kind === 'away' ? 502 : 401), troubled(words));
    }
    const matched = personOf(finished.identity, parts.approvers(), config);
    if (matched.kind === 'nobody') {
      log.warn('somebody of the identity provider is nobody here', { subject: finished.identity.subject });
      return sendPage(reply.code(403), troubled(matched.words, 'You are not known here'));
    }
    const { name, groups } = matched.person;
    log.info('somebody signed in by the identity provider', { person: name, vouched: matched.groups });
    await door.begin({ name, groups }, reply, { groups: matched.groups, forMs: config.freshMs });
    return reply.redirect(wayBack(journey.next), 303);
  });
}

/** Without an address of its own that is in the config, the console cannot say where to come back to. */
const baseOf = ({ oidc, publicUrl }: OidcRoomParts): string | undefined =>
  oidc.config === undefined ? undefined : publicUrl()?.replace(/\/+$/, '');

const cookieOf = (door: Door): string => `${door.cookieName}-oidc`;

async function keep(door: Door, reply: FastifyReply, journey: Journey): Promise<void> {
  const said = await door.sealed('oidc', JSON.stringify(journey), journeyMs);
  reply.setCookie(cookieOf(door), said, { ...door.cookieOptions, maxAge: journeyMs / 1000 });
}

async function kept(door: Door, request: FastifyRequest): Promise<Journey | undefined> {
  const said = await door.unsealed('oidc', request.cookies[cookieOf(door)] ?? '');
  return said === undefined ? undefined : journeyShape.safeParse(JSON.parse(said)).data;
}

function troubled(words: string, head = 'You are not signed in'): Markup {
  return page({ title: head, main: emptyState(head, words, { to: '/sign-in', words: 'Back to signing in' }) });
}
