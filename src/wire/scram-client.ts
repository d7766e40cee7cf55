// SCRAM, the client's side: how the proxy logs in to a database. The server is not trusted before its signature was checked.
import { timingSafeEqual } from 'node:crypto';
import { ProxyError } from '../core/errors.ts';
import {
  hmac,
  keyBytes,
  newNonce,
  saltedPassword,
  scramPlain,
  scramPlus,
  sha256,
  xor,
  type ScramMechanism,
} from './scram.ts';

/** A hostile or mistaken server must not keep a core busy for minutes: this many are about 0.2 s. */
export const iterationsMax = 1_000_000;

export interface ClientChannel {
  /** `serverEndPoint` of the server's certificate; undefined outside TLS and where the certificate has none. */
  readonly endPoint: Buffer | undefined;
}

/** The strongest mechanism both know; undefined: none. */
export function chooseMechanism(offered: readonly string[], channel: ClientChannel): ScramMechanism | undefined {
  if (channel.endPoint !== undefined && offered.includes(scramPlus)) return scramPlus;
  return offered.includes(scramPlain) ? scramPlain : undefined;
}

type Stage =
  { readonly state: 'greeted' } | { readonly state: 'proved'; readonly signature: Buffer } | { readonly state: 'over' };

// greeted --respond--> proved --finish--> over
export class ScramClient {
  readonly #password: string;
  readonly #nonce: string;
  readonly #header: string;
  readonly #binding: string;
  #stage: Stage = { state: 'greeted' };

  constructor(options: {
    readonly mechanism: ScramMechanism;
    readonly password: string;
    readonly channel: ClientChannel;
    readonly newNonce?: () => string;
  }) {
    const { mechanism, channel } = options;
    this.#password = options.password;
    this.#nonce = (options.newNonce ?? newNonce)();
    // `y` says "I could bind, you did not offer it": a server that did offer it then knows that somebody took the offer away.
    const canBind = channel.endPoint !== undefined;
    this.#header = mechanism === scramPlus ? 'p=tls-server-end-point,,' : canBind ? 'y,,' : 'n,,';
    const bound = mechanism === scramPlus && channel.endPoint !== undefined ? channel.endPoint : Buffer.alloc(0);
    this.#binding = Buffer.concat([Buffer.from(this.#header), bound]).toString('base64');
  }

  /** client-first-message. The name is empty: Postgres takes the one of the start-up packet. */
  get first(): Buffer {
    return Buffer.from(`${this.#header}${this.#bare}`, 'latin1');
  }

  get #bare(): string {
    return `n=,r=${this.#nonce}`;
  }

  /** Takes server-first-message, gives client-final-message. */
  async respond(data: Buffer): Promise<Buffer> {
    if (this.#stage.state !== 'greeted') throw dishonest('sends SCRAM messages out of order');
    this.#stage = { state: 'over' };
    const serverFirst = data.toString('latin1');
    const [, nonce, salt, iterationsText] = serverFirstForm.exec(serverFirst) ?? [];
    if (nonce === undefined || salt === undefined) throw dishonest('sends a malformed SCRAM message');
    // An old answer replayed would carry an old nonce.
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw dishonest('answers with a SCRAM nonce that is not ours');
    }
    const iterations = Number(iterationsText);
    if (iterations > iterationsMax)
      throw dishonest(`asks for ${iterations} SCRAM iterations; the most is ${iterationsMax}`);
    const salted = await saltedPassword(this.#password, Buffer.from(salt, 'base64'), iterations);
    const withoutProof = `c=${this.#binding},r=${nonce}`;
    const transcript = `${this.#bare},${serverFirst},${withoutProof}`;
    const clientKey = hmac(salted, 'Client Key');
    const proof = xor(clientKey, hmac(sha256(clientKey), transcript)).toString('base64');
    this.#stage = { state: 'proved', signature: hmac(hmac(salted, 'Server Key'), transcript) };
    return Buffer.from(`${withoutProof},p=${proof}`, 'latin1');
  }

  /** Takes server-final-message; throws unless the server has proved that it knows the password's verifier. */
  finish(data: Buffer): void {
    const stage = this.#stage;
    if (stage.state !== 'proved') throw dishonest('ends the SCRAM exchange out of order');
    this.#stage = { state: 'over' };
    const [, signatureText] = serverFinalForm.exec(data.toString('latin1')) ?? [];
    const signature = Buffer.from(signatureText ?? '', 'base64');
    if (signature.length !== keyBytes || !timingSafeEqual(signature, stage.signature)) {
      throw dishonest('cannot prove that it knows our password');
    }
  }
}

const serverFirstForm = /^r=([!-+\--~]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9]\d{0,9})(?:,[A-Za-z]=[^,]*)*$/;
const serverFinalForm = /^v=([A-Za-z0-9+/]+={0,2})(?:,[A-Za-z]=[^,]*)*$/;

function dishonest(does: string): ProxyError {
  return new ProxyError('UPSTREAM_REFUSED', `the database server ${does}`, {
    hint: 'Somebody may be between the proxy and the database: use sslmode=verify-full.',
  });
}
