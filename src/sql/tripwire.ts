// The last look before rows pass: RowDescription names, for each plain output column, the table and column it comes from. Postgres
// itself is so the witness against our own mistakes. Columns of system numbers (ctid, tableoid) hold no user's data.
import type { Analysis, ColumnName } from './analysis.ts';
import type { SchemaIndex } from './schema-index.ts';
import { columnOf, type Relation } from './schema.ts';
import { dotted } from '../core/names.ts';

export interface DescribedField {
  /** 0: computed. */
  readonly tableOid: number;
  readonly columnNumber: number;
}

export type Tripped = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** Every field must be a column that the analysis read, or a view's column that it gives out. `temporary`: the session's own relations. */
export function checkRowDescription(
  analysis: Pick<Analysis, 'reads' | 'outputs'>,
  fields: readonly DescribedField[],
  index: SchemaIndex,
  temporary: readonly Relation[] = [],
): Tripped {
  const foreseen = new Set<string>();
  for (const read of analysis.reads) {
    foreseen.add(keyOf(read.column));
    // A parent's field may name the child that the plan reads, and the other way round.
    for (const kin of read.kin) foreseen.add(keyOf(kin));
  }
  for (const output of analysis.outputs) if (output.origin !== undefined) foreseen.add(keyOf(output.origin));
  for (const { tableOid, columnNumber } of fields) {
    if (tableOid === 0 || columnNumber < 0) continue;
    const relation = index.relation(tableOid) ?? temporary.find((each) => each.oid === tableOid);
    // Number 0 is the whole row of the table: every column of it.
    const found = relation?.attributes.filter((each) => columnNumber === 0 || each.num === columnNumber) ?? [];
    if (relation === undefined || (found.length === 0 && columnNumber !== 0)) {
      return {
        ok: false,
        why: `column ${columnNumber} of relation ${tableOid}, which is not in the schema that was read`,
      };
    }
    const missing = found.find((attribute) => !foreseen.has(keyOf(columnOf(relation, attribute))));
    if (missing !== undefined) return { ok: false, why: dotted(relation.schema, relation.name, missing.name) };
  }
  return { ok: true };
}

const keyOf = ({ relation, column }: ColumnName): string => JSON.stringify([relation.schema, relation.name, column]);
