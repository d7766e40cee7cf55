// Who sits before the screen: sessions in signed cookies, one-time links, and what makes sure that a form was sent by our own page. A
// person is one of approvers.yaml at this moment: whoever is taken out of it is signed out with their next click.
import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isIP } from 'node:net';
import type { Vouched } from '../../approval/hold.ts';
import type { UnixMillis } from '../../core/brand.ts';
import type { Clock } from '../../core/clock.ts';
import { ProxyError } from '../../core/errors.ts';
import { randomText } from '../../core/ids.ts';
import { houseKey } from '../../store/house-hash.ts';
import type { Approver } from '../../catalog/catalog.ts';
import type { Store } from '../../store/store.ts';
import type { Person } from '../authenticate.ts';
import type { Site } from './passkey-ceremony.ts';
import { personOfBearer } from '../bearer.ts';
import { equal, Tokens, type Claims, type Purpose } from './tokens.ts';

export interface DoorParts {
  readonly clock: Clock;
  readonly store: Pick<Store, 'read' | 'change' | 'standing'>;
  readonly approvers: () => ReadonlyMap<string, Approver>;
  /** The console's address as people reach it; undefined: as they ask for it. */
  readonly publicUrl: () => string | undefined;
  /** Approver groups that the identity provider may put people into. */
  readonly vouchable: () => ReadonlySet<string>;
}

export interface SignedInBy {
  readonly groups: readonly string[];
  readonly forMs: number;
}

/** A person at the console, with the session that proves it. */
export interface Visitor extends Person {
  readonly session: Claims;
  /** Groups beyond those of the files, while the identity provider's word about them is fresh. */
  readonly vouched: Vouched | undefined;
  /** Stands in every form of this session, and nowhere else. */
  readonly formToken: string;
}

/** A key that was made anew (the state came back empty) is used by all within this time. */
const keyReadAgainMs = 5_000;
const sessionMs = 12 * 60 * 60 * 1000;
const freshMs = 10 * 60 * 1000;
const linkMs = 10 * 60 * 1000;
/** Longer than all that we ever set; not worth reading. */
const cookiesLengthMax = 16 * 1024;

export class Door {
  readonly #parts: DoorParts;
  /** Until the state has answered once, nobody but this process knows the key. */
  #tokens = new Tokens(randomBytes(32));
  #readAt = Number.NEGATIVE_INFINITY;
  /** Ended by their person; in the store too, for other processes and the next start. */
  readonly #ended = new Map<string, number>();

  constructor(parts: DoorParts) {
    this.#parts = parts;
  }

