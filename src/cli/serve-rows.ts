// What counts and masks rows, joined from the gate's own parts and the store of budgets.
import type { Clock } from '../core/clock.ts';
import type { GateParts } from '../gate-data.ts';
import type { Classification } from '../policy/classification.ts';
import type { Purses } from '../policy/budget-purse.ts';
import { MaskKeys } from '../proxy/mask-keys.ts';
import { RowAsking } from '../proxy/rows-asking.ts';
import { RowDesk } from '../proxy/rows-session.ts';

export interface RowDeskOptions {
  readonly gate: Pick<GateParts, 'desk' | 'hashes'>;
  /** What all proxies of the house share, and nobody else knows. */
  readonly maskSecret: () => Promise<Buffer>;
  readonly classification: () => Classification;
  readonly clock: Clock;
  readonly purses: Purses;
}

export function rowDeskOf({ gate, maskSecret, classification, clock, purses }: RowDeskOptions): RowDesk {
  const { desk, hashes } = gate;
  const keys = new MaskKeys(maskSecret, clock);
  return new RowDesk({
    asking: new RowAsking({ desk, hashes, classification, clock }),
    classification,
    purses,
    clock,
    maskKey: (database) => keys.of(database),
  });
}
