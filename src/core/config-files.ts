// The files that a config names: certificates and keys. They are read when the config is, so that a wrong one is a mistake
// with a line, and not the surprise of the first agent that connects.
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ConfigShape } from './config-schema.ts';
import type { ListenerTls, UpstreamTls } from './config-types.ts';
import { fileWords } from './file-words.ts';
import type { Mistake } from './place.ts';
import { Secret } from './secrets.ts';
import type { UpstreamUrl } from './upstream-url.ts';
import { placeOf, type Path, type YamlDocument } from './yaml.ts';

export class FileReader {
  readonly mistakes: Mistake[] = [];
  readonly #document: YamlDocument;
  readonly #directory: string;

  constructor(document: YamlDocument, directory: string) {
    this.#document = document;
    this.#directory = directory;
  }

  mistake(path: Path, words: string, mend: string): void {
    this.mistakes.push({ place: placeOf(this.#document, path), words: `${path.join('.')}: ${words}`, mend });
  }

  /** The text of a file, or the value itself where it is PEM already (`${file:…}` or a variable with a key in it). */
  text(path: Path, value: string): string {
    if (value.startsWith('-----BEGIN ')) return value;
    try {
      return readFileSync(resolve(this.#directory, value), 'utf8');
    } catch (thrown) {
      this.mistake(path, `cannot be read: ${fileWords(thrown)}`, 'mend path or permissions');
      return '';
    }
  }

  certificate(path: Path, value: string): { readonly pem: string; readonly first: X509Certificate | undefined } {
    const pem = this.text(path, value);
    try {
      return { pem, first: pem === '' ? undefined : new X509Certificate(pem) };
    } catch {
      this.mistake(path, 'is no certificate in PEM form', 'it begins with -----BEGIN CERTIFICATE-----');
      return { pem, first: undefined };
    }
  }

  privateKey(path: Path, value: string): { readonly pem: string; readonly key: KeyObject | undefined } {
    const pem = this.text(path, value);
    try {
      return { pem, key: pem === '' ? undefined : createPrivateKey(pem) };
    } catch {
      const mend = 'it begins with -----BEGIN PRIVATE KEY----- and has no pass phrase';
      this.mistake(path, 'is no private key in PEM form', mend);
      return { pem, key: undefined };
    }
  }
}

export function listenerTls(shape: NonNullable<ConfigShape['tls']>, reader: FileReader): ListenerTls {
  const { pem: cert, first } = reader.certificate(['tls', 'cert'], shape.cert);
  const { pem: key, key: privateKey } = reader.privateKey(['tls', 'key'], shape.key);
  pair(reader, ['tls', 'key'], first, privateKey);
  const clientCa =
    shape.client_ca === undefined ? undefined : reader.certificate(['tls', 'client_ca'], shape.client_ca);
  return Object.freeze({
    cert,
    key: new Secret(key),
    clientCa: clientCa?.pem,
    required: shape.required ?? false,
  });
}

export function upstreamTls(url: UpstreamUrl, path: Path, reader: FileReader): UpstreamTls {
  const rootCert =
    url.sslRootCert === undefined || url.sslRootCert === 'system'
      ? url.sslRootCert
      : reader.certificate([...path, 'sslrootcert'], url.sslRootCert).pem;
  const cert = url.sslCert === undefined ? undefined : reader.certificate([...path, 'sslcert'], url.sslCert);
  const key = url.sslKey === undefined ? undefined : reader.privateKey([...path, 'sslkey'], url.sslKey);
  pair(reader, path, cert?.first, key?.key);
  return Object.freeze({
    mode: url.sslMode,
    rootCert,
    cert: cert?.pem,
    key: key === undefined ? undefined : new Secret(key.pem),
  });
}

function pair(reader: FileReader, path: Path, cert: X509Certificate | undefined, key: KeyObject | undefined): void {
  if (cert === undefined || key === undefined || cert.checkPrivateKey(key)) return;
  reader.mistake(
    path,
    'the private key does not belong to the certificate',
    'give the key that the certificate was made for',
  );
}

/** A program named by a path lies where the config's other paths begin; one named by a mere word is looked for on PATH. */
export function programIn(directory: string, command: readonly string[] | undefined): readonly string[] | undefined {
  const [program, ...args] = command ?? [];
  return program?.includes('/') === true ? [resolve(directory, program), ...args] : command;
}
