// A result that ends before its rows do: nobody said yes to going on. The server is asked to cancel; what it still sends is thrown away,
// and our words stand where its error about the cancel would have been.
//
// The server may have finished before the cancel came. Then it believes in a success of which the agent must not hear: the error is put
// where the end of the statement would have been, and where a transaction is open it is made to fail, as it would have by a cancel.
// Where more was sent behind the statement that cannot be taken back, the session ends instead.
import { ProxyError } from '../core/errors.ts';
import { fromServer as server } from '../wire/message-types.ts';
import { errorFrame, failingParse, failingQuery, refusalFollower } from './refuse.ts';
import { awaits, type Fate, type Follower, type Replies } from './replies.ts';

export interface StopDesk {
  readonly replies: Replies;
  send(bytes: Buffer, start: number, end: number): void;
  /** Throws away what comes until Sync; false when that cannot be done now. */
  skipBatch(): boolean;
  fail(error: ProxyError): void;
}

/** `T` in ReadyForQuery: inside a transaction that has not failed. */
const open = 'T'.charCodeAt(0);

export class StoppedResult {
  readonly #desk: StopDesk;
  readonly #error: ProxyError;
  readonly #protocol: 'simple' | 'extended';
  /** What it says beside rows: known where only their number was too much. */
  readonly #asides: 'forward' | 'swallow';
  #isSaid = false;

  constructor(
    desk: StopDesk,
    error: ProxyError,
    { protocol, asides }: { readonly protocol: 'simple' | 'extended'; readonly asides: 'forward' | 'swallow' },
  ) {
    this.#desk = desk;
    this.#error = error;
    this.#protocol = protocol;
    this.#asides = asides;
  }

  take(type: number, bytes: Buffer, start: number, end: number): Fate {
    switch (type) {
      case server.notice:
      case server.parameterStatus:
        return this.#asides;
      case server.notification:
        return 'forward';
      case server.error:
        this.#isSaid = true;
        return errorFrame(this.#error);
      case server.copyIn:
      case server.copyBoth:
        // It waits for data that nobody will send.
        this.#endSession();
        return 'swallow';
      case server.readyForQuery:
        return this.#ready(bytes, start, end);
      case server.commandComplete:
      case server.emptyQuery:
      case server.portalSuspended:
        if (this.#protocol === 'extended' && !this.#isSaid) this.#finishedInBatch();
        return 'swallow';
      default:
        return 'swallow';
    }
  }

  #ready(bytes: Buffer, start: number, end: number): Fate {
    if (this.#isSaid) return 'forward';
    this.#isSaid = true;
    if (bytes[start + 5] !== open) return Buffer.concat([errorFrame(this.#error), bytes.subarray(start, end)]);
    const { replies } = this.#desk;
    if (replies.length > 1) this.#endSession();
    else {
      replies.owe(awaits.query, refusalFollower(this.#error));
      this.#desk.send(failingQuery, 0, failingQuery.length);
    }
    return 'swallow';
  }

  #finishedInBatch(): void {
    const { replies } = this.#desk;
    switch (replies.behind) {
      case 'sync': {
        const follower: Follower = { take: (...frame) => this.#atSync(...frame), ended: () => undefined };
        replies.overruleNext(follower);
        return;
      }
      case 'nothing':
        replies.owe(awaits.parse, refusalFollower(this.#error));
        this.#desk.send(failingParse, 0, failingParse.length);
        if (!this.#desk.skipBatch()) this.#endSession();
        return;
      case 'more':
        this.#endSession();
    }
  }

  #atSync(type: number, bytes: Buffer, start: number, end: number): Fate {
    if (type === server.readyForQuery) return this.#ready(bytes, start, end);
    if (type !== server.error) return 'forward';
    this.#isSaid = true;
    return errorFrame(this.#error);
  }

  #endSession(): void {
    const words = 'what was sent behind it cannot be taken back, so the session ends';
    this.#desk.fail(
      new ProxyError(this.#error.code, `${this.#error.message}; ${words}`, {
        facts: this.#error.facts,
        cause: this.#error,
      }),
    );
  }
}
