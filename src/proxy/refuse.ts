// A refusal as Postgres would say it. The trick: in place of the refused statement the server gets one that cannot succeed, and
// our words replace its error. So the server itself says what state the session is in (`E` inside a transaction, the implicit
// transaction of a batch rolled back, the rest skipped to Sync), in the right order, without us guessing.
import type { ErrorCode, ErrorRow, ProxyError } from '../core/errors.ts';
import { encodeClientMessage } from '../wire/client-messages.ts';
import { fromServer } from '../wire/message-types.ts';
import { errorResponse } from '../wire/server-messages.ts';
import type { Follower } from './replies.ts';

/** Not SQL in any version: fails in the raw parser, so it works in a failed transaction and drops no unnamed statement. */
const notSql = Buffer.from('countersign refused this statement');

/** Stands in for a refused Query or FunctionCall. */
export const failingQuery: Buffer = encodeClientMessage({ kind: 'query', sql: notSql });

/** Stands in for a refused message of an extended batch. */
export const failingParse: Buffer = encodeClientMessage({
  kind: 'parse',
  statement: 'countersign refused',
  sql: notSql,
  types: [],
});

/** Puts our words where the server's error about the stand-in would have been. */
export function refusalFollower(error: ProxyError): Follower {
  return {
    take: (type) => (type === fromServer.error ? errorFrame(error) : 'forward'),
    ended: () => undefined,
  };
}

export interface RefusalDetail {
  readonly code: ErrorCode;
  readonly retry: string;
  readonly [more: string]: unknown;
}

/** The ErrorResponse of an error of ours: words, one line of JSON for programs, a hint for the next try. Who hangs up behind it says so. */
export function errorFrame(error: ProxyError, ends: ErrorRow['ends'] = error.row.ends): Buffer {
  // A program that reads them finds a reason in each, also where it is no more than the message.
  const detail: RefusalDetail = {
    code: error.code,
    retry: error.row.retry,
    reason: error.message,
    ...error.facts,
  };
  return errorResponse({
    severity: ends === 'session' ? 'FATAL' : 'ERROR',
    sqlState: error.row.sqlState,
    message: error.message,
    ...(error.row.native === true ? {} : { detail: JSON.stringify(detail) }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
