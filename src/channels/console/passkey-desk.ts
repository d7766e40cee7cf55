// What the console does with passkeys: adds and removes them for the person who is signed in, asks for a signature over an approval, and
// turns the answer into the proof that the desk wants. An attacker here has a stolen session and no passkey: they must not get further by
// adding one of theirs, so the first takes a fresh sign-in, each further one takes the signature of one that is there, and all is on record.
import type { FastifyRequest } from 'fastify';
import type { Clock } from '../../core/clock.ts';
import { ProxyError } from '../../core/errors.ts';
import { challengeOf, keyHashOf, type PasskeyProof } from '../../core/passkey-proof.ts';
import { randomText } from '../../core/ids.ts';
import { visible } from '../../core/visible.ts';
import { approvalText } from '../../approval/step-up.ts';
import { Passkeys, type Passkey } from '../../approval/passkeys.ts';
import { once, type Terms } from '../../approval/terms.ts';
import type { HoldView } from '../../approval/view.ts';
import type { Store } from '../../store/store.ts';
import type { Door, Visitor } from './door.ts';
import {
  creationOptions,
  credentialOf,
  requestOptions,
  takeNew,
  takeSignature,
  type Site,
} from './passkey-ceremony.ts';
import type { Claims } from './tokens.ts';

export interface PasskeyParts {
  readonly store: Pick<Store, 'read' | 'list' | 'change'>;
  readonly clock: Clock;
  /** Durably, before it happens. */
  readonly record: (words: string) => Promise<void>;
}

/** How it stands with one person, for pages. */
export type PasskeyStanding = 'ready' | 'none yet' | 'needs a name';

const ticketMs = 5 * 60 * 1000;
const labelLengthMax = 60;

export class PasskeyDesk {
  readonly #parts: PasskeyParts;
  readonly #door: Door;
  readonly #passkeys: Passkeys;

  constructor(parts: PasskeyParts, door: Door) {
    this.#parts = parts;
    this.#door = door;
    this.#passkeys = new Passkeys(parts.store);
  }

