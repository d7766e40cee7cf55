// Small signed tokens: sessions, one-time links, the proof of a form. Each has its own key, so that a token made for one purpose is
// nothing for another. What a token says is readable; that we said it, and until when it holds, is not to be made up.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Vouched } from '../../approval/hold.ts';
import type { UnixMillis } from '../../core/brand.ts';

export type Purpose = 'session' | 'link' | 'form' | 'oidc' | 'passkey';

export interface Claims {
  readonly person: string;
  /** Wall-clock milliseconds. */
  readonly until: number;
  /** So that one token can be told from another of the same person, and be ended alone. */
  readonly nonce: string;
  /** Of a session: groups by the word of an identity provider, and until when it counts. */
  readonly vouched?: Vouched | undefined;
}

/** A browser keeps 4,096 bytes of a cookie. */
const tokenLengthMax = 3_500;

export class Tokens {
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    if (secret.length < 32) throw new Error('the secret of the console is too short');
    this.#secret = secret;
  }

  make(purpose: Purpose, { person, until, nonce, vouched }: Claims): string {
    const more = vouched === undefined ? [] : [vouched.groups, vouched.until];
    return this.#signed(purpose, [person, until, nonce, ...more]);
  }

  /** Undefined: not ours, for something else, or over. */
  read(purpose: Purpose, token: string, now: number): Claims | undefined {
    const [person, until, nonce, groups, vouchedUntil] = this.#read(purpose, token);
    if (typeof person !== 'string' || typeof until !== 'number' || typeof nonce !== 'string') return undefined;
    if (now >= until) return undefined;
    if (!Array.isArray(groups) || typeof vouchedUntil !== 'number') return { person, until, nonce };
    const vouched = { groups: groups.map(String), until: vouchedUntil as UnixMillis };
    return { person, until, nonce, vouched };
  }

  #signed(purpose: Purpose, values: readonly unknown[]): string {
    const said = Buffer.from(JSON.stringify(values)).toString('base64url');
    return `${said}.${this.mark(purpose, said)}`;
  }

  #read(purpose: Purpose, token: string): readonly unknown[] {
    if (token.length > tokenLengthMax) return [];
    const [said = '', mark = '', more] = token.split('.');
    if (more !== undefined || !equal(mark, this.mark(purpose, said))) return [];
    return fields(Buffer.from(said, 'base64url').toString('utf8'));
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
