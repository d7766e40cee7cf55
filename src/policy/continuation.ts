// The question in the middle of a stream: so many rows have been sent, may it go on? A verdict of its own, about nothing but that; what
// was decided before the statement ran stands.
import { isNonEmpty } from '../core/brand.ts';
import { notKnown } from '../core/known.ts';
import type { Analysis } from '../sql/analysis.ts';
import type { Asker } from './asker.ts';
import type { BudgetClaim } from './budget.ts';
import type { Classification } from './classification.ts';
import { factsOf, type Touch } from './facts.ts';
import { leveled } from './judge.ts';
import { needsOf, type HoldCause } from './needs.ts';
import type { Reason, Verdict } from './verdict.ts';

export interface ContinuationInput {
  readonly classification: Classification;
  readonly asker: Asker;
  readonly now: number;
}

export interface Stopped {
  readonly rowsSent: number;
  readonly bytesSent: number;
  /** How many rows in all a plain yes lets through; of a budget, how many it adds. */
  readonly rowsWished: number;
  /** Undefined: a level's `rows`, or a rule's. */
  readonly budget: { readonly claim: BudgetClaim; readonly used: number; readonly rowsMax: number } | undefined;
}

/** Never allow: somebody has to be asked, or the policy says that asking is no use. */
export function continuationVerdict(
  analyses: readonly Analysis[],
  input: ContinuationInput,
  stopped: Stopped,
): Exclude<Verdict, { readonly kind: 'allow' }> {
  const { classification, asker, now } = input;
  const { catalog, policy, floors } = classification;
  const facts = analyses.map((analysis) =>
    factsOf(analysis, { catalog, floors, asker, now, estimate: notKnown('rows have come already') }),
  );
  const touches = facts.flatMap((one) => one.reads.filter((touch) => isCounted(touch, stopped, classification)));
  const columns = touches.map(leveled);
  const place = stopped.budget === undefined ? policy.defaults.places.get('large') : stopped.budget.claim.place;
  const verdict = stopped.budget === undefined ? policy.defaults.large : 'hold';
  const rule = stopped.budget === undefined ? ruleOf(place === undefined) : `budget ${stopped.budget.claim.level}`;
  const reason: Reason = { verdict, action: 'large', rule, place, words: wordsOf(stopped, asker), columns };
  const judged = {
    columns,
    catalogVersion: catalog.version,
    validUntil: undefined,
    rowsMax: stopped.rowsSent,
    reasons: [reason] as const,
  };
  const cause: HoldCause = { by: 'level', touches };
  const [first] = facts;
  const needs = first === undefined ? [] : needsOf(touches.length > 0 ? [cause] : [{ by: 'notKnown' }], first, catalog);
  if (verdict === 'deny' || !isNonEmpty(needs)) return { kind: 'deny', ...judged };
  return { kind: 'hold', ...judged, needs };
}

function ruleOf(isUsual: boolean): string {
  return isUsual ? 'no policy: large' : 'default: large';
}

/** Columns whose people are asked: those that the bound is about. */
function isCounted(touch: Touch, { budget }: Stopped, { policy }: Classification): boolean {
  const { level } = touch.found;
  if (budget === undefined) return level.rows !== undefined || level.read !== 'allow';
  return policy.budgets.some(
    ({ rankFrom, rankTo, place }) => place === budget.claim.place && level.rank >= rankFrom && level.rank <= rankTo,
  );
}

function wordsOf({ rowsSent, bytesSent, rowsWished, budget }: Stopped, { agent }: Asker): string {
  if (budget !== undefined) {
    const { level, per } = budget.claim;
    const used = `${shown(budget.used)} of ${shown(budget.rowsMax)} rows`;
    return `${agent} has used its budget of ${level}: ${used} in ${per}; a yes adds ${shown(rowsWished)} rows`;
  }
  const size = bytesSent < 1024 * 1024 ? '' : ` (${shown(Math.round(bytesSent / 1024 / 1024))} MB)`;
  const sent = rowsSent === 1 ? `1 row${size} was sent` : `${shown(rowsSent)} rows${size} were sent`;
  return `${sent} and more are there; a yes lets it go on to ${shown(rowsWished)}`;
}

/** `10,000`. Not by the machine's language: cards read the same everywhere. */
function shown(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}
