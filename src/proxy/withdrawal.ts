// Taking back what has not begun: a statement that waits for people or is being judged, whose agent cancels or leaves.
import type { ProxyError } from '../core/errors.ts';
import type { Admission } from '../gate.ts';

export class Withdrawal {
  #controller: AbortController | undefined;
  #why: ProxyError | undefined;

  /** From now on there is something to take back. */
  readonly signal = (): AbortSignal => (this.#controller ??= new AbortController()).signal;

  /** False: there is nothing. */
  abort(why: ProxyError): boolean {
    if (this.#controller === undefined) return false;
    this.#why ??= why;
    this.#controller.abort(why);
    return true;
  }

  over(): void {
    this.#controller = undefined;
    this.#why = undefined;
  }

  /** What was let through meanwhile does not run; what it would have carried away is forgotten. */
  unlessAborted(admission: Admission, aside: (task: Promise<void>) => void): Admission {
    if (this.#why === undefined || admission.kind !== 'pass') return admission;
    if (admission.shipped !== undefined) aside(admission.shipped.undo());
    return { kind: 'refuse', error: this.#why };
  }
}
