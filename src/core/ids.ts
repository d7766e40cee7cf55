// Ids that cannot be guessed. Base-62 without modulo bias: bytes of 248 and above are thrown away.
import { randomBytes } from 'node:crypto';
import type { HoldId, SessionId } from './brand.ts';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export function newHoldId(): HoldId {
  return `h_${randomText(20)}` as HoldId;
}

export function newSessionId(): SessionId {
  return `s_${randomText(12)}` as SessionId;
}

/** `length` characters of base 62, each from the system's own random source. */
export function randomText(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 248 && text.length < length) text += alphabet.charAt(byte % 62);
    }
  }
  return text;
}
