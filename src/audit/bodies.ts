// From a verdict to what stands on the record about it, in one form for everybody who writes or reads records. Made once for a verdict that
// is kept in a cache: what is the same for every run of a statement is not built again for each.
import { isNonEmpty, type NonEmpty } from '../core/brand.ts';
import { dotted } from '../core/names.ts';
import { visible } from '../core/visible.ts';
import type { StatementKind } from '../sql/analysis.ts';
import { stricter, type LeveledColumn, type Verdict, type VerdictKind } from '../policy/verdict.ts';
import type { AuditBody, RecordedAsker, RecordedColumn } from './record.ts';

type Of<Kind extends AuditBody['kind']> = Extract<AuditBody, { readonly kind: Kind }>;

export type RecordedVerdict = Pick<Of<'judged'>, 'verdict' | 'actions' | 'columns' | 'rules' | 'catalog'>;

/** Of one message: all its statements' verdicts; the strictest counts. `kinds`: of all their analyses. */
export function recordedVerdict(verdicts: NonEmpty<Verdict>, kinds: readonly StatementKind[]): RecordedVerdict {
  const reasons = verdicts.flatMap((verdict) => verdict.reasons);
  return {
    verdict: verdicts.reduce<VerdictKind>((worst, one) => stricter(worst, one.kind), 'allow'),
    actions: [...new Set([...kinds, ...reasons.map((reason) => reason.action)])],
    columns: recordedColumns(verdicts.flatMap((verdict) => verdict.columns)),
    rules: [...new Set(reasons.map((reason) => reason.rule))],
    catalog: verdicts[0].catalogVersion,
  };
}

/** A statement may use thousands of columns; a record names as many as a person, or a rule, will look at. */
const columnsMax = 1_000;

function recordedColumns(columns: readonly LeveledColumn[]): readonly RecordedColumn[] {
  const byName = new Map(columns.map((one) => [columnText(one), one.level]));
  return [...byName].slice(0, columnsMax).map(([column, level]) => ({ column, level }));
}

/** `public.customers.email`; `public.customers.*` is the relation itself. */
export function columnText({ column: { relation, column } }: Pick<LeveledColumn, 'column'>): string {
  const { schema, name } = relation;
  return column === '*' ? `${dotted(schema, name)}.*` : dotted(schema, name, column);
}

export interface HeldFacts {
  readonly asker: RecordedAsker;
  readonly hold: string;
  readonly statement: string;
  readonly parameters: string;
  readonly recorded: RecordedVerdict;
  readonly schema: string;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  /** The agent's own words. */
  readonly reason: string | undefined;
}

const reasonCharactersMax = 1_000;

export function heldBody(facts: HeldFacts): Of<'held'> {
  const { asker, hold, statement, parameters, recorded, schema, deadline, reason } = facts;
  const { session, agent, owner, database } = asker;
  const { columns, rules, catalog } = recorded;
  if (!isNonEmpty(rules)) throw new Error('a hold without a rule');
  return {
    kind: 'held',
    ...{ session, agent, owner, database, hold, statement, parameters, columns, rules, deadline, catalog, schema },
    ...(reason === undefined || reason === '' ? {} : { reason: visible(reason, reasonCharactersMax) }),
  };
}
