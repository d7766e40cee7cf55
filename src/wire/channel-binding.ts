// `tls-server-end-point` (RFC 5929): the hash of the server's certificate that both ends of SCRAM-SHA-256-PLUS must agree on, so
// that somebody who ends TLS in the middle cannot pass the login on.
import { createHash } from 'node:crypto';
import { wordsOf } from '../core/errors.ts';

/** Signature algorithms by their OID in DER, and the hash each uses. MD5 and SHA-1 are lifted to SHA-256 by the RFC. */
const hashes: Readonly<Record<string, string>> = {
  '2a864886f70d010104': 'sha256', // md5WithRSAEncryption
  '2a864886f70d010105': 'sha256', // sha1WithRSAEncryption
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a864886f70d01010e': 'sha224',
  '2a8648ce3d0401': 'sha256', // ecdsa-with-SHA1
  '2a8648ce3d040301': 'sha224',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
  // Hashes by themselves, as the parameters of RSASSA-PSS name them.
  '2b0e03021a': 'sha256', // SHA-1
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
  '608648016503040204': 'sha224',
};
const rsaPss = '2a864886f70d01010a';

/**
 * Undefined where the signature has no hash of its own (Ed25519): the RFC leaves that open, OpenSSL says "none", and Postgres and
 * libpq then cannot bind. Binding must not be offered with such a certificate.
 */
export function serverEndPoint(certificate: Buffer): Buffer | undefined {
  const hash = signatureHash(certificate);
  return hash === undefined ? undefined : createHash(hash).update(certificate).digest();
}

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { OID, parameters }, signature } */
function signatureHash(certificate: Buffer): string | undefined {
  const [whole] = elements(certificate);
  const [, algorithm] = whole === undefined ? [] : elements(whole.content);
  const [oid, parameters] = algorithm === undefined ? [] : elements(algorithm.content);
  if (oid === undefined) throw new Error(`no certificate: ${certificate.length} bytes`);
  const name = oid.content.toString('hex');
  if (name !== rsaPss) return hashes[name];
  // RSASSA-PSS-params: SEQUENCE { [0] SEQUENCE { hash OID, … }, … }; without [0] it is SHA-1, which is lifted.
  const [first] = parameters === undefined ? [] : elements(parameters.content);
  if (first?.tag !== 0xa0) return 'sha256';
  const [hashAlgorithm] = elements(first.content);
  const [hashOid] = hashAlgorithm === undefined ? [] : elements(hashAlgorithm.content);
  return hashOid === undefined ? undefined : hashes[hashOid.content.toString('hex')];
}

interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

/** The DER elements that stand side by side in `bytes`. The bytes were parsed by OpenSSL before; a fault here is a defect. */
function elements(bytes: Buffer): readonly Element[] {
  const found: Element[] = [];
  let at = 0;
  try {
    while (at < bytes.length) {
      const tag = bytes.readUInt8(at);
      const first = bytes.readUInt8(at + 1);
      const longBytes = first < 0x80 ? 0 : first & 0x7f;
      const length = longBytes === 0 ? first : bytes.readUIntBE(at + 2, longBytes);
      const start = at + 2 + longBytes;
      if (start + length > bytes.length) throw new Error('an element is longer than what holds it');
      found.push({ tag, content: bytes.subarray(start, start + length) });
      at = start + length;
    }
  } catch (cause) {
    throw new Error(`no DER: ${wordsOf(cause)}`, { cause });
  }
  return found;
}
