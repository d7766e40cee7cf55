// Counting outcomes, and the table that is printed.
import type { Both, Compared, Outcome } from './lab.ts';

const examplesMax = 60;

export class Tally {
  readonly name: string;
  readonly counts: Record<Outcome, number> = { exact: 0, over: 0, notKnown: 0, missed: 0 };
  readonly examples: Record<Outcome, Compared[]> = { exact: [], over: [], notKnown: [], missed: [] };
  readonly reasons = new Map<string, number>();
  /** What both witnesses came to, and why not. */
  readonly both: Record<Both['outcome'], number> = { agree: 0, settled: 0, notKnown: 0, noTree: 0, disagree: 0 };
  readonly unlike = new Map<string, string>();

  constructor(name: string) {
    this.name = name;
  }

  add(compared: Compared | undefined): void {
    if (compared === undefined) return;
    this.counts[compared.outcome] += 1;
    if (compared.both !== undefined) {
      const { outcome, words } = compared.both;
      this.both[outcome] += 1;
      if (words !== '' && this.unlike.size < 60) this.unlike.set(`${outcome}: ${words}`, compared.sql);
    }
    const examples = this.examples[compared.outcome];
    if (compared.outcome !== 'exact' && examples.length < examplesMax) examples.push(compared);
    if (compared.outcome !== 'notKnown') return;
    const reason = (compared.words[0] ?? '').replace(/"[^"]*"|\b[a-z_0-9.]+\b(?= is in the schema| with \d)/g, '…');
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  row(): string {
    const share = (outcome: Outcome): string =>
      `${((100 * this.counts[outcome]) / Math.max(1, this.total)).toFixed(2)} %`;
    return [
      this.name.padEnd(24),
      String(this.total).padStart(7),
      `${this.counts.exact} (${share('exact')})`.padStart(18),
      `${this.counts.over} (${share('over')})`.padStart(15),
      `${this.counts.notKnown} (${share('notKnown')})`.padStart(15),
      String(this.counts.missed).padStart(7),
    ].join('  ');
  }
}

export const heading = [
  'corpus'.padEnd(24),
  'asked'.padStart(7),
  'exact'.padStart(18),
  'over'.padStart(15),
  'not known'.padStart(15),
  'missed'.padStart(7),
].join('  ');
