// The console as a room of the http server: its routes, who may see what, and pages for everything that goes wrong. People decide here as
// they do in any channel: the desk counts votes, this room only carries them.
import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ProxyError } from '../../core/errors.ts';
import type { OidcConfig } from '../../core/config-oidc.ts';
import type { Log } from '../../core/log.ts';
import type { Trouble } from '../../core/recent-troubles.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { isHoldId } from '../../approval/board.ts';
import { outcomeText } from '../../approval/card.ts';
import type { HoldBook, VoteResult } from '../../approval/channel.ts';
import type { HoldView } from '../../approval/view.ts';
import type { SearchQuery } from '../../audit/search-index.ts';
import type { SearchResult } from '../../audit/search.ts';
import type { Mistake } from '../../core/place.ts';
import type { Store } from '../../store/store.ts';
import type { Readiness } from '../health.ts';
import { queryOf } from '../http-audit.ts';
import type { BudgetBook } from '../../approval/budgets.ts';
import { agentsPage, isOperator, operatorsGroup } from './agents-page.ts';
import { catalogPage } from './catalog-page.ts';
import { Door, type DoorParts, type Visitor } from './door.ts';
import { entrance, signInPath } from './entrance.ts';
import { formOf, sendPage } from './forms.ts';
import { healthPage } from './health-page.ts';
import { askedOf, historyPage, type Asked } from './history-page.ts';
import { holdPage } from './hold-page.ts';
import { inboxPage } from './holds-list.ts';
import { assets, type Notice } from './layout.ts';
import { linkDesk } from './link-desk.ts';
import { Live } from './live.ts';
import { Oidc } from './oidc.ts';
import { oidcRoom } from './oidc-room.ts';
import { PasskeyDesk, type PasskeyStanding } from './passkey-desk.ts';
import { passkeyRoom } from './passkey-room.ts';
import type { SessionsPort, ShownAgent, ShownDatabase } from './ports.ts';
import { troublePage } from './trouble-page.ts';
import { topUpFrom, voteFrom } from './vote-forms.ts';

export interface ConsoleParts extends Omit<DoorParts, 'approvers' | 'vouchable'> {
  /** The identity provider, by the config in force. */
  readonly oidc: () => OidcConfig | undefined;
  readonly store: Pick<Store, 'read' | 'list' | 'change' | 'standing'>;
  readonly desk: HoldBook;
  /** The classification in force. */
  readonly catalog: () => Catalog;
  /** Mistakes of an edit that is not in force. */
  readonly mistakes: () => readonly Mistake[];
  readonly databases: () => readonly ShownDatabase[];
  readonly agents: () => Promise<readonly ShownAgent[]>;
  readonly sessions: SessionsPort;
  readonly budgets: Pick<BudgetBook, 'topUp'>;
  /** Durably: what people change here, before it is changed. */
  readonly record: (words: string) => Promise<void>;
  readonly audit: { search(query: SearchQuery): Promise<SearchResult> };
  readonly readiness: () => Promise<Readiness>;
  readonly versions: () => readonly (readonly [what: string, version: string])[];
  /** What the log complained about of late, the newest first. */
  readonly troubles: () => readonly Trouble[];
  readonly log: Log;
  /** By which the operator of this machine asks for one-time links. */
  readonly linkKey: Uint8Array;
  /** The console's address for people. */
  readonly origin: () => string;
}

const settledShown = 8;
const historyShown = 50;
const openMax = 500;
/** Searching reads files; more at once would only wait for each other. */
const searchesMax = 4;

export class Console {
  readonly #parts: ConsoleParts;
  readonly #door: Door;
  readonly #keys: PasskeyDesk;
  readonly #oidc: Oidc;
  #searches = 0;

