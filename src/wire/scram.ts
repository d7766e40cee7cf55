// SCRAM-SHA-256 and -PLUS (RFC 5802, 7677), the server's side, over the verifiers that Postgres stores. Pure: bytes in, bytes out.
//
// No oracle: an unknown agent gets a mock verifier and the whole exchange, with the same words, the same work and a salt that stays
// the same from try to try; only the answer to the last message is "no", as it is for a wrong password.
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { assertNever } from '../core/exhaustive.ts';
import { violation } from './cursor.ts';
import { preparedPassword } from './saslprep.ts';

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS';
export const scramPlain = 'SCRAM-SHA-256';
export const scramPlus = 'SCRAM-SHA-256-PLUS';

export interface Verifier {
  readonly iterations: number;
  /** Base 64, as it goes over the wire. */
  readonly salt: string;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
  /** A mock looks and costs the same, and never lets anybody in. */
  readonly genuine: boolean;
}

export const keyBytes = 32;
const saltBytes = 16;
const nonceBytes = 18;
/** SCRAM_SHA_256_DEFAULT_ITERATIONS */
const usualIterations = 4096;

export function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

export function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

export function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)));
}

const derive = promisify(pbkdf2);

export function saltedPassword(password: string, salt: Buffer, iterations: number): Promise<Buffer> {
  return derive(preparedPassword(password), salt, iterations, keyBytes, 'sha256');
}

