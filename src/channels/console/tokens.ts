// Small signed tokens: sessions, one-time links, the proof of a form. Each has its own key, so that a token made for one purpose is
// nothing for another. What a token says is readable; that we said it, and until when it holds, is not to be made up.
import { createHmac, timingSafeEqual } from 'node:crypto';

export type Purpose = 'session' | 'link' | 'form' | 'oidc' | 'passkey';

export interface Claims {
  readonly person: string;
  /** Wall-clock milliseconds. */
  readonly until: number;
  /** So that one token can be told from another of the same person, and be ended alone. */
  readonly nonce: string;
}

const tokenLengthMax = 1_000;

export class Tokens {
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    if (secret.length < 32) throw new Error('the secret of the console is too short');
    this.#secret = secret;
  }

  make(purpose: Purpose, { person, until, nonce }: Claims): string {
    const said = Buffer.from(JSON.stringify([person, until, nonce])).toString('base64url');
    return `${said}.${this.mark(purpose, said)}`;
  }

  /** Undefined: not ours, for something else, or over. */
  read(purpose: Purpose, token: string, now: number): Claims | undefined {
    if (token.length > tokenLengthMax) return undefined;
    const [said = '', mark = '', more] = token.split('.');
    if (more !== undefined || !equal(mark, this.mark(purpose, said))) return undefined;
    const [person, until, nonce] = fields(Buffer.from(said, 'base64url').toString('utf8'));
    if (typeof person !== 'string' || typeof until !== 'number' || typeof nonce !== 'string') return undefined;
    return now < until ? { person, until, nonce } : undefined;
  }

  mark(purpose: Purpose, said: string): string {
    return createHmac('sha256', this.#secret).update(`${purpose}\0${said}`).digest('base64url');
  }
}

export function equal(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** What is signed was written by us, so it can be read. */
function fields(text: string): readonly unknown[] {
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value : [];
}
