// Addresses that a running proxy listens on: as text, and what can be wrong with one, said with the line that names it.
import { codeOf } from '../core/file-words.ts';
import { placeText, type Place } from '../core/place.ts';
import { failed } from './io.ts';

export interface BoundAddress {
  readonly address: string;
  readonly port: number;
}

export const addressText = ({ address, port }: BoundAddress): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

export async function listening(
  listen: () => Promise<BoundAddress>,
  wanted: { readonly host: string; readonly port: number },
  place: Place,
  key: string,
): Promise<BoundAddress> {
  try {
    return await listen();
  } catch (thrown) {
    const row = addressWords[codeOf(thrown) ?? ''];
    if (row === undefined) throw thrown;
    throw failed(`${placeText(place)}: ${key}: ${wanted.host}:${wanted.port} ${row}`);
  }
}

const addressWords: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another program (stop that one, or choose another port)',
  EACCES: 'may not be used by this user (choose a port of 1024 or above)',
  EADDRNOTAVAIL: 'is no address of this machine (choose one of its own, or 0.0.0.0 for all)',
  ENOTFOUND: 'is no name that can be looked up (write an address)',
  EAFNOSUPPORT: 'is of a kind that this machine does not speak (write an IPv4 address)',
};
