// Findings as a reviewer reads them in a case file: one line for each thing, names as SQL writes them, nothing that is empty.
import { dotted } from '../../src/core/names.ts';
import type { ColumnName, RelationName } from '../../src/sql/analysis.ts';
import type { StaticFindings } from '../../src/sql/columns.ts';

export interface Rendered {
  /** `shop.users.ssn filter order via shop.v_users` */
  readonly reads?: readonly string[];
  /** `shop.users.ssn update` */
  readonly writes?: readonly string[];
  /** `shop.users.ssn > shop.orders.note` */
  readonly flows?: readonly string[];
  /** `id = shop.users.id` for the column itself, `n < shop.users.ssn` for what is computed from it. */
  readonly outputs?: readonly string[];
  readonly relations?: readonly string[];
  readonly whole?: readonly string[];
  /** Functions of users that may run. */
  readonly calls?: readonly string[];
  readonly rows?: number;
  readonly unknown?: readonly string[];
}

const relation = (name: RelationName): string => dotted(name.schema, name.name);
const column = (name: ColumnName): string => dotted(name.relation.schema, name.relation.name, name.column);

export function rendered(findings: StaticFindings): Rendered {
  const lists = {
    reads: findings.reads
      .map((read) =>
        [column(read.column), ...read.uses, ...read.via.flatMap((view) => ['via', relation(view)])].join(' '),
      )
      .sort(),
    writes: findings.writes.map((write) => `${column(write.column)} ${write.how}`),
    flows: findings.flows.map((flow) => `${column(flow.from)} > ${column(flow.to)}`),
    outputs: findings.outputs.map((output) =>
      [output.name, output.plain ? '=' : '<', output.sources.map(column).join(', ')].join(' ').trim(),
    ),
    relations: findings.relations.map(relation).sort(),
    whole: findings.wholeTables.map(relation).sort(),
    calls: [...new Set(findings.calls.flatMap(({ candidates }) => candidates))]
      .filter((callee) => callee.schema !== 'pg_catalog')
      .map((callee) => dotted(callee.schema, callee.name))
      .sort(),
    unknown: findings.unknowns.map(({ why }) => why),
  };
  const full = Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
  return findings.rowsMax === undefined ? full : { ...full, rows: findings.rowsMax };
}
