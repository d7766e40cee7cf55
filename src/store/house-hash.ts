// A keyed hash that all proxies on one store make alike, so that the same statement with the same parameters is the same for each of
// them; whoever does not know the key cannot test guesses of a parameter. The key lies in the store itself and is read each time: one that
// was kept in memory would tell proxies apart after a Redis came back empty.
import { createHmac, randomBytes } from 'node:crypto';
import { ProxyError } from '../core/errors.ts';
import type { Store } from './store.ts';

const key = 'house/hash-key';

export type HouseHash = (bytes: Buffer) => Promise<string>;

export function houseHash(store: Store): HouseHash {
  return async (bytes) =>
    createHmac('sha256', await secretIn(store))
      .update(bytes)
      .digest('hex');
}

/** A key for one purpose, from which nobody finds the house's own or that of another purpose. */
export async function houseKey(store: Pick<Store, 'read' | 'change'>, purpose: string): Promise<Buffer> {
  return createHmac('sha256', await secretIn(store))
    .update(`key\0${purpose}`)
    .digest();
}

async function secretIn(store: Pick<Store, 'read' | 'change'>): Promise<Buffer> {
  // Whoever is first makes it; the others read what the first has made.
  for (let tries = 0; tries < 3; tries += 1) {
    const found = await store.read(key);
    if (found !== undefined) return Buffer.from(found.value, 'base64');
    await store.change([{ key, expect: 'absent', value: randomBytes(32).toString('base64') }]);
  }
  throw new ProxyError('UNAVAILABLE', 'the state forgets what was just written to it');
}
