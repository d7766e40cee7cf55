// What was let through, once more, by definitions that moved while the server had it. Not a second way in: whoever is here has a permit,
// and is only ever stopped.
import { asApproved, levelsOf } from './approval/release.ts';
import { carried, type AdmissionOf, type Execution, type GateParts } from './gate-data.ts';
import type { Judging } from './policy/judging.ts';
import type { Verdict } from './policy/verdict.ts';
import type { Carried } from './policy/flows.ts';
import type { ReadText } from './sql/reading.ts';
import type { SchemaIndex } from './sql/schema-index.ts';

type Passed = Extract<AdmissionOf<unknown>, { readonly kind: 'pass' }>;

export interface ReadAgain {
  /** As it reads now; undefined: nobody can tell what it was. */
  readonly text: ReadText | undefined;
  readonly index: SchemaIndex | undefined;
}

export async function standsAgain(
  { execution, passed, now }: { readonly execution: Execution; readonly passed: Passed; readonly now: ReadAgain },
  parts: GateParts,
): Promise<boolean> {
  const [text, before] = [now.text ?? passed.text, passed.verdict];
  if (text === undefined || before === undefined) return false;
  const asker = execution.asker(text.reason);
  const verdict = now.text === undefined ? undefined : parts.judging.verdict(text, asker);
  if (verdict?.kind === 'allow') return true;
  const { by } = passed;
  if (before.kind === 'hold' && by !== undefined && asApproved(before, verdict, by) !== undefined) return true;
  // What it wrote may be there by now: then it is as strict to read as what it was made of.
  const left: readonly Carried[] = verdict?.carried ?? parts.judging.leftBehind(text, now.index, asker.database);
  if (left.length > 0)
    await carried(
      { execution, asker, reading: text, verdict: { ...(verdict ?? before), carried: left } },
      undefined,
      parts,
    );
  return false;
}

/**
 * Whether it would be let through as it was, by what is in force now. A portal may rest for days and a result flow for hours: a stricter
 * edit takes effect for them too. What people let through goes on while they would be asked about the same columns and levels.
 */
export function stillStands({ text, verdict, by }: Passed, execution: Execution, judging: Judging): boolean {
  if (text === undefined || verdict === undefined) return true;
  const now = judging.verdict(text, execution.asker(text.reason));
  if (now.kind === 'allow') return verdict.kind !== 'allow' || isAsWide(now, verdict);
  return by !== undefined && now.kind === 'hold' && levelsOf(now.columns) === levelsOf(verdict.columns);
}

/** Fewer rows, or other masks, are another result. */
function isAsWide(now: Verdict, before: Verdict): boolean {
  if ((now.rowsMax ?? Infinity) < (before.rowsMax ?? Infinity)) return false;
  return JSON.stringify(now.masks ?? []) === JSON.stringify(before.masks ?? []);
}
