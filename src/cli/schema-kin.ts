// Which columns speak for one: those of parents and partitions at any distance, and what a generated column is made of.
import type { ColumnName } from '../sql/analysis.ts';
import type { Relation, Snapshot } from '../sql/schema.ts';

export function kinOf(snapshot: Snapshot): (relation: Relation, column: string) => readonly ColumnName[] {
  const byOid = new Map(snapshot.relations.map((one) => [one.oid, one]));
  const family = new Map<number, Relation[]>();
  for (const { child, parent } of snapshot.inheritance) {
    const [a, b] = [byOid.get(child), byOid.get(parent)];
    if (a === undefined || b === undefined) continue;
    family.set(child, [...(family.get(child) ?? []), b]);
    family.set(parent, [...(family.get(parent) ?? []), a]);
  }
  return (relation, column) => {
    const kin: ColumnName[] = [];
    for (const other of relatives(relation, family)) {
      if (other.attributes.some((each) => each.name === column)) kin.push({ relation: other, column });
    }
    const own = relation.attributes.find((each) => each.name === column);
    for (const num of own?.generatedFrom ?? []) {
      const source = relation.attributes.find((each) => each.num === num);
      if (source !== undefined) kin.push({ relation, column: source.name });
    }
    return kin;
  };
}

function relatives(relation: Relation, family: ReadonlyMap<number, readonly Relation[]>): readonly Relation[] {
  const seen = new Set([relation.oid]);
  const found: Relation[] = [];
  const waiting = [relation];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const other of family.get(next.oid) ?? []) {
      if (seen.has(other.oid)) continue;
      seen.add(other.oid);
      found.push(other);
      waiting.push(other);
    }
  }
  return found;
}
