// A counter in a moving window, as a document: steps and what was spent in each. Pure.
// The oldest step counts until it lies outside the window as a whole, so the window is never shorter than it says: the error is
// on the side of refusing.
import { stepMsOf, stepsPerWindow } from './asked.ts';
import type { Spending, Window } from './store.ts';

/** Step number and amount, oldest first. */
type Steps = readonly (readonly [number, number])[];

export interface Spent extends Spending {
  /** What the document becomes; undefined: it stays as it is. */
  readonly value: string | undefined;
}

export function spend(document: string | undefined, amount: number, window: Window, max: number | undefined): Spent {
  const step = Math.floor(window.at / stepMsOf(window));
  // Steps ahead of us were written by a process whose clock is ahead; they count, or a clock set back would empty the budget.
  const steps = stepsOf(document).filter(([number]) => number >= step - stepsPerWindow);
  const used = steps.reduce((sum, [, spentThen]) => sum + spentThen, 0);
  if (max !== undefined && used + amount > max) return { spent: false, used, value: undefined };
  if (amount === 0) return { spent: true, used, value: undefined };
  const here = steps.find(([number]) => number === step)?.[1] ?? 0;
  const others = steps.filter(([number]) => number !== step);
  const value = JSON.stringify([...others, [step, here + amount]].sort(([a], [b]) => (a ?? 0) - (b ?? 0)));
  return { spent: true, used: used + amount, value };
}

function stepsOf(document: string | undefined): Steps {
  if (document === undefined) return [];
  const value: unknown = JSON.parse(document);
  if (!Array.isArray(value) || !value.every(isStep)) throw new Error('a counter that holds something else');
  return value;
}

function isStep(value: unknown): value is readonly [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((number) => Number.isSafeInteger(number));
}
