// One execution as the gate sees it, in the state of its session. Made for each statement, so its own fields are only what differs: a copy
// of all the rest was a tenth of our own time.
import type { SessionId } from '../core/brand.ts';
import type { Execution } from '../gate-data.ts';
import type { DatabaseReader } from './readers.ts';
import type { PreparedText } from './statement-book.ts';

/** The same for all executions of a session. */
export type SharedByExecutions = Pick<
  Execution,
  'id' | 'agent' | 'session' | 'asker' | 'withdrawn' | 'tellHeld' | 'locks' | 'dump' | 'dumpFacts' | 'follows'
> & {
  readonly database: DatabaseReader;
};

export class SessionExecution implements Execution {
  readonly protocol: Execution['protocol'];
  readonly parameters: Buffer | undefined;
  readonly definedBefore: number;
  readonly #text: PreparedText;
  readonly #shared: SharedByExecutions;

  constructor(
    shared: SharedByExecutions,
    protocol: Execution['protocol'],
    text: PreparedText,
    parameters: Buffer | undefined,
  ) {
    this.#shared = shared;
    this.protocol = protocol;
    this.#text = text;
    this.parameters = parameters;
    this.definedBefore = shared.database.watch.now;
  }

  get sql(): Buffer {
    return this.#text.sql;
  }

  get types(): readonly number[] {
    return this.#text.types;
  }

  get typesKey(): string {
    return this.#text.typesKey;
  }

  get kept(): Execution['kept'] {
    return this.#text.kept;
  }

  get id(): SessionId {
    return this.#shared.id;
  }

  get agent(): string {
    return this.#shared.agent;
  }

  get session(): Execution['session'] {
    return this.#shared.session;
  }

  /** Looked up each time: a reload may have put another in its place. */
  get reader(): Execution['reader'] {
    return this.#shared.database.reader;
  }

  get asker(): Execution['asker'] {
    return this.#shared.asker;
  }

  get withdrawn(): Execution['withdrawn'] {
    return this.#shared.withdrawn;
  }

  get tellHeld(): Execution['tellHeld'] {
    return this.#shared.tellHeld;
  }

  get dump(): Execution['dump'] {
    return this.#shared.dump;
  }

  get follows(): Execution['follows'] {
    return this.#shared.follows;
  }

  get dumpFacts(): Execution['dumpFacts'] {
    return this.#shared.dumpFacts;
  }

  get locks(): Execution['locks'] {
    return this.#shared.locks;
  }
}
