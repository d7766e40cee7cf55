// Whether a rule applies to a statement, and to which of the things it touches.
import type { Facts, Touch } from './facts.ts';
import type { Rule } from './policy-file.ts';

export type Match = { readonly applies: false } | { readonly applies: true; readonly touches: readonly Touch[] };

const noMatch: Match = { applies: false };

/** For rules that hold or deny: it applies unless a condition says no for sure. */
export function matchAgainst(rule: Rule, facts: Facts): Match {
  if (rule.statementTests.some((one) => one.test(facts) === 'no')) return noMatch;
  if (rule.columnTests.length === 0) return { applies: true, touches: [] };
  const isMeant = (touch: Touch): boolean => rule.columnTests.every((one) => one.test(touch, facts) !== 'no');
  const touches = [...facts.reads.filter(isMeant), ...facts.others.filter(isMeant)];
  // A statement that is not understood may touch any column, so also the ones that the rule names.
  return touches.length > 0 || facts.isUnknown ? { applies: true, touches } : noMatch;
}

/** For rules that allow or mask: whether the rule speaks about this statement for sure. */
export function speaksFor(rule: Rule, facts: Facts, then: 'allow' | 'mask'): boolean {
  return rule.then === then && rule.statementTests.every((one) => one.test(facts) === 'yes');
}

/** Whether a rule that speaks for the statement lifts the level's own hold of one column. */
export function liftsLevel(rule: Rule, touch: Touch, facts: Facts): boolean {
  const isAboutReading = rule.actions === undefined || rule.actions.has('read') || rule.actions.has('export');
  return rule.namesColumns && isAboutReading && rule.columnTests.every((one) => one.test(touch, facts) === 'yes');
}

/** Whether a rule that masks may be meant for a column: as with rules that hold, unless a condition says no. */
export function mayMask(rule: Rule, touch: Touch, facts: Facts): boolean {
  if (rule.then !== 'mask' || rule.statementTests.some((one) => one.test(facts) === 'no')) return false;
  return rule.columnTests.every((one) => one.test(touch, facts) !== 'no');
}

/** Whether a rule that speaks for the statement lifts the default of an action: it names the action and all that is touched. */
export function liftsAction(rule: Rule, action: string, facts: Facts): boolean {
  if (rule.actions?.has(action) !== true) return false;
  if (rule.columnTests.length === 0) return true;
  const isNamed = (touch: Touch): boolean => rule.columnTests.every((one) => one.test(touch, facts) === 'yes');
  return facts.others.length > 0 && facts.others.every(isNamed);
}

/** Until when the answers of all conditions that look at the clock stand. */
export function validUntil(rules: readonly Rule[], facts: Facts): number | undefined {
  let until: number | undefined;
  for (const rule of rules) {
    for (const { until: untilOf } of rule.statementTests) {
      const moment = untilOf?.(facts);
      if (moment !== undefined && (until === undefined || moment < until)) until = moment;
    }
  }
  return until;
}
