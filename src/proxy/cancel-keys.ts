// Which session a CancelRequest means. The agent is given the server's own process id (so that `pg_backend_pid()` agrees with what
// its driver shows) and a secret of ours; the server's secret never leaves this process.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export interface CancelKey {
  readonly processId: number;
  readonly secret: Buffer;
}

export interface Cancellable {
  /** Resolves when it can stop nothing any more that is sent from then on; never rejects. */
  cancel(): Promise<void>;
}

export class CancelKeys {
  /** By process id; several, because two database servers may use the same one. */
  readonly #holders = new Map<number, Set<{ readonly secret: Buffer; readonly session: Cancellable }>>();

  /** Protocol 3.0 has room for four bytes of secret; 3.2 for 256, of which 32 are plenty. */
  issue(processId: number, minor: number): CancelKey {
    return { processId, secret: randomBytes(minor >= 2 ? 32 : 4) };
  }

  /** From now on the key means this session; call what is returned when the session ends. */
  hold(key: CancelKey, session: Cancellable): () => void {
    const holders = this.#holders.get(key.processId) ?? new Set();
    const holder = { secret: key.secret, session };
    holders.add(holder);
    this.#holders.set(key.processId, holders);
    return () => {
      holders.delete(holder);
      if (holders.size === 0) this.#holders.delete(key.processId);
    };
  }

  /** For a key that another process was asked with: its mark says which it is, and not what it is. */
  cancelMarked(mark: string): boolean {
    const holders = this.#holders.get(Number(/^\d+/.exec(mark)?.[0])) ?? [];
    const found = [...holders].find(({ secret }) => markOf({ processId: Number.parseInt(mark, 10), secret }) === mark);
    void found?.session.cancel();
    return found !== undefined;
  }

  /** Undefined: the key is nobody's here. The protocol gives a cancel no answer either way. */
  cancel(key: CancelKey): Promise<void> | undefined {
    for (const { secret, session } of this.#holders.get(key.processId) ?? []) {
      if (secret.length === key.secret.length && timingSafeEqual(secret, key.secret)) {
        return session.cancel();
      }
    }
    return undefined;
  }
}

/** Goes to other processes, by roads that others may read: enough to find the session by, not enough to ask for its cancelling anew. */
export function markOf({ processId, secret }: CancelKey): string {
  return `${processId} ${createHash('sha256').update(`cancel ${processId} `).update(secret).digest('hex')}`;
}
