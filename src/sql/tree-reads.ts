// Reads of a tree while they are gathered: one entry for a column on one way, with every use of it.
import type { ColumnUse } from './analysis.ts';
import type { TreeColumn, TreeRead } from './tree.ts';

export type Reads = Map<string, { readonly read: Omit<TreeRead, 'uses'>; readonly uses: Set<ColumnUse> }>;

export function key(column: TreeColumn): string {
  return `${column.relid}.${column.attnum}`;
}

export function add(reads: Reads, read: Omit<TreeRead, 'uses'>, use: ColumnUse): void {
  const name = [key(read), ...read.via].join(':');
  const entry = reads.get(name) ?? { read, uses: new Set<ColumnUse>() };
  entry.uses.add(use);
  reads.set(name, entry);
}

export function listed(reads: Reads): readonly TreeRead[] {
  return [...reads.values()].map(({ read, uses }) => ({ ...read, uses: [...uses] }));
}