/** What is stored in the place of a password, in the form of `pg_authid.rolpassword`. */
export async function makeVerifier(
  password: string,
  options: { readonly iterations?: number; readonly salt?: Buffer } = {},
): Promise<string> {
  const { iterations = usualIterations, salt = randomBytes(saltBytes) } = options;
  const salted = await saltedPassword(password, salt, iterations);
  const storedKey = sha256(hmac(salted, 'Client Key')).toString('base64');
  const serverKey = hmac(salted, 'Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}

const verifierForm =
  /^SCRAM-SHA-256\$([1-9]\d{0,9}):([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/]{43}=)$/;

/** Undefined when the text is no verifier. */
export function parseVerifier(text: string): Verifier | undefined {
  const [, iterations, salt, storedKey, serverKey] = verifierForm.exec(text) ?? [];
  if (iterations === undefined || salt === undefined || storedKey === undefined || serverKey === undefined) {
    return undefined;
  }
  const keys = { storedKey: Buffer.from(storedKey, 'base64'), serverKey: Buffer.from(serverKey, 'base64') };
  return { iterations: Number(iterations), salt, ...keys, genuine: true };
}

/** The salt of a name: of one that nobody has, and of one whose password stands in the config. Strangers cannot tell these apart. */
export function saltOfName({ name, key }: { readonly name: string; readonly key: Buffer }): Buffer {
  return hmac(key, `salt of ${name}`).subarray(0, saltBytes);
}

/** For a name that nobody has: the same for the same name and key, so that asking twice tells nothing. */
export function mockVerifier(mock: {
  readonly name: string;
  readonly key: Buffer;
  readonly iterations?: number;
}): Verifier {
  const salt = saltOfName(mock).toString('base64');
  const keys = { storedKey: randomBytes(keyBytes), serverKey: randomBytes(keyBytes) };
  return { iterations: mock.iterations ?? usualIterations, salt, ...keys, genuine: false };
}

/** Whether a password that came in the open is the one of a verifier. As slow as making one. */
export async function isPasswordOf(verifier: Verifier, password: string): Promise<boolean> {
  const salted = await saltedPassword(password, Buffer.from(verifier.salt, 'base64'), verifier.iterations);
  return timingSafeEqual(sha256(hmac(salted, 'Client Key')), verifier.storedKey) && verifier.genuine;
}

export type ScramResult = { readonly kind: 'accepted'; readonly data: Buffer } | { readonly kind: 'refused' };

type Stage =
  | { readonly state: 'fresh' }
  | {
      readonly state: 'asked';
      readonly nonce: string;
      /** What `c=` must say: the client's header, and our certificate's hash with it when bound. */
      readonly binding: string;
      /** client-first-message-bare "," server-first-message */
      readonly transcript: string;
    }
  | { readonly state: 'over' };

// fresh --first--> asked --final--> over; anything malformed throws and leaves it over.
export class ScramServer {
  readonly #verifier: Verifier;
  readonly #endPoint: Buffer | undefined;
  readonly #newNonce: () => string;
  #stage: Stage = { state: 'fresh' };

  constructor(options: {
    readonly verifier: Verifier;
    /** `serverEndPoint` of our certificate; undefined outside TLS, where binding is not offered. */
    readonly endPoint: Buffer | undefined;
    readonly newNonce?: () => string;
  }) {
    this.#verifier = options.verifier;
    this.#endPoint = options.endPoint;
    this.#newNonce = options.newNonce ?? newNonce;
  }

  /** For AuthenticationSASL: the strongest first. */
  get mechanisms(): readonly ScramMechanism[] {
    return this.#endPoint === undefined ? [scramPlain] : [scramPlus, scramPlain];
  }

  /** Takes client-first-message, gives server-first-message. */
  first(mechanism: string, data: Buffer): Buffer {
    if (this.#stage.state !== 'fresh') throw violation('a SASL exchange begins once');
    this.#stage = { state: 'over' };
    const { flag, header, bare, nonce: theirs } = readClientFirst(data);
    const binding = this.#bindingFor(mechanism, flag, header);
    const nonce = theirs + this.#newNonce();
    const answer = `r=${nonce},s=${this.#verifier.salt},i=${this.#verifier.iterations}`;
    this.#stage = { state: 'asked', nonce, binding, transcript: `${bare},${answer}` };
    return Buffer.from(answer, 'latin1');
  }

  /** Takes client-final-message; `accepted` carries server-final-message. */
  final(data: Buffer): ScramResult {
    const stage = this.#stage;
    if (stage.state !== 'asked') throw violation('a SASL exchange has two messages from the client');
    this.#stage = { state: 'over' };
    const match = clientFinal.exec(text(data));
    const [, withoutProof, binding, nonce, proofText] = match ?? [];
    if (withoutProof === undefined || proofText === undefined) throw violation('malformed SCRAM message');
    if (binding !== stage.binding) throw violation('SCRAM channel binding check failed');
    if (nonce !== stage.nonce) throw violation('invalid SCRAM response');
    const proof = Buffer.from(proofText, 'base64');
    if (proof.length !== keyBytes) throw violation('malformed SCRAM message');
    const transcript = `${stage.transcript},${withoutProof}`;
    const clientKey = xor(proof, hmac(this.#verifier.storedKey, transcript));
    const isRight = timingSafeEqual(sha256(clientKey), this.#verifier.storedKey);
    const signature = hmac(this.#verifier.serverKey, transcript).toString('base64');
    if (!isRight || !this.#verifier.genuine) return { kind: 'refused' };
    return { kind: 'accepted', data: Buffer.from(`v=${signature}`, 'latin1') };
  }

  /** `n`: the client cannot bind; `y`: it could, but thinks we cannot; `p`: it does. */
  #bindingFor(mechanism: string, flag: 'n' | 'y' | 'p', header: string): string {
    const chosen = this.mechanisms.find((offered) => offered === mechanism);
    if (chosen === undefined) throw violation('client selected an invalid SASL authentication mechanism');
    const plain = Buffer.from(header, 'latin1');
    const isPlus = chosen === scramPlus;
    switch (flag) {
      case 'n':
        if (isPlus) throw violation('SCRAM-SHA-256-PLUS was chosen, but the message does not bind to the channel');
        return plain.toString('base64');
      case 'y':
        // We did offer binding. Somebody in the middle took the offer out of our message.
        if (isPlus || this.#endPoint !== undefined) throw violation('SCRAM channel binding negotiation error');
        return plain.toString('base64');
      case 'p':
        if (!isPlus || this.#endPoint === undefined) {
          throw violation('SCRAM-SHA-256 was chosen without -PLUS, but the message binds to the channel');
        }
        return Buffer.concat([plain, this.#endPoint]).toString('base64');
      default:
        return assertNever(flag);
    }
  }
}

export function newNonce(): string {
  return randomBytes(nonceBytes).toString('base64');
}

/** gs2-header, then the bare message. The name in it is ignored as Postgres does: the start-up packet has said it. */
const clientFirst = /^((?:([ny])|p=([A-Za-z0-9.-]+)),(a=[^,]*)?,)(n=[^,]*,r=([!-+\--~]+)((?:,[A-Za-z]=[^,]*)*))$/;
const clientFinal = /^(c=([A-Za-z0-9+/=]+),r=([!-+\--~]+)(?:,[A-Za-oq-z]=[^,]*)*),p=([A-Za-z0-9+/]+={0,2})$/;

interface ClientFirst {
  readonly flag: 'n' | 'y' | 'p';
  readonly header: string;
  readonly bare: string;
  readonly nonce: string;
}

function readClientFirst(data: Buffer): ClientFirst {
  const [, header, flag, bindingName, authorization, bare, nonce] = clientFirst.exec(text(data)) ?? [];
  if (header === undefined || bare === undefined || nonce === undefined) throw violation('malformed SCRAM message');
  if (authorization !== undefined) throw violation('client uses authorization identity, but it is not supported');
  if (bindingName !== undefined && bindingName !== 'tls-server-end-point') {
    throw violation('unsupported SCRAM channel-binding type');
  }
  return { flag: flag === 'n' || flag === 'y' ? flag : 'p', header, bare, nonce };
}

const messageBytesMax = 4096;

function text(data: Buffer): string {
  if (data.length > messageBytesMax || data.includes(0)) throw violation('malformed SCRAM message');
  return data.toString('latin1');
}
