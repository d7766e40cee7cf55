// The hallway. Somebody who reads only this file knows what the product does: every execution is read, resolved, judged and
// recorded, and then runs, waits for people, or is refused. Rooms do the work; nothing is decided here but the switch.
import { ProxyError } from './core/errors.ts';
import { isGenuine, type Receipt } from './audit/receipt.ts';
import type { Recorder } from './audit/recorder.ts';
import type { Asker } from './policy/asker.ts';
import type { SessionId } from './core/brand.ts';

/** What is about to run: SQL as it stood at Bind (or in a Query), with its parameters, in one session's state. */
export interface Execution {
  readonly session: SessionId;
  readonly asker: Asker;
  readonly protocol: 'simple' | 'extended';
  /** The SQL's own bytes, in the session's encoding. */
  readonly sql: Buffer;
  /** What Bind carries behind the names: formats and values. Part of what an approval binds to. */
  readonly parameters: Buffer | undefined;
  /** Aborted when the agent cancels, leaves, or the session ends while people are still asked. */
  readonly withdrawn: () => AbortSignal;
}

/** What came of it, for the record. */
export interface Outcome {
  readonly rows: number;
  readonly bytes: number;
  readonly ms: number;
  readonly error: string | undefined;
}

/** Leave to send one execution's frames upstream. Only `permit` below makes one, and only from a receipt. */
class PermitOf {
  readonly receipt: Receipt;
  #proof = true;

  constructor(receipt: Receipt) {
    this.receipt = receipt;
  }

  static genuine(value: PermitOf): boolean {
    return #proof in value && value.#proof;
  }
}

export type Permit = PermitOf;

function permit(receipt: Receipt): Permit {
  if (!isGenuine(receipt)) throw new Error('a permit needs a genuine receipt');
  return new PermitOf(receipt);
}

export function isPermit(value: Permit): boolean {
  return PermitOf.genuine(value);
}

export type Admission =
  { readonly kind: 'pass'; readonly permit: Permit } | { readonly kind: 'refuse'; readonly error: ProxyError };

export interface GateParts {
  readonly recorder: Recorder;
  /** A keyed hash: equal statements can be found in the record, their text cannot be guessed from it. */
  readonly hashStatement: (sql: Buffer) => string;
}

export class Gate {
  readonly #parts: GateParts;

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /** Nothing is judged yet: every execution is recorded as allowed and passes. A promise is returned only by what must wait. */
  admit(execution: Execution): Admission | Promise<Admission> {
    try {
      return { kind: 'pass', permit: permit(this.#record(execution)) };
    } catch (thrown) {
      if (thrown instanceof ProxyError) return { kind: 'refuse', error: thrown };
      throw thrown;
    }
  }

  /** Closes the record of an execution that was let through. */
  finish(execution: Execution, passed: Permit, outcome: Outcome): void {
    const { rows, bytes, ms, error } = outcome;
    const base = { kind: 'finished', session: execution.session, of: passed.receipt.seq, rows, bytes, ms } as const;
    try {
      this.#parts.recorder.record(error === undefined ? base : { ...base, error });
    } catch (thrown) {
      // The log is shut: it says so itself and refuses what comes next. What ran has run, and a session that ends must end whole.
      if (!(thrown instanceof ProxyError)) throw thrown;
    }
  }

  #record(execution: Execution): Receipt {
    const { agent, owner, database } = execution.asker;
    return this.#parts.recorder.record({
      kind: 'judged',
      session: execution.session,
      agent,
      owner,
      database,
      statement: this.#parts.hashStatement(execution.sql),
      verdict: 'allow',
      actions: [],
      columns: [],
      rules: [],
      catalog: '',
      schema: '',
    });
  }
}
