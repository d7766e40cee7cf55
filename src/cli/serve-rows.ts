// What counts and masks rows, joined from the gate's own parts and the store of budgets.
import { createHash } from 'node:crypto';
import type { Audit } from '../audit/keeper.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import type { GateParts } from '../gate.ts';
import type { Classification } from '../policy/classification.ts';
import { Purses, type BudgetStore } from '../policy/budget-purse.ts';
import { RowAsking } from '../proxy/rows-asking.ts';
import { RowDesk } from '../proxy/rows-session.ts';

export interface RowDeskOptions {
  readonly gate: Pick<GateParts, 'desk' | 'hashes'>;
  readonly audit: Pick<Audit, 'statementHash'>;
  readonly classification: () => Classification;
  readonly clock: Clock;
  readonly store: BudgetStore;
}

export function rowDeskOf({ gate, audit, classification, clock, store }: RowDeskOptions): RowDesk {
  const { desk, hashes } = gate;
  const keys = new Map<string, Buffer>();
  const maskKey = (database: string): Buffer => {
    const known = keys.get(database);
    if (known !== undefined) return known;
    // From the record's own secret, which no agent knows; no statement holds a zero, so none is hashed to the same.
    const seed = audit.statementHash.ofBytes(Buffer.from(`mask key\0${database}`));
    const key = createHash('sha256').update(seed).digest();
    keys.set(database, key);
    return key;
  };
  return new RowDesk({
    asking: new RowAsking({ desk, hashes, classification, clock }),
    classification,
    purses: new Purses(store, clock),
    clock,
    maskKey,
  });
}

/** Of a proxy without state: a budget cannot be kept, so its rows do not pass. */
export const nobodysBudgets: BudgetStore = {
  spend: () =>
    Promise.reject(new ProxyError('UNAVAILABLE', 'these rows are counted against a budget, and no state is running')),
};
