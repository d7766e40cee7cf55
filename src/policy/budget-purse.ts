// What this process has of one budget. Rows are taken from the store in slices, ahead of their use, and counted there before the first
// of them passes: so a statement adds no round trip for each row, several proxies never let more pass than was allowed, and a crash
// loses at most what was taken and not used, which the agent could not read either.
//
//   store ──refill (a slice, over the network)──▶ purse ──draw (a handful, at once)──▶ one execution
//                                                   ◀──putBack (what it did not use)──
import type { Clock } from '../core/clock.ts';
import type { Store, Window } from '../store/store.ts';
import type { BudgetClaim } from './budget.ts';

export type BudgetStore = Pick<Store, 'spend'>;

export type Refill =
  | { readonly kind: 'room' }
  /** `used` counts what is taken and not used too. */
  | { readonly kind: 'empty'; readonly used: number; readonly rowsMax: number };

export interface BudgetStanding {
  readonly claim: BudgetClaim;
  /** With what people added in this window. */
  readonly rowsMax: number;
  readonly used: number;
}

const slicesPerBudget = 50;
const sliceRowsMax = 10_000;

/** What was taken counts from the taking, so it must be used soon after: the store's window is longer by this. */
function staleMs(windowMs: number): number {
  return Math.min(Math.ceil(windowMs / 24), 600_000);
}

export class Purse {
  readonly #claim: BudgetClaim;
  readonly #store: BudgetStore;
  readonly #clock: Clock;
  #left = 0;
  #takenAt = 0;
  #known: { readonly used: number; readonly rowsMax: number } | undefined;
  #refilling: Promise<Refill> | undefined;

  constructor(claim: BudgetClaim, store: BudgetStore, clock: Clock) {
    this.#claim = claim;
    this.#store = store;
    this.#clock = clock;
  }

  /** At least `least` rows and up to `wanted`, or none. */
  draw(least: number, wanted: number): number {
    this.#dropStale();
    if (this.#left < least) return 0;
    const drawn = Math.min(this.#left, Math.max(least, wanted));
    this.#left -= drawn;
    return drawn;
  }

  /** `takenAt`: when it was drawn. What is stale is lost rather than used in another window. */
  putBack(rows: number, drawnAt: number): void {
    if (rows <= 0 || this.#isStale(drawnAt)) return;
    this.#dropStale();
    this.#takenAt = this.#left === 0 ? drawnAt : Math.min(this.#takenAt, drawnAt);
    this.#left += rows;
  }

  /** Resolves when `draw(least)` gives something, or nothing is left. Rejects with UNAVAILABLE when the store is away. */
  async refill(least: number): Promise<Refill> {
    while (this.#refilling !== undefined) await this.#refilling.catch(() => undefined);
    this.#dropStale();
    if (this.#left >= least) return { kind: 'room' };
    this.#refilling = this.#take(least - this.#left);
    try {
      return await this.#refilling;
    } finally {
      this.#refilling = undefined;
    }
  }

  /** People let the agent have more in this window. `decision`: theirs, which many waited for, at several proxies, and which adds once. */
  async topUp(rows: number, decision?: string): Promise<void> {
    const [key, window] = [topUpKey(this.#claim), this.#window()];
    const isFirst = decision === undefined || (await this.#store.spend(`${key}/${decision}`, 1, window, 1)).spent;
    if (isFirst) await this.#store.spend(key, rows, window, undefined);
  }

  /** Taken from the store here and not used yet. */
  get left(): number {
    this.#dropStale();
    return this.#left;
  }

  /** How much of the budget rows have used, as far as this process knows; 0 when it knows nothing yet. */
  get share(): number {
    return this.#known === undefined ? 0 : (this.#known.used - this.#left) / this.#known.rowsMax;
  }

  async #take(least: number): Promise<Refill> {
    const { rowsMax } = this.#claim;
    const slice = Math.min(Math.max(1, Math.ceil(rowsMax / slicesPerBudget)), sliceRowsMax);
    const first = await this.#spend(least, slice, rowsMax);
    if (first.kind === 'room') return first;
    // Only at the end of the budget is it asked whether people added to it.
    const added = await this.#store.spend(topUpKey(this.#claim), 0, this.#window(), undefined);
    return added.used === 0 ? first : await this.#spend(least, slice, rowsMax + added.used);
  }

  /** A slice; near the end, what is left of the budget. */
  async #spend(least: number, slice: number, rowsMax: number): Promise<Refill> {
    let wanted = Math.max(least, slice);
    for (;;) {
      const takenAt = this.#clock.now();
      const { spent, used } = await this.#store.spend(this.#claim.key, wanted, this.#window(), rowsMax);
      this.#known = { used, rowsMax };
      if (spent) {
        this.#takenAt = this.#left === 0 ? takenAt : Math.min(this.#takenAt, takenAt);
        this.#left += wanted;
        return { kind: 'room' };
      }
      // Others may take in between, so this may go round; each time less is wanted, so it ends.
      wanted = Math.min(wanted - 1, rowsMax - used);
      if (wanted < least) return { kind: 'empty', used, rowsMax };
    }
  }

  #window(): Window {
    return windowOf(this.#claim, this.#clock);
  }

  #dropStale(): void {
    if (this.#left > 0 && this.#isStale(this.#takenAt)) this.#left = 0;
  }

  #isStale(takenAt: number): boolean {
    return this.#clock.now() - takenAt >= staleMs(this.#claim.windowMs);
  }
}

function windowOf({ windowMs }: BudgetClaim, clock: Clock): Window {
  return { ms: windowMs + staleMs(windowMs), at: clock.now() };
}

/** A counter of its own in the same window, so that what people add ends with it. */
function topUpKey({ key }: BudgetClaim): string {
  return `${key}/added`;
}

function nameOf({ key, rowsMax }: BudgetClaim): string {
  return `${key}=${rowsMax}`;
}

/** The purses of this process. */
export class Purses {
  readonly #store: BudgetStore;
  readonly #clock: Clock;
  readonly #purses = new Map<string, Purse>();

  constructor(store: BudgetStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** A changed number in the file is another purse: what the old one took is counted in the store already. */
  of(claim: BudgetClaim): Purse {
    const name = nameOf(claim);
    const there = this.#purses.get(name);
    if (there !== undefined) return there;
    const made = new Purse(claim, this.#store, this.#clock);
    this.#purses.set(name, made);
    return made;
  }

  /** What `countersign.budgets` shows. Asks the store and takes nothing. */
  async standings(claims: readonly BudgetClaim[]): Promise<readonly BudgetStanding[]> {
    return await Promise.all(
      claims.map(async (claim) => {
        const window = windowOf(claim, this.#clock);
        const [{ used }, added] = await Promise.all([
          this.#store.spend(claim.key, 0, window, undefined),
          this.#store.spend(topUpKey(claim), 0, window, undefined),
        ]);
        const here = this.#purses.get(nameOf(claim))?.left ?? 0;
        return { claim, rowsMax: claim.rowsMax + added.used, used: Math.max(0, used - here) };
      }),
    );
  }
}
