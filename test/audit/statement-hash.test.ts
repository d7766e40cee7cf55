// Goal: the keyed hash that stands in records is HMAC-SHA-256, whatever the length of key and text, and whether it was remembered.
// Method: node's own HMAC as the oracle, at every length around the blocks and rooms of ours, and random ones.
import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { StatementHash } from '../../src/audit/statement-hash.ts';

const hmac = (secret: Buffer, text: Buffer): string => createHmac('sha256', secret).update(text).digest('hex');

describe('the hash of a statement', () => {
  for (const keyBytes of [0, 1, 31, 32, 63, 64, 65, 200]) {
    it(`is HMAC-SHA-256 with a key of ${keyBytes} bytes`, () => {
      const secret = randomBytes(keyBytes);
      const hashes = new StatementHash(secret);
      for (const length of [0, 1, 55, 56, 63, 64, 65, 4_095, 4_096, 4_097, 70_000]) {
        const text = randomBytes(length);
        expect(hashes.ofBytes(text)).toBe(hmac(secret, text));
        expect(hashes.ofStatement(text)).toBe(hmac(secret, text));
      }
    });
  }

  it('does not mix up texts of any lengths, in any order, remembered or not', () => {
    const secret = randomBytes(32);
    const hashes = new StatementHash(secret, { entriesMax: 8, keptLengthMax: 100 });
    const texts = Array.from({ length: 40 }, (_, index) => randomBytes((index * 37) % 300));
    for (let round = 0; round < 400; round += 1) {
      const text = texts[Math.floor(Math.random() * texts.length)] ?? Buffer.alloc(0);
      expect(hashes.ofStatement(text)).toBe(hmac(secret, text));
    }
  });
});
