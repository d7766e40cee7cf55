// Which columns of a result are shown as their likeness instead of being held. Only what is shown and nothing else can be masked: a
// filter, a join, an order or a group answers questions about the values whatever is shown of them.
//
// An attacker would compute something from the value that the mask misses. So an output that is computed from a masked column is
// masked whole, and a statement whose outputs are not known to the last one, or that calls a function that reads by itself, is not
// masked at all but held.
import type { MaskStyle } from '../core/mask-style.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Analysis, ColumnName, OutputColumn } from '../sql/analysis.ts';
import type { Touch } from './facts.ts';

export interface MaskedRead {
  readonly column: ColumnName;
  readonly style: MaskStyle;
}

/** Commands whose rows reach the client in the order of `outputs`. */
const shown: ReadonlySet<string> = new Set(['SELECT', 'TABLE', 'VALUES', 'COPY TO STDOUT']);

/** Whether it is known for sure which value stands where in the result, and that values go nowhere else. */
export function isMaskable(analysis: Analysis): boolean {
  if (!shown.has(analysis.command) || analysis.unknowns.length > 0) return false;
  if (analysis.command === 'COPY TO STDOUT' && analysis.copy?.known !== true) return false;
  if (analysis.kinds.some((kind) => kind !== 'read' && kind !== 'export')) return false;
  if (analysis.writes.length > 0 || analysis.flows.length > 0 || analysis.wholeTables.length > 0) return false;
  if (analysis.functions.some((use) => use.nature !== 'pure' && use.nature !== 'listed')) return false;
  return analysis.outputs.every((output) => output.name !== '*');
}

/** The column is shown, used for nothing else, and found among the outputs. What is computed from it tells nothing but by its result. */
export function isShownOnly(touch: Touch, analysis: Analysis): boolean {
  if (touch.column === undefined || touch.how !== 'read' || touch.exposed === true) return false;
  if (touch.uses.length !== 1 || touch.uses[0] !== 'output') return false;
  const wanted: ColumnName = { relation: touch.relation, column: touch.column };
  return analysis.outputs.some((output) => output.sources.some((source) => isSame(source, wanted)));
}

/** The category's own style or the nearest one above it, else the level's, else NULL. */
export function styleOf(touch: Touch, catalog: Catalog): MaskStyle {
  const { category, level } = touch.found;
  for (let name = category ?? ''; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
    const style = catalog.categories.get(name)?.mask;
    if (style !== undefined) return style;
  }
  return level.mask ?? 'null';
}

/** By place in the row; undefined passes as it is. */
export function maskPlan(
  outputs: readonly OutputColumn[],
  masks: readonly MaskedRead[],
): readonly (MaskStyle | undefined)[] {
  return outputs.map((output) => {
    const styles = new Set(
      masks.filter(({ column }) => output.sources.some((source) => isSame(source, column))).map(({ style }) => style),
    );
    const [style] = styles;
    if (style === undefined) return undefined;
    return output.plain && styles.size === 1 ? style : 'null';
  });
}

function isSame(a: ColumnName, b: ColumnName): boolean {
  return a.column === b.column && a.relation.name === b.relation.name && a.relation.schema === b.relation.schema;
}
