// What the planner expects of a text that was read, put beside it: asked once, when the text is new, and remembered with it. What is
// remembered was said of other values than those of a later execution: it is enough to let pass, and is asked again before it stops one.
import { known, notKnown, type Known } from '../core/known.ts';
import type { Analysis } from './analysis.ts';
import { isWorthEstimating, mayBind, type PlanQuestion } from './estimate.ts';
import type { AskedSession, ReadText } from './reading.ts';
import type { SchemaIndex } from './schema-index.ts';

/** The query that the server was asked about: the text itself, or what is cut out of COPY. */
export interface Asked {
  readonly sql: Buffer;
  /** Types of its parameters. */
  readonly parameters: readonly number[];
}

export interface Estimated {
  readonly text: ReadText;
  /** What is remembered; absent: the same. */
  readonly kept?: ReadText;
  /** It holds for this text only, and for no other of its shape. */
  readonly isAlone?: true;
}

export async function estimated(
  text: ReadText,
  asked: Asked | undefined,
  on: { readonly index: SchemaIndex; readonly session: AskedSession; readonly types: readonly number[] },
): Promise<Estimated> {
  const [only, ...more] = text.statements;
  if (only === undefined || more.length > 0 || !isWorthEstimating(only.analysis, on.index)) return { text };
  const { analysis } = only;
  if (asked === undefined) {
    return analysis.command === 'SELECT' ? { text } : { text: { ...text, estimate: rowsOfTables(analysis, on.index) } };
  }
  if (!mayBind(asked.parameters)) return { text };
  const counted = analysis.folds === true ? 'folded' : 'given';
  const count = asked.parameters.length;
  const values = count === 0 ? ({ kind: 'none' } as const) : ({ kind: 'any', count } as const);
  const own = { ...text, estimate: await on.session.estimate({ sql: asked.sql, types: on.types, counted, values }) };
  if (analysis.command !== 'SELECT') return { text: own, isAlone: true };
  const alike: ReadText = { ...own, replan: counted };
  return { text: count === 0 ? own : alike, kept: alike };
}

/** COPY of tables as they are: nobody has to be asked. */
function rowsOfTables({ reads, relations }: Analysis, index: SchemaIndex): Known<number> {
  const names = new Map(
    [...reads.map(({ column }) => column.relation), ...relations].map((one) => [`${one.schema}\0${one.name}`, one]),
  );
  let rows = 0;
  for (const { schema, name } of names.values())
    rows += Math.max(0, index.relationsNamed(name).find((one) => one.schema === schema)?.rowsEstimate ?? 0);
  return known(rows);
}

/** With what the planner expects of this execution's own values. */
export async function replanned(
  { replan, ...text }: ReadText,
  execution: {
    readonly sql: Buffer;
    readonly types: readonly number[];
    readonly parameters: Buffer | undefined;
    readonly session: AskedSession;
  },
): Promise<ReadText> {
  if (replan === undefined) return text;
  const { sql, types, parameters } = execution;
  const values: PlanQuestion['values'] =
    parameters === undefined ? { kind: 'none' } : { kind: 'own', bound: parameters };
  const estimate = await execution.session.estimate({ sql, types, counted: replan, values });
  return estimate.known ? { ...text, estimate } : text;
}

/** What people are told. The planner is not asked about what a LIMIT keeps small. */
export function rowsExpected({ estimate, replan, statements: [only, ...more] }: ReadText): Known<number> {
  if (replan !== undefined) return notKnown('the planner was asked about other values');
  if (estimate !== undefined) return estimate;
  const limit = only?.analysis.folds === true || more.length > 0 ? undefined : only?.analysis.rowsMax;
  return limit === undefined ? notKnown('the planner was not asked') : known(limit);
}
