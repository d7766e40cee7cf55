// Who asks, and in what state of the session: everything a policy condition may look at besides the analysis.

export interface Asker {
  readonly agent: string;
  /** The person behind the agent; never an approver of its holds. */
  readonly owner: string;
  readonly database: string;
  /** Postgres role the statement runs as. */
  readonly role: string;
  readonly applicationName: string;
  readonly clientAddress: string;
  /** What the agent said why, unverified. */
  readonly reason: string | undefined;
  readonly transaction: 'none' | 'open' | 'failed';
}
