// One execution's hand in one budget's purse: a bound that finds more room by itself as long as the purse has some.
import type { Clock } from '../core/clock.ts';
import type { BudgetClaim } from '../policy/budget.ts';
import type { Purse, Refill } from '../policy/budget-purse.ts';
import { budgetName } from '../policy/budget.ts';
import { rowBytesUsual, rowsCharged, type Amount, type Bound } from './rows.ts';

/** Drawn at once, so that the purse is not asked for every row; what is not used goes back. */
const handfulRows = 100;

const nothing: Amount = { rows: 0, bytes: 0 };

export class BudgetTap implements Bound {
  readonly claim: BudgetClaim;
  readonly name: string;
  readonly #purse: Purse;
  readonly #clock: Clock;
  /** What other executions of the same cursor have paid for. */
  #paid: Amount = nothing;
  /** Where it rests: until it goes on, all that passes is others'. */
  #rested: Amount | undefined = nothing;
  #drawn = 0;
  #drawnAt = 0;

  constructor(claim: BudgetClaim, purse: Purse, clock: Clock) {
    this.claim = claim;
    this.name = budgetName(claim);
    this.#purse = purse;
    this.#clock = clock;
  }

  rowsMax(): number {
    return this.#paid.rows + this.#drawn;
  }

  bytesMax(): number {
    return this.#paid.bytes + this.#drawn * rowBytesUsual;
  }

  /** Before the first row, and before the first one after a rest; `sent`: what has passed, of others too. */
  goOn(sent: Amount): void {
    if (this.#rested === undefined) return;
    const [{ rows, bytes }, rested] = [this.#paid, this.#rested];
    this.#paid = { rows: rows + sent.rows - rested.rows, bytes: bytes + sent.bytes - rested.bytes };
    this.#rested = undefined;
  }

  extend(wanted: Amount): boolean {
    const missing = this.missing(wanted);
    const drawn = this.#purse.draw(missing, Math.max(missing, handfulRows));
    if (drawn === 0) return false;
    if (this.#drawn === 0) this.#drawnAt = this.#clock.now();
    this.#drawn += drawn;
    return true;
  }

  /** Resolves when `extend` may find room, or the budget is used up. */
  refill(wanted: Amount): Promise<Refill> {
    return this.#purse.refill(this.missing(wanted));
  }

  /** What people said yes to: more for everybody who has this budget. */
  async topUp(rows: number, decision: string): Promise<void> {
    await this.#purse.topUp(rows, decision);
  }

  /** The execution rests or is over; `used` is what was sent in all. */
  settle(used: Amount): void {
    if (this.#rested !== undefined) return;
    this.#purse.putBack(this.#drawn - this.#charged(used), this.#drawnAt);
    this.#drawn = this.#charged(used);
    this.#rested = { rows: used.rows, bytes: used.bytes };
  }

  /** From 0 to 1. */
  get share(): number {
    return this.#purse.share;
  }

  /** Rows that the purse has to give before this much may pass. */
  missing(wanted: Amount): number {
    return this.#charged(wanted) - this.#drawn;
  }

  #charged({ rows, bytes }: Amount): number {
    return rowsCharged({ rows: rows - this.#paid.rows, bytes: bytes - this.#paid.bytes });
  }
}
