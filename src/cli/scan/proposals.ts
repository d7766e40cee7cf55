// Proposals for columns that nobody named, in the words of the house's own taxonomy, and as YAML for review.
import { dotted, quoteName } from '../../core/names.ts';
import type { Catalog, Level } from '../../catalog/catalog.ts';
import { levelOf, type FoundLevel } from '../../catalog/levels.ts';
import { leakyLevel } from '../../catalog/system-catalogs.ts';
import type { DataKind } from './detectors.ts';
import { proposalOf, type Proposal } from './judge-column.ts';
import type { SampledTable } from './sample-tables.ts';

export interface ColumnProposal {
  readonly table: string;
  readonly column: string;
  readonly proposal: Proposal;
  /** A category of the taxonomy, or a level where it has none that fits. */
  readonly word: string;
  readonly level: Level;
  readonly now: FoundLevel;
}

export interface ScanResult {
  /** For columns without an entry, table default or pattern. */
  readonly proposals: readonly ColumnProposal[];
  /** Columns whose entry is lower than what their values look like, and gives no reason. */
  readonly doubts: readonly ColumnProposal[];
  /** Nothing said about them, nothing seen in them. */
  readonly silent: readonly { readonly table: string; readonly column: string; readonly type: string }[];
  readonly troubles: readonly { readonly table: string; readonly words: string }[];
}

export function scanResult(catalog: Catalog, database: string, tables: readonly SampledTable[]): ScanResult {
  const proposals: ColumnProposal[] = [];
  const doubts: ColumnProposal[] = [];
  const silent: { table: string; column: string; type: string }[] = [];
  for (const { relation, columns } of tables) {
    const table = dotted(relation.schema, relation.name);
    for (const column of columns) {
      const now = levelOf(catalog, database, { relation, column: column.name });
      const isNamed = now.by !== 'unclassified';
      const proposal = proposalOf(column);
      const name = quoteName(column.name);
      if (proposal === undefined) {
        if (!isNamed) silent.push({ table, column: name, type: column.typeName });
        continue;
      }
      const { word, level } = wordFor(catalog, proposal.kind);
      const one = { table, column: name, proposal, word, level, now };
      if (!isNamed) proposals.push(one);
      // A name alone is a guess that the writer of the entry has made too; values are evidence.
      else if (
        level.rank > now.level.rank &&
        proposal.sure !== 'name' &&
        !hasReason(catalog, database, relation, column.name)
      )
        doubts.push(one);
    }
  }
  const troubles = tables.flatMap(({ relation, trouble }) =>
    trouble === undefined ? [] : [{ table: dotted(relation.schema, relation.name), words: trouble }],
  );
  return { proposals, doubts, silent, troubles };
}

function hasReason(catalog: Catalog, database: string, relation: SampledTable['relation'], column: string): boolean {
  const table = catalog.databases.get(database)?.tables.get(`${relation.schema}\0${relation.name}`);
  return (table?.columns.get(column) ?? table?.default)?.reason !== undefined;
}

/** The category of that name; else the one that ends in its last word; else its parent; else a level that fits what it is. */
function wordFor(catalog: Catalog, kind: DataKind): { readonly word: string; readonly level: Level } {
  const last = kind.split('.').at(-1) ?? kind;
  const names = [...catalog.categories.keys()];
  const parents = kind.split('.').map((_part, index, parts) => parts.slice(0, parts.length - index).join('.'));
  const name =
    names.find((one) => one === kind) ??
    names.find((one) => one.split('.').at(-1) === last) ??
    parents.find((parent) => catalog.categories.has(parent));
  const category = name === undefined ? undefined : catalog.categories.get(name);
  if (category !== undefined) return { word: category.name, level: category.level };
  const isSecret = kind === 'credential' || kind === 'financial.card.pan';
  const secret = catalog.levels.findLast((level) => level.read === 'deny');
  const level = isSecret && secret !== undefined ? secret : leakyLevel(catalog);
  return { word: level.name, level };
}

/** A file for review. Columns without evidence are comments: what to make of them is a person's word, not a machine's. */
export function proposalYaml(database: string, result: ScanResult): string {
  const lines = ['version: 1', `database: ${JSON.stringify(database)}`, 'tables:'];
  const tables = new Set([...result.proposals, ...result.silent].map((one) => one.table));
  let isEmpty = true;
  for (const table of [...tables].toSorted()) {
    const found = result.proposals.filter((one) => one.table === table);
    const silent = result.silent.filter((one) => one.table === table);
    if (found.length > 0) {
      lines.push(`  ${JSON.stringify(table)}:`, '    columns:');
      isEmpty = false;
    } else lines.push(`  # ${table}:`);
    for (const { column, word, proposal } of found)
      lines.push(`      ${JSON.stringify(column)}: ${word} # ${proposal.evidence}`);
    for (const { column, type } of silent) lines.push(`      # ${JSON.stringify(column)}: ${type}, nothing to see`);
  }
  if (isEmpty) lines[2] = 'tables: {}';
  return `${lines.join('\n')}\n`;
}
