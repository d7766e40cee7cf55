// Asking people in the middle of a result: may it go on? The hold is one like any other, durable before anybody is asked and before a
// further row passes; only its verdict is about nothing but going on.
import type { Desk } from '../approval/desk.ts';
import { forbidden, unreleased } from '../approval/refusals.ts';
import type { Terms } from '../approval/terms.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError } from '../core/errors.ts';
import { notKnown } from '../core/known.ts';
import { requestOfOne, type Execution, type Hashes } from '../gate-data.ts';
import type { Classification } from '../policy/classification.ts';
import { continuationVerdict, type Stopped } from '../policy/continuation.ts';
import type { BudgetTap } from './rows-budget.ts';
import { afterRows, rowLimit } from './rows-words.ts';
import { bytesFor, rowsCharged, type Amount, type FixedBound } from './rows.ts';
import type { Passed } from './run.ts';

export interface RowAskingParts {
  readonly desk: Desk;
  readonly hashes: Hashes;
  readonly classification: () => Classification;
  readonly clock: Clock;
}

/** Where the result stands. */
export interface At {
  readonly execution: Execution;
  readonly passed: Passed;
  readonly sent: Amount;
  readonly withdrawn: AbortSignal;
}

interface Yes {
  readonly terms: Terms;
  readonly hold: string;
}

/** A plain yes lets ten times as many pass as were let through before it; then it is asked again. */
const furtherBy = 10;

export class RowAsking {
  readonly #parts: RowAskingParts;

  constructor(parts: RowAskingParts) {
    this.#parts = parts;
  }

  /** Beyond a level's rows. Undefined: it may go on. */
  async beyond(soft: FixedBound, wanted: Amount, at: At): Promise<ProxyError | undefined> {
    const rowsWished = Math.max(rowsCharged(wanted), furtherBy * Math.max(1, soft.rowsMax()));
    const asked = await this.#ask(at, { ...stoppedAt(at), rowsWished, budget: undefined });
    if (asked instanceof ProxyError) return asked;
    const named = rowsOf(asked.terms);
    if (named !== undefined) soft.endHere();
    if (named !== undefined && named < wanted.rows) return rowLimit(at.sent);
    const rowsMax = named ?? rowsWished;
    soft.raise(rowsMax, Math.max(bytesFor(rowsMax), wanted.bytes));
    return undefined;
  }

  /** The budget's purse is empty: the store is asked for more, and people only when there is none. */
  async budget(tap: BudgetTap, wanted: Amount, at: At): Promise<ProxyError | undefined> {
    try {
      const refill = await tap.refill(wanted);
      if (refill.kind === 'room') return undefined;
      const { claim } = tap;
      const least = tap.missing(wanted);
      const rowsWished = Math.max(least, claim.rowsMax);
      const budget = { claim, used: refill.used, rowsMax: refill.rowsMax };
      const asked = await this.#ask(at, { ...stoppedAt(at), rowsWished, budget });
      if (asked instanceof ProxyError) return asked;
      const added = rowsOf(asked.terms) ?? rowsWished;
      await tap.topUp(added, asked.hold);
      return added < least ? rowLimit(at.sent) : undefined;
    } catch (thrown) {
      if (thrown instanceof ProxyError) return afterRows(thrown, at.sent);
      throw thrown;
    }
  }

  async #ask(at: At, stopped: Stopped): Promise<Yes | ProxyError> {
    const { classification, clock, hashes, desk } = this.#parts;
    const { execution, passed, withdrawn } = at;
    const reading = passed.text;
    if (reading === undefined) throw new Error('rows of a statement that the server was sure to refuse');
    const asker = execution.asker(reading.reason);
    const analyses = reading.statements.map((one) => one.analysis);
    const input = { classification: classification(), asker, now: clock.now() };
    const verdict = continuationVerdict(analyses, input, stopped);
    if (verdict.kind === 'deny') return afterRows(forbidden(verdict, undefined), at.sent);
    // The session is in the middle of a result: it cannot be asked for its locks.
    const locks = (): Promise<ReturnType<typeof notKnown>> => Promise.resolve(notKnown('the statement is running'));
    const judged = { execution, locks, asker, reading, verdict, counterOffer: undefined };
    const request = await requestOfOne(judged, hashes);
    // Bound to where it stands: a yes to going on is none to beginning, nor to going on from elsewhere.
    const place = `${stopped.budget?.claim.key ?? 'rows'} after ${at.sent.rows} rows, ${at.sent.bytes} bytes`;
    const sessionFacts = [...(request.sessionFacts ?? []), place];
    try {
      const waiting = await desk.ask({ ...request, sessionFacts, shape: undefined }, withdrawn);
      const answer = await waiting.answer.finally(execution.tellHeld(waiting.hold, waiting.until));
      if (answer.kind === 'released') return { terms: answer.terms, hold: answer.hold.id };
      return afterRows(unreleased(answer), at.sent);
    } catch (thrown) {
      if (thrown instanceof ProxyError) return afterRows(thrown, at.sent);
      throw thrown;
    }
  }
}

function stoppedAt({ sent }: At): Pick<Stopped, 'rowsSent' | 'bytesSent'> {
  return { rowsSent: sent.rows, bytesSent: sent.bytes };
}

function rowsOf(terms: Terms): number | undefined {
  return terms.kind === 'once' ? undefined : terms.rowsMax;
}
