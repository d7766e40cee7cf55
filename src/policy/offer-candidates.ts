// What could be left out of a statement so that it would pass: wishes for a counter-offer, the one that gives up least first. Only wishes:
// `sql/offer.ts` writes the statement, and nobody shows it before it was analysed and judged `allow` like any other.
import { relationKey } from '../catalog/catalog.ts';
import type { Analysis, ColumnName } from '../sql/analysis.ts';
import type { OfferWish } from '../sql/offer-proof.ts';
import type { Policy } from './policy-file.ts';
import type { Verdict } from './verdict.ts';

export function offerCandidates(verdict: Verdict, analysis: Analysis, policy: Policy): readonly OfferWish[] {
  const against = verdict.reasons.filter((reason) => reason.verdict !== 'allow');
  if (against.length === 0 || analysis.unknowns.length > 0) return [];
  // What is wrong with the statement as a whole does not get better by leaving columns out.
  const isAboutRows = (action: string): boolean => action === 'large';
  if (!against.every((reason) => reason.columns.length > 0 || isAboutRows(reason.action))) return [];
  const columns = new Set(against.flatMap((reason) => reason.columns.map((one) => keyOf(one.column))));
  const wishes: OfferWish[] = [];
  if (columns.size > 0 && areOnlyShown(columns, analysis)) wishes.push(...withoutColumns(columns, analysis));
  wishes.push(...limits(verdict, analysis, policy).map((rows) => ({ kind: 'limit' as const, rows })));
  if (areOnlyShown(columns, analysis)) wishes.push({ kind: 'count' });
  return wishes;
}

const keyOf = (column: ColumnName): string => `${relationKey(column.relation)}\0${column.column}`;

/** A column that filters or joins would still be used when it is no longer shown. */
function areOnlyShown(columns: ReadonlySet<string>, analysis: Analysis): boolean {
  const reads = analysis.reads.filter((read) => columns.has(keyOf(read.column)));
  return reads.every((read) => read.uses.every((use) => use === 'output'));
}

function withoutColumns(columns: ReadonlySet<string>, { outputs }: Analysis): readonly OfferWish[] {
  const keep = outputs.flatMap(({ sources }, index) =>
    sources.some((source) => columns.has(keyOf(source))) ? [] : [index],
  );
  if (keep.length === 0 || keep.length === outputs.length) return [];
  return [{ kind: 'keepOutputs', keep, names: outputs.map((output) => output.name) }];
}

/** The rows that the level lets through, and those of rules that allow a few; never more than three tries. */
function limits(verdict: Verdict, analysis: Analysis, policy: Policy): readonly number[] {
  const bounds = policy.rules.flatMap((rule) =>
    rule.then === 'allow' && rule.rowsMax !== undefined ? [rule.rowsMax] : [],
  );
  if (verdict.rowsMax !== undefined) bounds.push(verdict.rowsMax);
  const useful = bounds.filter((rows) => analysis.rowsMax === undefined || rows < analysis.rowsMax);
  return [...new Set(useful)].toSorted((a, b) => b - a).slice(0, 3);
}
