// The keyed hash of a statement or its parameters: equal ones can be found, their text cannot be guessed without the key. What repeats is
// remembered, within bounds an agent cannot push.
import { createHmac, hash } from 'node:crypto';
import type { Sha256 } from '../core/brand.ts';

export interface StatementHashLimits {
  readonly entriesMax: number;
  /** Longer texts are hashed anew each time. */
  readonly keptLengthMax: number;
}

/**
 * BEGIN, COMMIT, SELECT 1 and their like. A longer text of a simple Query mostly has values in it and never comes again, and a map that only
 * misses, and keeps what it missed, costs as much as the hash. A prepared text keeps its hash beside it.
 */
const usual: StatementHashLimits = { entriesMax: 1_000, keptLengthMax: 32 };

export class StatementHash {
  readonly #hmac: Hmac;
  readonly #limits: StatementHashLimits;
  #young = new Map<string, Sha256>();
  #old: ReadonlyMap<string, Sha256> = new Map();

  constructor(secret: Buffer, limits: StatementHashLimits = usual) {
    this.#hmac = new Hmac(secret);
    this.#limits = limits;
  }

  /** Of a statement's own bytes, whatever their encoding; hot statements cost a look-up. */
  ofStatement(bytes: Buffer): Sha256 {
    if (bytes.length > this.#limits.keptLengthMax) return this.ofBytes(bytes);
    const text = bytes.toString('latin1');
    const kept = this.#young.get(text) ?? this.#old.get(text);
    if (kept !== undefined) return kept;
    const fresh = this.ofBytes(bytes);
    this.#keep(text, fresh);
    return fresh;
  }

  /** Of bytes that seldom repeat, as parameters. */
  ofBytes(bytes: Uint8Array): Sha256 {
    return this.#hmac.of(bytes) as Sha256;
  }

  /** Two generations: taking the oldest entry out of one map costs more than a hash once thousands have been taken out. */
  #keep(text: string, value: Sha256): void {
    if (this.#young.size >= this.#limits.entriesMax / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, value);
  }
}

/** Of SHA-256: bytes of a block, and of a hash. */
const [blockBytes, hashBytes] = [64, 32];
const roomBytes = 4_096;

/**
 * HMAC-SHA-256 as RFC 2104 writes it down, from two hashes in one call each: node's own object for it costs twice as much to make, and as
 * much again to collect. A test holds both to the same result.
 */
class Hmac {
  readonly #secret: Buffer;
  /** The key's inner block with room for a text behind it. */
  readonly #inner = Buffer.alloc(blockBytes + roomBytes, 0x36);
  readonly #outer = Buffer.alloc(blockBytes + hashBytes, 0x5c);

  constructor(secret: Buffer) {
    this.#secret = secret;
    const key = secret.length > blockBytes ? hash('sha256', secret, 'buffer') : secret;
    for (const [at, byte] of key.entries()) {
      this.#inner[at] = byte ^ 0x36;
      this.#outer[at] = byte ^ 0x5c;
    }
  }

  of(text: Uint8Array): string {
    if (text.length > roomBytes) return createHmac('sha256', this.#secret).update(text).digest('hex');
    this.#inner.set(text, blockBytes);
    this.#outer.write(hash('sha256', this.#inner.subarray(0, blockBytes + text.length), 'hex'), blockBytes, 'hex');
    return hash('sha256', this.#outer, 'hex');
  }
}
