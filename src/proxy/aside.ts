// Questions of our own, asked in the agent's session and unseen by it: as extended messages under a name of ours, so that the agent's
// unnamed statement and portal stay. One aside is one place in the queue of replies; nothing else is owed while it runs.
//
// Where the agent has an implicit transaction open the aside ends with Flush, since a Sync would end that too; elsewhere with Sync.
import { encodeClientMessage, type ClientMessage } from '../wire/client-messages.ts';
import { headerBytes } from '../wire/frame.ts';
import { fromServer } from '../wire/message-types.ts';
import { decodeServerMessage, fieldOf, type ServerMessage } from '../wire/server-messages.ts';
import type { Fate, Follower } from './replies.ts';
import { closeLeftover, probeName } from './witness-protocol.ts';

export type AsideEnd = 'flush' | 'sync';

/** What reads the replies: `notOurs` belongs to the agent whatever is going on. */
export interface AsideReader<Outcome> {
  take(message: ServerMessage): 'more' | 'notOurs' | { readonly outcome: Outcome };
}

export type AsideResult<Outcome> =
  | { readonly kind: 'done'; readonly outcome: Outcome }
  /** The server's whole frame. */
  | { readonly kind: 'error'; readonly frame: Buffer; readonly sqlState: string }
  /** The session ended first. */
  | { readonly kind: 'lost' };

export class Aside<Outcome> implements Follower {
  finished = false;
  /** A long answer handed on in pieces would reach the agent as a row of its own statement. */
  readonly whole = true;
  readonly result: Promise<AsideResult<Outcome>>;
  readonly #reader: AsideReader<Outcome>;
  readonly #end: AsideEnd;
  /** ReadyForQuerys that are still to come. */
  #readies: number;
  #settle: (result: AsideResult<Outcome>) => void = () => undefined;
  #so: AsideResult<Outcome> = { kind: 'lost' };

  /** `syncs`: what has to be put back after an error comes behind a Sync of its own. */
  constructor(reader: AsideReader<Outcome>, end: AsideEnd, syncs = 1) {
    this.#reader = reader;
    this.#end = end;
    this.#readies = syncs;
    this.result = new Promise((settle) => (this.#settle = settle));
  }

  take(type: number, bytes: Buffer, start: number, end: number): Fate {
    if (type === fromServer.readyForQuery) {
      this.#readies -= 1;
      this.finished = this.#end === 'sync' && this.#readies === 0;
      return 'swallow';
    }
    const message = decodeServerMessage(type, bytes.subarray(start + headerBytes, end));
    if (message.kind === 'error') {
      // A copy: the chunk is not ours to keep.
      const frame = Buffer.from(bytes.subarray(start, end));
      this.#so = { kind: 'error', frame, sqlState: fieldOf(message.fields, 'C') ?? '' };
      this.finished = this.#end === 'flush';
      return 'swallow';
    }
    const told = this.#reader.take(message);
    if (told === 'notOurs') return 'forward';
    if (told !== 'more') {
      this.#so = { kind: 'done', outcome: told.outcome };
      this.finished = this.#end === 'flush';
    }
    return 'swallow';
  }

  ended(how: 'done' | 'failed' | 'skipped'): void {
    this.#settle(how === 'skipped' ? { kind: 'lost' } : this.#so);
  }
}

export type AsideRows = readonly (readonly (string | null)[])[];

/** One after the other; none has parameters. */
export function questionMessages(texts: readonly (string | Buffer)[], end: AsideEnd): Buffer {
  const messages = texts.flatMap((text): readonly ClientMessage[] => [
    { kind: 'parse', statement: probeName, sql: Buffer.from(text), types: [] },
    { kind: 'bind', portal: probeName, statement: probeName, formats: [], parameters: [], resultFormats: [] },
    { kind: 'execute', portal: probeName, maxRows: 0 },
    { kind: 'close', target: 'portal', name: probeName },
    { kind: 'close', target: 'statement', name: probeName },
  ]);
  return Buffer.concat([closeLeftover, ...[...messages, { kind: end } as const].map(encodeClientMessage)]);
}

/** The rows of each question, values as text. */
export class Answers implements AsideReader<readonly AsideRows[]> {
  readonly #count: number;
  readonly #answers: (readonly (string | null)[])[][] = [[]];

  constructor(count: number) {
    this.#count = count;
  }

  take(message: ServerMessage): 'more' | 'notOurs' | { readonly outcome: readonly AsideRows[] } {
    switch (message.kind) {
      case 'notification':
      case 'parameterStatus':
      case 'notice':
        return 'notOurs';
      case 'dataRow':
        this.#answers.at(-1)?.push(message.values.map((value) => value?.toString('utf8') ?? null));
        return 'more';
      case 'commandComplete':
        this.#answers.push([]);
        return 'more';
      case 'closeComplete':
        this.#closes += 1;
        return this.#closes === 1 + 2 * this.#count ? { outcome: this.#answers.slice(0, this.#count) } : 'more';
      default:
        return 'more';
    }
  }

  #closes = 0;
}
