// The way of what the agent asks: to the server, to the gate, or back with a refusal.
import { assertNever } from '../core/exhaustive.ts';
import type { ProxyError } from '../core/errors.ts';
import type { Admission } from '../gate.ts';
import type { Execution } from '../gate-data.ts';
import type { RequestDesk } from './request-desk.ts';
import { failingParse, failingQuery, refusalFollower } from './refuse.ts';
import { awaits, type Awaited, type Follower } from './replies.ts';
import type { Passed } from './run.ts';

export class RequestWay {
  readonly #desk: RequestDesk;

  constructor(desk: RequestDesk) {
    this.#desk = desk;
  }

  forward(kind: Awaited, bytes: Buffer, start: number, end: number, follower?: Follower): void {
    this.#desk.replies.owe(kind, follower);
    this.#desk.send(bytes, start, end);
  }

  ask(execution: Execution, pass: (admission: Passed) => void): void {
    const { protocol } = execution;
    const admission = this.#desk.admit(execution);
    if (admission instanceof Promise) this.#desk.wait(admission, (settled) => this.#admitted(settled, protocol, pass));
    else this.#admitted(admission, protocol, pass);
  }

  /** What may not pass ends its batch, where it is in one. */
  #admitted(admission: Admission, protocol: Execution['protocol'], pass: (admission: Passed) => void): void {
    switch (admission.kind) {
      case 'pass':
        pass(admission);
        return;
      case 'refuse':
        if (protocol === 'simple') this.refuseQuery(admission.error);
        else this.refuseBatch(admission.error);
        return;
      case 'answered':
        this.#desk.answer(admission.frame, protocol);
        break;
      case 'skipped':
        break;
      default:
        assertNever(admission);
    }
    if (protocol === 'extended') this.#desk.skipBatch();
  }

  refuseQuery(error: ProxyError): void {
    this.#desk.replies.owe(awaits.query, refusalFollower(error));
    this.#desk.send(failingQuery, 0, failingQuery.length);
  }

  refuseBatch(error: ProxyError): void {
    this.#desk.replies.owe(awaits.parse, refusalFollower(error));
    this.#desk.send(failingParse, 0, failingParse.length);
    this.#desk.skipBatch();
  }
}
