// Which budgets a statement draws on, and their names. Pure; the counters are in the store, see budget-purse.ts.
// A budget counts the rows of its levels that one agent reads in a window, over all its connections, databases and proxies: limits for
// a single statement can be cut around by asking in pages.
import type { Catalog } from '../catalog/catalog.ts';
import { durationText } from '../core/durations.ts';
import type { Place } from '../core/place.ts';
import { wildMatcher } from './glob.ts';
import type { Budget, Policy } from './policy-file.ts';

/** One agent's share of one budget. */
export interface BudgetClaim {
  /** Of the counter in the store. Not made of `rows`: changing the number in the file must not begin a new count. */
  readonly key: string;
  /** As in the file: `confidential+`. */
  readonly level: string;
  readonly per: string;
  readonly agent: string;
  readonly rowsMax: number;
  readonly windowMs: number;
  /** Its line in policy.yaml. */
  readonly place: Place;
}

/** `levels`: the names of all levels that the statement reads and shows. */
export function budgetClaims(
  { policy, catalog }: { readonly policy: Policy; readonly catalog: Catalog },
  agent: string,
  levels: Iterable<string>,
): readonly BudgetClaim[] {
  if (policy.budgets.length === 0) return none;
  const ranks = new Set<number>();
  for (const name of levels) {
    const rank = catalog.levelByName.get(name)?.rank;
    if (rank !== undefined) ranks.add(rank);
  }
  return claimsOf(
    policy.budgets.filter((budget) => includes(budget, ranks)),
    catalog,
    agent,
  );
}

/** Everything that this agent may be stopped by, for the agent's own eyes. */
export function allClaims(
  { policy, catalog }: { readonly policy: Policy; readonly catalog: Catalog },
  agent: string,
): readonly BudgetClaim[] {
  return claimsOf(policy.budgets, catalog, agent);
}

const none: readonly BudgetClaim[] = [];

function includes({ rankFrom, rankTo }: Budget, ranks: ReadonlySet<number>): boolean {
  for (const rank of ranks) if (rank >= rankFrom && rank <= rankTo) return true;
  return false;
}

function claimsOf(budgets: readonly Budget[], catalog: Catalog, agent: string): readonly BudgetClaim[] {
  const claims = new Map<string, BudgetClaim>();
  for (const budget of budgets) {
    if (budget.agent !== undefined && !wildMatcher(budget.agent)(agent)) continue;
    const claim = claimOf(budget, catalog, agent);
    const other = claims.get(claim.key);
    // Two lines about the same levels and window are one counter, and the smaller number is the one that bounds.
    if (other === undefined || other.rowsMax > claim.rowsMax) claims.set(claim.key, claim);
  }
  return [...claims.values()];
}

function claimOf({ rankFrom, rankTo, rowsMax, windowMs, place }: Budget, catalog: Catalog, agent: string): BudgetClaim {
  const name = catalog.levels[rankFrom]?.name ?? '';
  const level = rankTo > rankFrom ? `${name}+` : name;
  const key = `budget/${encodeURIComponent(agent)}/${level}/${windowMs}`;
  return { key, level, per: durationText(windowMs), agent, rowsMax, windowMs, place };
}

/** `budget confidential+: 500 rows per 1d` */
export function budgetName({ level, rowsMax, per }: BudgetClaim): string {
  return `budget ${level}: ${rowsMax} rows per ${per}`;
}
