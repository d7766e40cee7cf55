// The last look before rows pass: RowDescription names, for each plain output column, the table and column it comes from. Postgres
// itself is so the witness against our own mistakes. Columns of system numbers (ctid, tableoid) hold no user's data.
import type { Analysis, ColumnName, DescribedRelation } from './analysis.ts';
import type { SchemaIndex } from './schema-index.ts';
import type { Relation } from './schema.ts';
import type { SessionEffect } from './statement-effects.ts';
import { dotted } from '../core/names.ts';

export interface DescribedField {
  /** 0: computed. */
  readonly tableOid: number;
  readonly columnNumber: number;
}

export type Tripped = { readonly ok: true } | { readonly ok: false; readonly why: string };

type Foreseen = Pick<Analysis, 'reads' | 'outputs' | 'described'>;

/** Every field must be a column that the analysis read, or a view's column that it gives out. `temporary`: the session's own relations. */
export function checkRowDescription(
  analysis: Foreseen,
  fields: readonly DescribedField[],
  index: SchemaIndex,
  temporary: readonly Relation[] = [],
): Tripped {
  const foreseen = new Set(foreseenOf(analysis).map(keyOf));
  for (const { tableOid, columnNumber } of fields) {
    if (tableOid === 0 || columnNumber < 0) continue;
    const of = (list: readonly DescribedRelation[] | undefined) => list?.find((each) => each.oid === tableOid);
    const relation = of(analysis.described) ?? index.relation(tableOid) ?? of(temporary);
    // Number 0 is the whole row of the table: every column of it.
    const found = relation?.attributes.filter((each) => columnNumber === 0 || each.num === columnNumber) ?? [];
    if (relation === undefined || (found.length === 0 && columnNumber !== 0)) {
      return {
        ok: false,
        why: `column ${columnNumber} of relation ${tableOid}, which is not in the schema that was read`,
      };
    }
    const missing = found.find(({ name }) => !foreseen.has(keyOf({ relation, column: name })));
    if (missing !== undefined) return { ok: false, why: dotted(relation.schema, relation.name, missing.name) };
  }
  return { ok: true };
}

interface Kept {
  readonly index: SchemaIndex;
  readonly temporary: readonly Relation[];
  readonly effects: readonly SessionEffect[];
}

/** What is put under a cursor's name, with the relations that its descriptions will speak of. */
export function withDescribed(analysis: Analysis, { index, temporary, effects }: Kept): Analysis {
  if (!effects.some(({ kind }) => kind === 'declareCursor')) return analysis;
  const named = new Set(foreseenOf(analysis).map(({ relation: { schema, name } }) => JSON.stringify([schema, name])));
  const described = [...named].flatMap((key) => {
    const [schema, name = '']: readonly string[] = JSON.parse(key);
    const others = temporary.filter((each) => each.name === name);
    return [...index.relationsNamed(name), ...others].filter((each) => each.schema === schema);
  });
  return described.length === 0 ? analysis : { ...analysis, described };
}

function foreseenOf({ reads, outputs }: Pick<Analysis, 'reads' | 'outputs'>): readonly ColumnName[] {
  // A parent's field may name the child that the plan reads, and the other way round.
  const read = reads.flatMap(({ column, kin }) => [column, ...kin]);
  return [...read, ...outputs.flatMap(({ origin }) => origin ?? [])];
}

const keyOf = ({ relation, column }: ColumnName): string => JSON.stringify([relation.schema, relation.name, column]);
