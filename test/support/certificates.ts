// Certificates for tests, made by openssl for one test and thrown away: an authority, a server's and a client's.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pair {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Certificates {
  readonly folder: string;
  readonly authority: Pair;
  /** For `localhost` and 127.0.0.1. */
  readonly server: Pair;
  readonly client: Pair;
  remove(): void;
}

export function makeCertificates(
  options: { readonly serverNames?: string; readonly clientName?: string } = {},
): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-cert-'));
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', [...args], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256'];
  const leaf = (name: string, subject: string, extensions: string): Pair => {
    writeFileSync(join(folder, `${name}.ext`), extensions);
    openssl('req', ...newKey, '-subj', `/CN=${subject}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'],
      ...['-sha256', '-extfile', `${name}.ext`, '-out', `${name}.crt`],
    );
    return pairIn(folder, name);
  };
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    '/CN=Test Authority',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
  );
  return {
    folder,
    authority: pairIn(folder, 'ca'),
    server: leaf('server', 'localhost', `subjectAltName=${options.serverNames ?? 'DNS:localhost,IP:127.0.0.1'}\n`),
    client: leaf('client', options.clientName ?? 'report-bot', 'extendedKeyUsage=clientAuth\n'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function pairIn(folder: string, name: string): Pair {
  const [certFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8'), certFile, keyFile };
}