  /**
   * The key lies in the state, so that every proxy behind one address takes what another has signed. While the state is away the last one
   * goes on: it is then that people must be able to look.
   */
  async tokens(): Promise<Tokens> {
    const { clock, store } = this.#parts;
    if (clock.now() - this.#readAt < keyReadAgainMs || store.standing.state === 'down') return this.#tokens;
    const secret = await houseKey(store, 'console').catch(() => undefined);
    if (secret === undefined) return this.#tokens;
    this.#readAt = clock.now();
    this.#tokens = new Tokens(secret);
    return this.#tokens;
  }

  /** Path of a link that signs this person in, once, within ten minutes. */
  async linkPath(person: string): Promise<string> {
    const until = this.#parts.clock.now() + linkMs;
    return `/enter?t=${(await this.tokens()).make('link', { person, until, nonce: randomText(16) })}`;
  }

  /** Looks at a link without using it up: mail scanners and previews open links too. */
  async personOfLink(token: string): Promise<Person | undefined> {
    return this.#known((await this.tokens()).read('link', token, this.#parts.clock.now())?.person);
  }

  /** Uses the link up. Undefined: it is not ours, too old, used before, or of nobody that is known now. */
  async useLink(token: string): Promise<Person | undefined> {
    const claims = (await this.tokens()).read('link', token, this.#parts.clock.now());
    const person = this.#known(claims?.person);
    if (claims === undefined || person === undefined) return undefined;
    return (await this.useOnce(claims)) ? person : undefined;
  }

  personOfToken(token: string): Person | undefined {
    return personOfBearer(`Bearer ${token.trim()}`, this.#parts.approvers().values());
  }

  async begin(person: Person, reply: FastifyReply, by?: SignedInBy): Promise<void> {
    const now = this.#parts.clock.now();
    const until = now + sessionMs;
    const vouched = by === undefined ? undefined : { groups: by.groups, until: (now + by.forMs) as UnixMillis };
    const token = (await this.tokens()).make('session', {
      person: person.name,
      until,
      nonce: randomText(16),
      vouched,
    });
    reply.setCookie(this.cookieName, token, { ...this.cookieOptions, maxAge: sessionMs / 1000 });
  }

  async end({ session }: Visitor, reply: FastifyReply): Promise<void> {
    const { clock, store } = this.#parts;
    for (const [nonce, until] of this.#ended) if (until < clock.now()) this.#ended.delete(nonce);
    this.#ended.set(session.nonce, session.until);
    reply.clearCookie(this.cookieName, this.cookieOptions);
    await store.change([{ key: endedKey(session), expect: 'any', value: '1', expiresAt: session.until }]);
  }

  /** Undefined: nobody that is known now. */
  async visitor(request: FastifyRequest): Promise<Visitor | undefined> {
    const tokens = await this.tokens();
    const session = tokens.read('session', request.cookies[this.cookieName] ?? '', this.#parts.clock.now());
    const person = this.#known(session?.person);
    if (session === undefined || person === undefined || (await this.#isEnded(session))) return undefined;
    const vouched = this.#freshOf(session);
    const groups = [...new Set([...person.groups, ...(vouched?.groups ?? [])])];
    return { name: person.name, groups, vouched, session, formToken: tokens.mark('form', session.nonce) };
  }

  /** Who signed in with this cookie, as far as its signature tells: not whether the session was ended since. */
  personOfCookie(header: string): string | undefined {
    if (header.length > cookiesLengthMax) return undefined;
    const mark = `${this.cookieName}=`;
    const pair = header.split(';').find((each) => each.trimStart().startsWith(mark)) ?? mark;
    const token = pair.trim().slice(mark.length);
    return this.#known(this.#tokens.read('session', token, this.#parts.clock.now())?.person)?.name;
  }

  /** What is no longer in the config is no longer believed, whatever was signed when somebody came in. */
  #freshOf({ vouched }: Claims): Vouched | undefined {
    if (vouched === undefined || vouched.until <= this.#parts.clock.now()) return undefined;
    const known = this.#parts.vouchable();
    return { ...vouched, groups: vouched.groups.filter((group) => known.has(group)) };
  }

  /** A text of ours that travels in somebody's browser. */
  async sealed(purpose: Purpose, text: string, forMs: number): Promise<string> {
    const until = this.#parts.clock.now() + forMs;
    return (await this.tokens()).make(purpose, { person: text, until, nonce: randomText(8) });
  }

  async unsealed(purpose: Purpose, token: string): Promise<string | undefined> {
    return (await this.tokens()).read(purpose, token, this.#parts.clock.now())?.person;
  }

  /** Throws FORBIDDEN unless one of our own pages sent this form in this very session. */
  checkForm(request: FastifyRequest, visitor: Visitor | undefined, formToken: unknown): void {
    this.checkOrigin(request);
    if (visitor === undefined) return;
    if (typeof formToken !== 'string' || !equal(formToken, visitor.formToken)) throw foreignForm();
  }

  /** Browsers say which page a form comes from; another site's page, or none that can be told, is refused. */
  checkOrigin(request: FastifyRequest): void {
    const { origin, host } = request.headers;
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') throw foreignForm();
    if (origin === undefined) return;
    const publicUrl = this.#parts.publicUrl();
    const ours = [`http://${host ?? ''}`, ...(publicUrl === undefined ? [] : [new URL(publicUrl).origin])];
    if (!ours.includes(origin)) throw foreignForm();
  }

  /** What changes how somebody is known here needs a person who has just proven who they are, not a browser left open. */
  isFresh({ session }: Visitor): boolean {
    return this.#parts.clock.now() < session.until - sessionMs + freshMs;
  }

  /** Good once: a ticket, a link. False: it was used before. */
  async useOnce({ nonce, until }: Claims): Promise<boolean> {
    const change = { key: `console/link/${nonce}`, expect: 'absent', value: '1', expiresAt: until } as const;
    return (await this.#parts.store.change([change])) === 'changed';
  }

  /**
   * The console by name, for passkeys, which belong to one. Undefined: it is reached by an address. What the asker says is believed only
   * of this machine's own name, and where no other name is in the config.
   */
  site(request: FastifyRequest): Site | undefined {
    const publicUrl = this.#parts.publicUrl();
    const { origin, hostname } = new URL(publicUrl ?? 'http://127.0.0.1');
    if (isIP(hostname.replace(/^\[|\]$/g, '')) === 0) return { rp: hostname, origin };
    const { host = '' } = request.headers;
    const isHere = /^(?:127\.|\[::1\]$)/.test(hostname) && /^localhost(?::\d+)?$/.test(host);
    return isHere ? { rp: 'localhost', origin: `http://${host}` } : undefined;
  }

  get isSecure(): boolean {
    return this.#parts.publicUrl()?.startsWith('https:') === true;
  }

  /** The prefix makes browsers refuse the cookie from another host of the same domain, and without TLS. */
  get cookieName(): string {
    return this.isSecure ? '__Host-countersign' : 'countersign';
  }

  /** Lax, not Strict: a link in a chat must find the session. Forms are guarded by their own token. */
  get cookieOptions() {
    return { httpOnly: true, sameSite: 'lax', secure: this.isSecure, path: '/' } as const;
  }

  #known(name: string | undefined): Person | undefined {
    const approver = name === undefined ? undefined : this.#parts.approvers().get(name);
    return approver === undefined ? undefined : { name: approver.name, groups: approver.groups };
  }

  /** While the state is away, sessions go on: it is then that people must be able to look. Votes fail there anyway. */
  async #isEnded(session: Claims): Promise<boolean> {
    if (this.#ended.has(session.nonce)) return true;
    const { store } = this.#parts;
    if (store.standing.state === 'down') return false;
    return (await store.read(endedKey(session)).catch(() => undefined)) !== undefined;
  }
}

const endedKey = ({ nonce }: Claims): string => `console/ended/${nonce}`;

function foreignForm(): ProxyError {
  return new ProxyError(
    'FORBIDDEN',
    'this form was not sent by a page of this console; open the page again and repeat',
  );
}
