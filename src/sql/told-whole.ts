// One statement's analysis, and what a text alone does not tell of it.
import type { Analysis } from './analysis.ts';
import { withFormerNames } from './former-names.ts';
import { withOldRows } from './old-rows.ts';
import { temporaryOf, type Meaning } from './reading.ts';
import type { SchemaIndex } from './schema-index.ts';

/** With what only the whole schema and the open transaction tell of names. */
export function toldWhole(
  { index, meaning }: { readonly index: SchemaIndex; readonly meaning: Meaning },
  analysis: Analysis,
): Analysis {
  const whole = withFormerNames(withOldRows(analysis, index, temporaryOf(meaning)), meaning.own?.former, index);
  return meaning.own === undefined ? whole : { ...whole, inOwnSchema: true };
}
