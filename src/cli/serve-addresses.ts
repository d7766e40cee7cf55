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

/** The console's address as people reach it, or as this machine does. */
export function consoleUrlHere({ publicUrl, listen: { host, port } }: HttpAddresses): string {
  const name = host === '::' || host === '0.0.0.0' ? 'localhost' : host;
  const here = name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`;
  return (publicUrl ?? `http://${here}`).replace(/\/+$/, '');
}

/** For an agent, which may run elsewhere: without `http.public_url` only what listens on this machine alone has an address for certain. */
export function consoleUrlForAgents(http: HttpAddresses): string | undefined {
  const { host, port } = http.listen;
  const isHere = host === '127.0.0.1' || host === '::1' || host === 'localhost';
  return http.publicUrl === undefined && (!isHere || port === 0) ? undefined : consoleUrlHere(http);
}

interface HttpAddresses {
  readonly publicUrl: string | undefined;
  readonly listen: { readonly host: string; readonly port: number };
}

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
