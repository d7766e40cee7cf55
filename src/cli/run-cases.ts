// The DBA's cases against the classification beside them: which hold, and what came instead where one does not. Pure.
import { dotted } from '../core/names.ts';
import type { Asker } from '../policy/asker.ts';
import type { TestCase } from '../policy/cases.ts';
import type { Classification } from '../policy/classification.ts';
import type { Verdict } from '../policy/verdict.ts';
import type { Judgement, SqlDesk } from './sql-desk.ts';

export interface CaseResult {
  readonly of: TestCase;
  readonly judgement: Judgement;
  /** Empty: as expected. */
  readonly complaints: readonly string[];
}

export interface CaseWorld {
  readonly classification: Classification;
  readonly desk: SqlDesk;
  /** Who owns an agent, where the case does not say. */
  readonly ownerOf: (agent: string) => string;
  readonly role: string;
}

export function runCase(one: TestCase, world: CaseWorld): CaseResult {
  const asker: Asker = {
    agent: one.agent,
    owner: one.owner === '' ? world.ownerOf(one.agent) : one.owner,
    database: one.database,
    role: world.role,
    applicationName: one.applicationName,
    clientAddress: one.clientAddress,
    reason: one.reason,
    transaction: one.transaction,
  };
  const { classification, desk } = world;
  const { sql, searchPath, at: now, rows } = one;
  const judgement = desk.judge({ classification, asker, sql, searchPath, now, rows });
  return { of: one, judgement, complaints: complaintsOf(one, judgement) };
}

function complaintsOf(one: TestCase, judgement: Judgement): readonly string[] {
  const verdicts = judgement.statements.map((statement) => statement.verdict);
  const complaints: string[] = [];
  if (judgement.kind !== one.expect) {
    complaints.push(`expected ${one.expect}, is ${judgement.kind}${whyText(verdicts)}`);
  }
  const columns = new Set(verdicts.flatMap(columnsOf));
  for (const column of one.columns) {
    if (!columns.has(column)) complaints.push(`does not use ${column} (uses ${listText(columns)})`);
  }
  const rules = new Set(verdicts.flatMap((verdict) => verdict.reasons.map((reason) => reason.rule)));
  if (one.rule !== undefined && !rules.has(one.rule)) {
    complaints.push(`the rule ${one.rule} is not among the reasons (${listText(rules)})`);
  }
  const groups = new Set(
    verdicts.flatMap((verdict) => (verdict.kind === 'hold' ? verdict.needs.flatMap((need) => need.groups) : [])),
  );
  for (const group of one.asks) {
    if (!groups.has(group)) complaints.push(`does not ask ${group} (asks ${listText(groups)})`);
  }
  return complaints;
}

function columnsOf(verdict: Verdict): readonly string[] {
  return verdict.columns.map(({ column }) => dotted(column.relation.schema, column.relation.name, column.column));
}

function whyText(verdicts: readonly Verdict[]): string {
  const words = verdicts.flatMap((verdict) => verdict.reasons.map((reason) => `${reason.rule}: ${reason.words}`));
  return words.length === 0 ? '' : ` (${words.slice(0, 3).join('; ')})`;
}

function listText(names: ReadonlySet<string>): string {
  if (names.size === 0) return 'nothing';
  const shown = [...names].slice(0, 8).join(', ');
  return names.size > 8 ? `${shown} and ${names.size - 8} more` : shown;
}
