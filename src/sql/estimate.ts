// Whether it is worth asking the planner how many rows a text will give, and what its answer says. Asked once for a text, when it is
// read for the first time, and only where a big table is touched: what cannot be large costs no round trip. Of a text with parameters it
// is asked about any values first; only where people would be asked, about those of the execution.
import { known, notKnown, type Known } from '../core/known.ts';
import type { Analysis } from './analysis.ts';
import type { SchemaIndex } from './schema-index.ts';

/** A table with fewer rows than this makes no statement large that no bound would stop anyway. pg_class.reltuples. */
const bigRowsMin = 5_000;

/** A literal LIMIT under this says enough. */
const fewRows = 1_000;

/** Where the query stands by itself or can be cut out. A cursor gives nothing before it is read, and is counted then. */
const planned: ReadonlySet<string> = new Set(['SELECT', 'COPY TO STDOUT']);

/**
 * Planning runs immutable functions with the statement's own constants, and this is before the verdict: so only where the server's own
 * functions alone are called, and the statement reads and nothing else.
 */
export function isWorthEstimating(analysis: Analysis, index: SchemaIndex): boolean {
  if (!planned.has(analysis.command) || analysis.unknowns.length > 0) return false;
  if (analysis.kinds.some((kind) => kind !== 'read' && kind !== 'export') || analysis.writes.length > 0) return false;
  if (analysis.functions.some((use) => use.schema !== 'pg_catalog' || use.nature !== 'pure')) return false;
  const folds = analysis.folds === true;
  if (!folds && analysis.rowsMax !== undefined && analysis.rowsMax <= fewRows) return false;
  const names = [...analysis.reads.map((read) => read.column.relation), ...analysis.relations];
  const seen = new Set<string>();
  return names.some(({ schema, name }) => {
    const key = `${schema}\0${name}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return index
      .relationsNamed(name)
      .some((one) => one.schema === schema && (one.rowsEstimate >= bigRowsMin || (folds && one.rowsEstimate < 0)));
  });
}

/** `folded`: rows that come as one value count too. */
export type Counted = 'given' | 'folded';

/** What the planner is asked. */
export interface PlanQuestion {
  readonly sql: Buffer;
  /** Of parameters, as the agent's Parse gives them. */
  readonly types: readonly number[];
  readonly counted: Counted;
  readonly values: PlanValues;
}

/** What stands for the parameters. */
export type PlanValues =
  | { readonly kind: 'none' }
  /** So many of them, whatever they will be: the answer is good for every execution, and says little about any. */
  | { readonly kind: 'any'; readonly count: number }
  /** Those of one execution: what its Bind carries behind the names. */
  | { readonly kind: 'own'; readonly bound: Buffer };

/** FirstNormalObjectId of access/transam.h: below it are the server's own types, whose input runs nothing that a user wrote. */
const ownTypesEnd = 16_384;

/** Values, NULL too, run the input functions of their types, and this is before the verdict: a domain's check is anybody's function. */
export function mayBind(types: readonly number[]): boolean {
  return types.every((oid) => oid > 0 && oid < ownTypesEnd);
}

/** From the one value that EXPLAIN (FORMAT JSON) gives. */
export function rowsOfPlan(text: string | null | undefined, counted: Counted): Known<number> {
  try {
    const plans: unknown = JSON.parse(text ?? '');
    const [first]: readonly unknown[] = Array.isArray(plans) ? plans : [];
    const plan = isRecord(first) ? first['Plan'] : undefined;
    const rows = rowsAt(plan);
    if (rows === undefined) return notKnown('the planner gave no number');
    return known(counted === 'given' ? rows : Math.max(rows, foldedBelow(plan, 1)));
  } catch {
    return notKnown('the planner’s answer could not be read');
  }
}

function rowsAt(plan: unknown): number | undefined {
  const rows = isRecord(plan) ? plan['Plan Rows'] : undefined;
  return typeof rows === 'number' && rows >= 0 ? rows : undefined;
}

/**
 * The most rows that go into one aggregate or one sub-select, anywhere in the plan. Below a Gather each process has its share. Twice
 * the same rows in one statement are not added up: the order of magnitude is what counts.
 */
function foldedBelow(plan: unknown, processes: number): number {
  if (!isRecord(plan)) return 0;
  const children: readonly unknown[] = Array.isArray(plan['Plans']) ? plan['Plans'] : [];
  const workers = plan['Workers Planned'];
  const below = typeof workers === 'number' && workers > 0 ? processes * (workers + 1) : processes;
  const isAggregate = plan['Node Type'] === 'Aggregate' || plan['Node Type'] === 'WindowAgg';
  return children.reduce<number>((most, child) => {
    const isOwn = isRecord(child) && /^(?:InitPlan|SubPlan)$/.test(String(child['Parent Relationship']));
    const folded = isAggregate || isOwn ? (rowsAt(child) ?? 0) * below : 0;
    return Math.max(most, folded, foldedBelow(child, below));
  }, 0);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
