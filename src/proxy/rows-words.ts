// What an agent is told whose result ends before its rows do. What it has received stands, so the words begin with it.
import { ProxyError } from '../core/errors.ts';
import type { Amount } from './rows.ts';

/** An error about the question whether to go on, with what was sent before it. */
export function afterRows(error: ProxyError, sent: Amount): ProxyError {
  return new ProxyError(error.code, `${sentText(sent)}, the rest was not: ${error.message}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    facts: { ...error.facts, rows_sent: sent.rows, bytes_sent: sent.bytes },
    cause: error,
  });
}

/** The end of what was approved. */
export function rowLimit(sent: Amount): ProxyError {
  return new ProxyError('ROW_LIMIT', `${sentText(sent)}, the rest was not: so many were approved`, {
    hint: 'Ask for the rest by itself, or for less.',
    facts: { rows_sent: sent.rows, bytes_sent: sent.bytes },
  });
}

function sentText({ rows, bytes }: Amount): string {
  if (rows === 0) return 'no row was sent';
  return `${rows} ${rows === 1 ? 'row' : 'rows'} (${bytes} bytes) ${rows === 1 ? 'was' : 'were'} sent`;
}
