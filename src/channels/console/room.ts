// The console as a room of the http server: its routes, who may see what, and pages for everything that goes wrong. People decide here as
// they do in any channel: the desk counts votes, this room only carries them.
import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ProxyError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { isHoldId } from '../../approval/board.ts';
import { outcomeText } from '../../approval/card.ts';
import type { HoldBook, VoteResult } from '../../approval/channel.ts';
import { Door, type DoorParts, type Visitor } from './door.ts';
import { entrance, signInPath } from './entrance.ts';
import { holdPage } from './hold-page.ts';
import { inboxPage } from './holds-list.ts';
import { assets, type Notice } from './layout.ts';
import { Live } from './live.ts';
import type { Markup } from './markup.ts';
import { troublePage } from './trouble-page.ts';
import { voteFrom } from './vote-forms.ts';

export interface ConsoleParts extends Omit<DoorParts, 'approvers'> {
  readonly desk: HoldBook;
  /** The classification in force. */
  readonly catalog: () => Catalog;
  readonly log: Log;
}

const settledShown = 8;
const openMax = 500;

export class Console {
  readonly #parts: ConsoleParts;
  readonly #door: Door;

  constructor(parts: ConsoleParts) {
    this.#parts = parts;
    this.#door = new Door({ ...parts, approvers: () => parts.catalog().approvers });
  }

  /** A link that signs this person in, once; without the address of the console. */
  linkPath(person: string): string {
    return this.#door.linkPath(person);
  }

  /** See http-server.ts. */
  readonly room = async (server: FastifyInstance): Promise<void> => {
    await server.register(cookie);
    await server.register(formbody, { bodyLimit: 64 * 1024 });
    const live = new Live(this.#parts.desk);
    server.addHook('preClose', async () => live.close());
    server.setErrorHandler(async (error: FastifyError, request, reply) => this.#trouble(error, request, reply));
    for (const { path, type, text } of Object.values(assets)) {
      server.get(path, async (_, reply) =>
        reply.type(type).header('cache-control', 'public, max-age=31536000, immutable').send(text),
      );
    }
    entrance(server, this.#door);
    server.get('/', async (_, reply) => reply.redirect('/inbox', 303));
    server.get('/events', async (request, reply) => {
      const { name, session } = await this.#visitor(request);
      live.open(name, session.until, this.#parts.clock.now(), reply);
    });
    this.#inbox(server);
    this.#holds(server);
  };

  #inbox(server: FastifyInstance): void {
    server.get('/inbox', async (request, reply) => {
      const visitor = await this.#visitor(request);
      const { desk } = this.#parts;
      const [open, all] = await Promise.all([
        desk.list({ state: 'open', limit: openMax }),
        desk.list({ limit: settledShown * 4 }),
      ]);
      const settled = all.filter(({ state }) => state !== 'open').slice(0, settledShown);
      return sendPage(reply, inboxPage({ visitor, open, settled, levels: this.#levels(), notice: undefined }));
    });
  }

  #holds(server: FastifyInstance): void {
    server.get<{ Params: { id: string } }>('/holds/:id', async (request, reply) => {
      const visitor = await this.#visitor(request);
      const { id } = request.params;
      const view = isHoldId(id) ? await this.#parts.desk.find(id) : undefined;
      if (view === undefined) throw noSuchHold();
      const notice = view.state === 'open' && isVoted(request.query) ? counted : undefined;
      return sendPage(reply, holdPage({ visitor, view, levels: this.#levels(), notice }));
    });
    server.post<{ Params: { id: string } }>('/holds/:id/votes', async (request, reply) => {
      const visitor = await this.#visitor(request);
      const form = formOf(request);
      this.#door.checkForm(request, visitor, form['form']);
      const { id } = request.params;
      if (!isHoldId(id)) throw noSuchHold();
      const result = await this.#parts.desk.vote(id, voteFrom(visitor.name, form));
      return this.#answerVote(reply, visitor, id, result);
    });
  }

  #answerVote(reply: FastifyReply, visitor: Visitor, id: string, result: VoteResult): FastifyReply {
    switch (result.kind) {
      case 'counted':
        // Sent again by a reload of the page, a vote would be cast again: the answer is another page.
        return reply.redirect(`/holds/${id}?voted`, 303);
      case 'settled': {
        const { hold: view } = result;
        const words = `Somebody was faster: it is settled already, and your vote changes nothing. ${outcomeText(view) ?? ''}`;
        const notice: Notice = { kind: 'bad', words };
        return sendPage(reply.code(409), holdPage({ visitor, view, levels: this.#levels(), notice }));
      }
      case 'notFound':
        throw noSuchHold();
      case 'forbidden':
        throw new ProxyError('FORBIDDEN', result.words);
      case 'invalid':
        throw new ProxyError('BAD_REQUEST', result.words);
    }
  }

  /** Throws UNAUTHENTICATED, which becomes the way to the sign-in page. */
  async #visitor(request: FastifyRequest): Promise<Visitor> {
    const visitor = await this.#door.visitor(request);
    if (visitor === undefined) throw new ProxyError('UNAUTHENTICATED', 'nobody is signed in');
    return visitor;
  }

  #levels(): number {
    return this.#parts.catalog().levels.length;
  }

  async #trouble(error: FastifyError, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const isStream = request.routeOptions.url === '/events';
    if (error instanceof ProxyError && error.code === 'UNAUTHENTICATED' && !isStream)
      return reply.redirect(signInPath(request.method === 'GET' ? request.url : '/inbox'), 303);
    const { http, words } = wordsFor(error, request);
    if (http === 500)
      this.#parts.log.error('a page of the console failed', {
        request: request.id,
        route: request.routeOptions.url,
        error,
      });
    if (isStream) return reply.code(http).type('text/plain; charset=utf-8').send(words);
    const visitor = await this.#door.visitor(request).catch(() => undefined);
    return sendPage(reply.code(http), troublePage({ http, words, visitor }));
  }
}

const counted: Notice = { kind: 'good', words: 'Your vote is counted. It takes more people to settle this.' };

const isVoted = (query: unknown): boolean => typeof query === 'object' && query !== null && 'voted' in query;

const noSuchHold = (): ProxyError =>
  new ProxyError(
    'NOT_FOUND',
    'There is no such hold. It may be gone from the state long since; the history has what became of it.',
  );

export function formOf(request: FastifyRequest): Readonly<Record<string, unknown>> {
  return typeof request.body === 'object' && request.body !== null ? { ...request.body } : {};
}

export function sendPage(reply: FastifyReply, content: Markup): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(content.toString());
}

function wordsFor(error: FastifyError, request: FastifyRequest): { readonly http: number; readonly words: string } {
  if (error instanceof ProxyError) return { http: error.row.http, words: error.message };
  const http = error.statusCode ?? 500;
  if (http === 429) return { http, words: 'Too many requests; try again in a minute.' };
  if (http >= 400 && http < 500) return { http, words: 'The request is not of the form it should have.' };
  return { http: 500, words: `Something failed inside; the log has it under ${request.id}.` };
}
