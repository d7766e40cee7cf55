// The hallway. Somebody who reads only this file knows what the product does: every execution is read, resolved, judged and
// recorded, and then runs, waits for people, or is refused. Rooms do the work; nothing is decided here but the switch.
import type { ProxyError } from './core/errors.ts';
import { isGenuine, type Receipt } from './audit/receipt.ts';
import type { Recorder } from './audit/recorder.ts';
import type { Asker } from './policy/asker.ts';
import type { SessionId, Sha256 } from './core/brand.ts';

/** What is about to run: SQL as it stood at Bind (or in a Query), with its parameters, in one session's state. */
export interface Execution {
  readonly session: SessionId;
  readonly asker: Asker;
  readonly statement: Sha256;
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

export class Gate {
  readonly #recorder: Recorder;

  constructor(parts: { readonly recorder: Recorder }) {
    this.#recorder = parts.recorder;
  }

  /** Nothing is judged yet: every execution is recorded as allowed. */
  admit(execution: Execution): Admission {
    const receipt = this.#recorder.record({
      kind: 'judged',
      session: execution.session,
      agent: execution.asker.agent,
      owner: execution.asker.owner,
      database: execution.asker.database,
      statement: execution.statement,
      verdict: 'allow',
      actions: [],
      columns: [],
      rules: [],
      catalog: '',
      schema: '',
    });
    return { kind: 'pass', permit: permit(receipt) };
  }
}
