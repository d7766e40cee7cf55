// The passkeys of approvers, kept in the shared store: which keys are whose. Only public keys; nothing here can sign. An attacker who
// has stolen a session would add a passkey of their own, so whoever has had one needs it to add another, and a removed one leaves a mark.
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { ProxyError } from '../core/errors.ts';
import type { Store } from '../store/store.ts';

const passkeyShape = z.object({
  person: z.string(),
  /** The credential's id, base64url. */
  credential: z.string(),
  /** SPKI, DER, base64url: what proofs are checked with. */
  key: z.string(),
  /** The same in the form that authenticators gave it (COSE), base64url. */
  cose: z.string(),
  rp: z.string(),
  /** The person's own word for it. */
  label: z.string(),
  transports: z.array(z.string()),
  /** How often it was used, as it says itself; 0 for those that do not count. */
  counter: z.number().int().min(0),
  addedAt: z.number(),
  usedAt: z.number().nullable(),
  removedAt: z.number().nullable(),
});

export type Passkey = Readonly<z.output<typeof passkeyShape>>;

const passkeysPerPersonMax = 20;

export class Passkeys {
  readonly #store: Pick<Store, 'read' | 'list' | 'change'>;

  constructor(store: Pick<Store, 'read' | 'list' | 'change'>) {
    this.#store = store;
  }

  /** With those that were removed: whether somebody ever had one matters. */
  async all(person: string): Promise<readonly Passkey[]> {
    const found = await this.#store.list(prefixOf(person), passkeysPerPersonMax * 4);
    return found.map(({ value }) => parsed(value)).filter((one) => one.person === person);
  }

  async of(person: string): Promise<readonly Passkey[]> {
    return (await this.all(person)).filter(({ removedAt }) => removedAt === null);
  }

  /** Undefined: not this person's, or not any more. */
  async find(person: string, credential: string): Promise<Passkey | undefined> {
    const stored = await this.#store.read(keyOf(person, credential));
    const found = stored === undefined ? undefined : parsed(stored.value);
    return found?.person === person && found.credential === credential && found.removedAt === null ? found : undefined;
  }

  async add(passkey: Passkey): Promise<'added' | 'known'> {
    if ((await this.all(passkey.person)).length >= passkeysPerPersonMax)
      throw new ProxyError('RATE_LIMITED', `more than ${passkeysPerPersonMax} passkeys are not kept for one person`);
    const key = keyOf(passkey.person, passkey.credential);
    const outcome = await this.#store.change([{ key, expect: 'absent', value: JSON.stringify(passkey) }]);
    return outcome === 'changed' ? 'added' : 'known';
  }

  used(passkey: Passkey, counter: number, at: number): Promise<boolean> {
    return this.#move(passkey, (found) => ({ ...found, counter: Math.max(counter, found.counter), usedAt: at }));
  }

  remove(passkey: Passkey, at: number): Promise<boolean> {
    return this.#move(passkey, (found) => ({ ...found, removedAt: at }));
  }

  /** False: it is gone, or removed. */
  async #move({ person, credential }: Passkey, next: (found: Passkey) => Passkey): Promise<boolean> {
    const key = keyOf(person, credential);
    for (let tries = 0; tries < 10; tries += 1) {
      const stored = await this.#store.read(key);
      const found = stored === undefined ? undefined : parsed(stored.value);
      if (stored === undefined || found === undefined || found.removedAt !== null) return false;
      const change = { key, expect: stored.version, value: JSON.stringify(next(found)) };
      if ((await this.#store.change([change])) === 'changed') return true;
    }
    throw new ProxyError('UNAVAILABLE', 'this passkey is used too often at once; try again');
  }
}

/** Names and ids of any length and script fit into a key by their hashes. */
const prefixOf = (person: string): string => `passkey/${hashOf(person)}/`;
const keyOf = (person: string, credential: string): string => prefixOf(person) + hashOf(credential);
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 40);

const parsed = (text: string): Passkey => passkeyShape.parse(JSON.parse(text));
