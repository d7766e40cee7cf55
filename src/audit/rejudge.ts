// Judging a recorded statement again. The record has no literals, so this can be done in three ways, and each says what it is worth:
//   sealed   the full statement, opened with the auditor's key: as it was judged
//   shape    its text without literals, read again against a schema
//   columns  the columns and actions on record, where its text cannot be read again or no schema is at hand
// A way is trusted for a record only when it gives, with the classification of then, the verdict that is on record. Pure: reading texts is a port.
import { parseDotted } from '../core/names.ts';
import { known, notKnown } from '../core/known.ts';
import {
  touchesNothing,
  type Analysis,
  type ColumnRead,
  type ColumnUse,
  type RelationName,
  type StatementKind,
} from '../sql/analysis.ts';
import type { Asker } from '../policy/asker.ts';
import type { Classification } from '../policy/classification.ts';
import { judge } from '../policy/judge.ts';
import { stricter, type Reason, type VerdictKind } from '../policy/verdict.ts';
import { columnText } from './bodies.ts';
import type { LoggedRecord } from './record.ts';

export type JudgedRecord = Extract<LoggedRecord, { readonly kind: 'judged' }>;

export const ways = ['sealed', 'shape', 'columns'] as const;
export type Way = (typeof ways)[number];

/** What a record's statement touches, read again in one way against one schema. */
export interface Reread {
  readonly way: Way;
  readonly analyses: readonly Analysis[];
}

export interface Rejudged {
  readonly verdict: VerdictKind;
  readonly reasons: readonly Reason[];
  readonly columns: readonly { readonly column: string; readonly level: string }[];
  /** The verdict stands until then, where it hangs on the hour. */
  readonly validUntil: number | undefined;
}

/** What is known about the asker besides the record: from the session's login. */
export interface SessionFacts {
  readonly clientAddress?: string;
  readonly reason?: string;
}

export function rejudge(
  record: JudgedRecord,
  reread: Reread,
  classification: Classification,
  session: SessionFacts = {},
): Rejudged {
  const { agent, owner, database } = record;
  const asker: Asker = {
    agent,
    owner,
    database,
    role: record.role ?? '',
    applicationName: '',
    clientAddress: session.clientAddress ?? '',
    reason: session.reason,
    transaction: 'none',
  };
  const estimate = record.expected === undefined ? notKnown('not on record') : known(record.expected);
  const now = Date.parse(record.at);
  const verdicts = reread.analyses.map((analysis) => judge(analysis, { classification, asker, now, estimate }));
  const verdict = verdicts.reduce<VerdictKind>((worst, one) => stricter(worst, one.kind), 'allow');
  const untils = verdicts.flatMap((one) => one.validUntil ?? []);
  const columns = new Map(verdicts.flatMap((one) => one.columns.map((column) => [columnText(column), column.level])));
  return {
    verdict,
    reasons: verdicts.flatMap((one) => one.reasons),
    columns: [...columns].map(([column, level]) => ({ column, level })),
    validUntil: untils.length === 0 ? undefined : Math.min(...untils),
  };
}

/** Every use: what a rule says about one of them may be meant, and that counts against the asker. */
const everyUse: readonly ColumnUse[] = ['output', 'filter', 'join', 'group', 'order', 'other'];

const kindNames: readonly StatementKind[] = [
  ...(['read', 'write', 'export', 'destructive', 'schema', 'privilege'] as const),
  ...(['session', 'transaction', 'maintenance', 'escape', 'notKnown'] as const),
];

/** What the record itself says was touched. Views opened, functions called and columns written are not in it. */
export function rereadColumns(record: JudgedRecord): Reread {
  const reads: ColumnRead[] = [];
  const relations: RelationName[] = [];
  let strange = false;
  for (const { column } of record.columns) {
    const name = recordedName(column);
    if (name === undefined) strange = true;
    else if (name.column === undefined) relations.push(name.relation);
    else reads.push({ column: { relation: name.relation, column: name.column }, uses: everyUse, via: [], kin: [] });
  }
  const kinds = kindNames.filter((kind) => record.actions.includes(kind));
  const wasUnknown = strange || kinds.includes('notKnown') || record.rules.some((rule) => unknownRules.includes(rule));
  const analysis: Analysis = {
    kinds: kinds.length === 0 ? ['read'] : kinds,
    command: 'SELECT',
    ...{ ...touchesNothing, reads, relations },
    unknowns: wasUnknown ? [{ why: 'it was not known when it was judged', at: undefined }] : [],
  };
  return { way: 'columns', analyses: [analysis] };
}

/** The last as records of before had it. */
const unknownRules: readonly string[] = ['no policy: not_known', 'default: not_known', 'no policy: notKnown'];

/** `public.customers.email`; `public.customers.*` is the relation itself. */
function recordedName(
  text: string,
): { readonly relation: RelationName; readonly column: string | undefined } | undefined {
  const whole = text.endsWith('.*');
  const [schema, name, column, ...more] = parseDotted(whole ? text.slice(0, -2) : text) ?? [];
  if (schema === undefined || name === undefined || more.length > 0 || whole === (column !== undefined))
    return undefined;
  return { relation: { schema, name }, column: column === '*' ? undefined : column };
}
