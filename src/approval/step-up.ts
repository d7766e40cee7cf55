// How much it takes to say yes to a hold, beyond being its approver: a level may want the console, where people sign in, or a passkey,
// which nobody has but the person. Pure. Saying no takes nothing more: it gives the agent nothing.
import type { StepUp, Catalog } from '../catalog/catalog.ts';
import type { HeldFacts } from './hold.ts';

export type StepUpNeed = 'none' | StepUp;

const strength: Readonly<Record<StepUpNeed, number>> = { none: 0, console: 1, passkey: 2 };

/**
 * The strictest of the levels that are touched. What is not understood may touch anything, and a level that is gone from the files
 * said something that nobody can read now: both take what the strictest of all levels takes.
 */
export function stepUpOf(
  { columns, reasons }: Pick<HeldFacts, 'columns' | 'reasons'>,
  levels: Catalog['levelByName'],
): StepUpNeed {
  const touched = columns.map(({ level }) => levels.get(level));
  const isSure = touched.every((level) => level !== undefined) && reasons.every(({ action }) => action !== 'notKnown');
  const asked = isSure ? touched : [...levels.values()];
  return asked.reduce<StepUpNeed>((most, level) => stricter(most, level?.stepUp ?? 'none'), 'none');
}

const stricter = (a: StepUpNeed, b: StepUpNeed): StepUpNeed => (strength[a] < strength[b] ? b : a);
