// The question to the planner, asked in the agent's own session, since only there every name means what it will mean. Whatever comes of
// it, nothing is left: no name, no setting, no lock; and an error of the planner is not one of the agent's transaction.
//
//   none:  … EXPLAIN …  Sync │ Close  Sync
//   open:  SAVEPOINT  … EXPLAIN …  Sync │ Close  ROLLBACK TO  RELEASE  Sync
//
// The second half runs after an error too, since the server skips to the Sync before it. ROLLBACK TO stands in both cases: it gives back
// what planning has locked. A savepoint without a change has no number of its own and costs nothing.
import { encodeClientMessage, type ClientMessage } from '../wire/client-messages.ts';
import type { ServerMessage } from '../wire/server-messages.ts';
import type { PlanQuestion } from '../sql/estimate.ts';
import type { AsideReader } from './aside.ts';
import { boundValues, type BoundValues } from './bind-formats.ts';
import { closeLeftover, plannedName, probeName } from './witness-protocol.ts';

/** Both halves end with one. */
export const planSyncs = 2;

const savepoint = `"${probeName}"`;

export function planMessages(question: PlanQuestion, transaction: 'none' | 'open'): Buffer {
  const isOpen = transaction === 'open';
  return Buffer.concat([
    ...closed,
    ...(isOpen ? run(`SAVEPOINT ${savepoint}`) : []),
    ...asked(question),
    encodeClientMessage({ kind: 'sync' }),
    ...closed,
    ...(isOpen ? [...run(`ROLLBACK TO SAVEPOINT ${savepoint}`), ...run(`RELEASE SAVEPOINT ${savepoint}`)] : []),
    encodeClientMessage({ kind: 'sync' }),
  ]);
}

/** The portal too: an error leaves it in the failed subtransaction, and its name is wanted for leaving that. */
const closed: readonly Buffer[] = [
  encodeClientMessage({ kind: 'close', target: 'portal', name: probeName }),
  closeLeftover,
  encodeClientMessage({ kind: 'close', target: 'statement', name: plannedName }),
];

function asked({ sql, types, values }: PlanQuestion): readonly Buffer[] {
  const explain = Buffer.concat([Buffer.from('EXPLAIN (FORMAT JSON) '), sql]);
  switch (values.kind) {
    case 'none':
      return executed(explain, types, noValues);
    case 'own':
      return executed(explain, types, boundValues(values.bound));
    case 'any': {
      // GENERIC_PLAN is no help here: in extended messages EXPLAIN takes the parameters for its own and wants values, on 16 and later too.
      const nulls = Array<string>(values.count).fill('NULL').join(', ');
      return [
        encodeClientMessage({ kind: 'parse', statement: plannedName, sql, types }),
        // For this transaction, which is over with the Sync or the savepoint. The values are not looked at then.
        ...run(`SELECT pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true)`),
        ...run(`EXPLAIN (FORMAT JSON) EXECUTE "${plannedName}"(${nulls})`),
      ];
    }
  }
}

const noValues: BoundValues = { formats: [], parameters: [] };

function run(text: string): readonly Buffer[] {
  return executed(Buffer.from(text), [], noValues);
}

function executed(sql: Buffer, types: readonly number[], values: BoundValues): readonly Buffer[] {
  const messages: readonly ClientMessage[] = [
    { kind: 'parse', statement: probeName, sql, types },
    { kind: 'bind', portal: probeName, statement: probeName, ...values, resultFormats: [] },
    { kind: 'execute', portal: probeName, maxRows: 0 },
    { kind: 'close', target: 'portal', name: probeName },
    { kind: 'close', target: 'statement', name: probeName },
  ];
  return messages.map(encodeClientMessage);
}

/** What EXPLAIN has printed. Notices are all of what we ask: the agent has nothing under way. */
export class PlanAnswer implements AsideReader<string | null> {
  #row: string | null = null;

  take(said: ServerMessage): 'more' | 'notOurs' | { readonly outcome: string | null } {
    switch (said.kind) {
      case 'notification':
      case 'parameterStatus':
        return 'notOurs';
      case 'dataRow':
        this.#row = said.values[0]?.toString('utf8') ?? null;
        return 'more';
      case 'commandComplete':
        return said.tag === 'EXPLAIN' ? { outcome: this.#row } : 'more';
      default:
        return 'more';
    }
  }
}
