// Taking back what has not begun: a statement that waits for people or is being judged, whose agent cancels or leaves.
import type { ProxyError } from '../core/errors.ts';
import type { Admission } from '../gate.ts';

export class Withdrawal {
  #controller: AbortController | undefined;
  #why: ProxyError | undefined;
  #told: Promise<void>[] = [];
  #isJudging = false;

  /** From now on there is something to take back. */
  readonly signal = (): AbortSignal => (this.#controller ??= new AbortController()).signal;

  /** False: there is nothing. */
  abort(why: ProxyError): boolean {
    if (this.#controller === undefined) return false;
    this.#why ??= why;
    this.#controller.abort(why);
    return true;
  }

  /** `waits`: nothing of the agent's runs. Gives the server's being told, where it has to be. */
  cancel(
    why: ProxyError,
    { length, answersUs }: { readonly length: number; readonly answersUs: boolean },
    { waits, tell }: { readonly waits: boolean; readonly tell: () => Promise<void> },
  ): Promise<void> | undefined {
    // A question of ours about something else than a statement: there is nothing that a cancel could be meant for.
    if (waits && !this.#isJudging && answersUs) return undefined;
    // What is being judged at this moment runs nowhere yet: it is withdrawn like what waits for people.
    if (waits && this.#isJudging) this.signal();
    // Its Parse, or our own question about it, may stand behind a lock, as the statement itself would.
    if (this.abort(why) && length === 0) return undefined;
    const told = tell();
    // Nothing more is sent before the server has heard, or it would stop what comes next.
    if (this.#isJudging) this.#told.push(told);
    return told;
  }

  over(): void {
    this.#controller = undefined;
    this.#why = undefined;
    this.#told = [];
  }

  /** What was let through meanwhile does not run; what it would have carried away is forgotten. */
  async judged(judging: Promise<Admission>, aside: (task: Promise<void>) => void): Promise<Admission> {
    this.#isJudging = true;
    const admission = await judging.finally(() => (this.#isJudging = false));
    await Promise.allSettled(this.#told);
    if (this.#why === undefined || admission.kind !== 'pass') return admission;
    if (admission.shipped !== undefined) aside(admission.shipped.undo());
    return { kind: 'refuse', error: this.#why };
  }
}
