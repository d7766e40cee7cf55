// Who comes next: jobs in turn by lane (an agent), so that one agent's pile does not stand before another's single statement. Bounded;
// a full queue answers at once instead of growing.

export interface QueueLimits {
  readonly jobsMax: number;
  readonly perLaneMax: number;
}

export class FairQueue<Job> {
  readonly #limits: QueueLimits;
  /** In turn order: a lane that was served goes to the end. */
  readonly #lanes = new Map<string, Job[]>();
  #size = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  offer(lane: string, job: Job): 'taken' | 'full' {
    const jobs = this.#lanes.get(lane);
    if (this.#size >= this.#limits.jobsMax || (jobs?.length ?? 0) >= this.#limits.perLaneMax) return 'full';
    if (jobs === undefined) this.#lanes.set(lane, [job]);
    else jobs.push(job);
    this.#size++;
    return 'taken';
  }

  take(): Job | undefined {
    for (const [lane, jobs] of this.#lanes) {
      const job = jobs.shift();
      this.#lanes.delete(lane);
      if (job === undefined) continue;
      if (jobs.length > 0) this.#lanes.set(lane, jobs);
      this.#size--;
      return job;
    }
    return undefined;
  }

  /** Everything at once, for closing. */
  drain(): readonly Job[] {
    const all = [...this.#lanes.values()].flat();
    this.#lanes.clear();
    this.#size = 0;
    return all;
  }
}
