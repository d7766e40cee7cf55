// The hallway. Somebody who reads only this file knows what the product does: every execution is read, judged and recorded, and then
// runs, waits for people, or is refused. Rooms do the work; nothing is decided here but the switch.
import { ProxyError } from './core/errors.ts';
import { changedMeanwhile, forbidden, unreleased } from './approval/refusals.ts';
import { asApproved } from './approval/release.ts';
import type { Answer } from './approval/desk.ts';
import { isGenuine, type Receipt } from './audit/receipt.ts';
import {
  carried,
  finishedRecord,
  judgedRecord,
  refusal,
  serverAnswersRecord,
  type AdmissionOf,
  type Execution,
  type GateParts,
  type JudgedExecution,
  type Outcome,
} from './gate-data.ts';
import { standsAgain, stillStands, type ReadAgain } from './gate-again.ts';
import { holdRequest } from './gate-dump.ts';
import type { Verdict } from './policy/verdict.ts';
import { replanned } from './sql/estimated.ts';
import { meansTheSame } from './sql/apart.ts';
import type { Reading } from './sql/reading.ts';

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

export type Admission = AdmissionOf<Permit>;

type Released = Extract<Answer, { kind: 'released' }>;

export class Gate {
  readonly #parts: GateParts;

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /** At once where the text is known and nobody has to be asked: no promise on the hot path. */
  admit(execution: Execution): Admission | Promise<Admission> {
    try {
      const reading = execution.reader.read(execution);
      return reading instanceof Promise ? this.#later(execution, reading) : this.#judged(execution, reading);
    } catch (thrown) {
      return refusal(thrown);
    }
  }

  #later(execution: Execution, reading: Promise<Reading>): Promise<Admission> {
    return reading.then((read) => this.#judged(execution, read)).catch(refusal);
  }

  #judged(execution: Execution, reading: Reading): Admission | Promise<Admission> {
    if (reading.kind === 'skipped') return { kind: 'skipped' };
    const { recorder, hashes, judging } = this.#parts;
    const asker = execution.asker(reading.kind === 'read' ? reading.reason : undefined);
    if (reading.kind === 'serverAnswers') {
      const receipt = recorder.record(serverAnswersRecord(execution, asker, hashes));
      if (reading.error !== undefined) return { kind: 'answered', frame: reading.error };
      return { kind: 'pass', permit: permit(receipt), text: undefined, verdict: undefined, terms: undefined };
    }
    const verdict = judging.verdict(reading, asker);
    if (verdict.kind !== 'allow' && reading.replan !== undefined)
      return this.#later(execution, replanned(reading, execution));
    const receipt = recorder.record(judgedRecord({ execution, asker, reading, verdict }, hashes));
    switch (verdict.kind) {
      case 'allow':
        return this.#passed({ execution, asker, reading, verdict }, receipt);
      case 'deny':
        return this.#denied({ execution, asker, reading, verdict });
      case 'hold':
        return this.#held({ execution, asker, reading, verdict }).catch(refusal);
    }
  }

  async #denied(judged: JudgedExecution<Extract<Verdict, { kind: 'deny' }>>): Promise<Admission> {
    return { kind: 'refuse', error: forbidden(judged.verdict, await this.#parts.offers.narrower(judged)) };
  }

  /** People are asked. What they say yes to runs only if it still is what they saw. */
  async #held(judged: JudgedExecution<Extract<Verdict, { kind: 'hold' }>>): Promise<Admission> {
    const { desk, offers, judging } = this.#parts;
    const { execution, reading, verdict } = judged;
    const withdrawn = execution.withdrawn();
    const request = await holdRequest({ ...judged, counterOffer: await offers.narrower(judged) }, this.#parts);
    const waiting = await desk.ask(request, withdrawn);
    const answer = await waiting.answer.finally(execution.tellHeld(waiting.hold, waiting.until));
    if (answer.kind !== 'released') return { kind: 'refuse', error: unreleased(answer) };
    const again = await execution.reader.read(execution);
    const standing = again.kind === 'read' ? judging.verdict(again, judged.asker) : undefined;
    if (standing?.kind === 'allow') return this.#judged(execution, again);
    const same = again.kind === 'read' && meansTheSame(reading, again) ? standing : undefined;
    const approved = asApproved(verdict, same, answer);
    if (approved === undefined) return { kind: 'refuse', error: changedMeanwhile(answer.hold) };
    return this.#passed({ ...judged, verdict: approved }, answer.receipt, answer);
  }

  /** Data that leaves its column keeps its level where it goes, before it goes. */
  #passed(judged: JudgedExecution, receipt: Receipt, by?: Released): Admission | Promise<Admission> {
    const { reading: text, verdict } = judged;
    const pass = { kind: 'pass', permit: permit(receipt), text, verdict, terms: by?.terms, by } as const;
    if (verdict.carried === undefined) return pass;
    return carried(judged, by?.hold.id, this.#parts).then((shipped) => ({ ...pass, shipped }), refusal);
  }

  /** Whether it may go on: definitions moved while the server had it, and it reads like this now. */
  stands(execution: Execution, passed: Extract<Admission, { kind: 'pass' }>, now: ReadAgain): Promise<boolean> {
    return standsAgain({ execution, passed, now }, this.#parts);
  }

  /** Of what is in force: while it is the same, whatever was let through stands. */
  readonly moment = (): number => this.#parts.judging.moment;

  readonly stillStands = (passed: Extract<Admission, { kind: 'pass' }>, execution: Execution): boolean =>
    stillStands(passed, execution, this.#parts.judging);

  /** Closes the record of an execution that was let through. Never throws: a session that ends must end whole, and a shut log says so itself. */
  finish(execution: Execution, passed: Permit, outcome: Outcome): void {
    try {
      this.#parts.recorder.record(finishedRecord(execution, passed.receipt.seq, outcome));
    } catch (thrown) {
      if (!(thrown instanceof ProxyError)) this.#parts.onDefect(thrown);
    }
  }
}
