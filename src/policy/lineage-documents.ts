// What is kept of data that was carried: one document for each relation that took some. By its oid and the numbers of its columns, which
// survive every renaming, as soon as they are known; by names until then, for a relation that is only being made.
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { ColumnName, RelationName } from '../sql/analysis.ts';

const columnShape = z.object({
  name: z.string(),
  /** pg_attribute.attnum; 0: not known yet. */
  num: z.number().int(),
  level: z.string(),
  owner: z.string().optional(),
  said: z.string(),
  hold: z.string().optional(),
  from: z.array(z.string()),
});

const relationShape = z.object({
  database: z.string(),
  schema: z.string(),
  name: z.string(),
  /** 0: not known yet. */
  oid: z.number().int(),
  /** While it is not known: it is above this one, which was the highest. */
  above: z.number().int().optional(),
  /** The session that made it has said so; absent: by its name in a later schema. */
  isTold: z.literal(true).optional(),
  /** Wall-clock milliseconds. */
  at: z.number(),
  columns: z.array(columnShape),
});

export type KeptColumn = z.output<typeof columnShape>;
export type KeptRelation = z.output<typeof relationShape>;

export const lineageKeys = {
  all: 'lineage/',
  /** Moves with every change of any document, so that looking costs one read. */
  stamp: 'lineage-stamp',
  of: ({ database, oid, schema, name }: Pick<KeptRelation, 'database' | 'oid' | 'schema' | 'name'>): string => {
    const what = oid === 0 ? `n${hashed(schema, name)}` : `o${oid}`;
    return `lineage/${hashed(database).slice(0, 24)}/${what}`;
  },
} as const;

/** Names may be of any letters and length; a key may not. */
function hashed(...names: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(names)).digest('hex');
}

/** Throws a plain error on a text that is no such document. */
export function parseKept(text: string): KeptRelation {
  return relationShape.parse(JSON.parse(text));
}

/** Of columns that took data twice the later word about the catalog counts, and the strictest level. */
export function mergedColumns(
  before: readonly KeptColumn[],
  fresh: readonly KeptColumn[],
  rankOf: (level: string) => number,
): readonly KeptColumn[] {
  const columns = new Map(before.map((one) => [one.name, one]));
  for (const one of fresh) {
    const old = columns.get(one.name);
    if (old === undefined) {
      columns.set(one.name, one);
      continue;
    }
    const [low, high] = rankOf(old.level) > rankOf(one.level) ? [one, old] : [old, one];
    const from = [...new Set([...high.from, ...low.from])].slice(0, fromMax);
    columns.set(one.name, { ...high, num: old.num === 0 ? one.num : old.num, from, said: one.said });
  }
  return [...columns.values()];
}

/** Columns that are named as the origin of one. */
export const fromMax = 50;

export function keyOfName({ relation, column }: ColumnName): string {
  return `${keyOfRelation(relation)}\0${column}`;
}

function keyOfRelation({ schema, name }: RelationName): string {
  return `${schema}\0${name}`;
}
