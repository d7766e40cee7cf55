// What was let through, once more, by definitions that moved while the server had it. Not a second way in: whoever is here has a permit,
// and is only ever stopped.
import { asApproved } from './approval/release.ts';
import { carried, type AdmissionOf, type Execution, type GateParts } from './gate-data.ts';
import type { ReadText } from './sql/reading.ts';

type Passed = Extract<AdmissionOf<unknown>, { readonly kind: 'pass' }>;

/** `text`: as it reads now; undefined: nobody can tell. */
export async function standsAgain(
  {
    execution,
    passed,
    text,
  }: { readonly execution: Execution; readonly passed: Passed; readonly text: ReadText | undefined },
  parts: GateParts,
): Promise<boolean> {
  if (text === undefined) return false;
  const asker = execution.asker(text.reason);
  const verdict = parts.judging.verdict(text, asker);
  if (verdict.kind === 'allow') return true;
  const { verdict: before, by } = passed;
  if (before?.kind === 'hold' && by !== undefined && asApproved(before, verdict, by) !== undefined) return true;
  // What it wrote may be there by now: then it is as strict to read as what it was made of.
  if (verdict.carried !== undefined) await carried({ execution, asker, reading: text, verdict }, undefined, parts);
  return false;
}
