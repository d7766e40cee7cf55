// What the data path counts: plain numbers that it adds to, and that /metrics reads when it is asked. Adding costs nothing that
// a statement could feel, and nobody on the hot path knows who reads.

/** Each agent session's and each upstream's doings, summed over the process. Only ever added to. */
export class Tallies {
  statementsAllowed = 0;
  statementsHeld = 0;
  statementsDenied = 0;
  bytesFromAgents = 0;
  bytesToAgents = 0;
  upstreamConnects = 0;
  upstreamConnectsFailed = 0;
  upstreamReused = 0;
  loginsFailed = 0;
  /** From a connection's first byte to the end of its login, database included. */
  readonly loginMs = new Buckets([1, 3, 10, 30, 100, 300, 1000, 3000, 10_000]);
  /** From a hold's beginning to its release, refusal or withdrawal. */
  readonly heldMs = new Buckets([1000, 3000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000]);
}

/** A histogram of plain numbers. Bounds rise; what is above the last counts only into `count`. */
export class Buckets {
  readonly bounds: readonly number[];
  /** How many fell at or under each bound and above the one before. */
  readonly counts: number[];
  count = 0;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  add(amount: number): void {
    this.count += 1;
    this.sum += amount;
    const index = this.bounds.findIndex((bound) => amount <= bound);
    if (index >= 0) this.counts[index] = (this.counts[index] ?? 0) + 1;
  }
}
