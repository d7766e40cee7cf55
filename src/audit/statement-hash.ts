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
  readonly #kept = new Map<string, Sha256>();

  constructor(secret: Buffer, limits: StatementHashLimits = usual) {
    this.#secret = secret;
    this.#limits = limits;
  }

  /** Of a statement's text, as it was read. */
  ofText(text: string): Sha256 {
    const kept = this.#kept.get(text);
    if (kept !== undefined) return kept;
    const fresh = this.ofBytes(Buffer.from(text, 'utf8'));
    if (text.length <= this.#limits.keptLengthMax) this.#keep(text, fresh);
    return fresh;
  }

  /** Of a statement's own bytes, whatever their encoding; hot statements cost a look-up. */
  ofStatement(bytes: Buffer): Sha256 {
    const text = bytes.toString('latin1');
    const kept = this.#kept.get(text);
    if (kept !== undefined) return kept;
    const fresh = this.ofBytes(bytes);
    if (text.length <= this.#limits.keptLengthMax) this.#keep(text, fresh);
    return fresh;
  }

  /** Of bytes that seldom repeat, as parameters. */
  ofBytes(bytes: Uint8Array): Sha256 {
    return createHmac('sha256', this.#secret).update(bytes).digest('hex') as Sha256;
  }

  #keep(text: string, value: Sha256): void {
    if (this.#kept.size >= this.#limits.entriesMax) {
      const oldest = this.#kept.keys().next();
      if (oldest.done !== true) this.#kept.delete(oldest.value);
    }
    this.#kept.set(text, value);
  }
}
