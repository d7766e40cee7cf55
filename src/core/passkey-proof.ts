// What an authenticator signed when somebody said yes with a passkey, and the check of it that needs nothing else: no server, no
// state, no package. The desk makes it before a vote counts, an auditor makes it again years later from a receipt.
//
// What is signed (Web Authentication, §6.3.3 and §7.2): the authenticator's data, and the SHA-256 of the browser's own account of
// what it was asked, in which our challenge stands. The challenge is the SHA-256 of `signed`, a text that says what is approved.
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import * as z from 'zod';

const base64url = z
  .string()
  .regex(/^[\w-]+$/)
  .max(4_000);

/** Public API: it stands in audit records and receipts. */
export const passkeyProofShape = z.strictObject({
  /** The credential's id. */
  credential: base64url,
  /** Its public key: SPKI, DER, base64url. */
  key: base64url,
  /** The name that the passkey belongs to: the host of the console. */
  rp: z.string().min(1).max(300),
  /** What was approved, as text; its SHA-256 is the challenge. */
  signed: z.string().min(1).max(2_000),
  /** The browser's clientDataJSON. */
  client: base64url,
  authenticator: base64url,
  signature: base64url,
});

export type PasskeyProof = Readonly<z.output<typeof passkeyProofShape>>;

const flags = { present: 0x01, verified: 0x04 } as const;

const clientShape = z.object({
  type: z.string(),
  challenge: z.string(),
  origin: z.string(),
  crossOrigin: z.boolean().optional(),
});

export const challengeOf = (signed: string): string => createHash('sha256').update(signed, 'utf8').digest('base64url');

/** For people and records: SHA-256 of the public key. */
export const keyHashOf = (key: string): string =>
  createHash('sha256').update(Buffer.from(key, 'base64url')).digest('hex');

/** Undefined: it is whole. Whose key it is, and what the text should say, is for the asker to compare. */
export function brokenPasskey(proof: PasskeyProof): string | undefined {
  const client = clientOf(proof.client);
  if (client === undefined) return 'the browser’s account cannot be read';
  if (client.type !== 'webauthn.get') return 'it was made for something else than signing in or approving';
  if (client.challenge !== challengeOf(proof.signed)) return 'something else was signed than what it says';
  if (client.crossOrigin === true || hostOf(client.origin) === undefined)
    return 'it was made on a page of somebody else';
  if (!isWithin(hostOf(client.origin) ?? '', proof.rp)) return 'it was made on a page of another name';
  const data = Buffer.from(proof.authenticator, 'base64url');
  const rpHash = createHash('sha256').update(proof.rp).digest();
  if (data.length < 37 || !data.subarray(0, 32).equals(rpHash)) return 'it is for another name than the console’s';
  const given = data[32] ?? 0;
  if ((given & flags.present) === 0 || (given & flags.verified) === 0) return 'nobody was there to unlock the passkey';
  const key = keyOf(proof.key);
  if (key === undefined) return 'its public key cannot be read';
  const clientHash = createHash('sha256').update(Buffer.from(proof.client, 'base64url')).digest();
  const message = Buffer.concat([data, clientHash]);
  return isSigned(message, key, Buffer.from(proof.signature, 'base64url')) ? undefined : 'its signature does not fit';
}

function clientOf(text: string): z.output<typeof clientShape> | undefined {
  try {
    return clientShape.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).hostname;
  } catch {
    return undefined;
  }
}

const isWithin = (host: string, rp: string): boolean => host === rp || host.endsWith(`.${rp}`);

function keyOf(text: string): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(text, 'base64url'), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

/** ES256, EdDSA and RS256: what a passkey of any maker can do. */
function isSigned(message: Buffer, key: KeyObject, signature: Buffer): boolean {
  const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  try {
    return verify(digest, message, key, signature);
  } catch {
    return false;
  }
}
