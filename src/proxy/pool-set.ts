// The idle connections of one pool that were opened with the same start-up parameters.
//
// Why by parameters: what a session gives at start-up becomes its *reset* values. A connection opened without them and SET to them
// looks the same until the agent says RESET or DISCARD ALL. So a warm connection serves only sessions that would have been opened
// with exactly its parameters; programs that connect often do so with the same ones.
import type { Upstream } from './upstream.ts';
import type { IdleLink } from './idle-link.ts';

export interface Idle {
  readonly upstream: Upstream;
  readonly link: IdleLink;
  readonly bornAt: number;
  readonly idleSince: number;
}

/** What a fresh connection with these parameters says of itself. */
export interface Baseline {
  readonly fingerprint: string;
  readonly parameters: ReadonlyMap<string, string>;
}

export class PoolSet {
  readonly parameters: ReadonlyMap<string, string>;
  baseline: Baseline | undefined;
  uses = 0;
  usedAt = 0;
  /** Connections being opened to be kept ready. */
  filling = 0;
  failures = 0;
  retry: NodeJS.Timeout | undefined;
  #idle: Idle[] = [];

  constructor(parameters: ReadonlyMap<string, string>) {
    this.parameters = parameters;
  }

  get idle(): readonly Idle[] {
    return this.#idle;
  }

  add(idle: Idle): void {
    this.#idle.push(idle);
  }

  remove(idle: Idle): boolean {
    const before = this.#idle.length;
    this.#idle = this.#idle.filter((other) => other !== idle);
    return this.#idle.length < before;
  }

  /** The one used last: the others may then grow old and go. */
  pop(): Idle | undefined {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.link.usable) return idle;
      idle.link.close();
    }
    return undefined;
  }

  /** Takes out all that `isOld` says so of, the oldest first. */
  takeOut(isOld: (idle: Idle, index: number) => boolean): readonly Idle[] {
    const out = this.#idle.filter(isOld);
    this.#idle = this.#idle.filter((idle) => !out.includes(idle));
    return out;
  }

  stop(): void {
    clearTimeout(this.retry);
    this.retry = undefined;
    for (const idle of this.#idle) idle.link.close();
    this.#idle = [];
  }
}

export function keyOf(parameters: ReadonlyMap<string, string>): string {
  return JSON.stringify([...parameters].sort(([a], [b]) => (a < b ? -1 : 1)));
}
