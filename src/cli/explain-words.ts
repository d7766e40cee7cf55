// A verdict in words and as JSON, with the line of every entry: the same for the terminal, the API and whoever reads a script's log.
import { columnText } from '../audit/bodies.ts';
import { placeText } from '../core/place.ts';
import { visible } from '../core/visible.ts';
import { originText } from '../policy/floors.ts';
import type { Judgement, JudgedStatement } from './sql-desk.ts';

export interface ExplainedColumn {
  readonly column: string;
  readonly level: string;
  readonly category?: string;
  readonly uses: readonly string[];
  readonly place?: string;
  /** Of what it holds data, where that gives it its level. */
  readonly data_of?: string;
}

export interface ExplainedReason {
  readonly verdict: string;
  readonly action: string;
  readonly rule: string;
  readonly words: string;
  readonly place?: string;
  readonly columns: readonly string[];
}

export interface ExplainedStatement {
  readonly verdict: string;
  readonly command: string;
  readonly kinds: readonly string[];
  readonly reasons: readonly ExplainedReason[];
  readonly columns: readonly ExplainedColumn[];
  readonly unknowns: readonly string[];
  /** Who would be asked. */
  readonly needs: readonly { readonly groups: readonly string[]; readonly quorum: number }[];
  readonly rows_max?: number;
  readonly valid_until?: string;
}

export interface Explained {
  readonly verdict: string;
  readonly agent: string;
  readonly database: string;
  readonly catalog: string;
  readonly statements: readonly ExplainedStatement[];
}

export function explained(
  judgement: Judgement,
  of: { readonly agent: string; readonly database: string; readonly catalog: string },
): Explained {
  return { verdict: judgement.kind, ...of, statements: judgement.statements.map(explainedStatement) };
}

function explainedStatement({ verdict, analysis }: Pick<JudgedStatement, 'verdict' | 'analysis'>): ExplainedStatement {
  return {
    verdict: verdict.kind,
    command: analysis.command,
    kinds: analysis.kinds,
    reasons: verdict.reasons.map((reason) => ({
      verdict: reason.verdict,
      action: reason.action,
      rule: reason.rule,
      words: reason.words,
      ...(reason.place === undefined ? {} : { place: placeText(reason.place) }),
      columns: reason.columns.map(columnText),
    })),
    columns: verdict.columns.map((one) => ({
      column: columnText(one),
      level: one.level,
      ...(one.category === undefined ? {} : { category: one.category }),
      uses: one.uses,
      ...(one.place === undefined ? {} : { place: placeText(one.place) }),
      ...(one.origin === undefined ? {} : { data_of: originText(one.origin) }),
    })),
    unknowns: analysis.unknowns.map((unknown) => unknown.why),
    needs: verdict.kind === 'hold' ? verdict.needs : [],
    ...(verdict.rowsMax === undefined ? {} : { rows_max: verdict.rowsMax }),
    ...(verdict.validUntil === undefined ? {} : { valid_until: new Date(verdict.validUntil).toISOString() }),
  };
}

const verdictWords: Readonly<Record<string, string>> = {
  allow: 'passes',
  hold: 'is held for approval',
  deny: 'is refused',
};

export function explainLines(whole: Explained): readonly string[] {
  if (whole.statements.length === 0) return ['nothing to run: no statement in the text'];
  const many = whole.statements.length > 1;
  return whole.statements.flatMap((one, index) => [
    ...(many ? [`statement ${index + 1}:`] : []),
    ...statementLines(one, whole),
    ...(many && index < whole.statements.length - 1 ? [''] : []),
  ]);
}

function statementLines(one: ExplainedStatement, whole: Explained): readonly string[] {
  const who = `${visible(whole.agent)} in ${visible(whole.database)}`;
  const reasons = one.reasons.map((reason) => {
    const place = reason.place === undefined ? '' : ` (${reason.place})`;
    return `  ${reason.verdict.padEnd(5)}  ${reason.rule}${place}: ${reason.words}`;
  });
  const columns = one.columns.map((column) => {
    const category = column.category === undefined ? '' : ` ${column.category}`;
    return `  ${column.column}  ${column.level}${category}  ${column.uses.join(' ')}  ${column.data_of ?? column.place ?? 'no entry'}`;
  });
  const asked = one.needs.map((need) => `${need.quorum} of ${need.groups.join(' or ')}`);
  return [
    `${one.verdict.toUpperCase()}: ${one.command === '' ? 'a text' : one.command} by ${who} ${verdictWords[one.verdict] ?? ''}`,
    ...reasons,
    ...(asked.length === 0 ? [] : [`asked: ${asked.join(', and ')}`]),
    ...(columns.length === 0 ? [] : ['columns:', ...columns]),
    ...(one.rows_max === undefined ? [] : [`more than ${one.rows_max} rows are held while they come`]),
    ...(one.valid_until === undefined ? [] : [`stands until ${one.valid_until}, then a rule about hours looks again`]),
  ];
}
