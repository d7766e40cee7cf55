// The port of the record as the rest of the house sees it: append, then act.
// A Receipt is proof that a record was taken; only the recorder can make one (see receipt.ts), and a Permit needs one.
import type { Receipt } from './receipt.ts';
import type { AuditBody } from './record.ts';

export interface Recorder {
  /**
   * Takes a record into this turn's batch. Nothing that depends on it may leave the process before `flush` has returned;
   * `proxy/turn.ts` sees to that. Throws UNAVAILABLE when the log is shut.
   */
  record(body: AuditBody): Receipt;
  /** Hands the turn's batch to the kernel in one call. Throws UNAVAILABLE, and stays shut, when that fails. */
  flush(): void;
  /** Takes a record and resolves when it would survive a crash of the machine. For holds, votes, decisions and releases. */
  recordDurably(body: AuditBody): Promise<Receipt>;
}
