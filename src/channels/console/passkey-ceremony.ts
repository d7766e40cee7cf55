// The two ceremonies of Web Authentication: taking a new passkey, and taking its signature. The only door to the package that reads what
// authenticators send. What comes out is plain: a passkey for the registry, a proof for a vote. Everything that comes in is a browser's word.
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { cose, decodeAttestationObject, decodeCredentialPublicKey } from '@simplewebauthn/server/helpers';
import { createHash, createPublicKey, type JsonWebKey } from 'node:crypto';
import * as z from 'zod';
import { ProxyError } from '../../core/errors.ts';
import { brokenPasskey, challengeOf, type PasskeyProof } from '../../core/passkey-proof.ts';
import type { Passkey } from '../../approval/passkeys.ts';

/** The console as browsers know it. Passkeys belong to a name; an address can have none. */
export interface Site {
  readonly rp: string;
  readonly origin: string;
}

/** EdDSA, ES256, RS256: what proof-checking without a package can do too. */
const algorithms = [-8, -7, -257];
const timeout = 120_000;

const base64url = z
  .string()
  .regex(/^[\w-]+$/)
  .max(20_000);
const transport = z.enum(['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb']);
const common = { id: base64url, rawId: base64url, type: z.literal('public-key') };
const registrationShape = z.object({
  ...common,
  response: z.object({
    clientDataJSON: base64url,
    attestationObject: base64url,
    transports: z.array(z.string()).max(20).optional(),
  }),
});
const assertionShape = z.object({
  ...common,
  response: z.object({ clientDataJSON: base64url, authenticatorData: base64url, signature: base64url }),
});

export async function creationOptions(of: {
  readonly site: Site;
  readonly person: string;
  readonly challenge: string;
  readonly has: readonly Passkey[];
}) {
  const { site, person, challenge, has } = of;
  return generateRegistrationOptions({
    rpName: 'Countersign',
    rpID: site.rp,
    userName: person,
    // The same for the same person, so that an authenticator keeps one entry; no secret, and no name.
    userID: new Uint8Array(createHash('sha256').update(`countersign\0${person}`).digest()),
    challenge: bytesOf(challenge),
    timeout,
    // Which maker's device it is concerns nobody, and checking it would fetch from addresses that the device names.
    attestationType: 'none',
    excludeCredentials: has.map(known),
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
    supportedAlgorithmIDs: algorithms,
  });
}

export async function requestOptions(of: {
  readonly site: Site;
  readonly challenge: string;
  readonly has: readonly Passkey[];
}) {
  const { site, challenge, has } = of;
  return generateAuthenticationOptions({
    rpID: site.rp,
    challenge: bytesOf(challenge),
    allowCredentials: has.map(known),
    userVerification: 'required',
    timeout,
  });
}

type Fresh = Pick<Passkey, 'credential' | 'key' | 'cose' | 'rp' | 'transports' | 'counter'>;

export async function takeNew(of: {
  readonly site: Site;
  readonly challenge: string;
  readonly answer: unknown;
}): Promise<Fresh> {
  const { site, challenge, answer } = of;
  const given = registrationShape.safeParse(jsonOf(answer)).data;
  if (given === undefined) throw unreadable();
  refuseAttestation(given.response.attestationObject);
  const transports = (given.response.transports ?? []).flatMap((one) => transport.safeParse(one).data ?? []);
  const { clientDataJSON, attestationObject } = given.response;
  const { verified, registrationInfo } = await verifyRegistrationResponse({
    response: { ...given, response: { clientDataJSON, attestationObject }, clientExtensionResults: {} },
    expectedChallenge: challenge,
    expectedOrigin: site.origin,
    expectedRPID: site.rp,
    requireUserVerification: true,
    supportedAlgorithmIDs: algorithms,
  }).catch(refused);
  if (!verified) throw refusal('its signature does not fit');
  const { credential } = registrationInfo;
  return {
    credential: credential.id,
    key: spkiOf(credential.publicKey),
    cose: Buffer.from(credential.publicKey).toString('base64url'),
    rp: site.rp,
    transports,
    counter: credential.counter,
  };
}