  constructor(parts: ConsoleParts) {
    this.#parts = parts;
    this.#oidc = new Oidc({ ...parts, config: parts.oidc });
    this.#door = new Door({
      ...parts,
      approvers: () => parts.catalog().approvers,
      vouchable: () => new Set(parts.oidc()?.groups.values()),
    });
    this.#keys = new PasskeyDesk(parts, this.#door);
  }

  /** A link that signs this person in, once; without the address of the console. */
  linkPath(person: string): Promise<string> {
    return this.#door.linkPath(person);
  }

  /** Of a session that we signed, for counting requests: what may be done in it is asked of the door. */
  personOfCookie(header: string): string | undefined {
    return this.#door.personOfCookie(header);
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
    const { publicUrl } = this.#parts;
    entrance(server, this.#door, () => ({
      name: this.#oidc.config?.name,
      signOutUrl: () => this.#oidc.signOutUrl(`${publicUrl() ?? ''}/sign-in`),
    }));
    oidcRoom(server, {
      door: this.#door,
      oidc: this.#oidc,
      approvers: () => this.#parts.catalog().approvers,
      publicUrl,
      log: this.#parts.log,
    });
    server.get('/', async (_, reply) => reply.redirect('/inbox', 303));
    server.get('/*', async (request, reply) => {
      if (!isForPeople(request)) return reply.callNotFound();
      throw new ProxyError('NOT_FOUND', 'There is no page at this address.');
    });
    server.get('/events', async (request, reply) => {
      const { name, session } = await this.#visitor(request);
      live.open(name, session.until, this.#parts.clock.now(), reply);
    });
    this.#inbox(server);
    this.#holds(server);
    this.#looking(server);
    this.#agents(server);
    this.#budgets(server);
    linkDesk(server, {
      ...{ key: this.#parts.linkKey, door: this.#door, clock: this.#parts.clock, record: this.#parts.record },
      approvers: () => this.#parts.catalog().approvers,
      link: async (person) => this.#parts.origin() + (await this.linkPath(person)),
    });
    passkeyRoom(server, {
      door: this.#door,
      keys: this.#keys,
      desk: this.#parts.desk,
      visitor: (request) => this.#visitor(request),
      approvers: () => this.#parts.catalog().approvers.keys(),
    });
  };

  #inbox(server: FastifyInstance): void {
    server.get('/inbox', async (request, reply) => {
      const visitor = await this.#visitor(request);
      const { desk } = this.#parts;
      const open = await desk.list({ state: 'open', limit: openMax });
      const settled = await this.#settled(settledShown);
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
      const passkey = await this.#passkeyOf(visitor, view, request);
      return sendPage(reply, holdPage({ visitor, view, levels: this.#levels(), notice, passkey }));
    });
    server.post<{ Params: { id: string } }>('/holds/:id/votes', async (request, reply) => {
      const visitor = await this.#visitor(request);
      const form = formOf(request);
      this.#door.checkForm(request, visitor, form['form']);
      const { id } = request.params;
      if (!isHoldId(id)) throw noSuchHold();
      const vote = voteFrom(visitor.name, form);
      const view = await this.#parts.desk.find(id);
      if (view === undefined) throw noSuchHold();
      // Before the desk is asked: a signature that was given for what is settled by now costs nothing.
      const isSigned = view.stepUp === 'passkey' && vote.vote === 'approve' && view.state === 'open';
      const of = { view, terms: vote.terms, answer: form['confirm'] };
      const passkey = isSigned ? await this.#keys.approval(visitor, request, of) : undefined;
      return this.#answerVote(
        reply,
        visitor,
        id,
        await this.#parts.desk.vote(id, { ...vote, passkey, vouched: visitor.vouched }),
      );
    });
  }

  /** Pages that only show. */
  #looking(server: FastifyInstance): void {
    server.get('/history', async (request, reply) => {
      const visitor = await this.#visitor(request);
      const asked = askedOf(request.query);
      const found = Object.keys(asked).length === 0 ? undefined : await this.#search(asked);
      const settled = found === undefined ? await this.#settled(historyShown) : [];
      return sendPage(reply, historyPage({ visitor, settled, asked, found, levels: this.#levels() }));
    });
    server.get('/catalog', async (request, reply) => {
      const visitor = await this.#visitor(request);
      const { catalog, databases, mistakes } = this.#parts;
      const parts = { visitor, levels: catalog().levels, databases: databases(), mistakes: mistakes() };
      return sendPage(reply, catalogPage(parts));
    });
    server.get('/health', async (request, reply) => {
      const visitor = await this.#visitor(request);
      const readiness = await this.#parts.readiness();
      return sendPage(
        reply,
        healthPage({ visitor, readiness, versions: this.#parts.versions(), troubles: this.#parts.troubles() }),
      );
    });
  }

  #agents(server: FastifyInstance): void {
    server.get('/agents', async (request, reply) => {
      const visitor = await this.#visitor(request);
      const { agents, sessions } = this.#parts;
      const said = Object.keys(typeof request.query === 'object' ? { ...request.query } : {});
      const notice = said.map((word) => agentNotices[word]).find((one) => one !== undefined);
      const [shown, live] = await Promise.all([agents(), sessions.list()]);
      return sendPage(reply, agentsPage({ visitor, agents: shown, sessions: live, notice }));
    });
    server.post<{ Params: { id: string } }>('/agents/sessions/:id/end', async (request, reply) => {
      const visitor = await this.#visitor(request);
      this.#door.checkForm(request, visitor, formOf(request)['form']);
      if (!isOperator(visitor))
        throw new ProxyError('FORBIDDEN', `Only people of the group ${operatorsGroup} end sessions.`);
      const isEnded = await this.#parts.sessions.end(request.params.id, visitor.name);
      if (!isEnded) throw new ProxyError('NOT_FOUND', 'There is no such session any more.');
      return reply.redirect('/agents?ended=1', 303);
    });
  }

  #budgets(server: FastifyInstance): void {
    server.post<{ Params: { agent: string } }>('/agents/:agent/budgets', async (request, reply) => {
      const visitor = await this.#visitor(request);
      const form = formOf(request);
      this.#door.checkForm(request, visitor, form['form']);
      const asked = topUpFrom(visitor.name, request.params.agent, form);
      const result = await this.#parts.budgets.topUp(asked);
      if (result.kind === 'notFound') throw new ProxyError('NOT_FOUND', result.words);
      if (result.kind === 'forbidden') throw new ProxyError('FORBIDDEN', result.words);
      if (result.kind === 'invalid') throw new ProxyError('BAD_REQUEST', result.words);
      return reply.redirect(`/agents?${result.kind}=1`, 303);
    });
  }

  /** Undefined: a yes takes none. */
  async #passkeyOf(visitor: Visitor, view: HoldView, request: FastifyRequest): Promise<PasskeyStanding | undefined> {
    return view.stepUp === 'passkey' && view.state === 'open' ? this.#keys.standing(visitor, request) : undefined;
  }

  async #settled(limit: number): Promise<readonly HoldView[]> {
    const all = await this.#parts.desk.list({ limit: limit * 4 });
    return all.filter(({ state }) => state !== 'open').slice(0, limit);
  }

  /** Words: the question is not of the form it should have. */
  async #search(asked: Asked): Promise<SearchResult | string> {
    if (this.#searches >= searchesMax) return 'Others are searching; try again in a moment.';
    this.#searches += 1;
    try {
      return await this.#parts.audit.search(queryOf(asked));
    } catch (thrown) {
      if (thrown instanceof ProxyError && thrown.code === 'BAD_REQUEST') return thrown.message;
      throw thrown;
    } finally {
      this.#searches -= 1;
    }
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
        return sendPage(
          reply.code(409),
          holdPage({ visitor, view, levels: this.#levels(), notice, passkey: undefined }),
        );
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
    // What the script asks is not shown as a page, but in the form that it belongs to.
    if (request.headers.accept === 'application/json') return reply.code(http).send({ error: { message: words } });
    if (isStream) return reply.code(http).type('text/plain; charset=utf-8').send(words);
    const visitor = await this.#door.visitor(request).catch(() => undefined);
    return sendPage(reply.code(http), troublePage({ http, words, visitor }));
  }
}

const counted: Notice = { kind: 'good', words: 'Your vote is counted. It takes more people to settle this.' };

const agentNotices: Readonly<Record<string, Notice>> = {
  ended: { kind: 'good', words: 'The session is ended.' },
  added: { kind: 'good', words: 'It may read more until its window is over. It is on the record.' },
  waiting: { kind: 'plain', words: 'Counted. It holds when the others who have to agree say so within an hour.' },
};

/** What a browser shows as a page, and not what a program asks of the API. */
const isForPeople = ({ url, headers }: FastifyRequest): boolean =>
  !url.startsWith('/api/') && headers.accept?.includes('text/html') === true;

const isVoted = (query: unknown): boolean => typeof query === 'object' && query !== null && 'voted' in query;

const noSuchHold = (): ProxyError =>
  new ProxyError(
    'NOT_FOUND',
    'There is no such hold. It may be gone from the state long since; the history has what became of it.',
  );

function wordsFor(error: FastifyError, request: FastifyRequest): { readonly http: number; readonly words: string } {
  if (error instanceof ProxyError) return { http: error.row.http, words: error.message };
  const http = error.statusCode ?? 500;
  if (http === 429) return { http, words: 'Too many requests; try again in a minute.' };
  if (http >= 400 && http < 500) return { http, words: 'The request does not have the form it should have.' };
  return { http: 500, words: `Something failed inside; the log has it under ${request.id}.` };
}
