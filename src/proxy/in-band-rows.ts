// The columns of the proxy's own tables, and their rows as a constant in SQL. One JSON text for all rows, so that two answers differ in
// a literal only and are read as one statement; types by Postgres's own words for them.
import type { InBandPlace } from '../sql/in-band.ts';

/** Members by the names of columns. */
export type InBandRows = readonly Readonly<Record<string, unknown>>[];

type ColumnType = 'text' | 'int8' | 'timestamptz' | 'jsonb';

const columns: Readonly<Record<InBandPlace['table'], Readonly<Record<string, ColumnType>>>> = {
  holds: {
    id: 'text',
    state: 'text',
    asked_at: 'timestamptz',
    /** Until then the statement waits on the wire; null: it does not, or no longer. */
    waits_until: 'timestamptz',
    /** Until then people can decide. */
    open_until: 'timestamptz',
    /** An approval that came too late can be used until then, by sending the same again. */
    usable_until: 'timestamptz',
    command: 'text',
    sql: 'text',
    rule: 'text',
    reason: 'text',
    columns: 'jsonb',
    /** Who is asked, how many are needed, who has said yes. */
    asked: 'jsonb',
    decided_at: 'timestamptz',
    decided_by: 'jsonb',
    /** What was approved, or why it was denied, in words. */
    decision: 'text',
    would_pass: 'text',
    uses: 'int8',
  },
  budgets: {
    level: 'text',
    per: 'text',
    rows_max: 'int8',
    rows_used: 'int8',
    rows_left: 'int8',
    rows_added: 'int8',
  },
  explain: {
    verdict: 'text',
    reason: 'text',
    rule: 'text',
    place: 'text',
    command: 'text',
    columns: 'jsonb',
    asked: 'jsonb',
    rows_expected: 'int8',
    rows_max: 'int8',
    would_pass: 'text',
    reasons: 'jsonb',
  },
};

export function rowsClause(table: InBandPlace['table'], rows: InBandRows): string {
  const list = Object.entries(columns[table]).map(([name, type]) => `${name} pg_catalog.${type}`);
  const constant = `'${jsonText(rows).replaceAll("'", "''")}'`;
  return `SELECT * FROM pg_catalog.jsonb_to_recordset(${constant}) AS answer(${list.join(', ')})`;
}

/** What jsonb does not take (NUL, half a letter) is shown as the letter that stands for such. */
function jsonText(rows: InBandRows): string {
  return JSON.stringify(rows, (_, value: unknown) =>
    typeof value === 'string' ? value.replace(/\0|\p{Cs}/gu, '\ufffd') : value,
  );
}
