// The gate and what it asks, joined: classification in force, judging, offers, keyed hashes. `serve` and tests make it alike.
import type { Audit } from '../audit/keeper.ts';
import type { Recorder } from '../audit/recorder.ts';
import { cursorDesk } from '../approval/cursors.ts';
import { unitDesk } from '../approval/units.ts';
import type { Desk } from '../approval/desk.ts';
import type { Clock } from '../core/clock.ts';
import type { GateParts } from '../gate-data.ts';
import type { Classification } from '../policy/classification.ts';
import { noCarrier, type Carrier } from '../gate-data.ts';
import { Judging } from '../policy/judging.ts';
import { Offers } from '../policy/offers.ts';

export interface GateOptions {
  readonly audit: Pick<Audit, 'statementHash'>;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly classification: () => Classification;
  readonly desk: Desk;
  /** For what failed where nothing can be refused any more. */
  readonly onDefect: (thrown: unknown) => void;
  /** Without: what is carried away is not remembered. */
  readonly carrier?: Carrier;
  readonly inHouse?: (bytes: Buffer) => Promise<string>;
  /** Keeps full statements, encrypted to the auditor's key. */
  readonly seal?: (sql: Buffer) => string | undefined;
}

export function gatePartsOf(options: GateOptions): GateParts {
  const { audit, recorder, clock, classification, desk, inHouse, seal } = options;
  return {
    recorder,
    hashes: {
      ofStatement: (sql) => audit.statementHash.ofStatement(sql),
      ofBytes: (bytes) => audit.statementHash.ofBytes(bytes),
      ...(inHouse === undefined ? {} : { inHouse }),
      seal: seal ?? nothingSealed,
    },
    judging: new Judging({ classification, clock }),
    offers: new Offers({ classification, clock }),
    desk: unitDesk(cursorDesk(desk, { recorder, clock }), { recorder, clock }),
    carrier: options.carrier ?? noCarrier,
    onDefect: options.onDefect,
  };
}

const nothingSealed = (): undefined => undefined;
