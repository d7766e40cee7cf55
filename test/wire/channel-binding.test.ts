// Goal: the hash of a certificate for channel binding is the one that OpenSSL and RFC 5929 give.
// Method: certificates of each signature algorithm, made by openssl.
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serverEndPoint } from '../../src/wire/channel-binding.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-binding-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function certificate(options: readonly string[]): Buffer {
  const file = join(folder, 'cert.pem');
  const fixed = ['req', '-x509', '-nodes', '-subj', '/CN=x', '-days', '2', '-keyout', '/dev/null', '-out', file];
  execFileSync('openssl', [...fixed, ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
  return new X509Certificate(readFileSync(file)).raw;
}

const rsa = ['-newkey', 'rsa:2048'];
const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
const pss = ['-sigopt', 'rsa_padding_mode:pss'];

describe('the end point of a certificate', () => {
  test.each([
    ['RSA with SHA-256', [...rsa, '-sha256'], 'sha256'],
    ['RSA with SHA-384', [...rsa, '-sha384'], 'sha384'],
    ['RSA with SHA-512', [...rsa, '-sha512'], 'sha512'],
    ['RSA with SHA-1, lifted', [...rsa, '-sha1'], 'sha256'],
    ['RSA-PSS with SHA-384', [...rsa, '-sha384', ...pss], 'sha384'],
    ['ECDSA with SHA-256', [...ec, '-sha256'], 'sha256'],
    ['ECDSA with SHA-384', [...ec, '-sha384'], 'sha384'],
  ])('%s', (_, options, hash) => {
    const der = certificate(options);
    expect(serverEndPoint(der)).toEqual(createHash(hash).update(der).digest());
  });

  test('is none for Ed25519, which signs without a hash of its own', () => {
    expect(serverEndPoint(certificate(['-newkey', 'ed25519']))).toBeUndefined();
  });

  test('of what is no certificate is a defect', () => {
    expect(() => serverEndPoint(Buffer.from([0x30, 0x05, 1]))).toThrow('no DER');
    expect(() => serverEndPoint(Buffer.alloc(0))).toThrow('no certificate');
  });
});
