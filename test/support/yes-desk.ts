// A desk where somebody says yes at once: for tests of the road, whose statements are of every kind. The gate is the real one, every
// statement is read and judged, and what is held goes through the held path; only nobody has to click.
import type { Answer, Desk, HoldRequest, Waiting } from '../../src/approval/desk.ts';
import { once } from '../../src/approval/terms.ts';
import type { HoldView } from '../../src/approval/view.ts';
import type { Recorder } from '../../src/audit/recorder.ts';
import type { HoldId, UnixMillis } from '../../src/core/brand.ts';

const id = 'h_yesyesyesyesyesyesye' as HoldId;

export function yesDesk(recorder: Recorder): Desk {
  const ask = async (request: HoldRequest): Promise<Waiting> => {
    const { asker, session, statement } = request;
    const receipt = await recorder.recordDurably({
      kind: 'released',
      session,
      agent: asker.agent,
      owner: asker.owner,
      database: asker.database,
      hold: id,
      statement: statement.hash,
    });
    const hold = viewOf(request);
    const answer: Answer = { kind: 'released', receipt, terms: once, by: ['everybody'], hold };
    return { hold, until: 0 as UnixMillis, answer: Promise.resolve(answer) };
  };
  return {
    ask,
    vote: () => Promise.resolve({ kind: 'notFound' }),
    find: () => Promise.resolve(undefined),
    list: () => Promise.resolve([]),
    watch: () => () => undefined,
    stop: () => Promise.resolve(),
  };
}

function viewOf({ asker, session, statement, verdict, ...request }: HoldRequest): HoldView {
  const [first, ...more] = verdict.reasons.map(({ action, rule, words, place }) => ({
    action,
    rule,
    words,
    place,
    columns: [],
  }));
  if (first === undefined) throw new Error('a hold without a reason');
  const [need] = verdict.needs;
  return {
    id,
    state: 'used',
    lapsed: false,
    agent: asker.agent,
    owner: asker.owner,
    database: asker.database,
    role: asker.role,
    session,
    applicationName: asker.applicationName,
    clientAddress: asker.clientAddress,
    agentReason: asker.reason,
    command: statement.command,
    actions: [first.action],
    sql: {
      canonical: '',
      canonicalHidden: '',
      leftOut: 0,
      unreadable: false,
      raw: '',
      parameters: 0,
      comments: [],
      hash: statement.hash,
    },
    binding: 'f'.repeat(64),
    searchPath: request.searchPath,
    schemaVersion: request.schemaVersion,
    catalogVersion: verdict.catalogVersion,
    columns: [],
    masks: [],
    reasons: [first, ...more],
    needs: [{ ...need, approvers: [], approvedBy: [], met: true, unreachable: false }],
    estimate: request.estimate,
    rowsMax: verdict.rowsMax,
    budgets: [],
    transactionOpen: asker.transaction !== 'none',
    locks: request.locks,
    counterOffer: request.counterOffer,
    sibling: undefined,
    votes: [],
    settled: undefined,
    stepUp: 'none',
    offers: ['once'],
    askedAt: 0 as UnixMillis,
    waitUntil: undefined,
    waiting: 0,
    openUntil: 0 as UnixMillis,
    grantUntil: undefined,
    grantMs: 0,
    uses: 1,
  };
}
