// What `requests.ts` needs of the session it reads for.
import type { ProxyError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Admission } from '../gate.ts';
import type { Execution } from '../gate-data.ts';
import type { Reference } from '../sql/statement.ts';
import type { InBand } from './in-band.ts';
import type { Replies } from './replies.ts';
import type { Passed, Run } from './run.ts';
import type { PreparedText } from './statement-book.ts';

export type RequestLimits = Pick<Limits, 'statementsPerSessionMax' | 'portalsPerSessionMax'>;

/** What the session does for its requests. */
export interface RequestDesk {
  readonly replies: Replies;
  /** Sends a frame of the agent's own bytes upstream at the end of this turn. */
  send(bytes: Buffer, start: number, end: number): void;
  /** What is about to run, in the session's present state. */
  execution(protocol: Execution['protocol'], text: PreparedText, parameters: Buffer | undefined): Execution;
  /** What the gate says: at once when it can, which is what keeps promises off the hot path. */
  admit(execution: Execution): Admission | Promise<Admission>;
  /** Lets everything behind wait for an answer. */
  wait<Answer>(answer: Promise<Answer>, then: (answer: Answer) => void): void;
  /** What the proxy itself answers. */
  readonly inBand: InBand;
  /** Whether the server would run something of users' as soon as it parses this. */
  parsesEarly(text: PreparedText): boolean | Promise<boolean>;
  /** Takes the frame again when all that is owed has come, and names are no longer in doubt. */
  retrySettled(type: number, bytes: Buffer, start: number, end: number): void;
  /** Whether the server has a portal of this name, byte by byte, or nobody can say. */
  hasPortal(name: string): Promise<boolean>;
  startRun(execution: Execution, passed: Passed): Run;
  /** A Parse, a Bind or a Close of this name is sent, or answered. */
  protocolTook(kind: Reference['kind'], name: string): void;
  /** Sends a frame that the server gave before; `simple`: with the word that it is ready. */
  answer(frame: Buffer, protocol: Execution['protocol']): void;
  /** Throw away what comes until Sync. */
  skipBatch(): void;
  terminate(): void;
  /** The bytes are not the protocol: say so and end the session. */
  fail(error: ProxyError): void;
}

/** A Bind on its way: `answer` stands for a statement that asks the proxy, with its rows. */
export interface Bound {
  readonly portal: string;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly answer: (PreparedText & { readonly name: string }) | undefined;
}
