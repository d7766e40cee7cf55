// What is counted while statements run: plain numbers that are added to, and that /metrics reads when it is asked. Adding costs
// nothing that a statement could feel, and nobody on the hot path knows who reads.

/** Summed over the process. Only ever added to. */
export class Tallies {
  statementsAllowed = 0;
  statementsHeld = 0;
  statementsDenied = 0;
  statementsRefused = 0;
  statementsFailed = 0;
  rowsToAgents = 0;
  bytesToAgents = 0;
  loginsDone = 0;
  loginsFailed = 0;
  /** From the release of a statement to the end of its answer, in milliseconds. */
  readonly statementMs = new Buckets([1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 60_000]);
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
    for (let index = 0; index < this.bounds.length; index += 1) {
      if (amount <= (this.bounds[index] ?? 0)) {
        this.counts[index] = (this.counts[index] ?? 0) + 1;
        return;
      }
    }
  }
}
