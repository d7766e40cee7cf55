// The keyed hash of a statement or its parameters: equal ones can be found, their text cannot be guessed without the key.
// An HMAC costs about two microseconds, so what repeats is remembered, within bounds an agent cannot push.
import { createHmac } from 'node:crypto';
import type { Sha256 } from '../core/brand.ts';

export interface StatementHashLimits {
  readonly entriesMax: number;
  /** Longer texts are hashed anew each time: one agent's megabyte statements shall not push out everybody's small ones. */
  readonly keptLengthMax: number;
}

const usual: StatementHashLimits = { entriesMax: 10_000, keptLengthMax: 4_096 };

export class StatementHash {
  readonly #secret: Buffer;
  readonly #limits: StatementHashLimits;
  #young = new Map<string, Sha256>();
  #old: ReadonlyMap<string, Sha256> = new Map();

  constructor(secret: Buffer, limits: StatementHashLimits = usual) {
    this.#secret = secret;
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
    return createHmac('sha256', this.#secret).update(bytes).digest('hex') as Sha256;
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
