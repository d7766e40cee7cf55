// Records in the forms that other programs read. JSON lines are the record itself; CSV has the columns an evidence sheet needs.
import { visible } from '../core/visible.ts';
import type { LoggedRecord } from './record.ts';
import { jsonWords } from './words.ts';

export type ExportForm = 'jsonl' | 'csv';

export const exportForms: Readonly<
  Record<
    ExportForm,
    {
      readonly head: (isOfSeveral: boolean) => string;
      /** `chain`: its origin, where the records are those of several. */
      readonly line: (record: LoggedRecord, chain: string | undefined) => string;
    }
  >
> = {
  jsonl: {
    head: () => '',
    line: (record, chain) => `${jsonWords(chain === undefined ? record : { ...record, chain })}\n`,
  },
  csv: { head: (isOfSeveral) => csvLine([...csvHead, ...(isOfSeveral ? ['chain'] : [])]), line: csvOf },
};

const csvHead = [
  ...['seq', 'at', 'kind', 'agent', 'owner', 'database', 'verdict'],
  ...['columns', 'levels', 'hold', 'person', 'detail'],
];

function csvOf(record: LoggedRecord, chain: string | undefined): string {
  const fields: Readonly<Record<string, unknown>> = { ...record };
  const text = (name: string): string => {
    const value = fields[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  const columns = 'columns' in record ? record.columns : [];
  const person = record.kind === 'decided' || record.kind === 'budget' ? record.by.join(' ') : text('person');
  const detail = ['text', 'words', 'state', 'vote', 'code', 'error', 'rows'].map(text).filter((each) => each !== '');
  return csvLine([
    String(record.seq),
    record.at,
    record.kind,
    ...['agent', 'owner', 'database', 'verdict'].map(text),
    columns.map((each) => each.column).join(' '),
    columns.map((each) => each.level).join(' '),
    text('hold'),
    person,
    detail.join('; '),
    ...(chain === undefined ? [] : [chain]),
  ]);
}

/**
 * RFC 4180. A cell that a spreadsheet would take for a formula gets a quote mark before it, and what does not show itself is written as its
 * code: agents choose what stands in here.
 */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

/** Full-width signs begin a formula too, where people write so. */
const formula = /^[=+\-@\uff1d\uff0b\uff0d\uff20]/;

function csvCell(text: string): string {
  const shown = visible(text, Number.POSITIVE_INFINITY);
  const safe = formula.test(shown) ? `'${shown}` : shown;
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