/** The credential that a browser says it has used; still to be looked up and checked. */
export function credentialOf(answer: unknown): string | undefined {
  return assertionShape.safeParse(jsonOf(answer)).data?.id;
}

/** Throws FORBIDDEN with words; gives the proof, and how often the authenticator says it was used. */
export async function takeSignature(of: {
  readonly site: Site;
  readonly signed: string;
  readonly answer: unknown;
  readonly passkey: Passkey;
}): Promise<{ readonly proof: PasskeyProof; readonly counter: number }> {
  const { site, signed, answer, passkey } = of;
  const given = assertionShape.safeParse(jsonOf(answer)).data;
  if (given === undefined) throw unreadable();
  const { verified, authenticationInfo } = await verifyAuthenticationResponse({
    response: { ...given, clientExtensionResults: {} },
    expectedChallenge: challengeOf(signed),
    expectedOrigin: site.origin,
    expectedRPID: site.rp,
    credential: { ...known(passkey), publicKey: bytesOf(passkey.cose), counter: passkey.counter },
    requireUserVerification: true,
  }).catch(refused);
  if (!verified) throw refusal('its signature does not fit');
  const { clientDataJSON, authenticatorData, signature } = given.response;
  const { credential, key, rp } = passkey;
  const proof = { credential, key, rp, signed, client: clientDataJSON, authenticator: authenticatorData, signature };
  // Two readers must agree: the package's, and the one that an auditor will use.
  const broken = brokenPasskey(proof);
  if (broken !== undefined) throw refusal(broken);
  return { proof, counter: authenticationInfo.newCounter };
}

function known({ credential, transports }: Passkey) {
  return { id: credential, transports: transports.flatMap((one) => transport.safeParse(one).data ?? []) };
}

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'base64url'));

/** A statement with certificates would have us look up what they name; none was asked for. */
function refuseAttestation(text: string): void {
  let statement: ReturnType<typeof decodeAttestationObject>;
  try {
    statement = decodeAttestationObject(bytesOf(text));
  } catch {
    throw unreadable();
  }
  if (statement.get('attStmt').get('x5c') !== undefined)
    throw refusal('it shows a maker’s certificate that nobody asked for');
}

/** From the form of authenticators to the form that every library reads. */
function spkiOf(given: Uint8Array<ArrayBuffer>): string {
  const key = decodeCredentialPublicKey(given);
  const jwk = jwkOf(key);
  if (jwk === undefined) throw refusal('its key is of a kind that is not taken');
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'spki' }).toString('base64url');
}

function jwkOf(key: cose.COSEPublicKey): JsonWebKey | undefined {
  const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('base64url');
  if (cose.isCOSEPublicKeyEC2(key) && key.get(cose.COSEKEYS.crv) === 1)
    return { kty: 'EC', crv: 'P-256', x: text(key.get(cose.COSEKEYS.x)), y: text(key.get(cose.COSEKEYS.y)) };
  if (cose.isCOSEPublicKeyOKP(key) && key.get(cose.COSEKEYS.crv) === 6)
    return { kty: 'OKP', crv: 'Ed25519', x: text(key.get(cose.COSEKEYS.x)) };
  if (cose.isCOSEPublicKeyRSA(key))
    return { kty: 'RSA', n: text(key.get(cose.COSEKEYS.n)), e: text(key.get(cose.COSEKEYS.e)) };
  return undefined;
}

function jsonOf(answer: unknown): unknown {
  try {
    return typeof answer === 'string' ? JSON.parse(answer) : undefined;
  } catch {
    return undefined;
  }
}

const unreadable = (): ProxyError =>
  new ProxyError('BAD_REQUEST', 'the browser’s answer about the passkey cannot be read; try again');

const refusal = (why: string): ProxyError =>
  new ProxyError('FORBIDDEN', `The passkey was not taken: ${why}. Try again.`);

/** What the package throws says which check failed, in its own words and with values of the browser's: for nobody's screen. */
function refused(cause: unknown): never {
  throw new ProxyError(
    'FORBIDDEN',
    'The passkey was not taken: its answer is for another page, question or device. Try again.',
    {
      cause,
    },
  );
}