  async standing(visitor: Visitor, request: FastifyRequest): Promise<PasskeyStanding> {
    const site = this.#door.site(request);
    if (site === undefined) return 'needs a name';
    return (await this.#usable(visitor, site)).length > 0 ? 'ready' : 'none yet';
  }

  list(visitor: Visitor): Promise<readonly Passkey[]> {
    return this.#passkeys.of(visitor.name);
  }

  /** What the browser's authenticator is asked, to make a new one; `confirm`: first to be asked of one that is there. */
  async newOptions(visitor: Visitor, request: FastifyRequest) {
    const site = this.#siteOf(request);
    const has = await this.#passkeys.of(visitor.name);
    if (has.length === 0 && !this.#door.isFresh(visitor)) throw stale();
    const claims: Claims = {
      person: visitor.name,
      until: this.#parts.clock.now() + ticketMs,
      nonce: randomText(24),
    };
    const ticket = (await this.#door.tokens()).make('passkey', claims);
    const create = await creationOptions({ site, person: visitor.name, challenge: challengeOf(ticket), has });
    const confirm =
      has.length === 0
        ? undefined
        : await requestOptions({ site, challenge: challengeOf(addText(visitor.name, ticket)), has });
    return { ticket, create, confirm };
  }

  async add(visitor: Visitor, request: FastifyRequest, form: Readonly<Record<string, unknown>>): Promise<void> {
    const { clock, record } = this.#parts;
    const site = this.#siteOf(request);
    const ticket = typeof form['ticket'] === 'string' ? form['ticket'] : '';
    const claims = (await this.#door.tokens()).read('passkey', ticket, clock.now());
    if (claims?.person !== visitor.name)
      throw new ProxyError('BAD_REQUEST', 'It took too long, or was begun by somebody else; begin again.');
    const has = await this.#passkeys.of(visitor.name);
    if (has.length === 0) {
      if (!this.#door.isFresh(visitor)) throw stale();
    } else await this.#signature(visitor, site, { signed: addText(visitor.name, ticket), answer: form['confirm'] });
    const fresh = await takeNew({ site, challenge: challengeOf(ticket), answer: form['answer'] });
    if (!(await this.#door.useOnce(claims))) throw new ProxyError('BAD_REQUEST', 'This was sent already.');
    const label = labelOf(form['label']);
    await record(
      `${visitor.name} adds passkey ${label} at the console, credential ${fresh.credential}, key sha256 ${keyHashOf(fresh.key)}`,
    );
    const passkey: Passkey = {
      ...fresh,
      person: visitor.name,
      label,
      transports: [...fresh.transports],
      addedAt: clock.now(),
      usedAt: null,
      removedAt: null,
    };
    if ((await this.#passkeys.add(passkey)) === 'known')
      throw new ProxyError('BAD_REQUEST', 'This passkey was here before.');
  }

  async removeOptions(visitor: Visitor, request: FastifyRequest, credential: unknown) {
    const site = this.#siteOf(request);
    const passkey = await this.#own(visitor, credential);
    const has = await this.#usable(visitor, site);
    return { confirm: await requestOptions({ site, challenge: challengeOf(removeText(passkey)), has }) };
  }

  /** By a signature of one of theirs. The last one stays: else a stolen session would make room for its own. */
  async remove(visitor: Visitor, request: FastifyRequest, form: Readonly<Record<string, unknown>>): Promise<void> {
    const { record, clock } = this.#parts;
    const passkey = await this.#own(visitor, form['credential']);
    if ((await this.#passkeys.of(visitor.name)).length < 2)
      throw new ProxyError('FORBIDDEN', 'The last passkey is taken away by an operator only; add another one first.');
    const signed = removeText(passkey);
    await this.#signature(visitor, this.#siteOf(request), { signed, answer: form['confirm'] });
    await record(`${visitor.name} removes their passkey ${passkey.label}, credential ${passkey.credential}`);
    await this.#passkeys.remove(passkey, clock.now());
  }

  /** For somebody who has lost theirs. Nobody does it for themselves. */
  async reset(operator: Visitor, person: string): Promise<number> {
    const { record, clock } = this.#parts;
    if (operator.name === person)
      throw new ProxyError('FORBIDDEN', 'Another operator does that for you: a stolen session would do it for itself.');
    const all = await this.#passkeys.of(person);
    if (all.length === 0) throw new ProxyError('NOT_FOUND', `${visible(person, 60)} has no passkeys.`);
    await record(`${operator.name} removes all passkeys of ${visible(person, 60)} at the console`);
    for (const passkey of all) await this.#passkeys.remove(passkey, clock.now());
    return all.length;
  }

  /** What the authenticator is asked when this person says yes to this hold on these terms. */
  async approvalOptions(visitor: Visitor, request: FastifyRequest, of: Approving) {
    const site = this.#siteOf(request);
    const has = await this.#usable(visitor, site);
    if (has.length === 0) throw new ProxyError('FORBIDDEN', 'You have no passkey here yet; add one first.');
    return { confirm: await requestOptions({ site, challenge: challengeOf(textOf(visitor, of)), has }) };
  }

  approval(visitor: Visitor, request: FastifyRequest, of: Approving & { answer: unknown }): Promise<PasskeyProof> {
    return this.#signature(visitor, this.#siteOf(request), { signed: textOf(visitor, of), answer: of.answer });
  }

  async #signature(
    visitor: Visitor,
    site: Site,
    { signed, answer }: { readonly signed: string; readonly answer: unknown },
  ): Promise<PasskeyProof> {
    const credential = credentialOf(answer);
    if (credential === undefined)
      throw new ProxyError('FORBIDDEN', 'This takes your passkey, and a browser with scripts that can ask for it.');
    const passkey = await this.#passkeys.find(visitor.name, credential);
    if (passkey?.rp !== site.rp) throw new ProxyError('FORBIDDEN', 'This passkey is not one of yours here.');
    const { proof, counter } = await takeSignature({ site, signed, answer, passkey });
    await this.#passkeys.used(passkey, counter, this.#parts.clock.now());
    return proof;
  }

  async #usable(visitor: Visitor, site: Site): Promise<readonly Passkey[]> {
    return (await this.#passkeys.of(visitor.name)).filter(({ rp }) => rp === site.rp);
  }

  async #own(visitor: Visitor, credential: unknown): Promise<Passkey> {
    const found = typeof credential === 'string' ? await this.#passkeys.find(visitor.name, credential) : undefined;
    if (found === undefined) throw new ProxyError('NOT_FOUND', 'You have no such passkey.');
    return found;
  }

  #siteOf(request: FastifyRequest): Site {
    const site = this.#door.site(request);
    if (site !== undefined) return site;
    throw new ProxyError('FORBIDDEN', 'Passkeys belong to a name: open the console by its name, not by an address.');
  }
}

export interface Approving {
  readonly view: HoldView;
  readonly terms: Terms | undefined;
}

const textOf = ({ name: person }: Visitor, { view, terms = once }: Approving): string =>
  approvalText({ hold: view.id, binding: view.binding, person, terms });

const addText = (person: string, ticket: string): string =>
  JSON.stringify({ 'add passkey': challengeOf(ticket), person });
const removeText = ({ person, credential }: Passkey): string =>
  JSON.stringify({ 'remove passkey': credential, person });

function labelOf(given: unknown): string {
  const label = typeof given === 'string' ? visible(given.trim().replace(/\s+/g, ' '), labelLengthMax) : '';
  return label === '' ? 'passkey' : label;
}

const stale = (): ProxyError =>
  new ProxyError(
    'FORBIDDEN',
    'Your first passkey is added right after signing in. Sign out, sign in again, and add it within ten minutes.',
  );
