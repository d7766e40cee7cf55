// How much it takes to say yes to a hold, beyond being its approver: a level may want the console, where people sign in, or a passkey,
// which nobody has but the person. Saying no takes nothing more: it gives the agent nothing.
import { assertNever } from '../core/exhaustive.ts';
import { brokenPasskey } from '../core/passkey-proof.ts';
import type { StepUp, Catalog } from '../catalog/catalog.ts';
import type { HeldFacts, Vote } from './hold.ts';
import type { Passkeys } from './passkeys.ts';
import { once, type Terms } from './terms.ts';

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

export interface Approved {
  readonly hold: string;
  /** Over everything that the approval is for; see binding.ts. */
  readonly binding: string;
  readonly person: string;
  readonly terms: Terms;
}

/** What a passkey signs the hash of. Whoever sees it in a receipt can read it; no two approvals have the same. */
export function approvalText({ hold, binding, person, terms }: Approved): string {
  return JSON.stringify({ approve: hold, binding, person, terms: termsOf(terms) });
}

/** Members in one order, whoever made them. */
function termsOf(terms: Terms): Record<string, unknown> {
  switch (terms.kind) {
    case 'once':
      return { kind: terms.kind };
    case 'rows':
      return { kind: terms.kind, rowsMax: terms.rowsMax };
    case 'masked':
      return { kind: terms.kind, rowsMax: terms.rowsMax ?? null };
    case 'shape':
      return { kind: terms.kind, forMs: terms.forMs, usesMax: terms.usesMax, rowsMax: terms.rowsMax ?? null };
    default:
      return assertNever(terms);
  }
}

/** A token that was copied out of a script, or a chat on an unlocked phone, is not the console. */
const isCastThere = ({ castAt, passkey }: Vote): boolean => castAt === 'console' || passkey !== undefined;

/** Of a time before the level asked for more, a yes without it does not count any more. */
export function isStrongEnough(vote: Vote | undefined, need: StepUpNeed): boolean {
  if (need === 'none') return true;
  return vote !== undefined && (need === 'passkey' ? vote.passkey !== undefined : isCastThere(vote));
}

/**
 * Why this yes does not count yet; undefined: it does. The desk asks it of every channel alike: one that knows nothing of passkeys
 * gets the words that say where to go.
 */
export async function stepUpTrouble(
  facts: HeldFacts,
  vote: Vote,
  { need, passkeys }: { readonly need: StepUpNeed; readonly passkeys: Pick<Passkeys, 'find'> },
): Promise<string | undefined> {
  if (need === 'none' || vote.vote === 'deny') return undefined;
  if (need === 'console') {
    return isCastThere(vote)
      ? undefined
      : `a yes to this is given in the console: open ${facts.id} there and approve it`;
  }
  const { passkey: proof, person, terms = once } = vote;
  if (proof === undefined) return `a yes to this takes a passkey: open ${facts.id} in the console and approve it there`;
  const expected = approvalText({ hold: facts.id, binding: facts.binding, person, terms });
  if (proof.signed !== expected) return 'the passkey signed something else than this approval';
  const known = await passkeys.find(person, proof.credential);
  if (known?.key !== proof.key || known.rp !== proof.rp) return 'this passkey is not one of this person';
  const broken = brokenPasskey(proof);
  return broken === undefined ? undefined : `the passkey’s answer does not hold: ${broken}`;
}
