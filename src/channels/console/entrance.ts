// Coming in and going out: one-time links, an approver's token typed into a form, and the way back to where somebody wanted to go.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Door } from './door.ts';
import { fieldOf, sendPage } from './forms.ts';
import { emptyState, page } from './layout.ts';
import { markup, type Markup } from './markup.ts';

/** Guessing must not be cheap; beside the limit for all requests of an address. */
const guessing = { config: { rateLimit: { max: 20, timeWindow: 60_000 } } } as const;

export function signInPath(wanted: string): string {
  const next = wayBack(wanted);
  return next === '/inbox' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(next)}`;
}

/** Only to pages of ours: never to another site, whatever a link says. */
export function wayBack(wanted: unknown): string {
  const isOurs =
    typeof wanted === 'string' &&
    /^\/(?:inbox|holds|history|catalog|agents|health|passkeys)(?:[/?][\w/?&=.%:*+-]*)?$/.test(wanted);
  return isOurs ? wanted : '/inbox';
}

/** `provider`: the name of the identity provider; undefined: there is none. */
export function entrance(server: FastifyInstance, door: Door, provider: () => ProviderWords): void {
  server.get('/sign-in', async (request, reply) => {
    const { name, signOutUrl } = provider();
    const next = wayBack(fieldOf(request.query, 'next'));
    const out = fieldOf(request.query, 'out') === undefined ? undefined : await signOutUrl();
    return sendPage(reply, signInPage({ next, provider: name, out }));
  });
  server.post('/sign-in', guessing, async (request, reply) => {
    door.checkOrigin(request);
    const next = wayBack(fieldOf(request.body, 'next'));
    const person = door.personOfToken(fieldOf(request.body, 'token') ?? '');
    if (person === undefined)
      return sendPage(
        reply.code(401),
        signInPage({ next, provider: provider().name, wrong: 'This is no approver’s token.' }),
      );
    await door.begin(person, reply);
    return reply.redirect(next, 303);
  });
  // Looking does not use a link up, and does not sign in: whoever sends you a link of theirs would have you vote in their name.
  server.get('/enter', guessing, async (request, reply) => {
    const token = fieldOf(request.query, 't') ?? '';
    const person = await door.personOfLink(token);
    if (person === undefined) return sendPage(reply.code(401), overPage());
    return sendPage(reply, enterPage(token, person.name));
  });
  server.post('/enter', guessing, async (request, reply) => {
    door.checkOrigin(request);
    const person = await door.useLink(fieldOf(request.body, 't') ?? '');
    if (person === undefined) return sendPage(reply.code(401), overPage());
    await door.begin(person, reply);
    return reply.redirect('/inbox', 303);
  });
  server.post('/sign-out', async (request, reply) => signOut(door, request, reply));
}

async function signOut(door: Door, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const visitor = await door.visitor(request);
  door.checkForm(request, visitor, fieldOf(request.body, 'form'));
  if (visitor !== undefined) await door.end(visitor, reply);
  return reply.redirect(visitor?.session.vouched === undefined ? '/sign-in' : '/sign-in?out=provider', 303);
}

export interface ProviderWords {
  readonly name: string | undefined;
  /** The provider's own page for signing out, where it has one. */
  readonly signOutUrl: () => Promise<string | undefined>;
}

interface SignInParts {
  readonly next: string;
  readonly provider: string | undefined;
  readonly wrong?: string;
  readonly out?: string | undefined;
}

function signInPage({ next, provider, wrong, out }: SignInParts): Markup {
  return page({
    title: 'Sign in',
    notice: wrong === undefined ? undefined : { kind: 'bad', words: wrong },
    main: markup`<div class="narrow-page"><div class="card"><h1>Sign in</h1>
${out !== undefined && markup`<p class="notice good">You are signed out here. <a href="${out}" rel="noreferrer">Sign out at ${provider} too</a></p>`}
<p>Countersign holds what agents ask for until the right people have decided. Approvers sign in here.</p>
${provider !== undefined && markup`<p><a class="button wide-button" href="/sign-in/oidc${next === '/inbox' ? '' : `?next=${encodeURIComponent(next)}`}">Sign in with ${provider}</a></p><p class="or">or</p>`}
<form method="post" action="/sign-in"><input type="hidden" name="next" value="${next}">
<label for="token">Your approver’s token</label><input id="token" name="token" type="password" autocomplete="current-password" required>
<button class="button">Sign in</button></form>
<p class="dim">Or by a one-time link, as <code>countersign start</code> and, on the machine of the proxy, <code>countersign console-link NAME</code> print it.</p></div></div>`,
  });
}

function enterPage(token: string, person: string): Markup {
  return page({
    title: 'Sign in',
    main: markup`<div class="narrow-page"><div class="card"><h1>Sign in as ${person}</h1>
<p>This link works once. What you decide here, you decide as <strong>${person}</strong>.</p>
<form method="post" action="/enter" data-once><input type="hidden" name="t" value="${token}"><button class="button" autofocus>Sign in as ${person}</button></form></div></div>`,
  });
}

function overPage(): Markup {
  return page({
    title: 'This link is over',
    main: emptyState(
      'This link does not work any more',
      'It was used, is older than ten minutes, or is for somebody who is no longer an approver. Sign in with your token, or get a new link: countersign console-link, on the machine of the proxy.',
      { to: '/sign-in', words: 'Sign in' },
    ),
  });
}
