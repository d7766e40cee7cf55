// The sealed field: a full statement that only an auditor can open. The proxy holds a public key (X25519) and forgets the text; a stolen
// log, or a stolen proxy, opens nothing that was sealed before.
//
// Form: base64 of version (1) · ephemeral public key (32) · AES-256-GCM ciphertext and tag. The key is HKDF-SHA256 of the shared secret,
// bound to both public keys; it is used once, so the nonce is zero.
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';

import { ProxyError } from '../core/errors.ts';
import { readText } from './keys.ts';

const version = 1;
const tagBytes = 16;
const nonce = Buffer.alloc(12);

export function seal(text: string | Buffer, to: KeyObject): string {
  const once = generateKeyPairSync('x25519');
  const cipher = createCipheriv('aes-256-gcm', sharedKey(once.privateKey, { once: once.publicKey, to }), nonce);
  const body = Buffer.concat([
    cipher.update(typeof text === 'string' ? Buffer.from(text) : text),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  return Buffer.concat([Buffer.from([version]), rawOf(once.publicKey), body]).toString('base64');
}

/** The text, by a private key in PEM, or undefined when it was sealed to another key or is not as it was written. */
export function unseal(sealed: string, pem: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64');
  if (bytes[0] !== version || bytes.length < 1 + 32 + tagBytes) return undefined;
  try {
    const key = createPrivateKey(pem);
    const once = createPublicKey({
      key: Buffer.concat([spkiHead, bytes.subarray(1, 33)]),
      type: 'spki',
      format: 'der',
    });
    const shared = sharedKey(key, { once, to: createPublicKey(key), peer: once });
    const cipher = createDecipheriv('aes-256-gcm', shared, nonce, { authTagLength: tagBytes });
    cipher.setAuthTag(bytes.subarray(-tagBytes));
    return Buffer.concat([cipher.update(bytes.subarray(33, -tagBytes)), cipher.final()]).toString('utf8');
  } catch {
    return undefined; // A wrong key and a changed byte look the same, and both are no text.
  }
}

/** An auditor's public key from a file; a wrong one is found at the start, not at the first audit. */
export function readSealKey(file: string): KeyObject {
  try {
    const key = createPublicKey(readText(file) ?? '');
    if (key.asymmetricKeyType === 'x25519') return key;
  } catch (cause) {
    throw new ProxyError('CONFIG_INVALID', `${file} is no public key`, { cause, hint: sealHint });
  }
  throw new ProxyError('CONFIG_INVALID', `${file} is not an X25519 public key`, { hint: sealHint });
}

const sealHint =
  'the auditor makes one: openssl genpkey -algorithm x25519 -out auditor.pem; openssl pkey -in auditor.pem -pubout';

const keptMax = 2_000;
const keptLengthMax = 4_096;

/**
 * Seals statements. A key pair for each costs some 100 µs, so what repeats is sealed once and its sealed form used again: that two
 * statements are equal shows from their hash anyway.
 */
export class Sealer {
  readonly #to: KeyObject;
  #young = new Map<string, string>();
  #old: ReadonlyMap<string, string> = new Map();

  constructor(to: KeyObject) {
    this.#to = to;
  }

  seal(statement: Buffer): string {
    if (statement.length > keptLengthMax) return seal(statement, this.#to);
    const text = statement.toString('latin1');
    const kept = this.#young.get(text) ?? this.#old.get(text);
    if (kept !== undefined) return kept;
    const fresh = seal(statement, this.#to);
    if (this.#young.size >= keptMax / 2) [this.#old, this.#young] = [this.#young, new Map()];
    this.#young.set(text, fresh);
    return fresh;
  }
}

/** The first bytes of every X25519 key in SPKI form. */
const spkiHead = Buffer.from('302a300506032b656e032100', 'hex');

function rawOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(-32);
}

function sharedKey(
  privateKey: KeyObject,
  keys: { readonly once: KeyObject; readonly to: KeyObject; readonly peer?: KeyObject },
): Buffer {
  const secret = diffieHellman({ privateKey, publicKey: keys.peer ?? keys.to });
  const bound = Buffer.concat([rawOf(keys.once), rawOf(keys.to)]);
  return Buffer.from(hkdfSync('sha256', secret, bound, 'countersign sealed statement', 32));
}
