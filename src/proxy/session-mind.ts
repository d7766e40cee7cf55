// What a session knows about itself that decides how its statements are read and judged: the mirror of its state at the server, how
// that is asked for, who asks, and how the agent is told that it waits. No sockets; `session.ts` lends its own.
import type { Released } from '../approval/cursors.ts';
import type { SessionId } from '../core/brand.ts';
import type { Clock } from '../core/clock.ts';
import type { Execution } from '../gate-data.ts';
import type { Asker } from '../policy/asker.ts';
import type { Classification } from '../policy/classification.ts';
import type { Carried } from '../policy/flows.ts';
import type { Named } from '../policy/lineage.ts';
import { isTemporarySchema } from '../policy/lineage-temporary.ts';
import type { Analysis } from '../sql/analysis.ts';
import type { ParserMajor } from '../sql/parser.ts';
import type { SchemaIndex } from '../sql/schema-index.ts';
import type { Relation } from '../sql/schema.ts';
import { temporaryOf, type ReadText } from '../sql/reading.ts';
import type { Reference } from '../sql/statement.ts';
import { movesCatalog } from '../sql/statement-effects.ts';
import type { TextEncodings } from '../sql/text.ts';
import { Asking, type AskingDesk, type RanInTransaction } from './asking.ts';
import { DumpWatch, type DumpRegistry } from './dump-watch.ts';
import { HeldTelling } from './held-telling.ts';
import { DefinedSoFar } from './definitions-watch.ts';
import type { LateParts } from './late-look.ts';
import { Mirror } from './mirror.ts';
import type { NamesDesk } from './mirror-names.ts';
import { ErrorDetail } from './error-detail.ts';
import { OwnDefinitions } from './own-definitions.ts';
import type { DatabaseReader } from './readers.ts';
import type { TransactionStatus } from './replies.ts';
import { portalKey } from './portals.ts';
import { SessionExecution, type SharedByExecutions } from './session-execution.ts';
import type { PreparedText } from './statement-book.ts';

export interface SessionMindParts {
  readonly id: SessionId;
  readonly clock: Clock;
  /** As it is at login. */
  readonly asker: Asker;
  /** Reads statements for this database. */
  readonly database: DatabaseReader;
  readonly major: ParserMajor;
  /** What the server reported at login. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly heartbeatMs: number;
  /** What was carried into relations that only this session can name. */
  readonly lineage: SessionLineage;
  readonly dumps: DumpRegistry;
  /** Where people look at holds. */
  readonly consoleUrl: string | undefined;
}

export interface SessionLineage {
  learn(session: SessionId, relations: readonly Relation[]): void;
  /** Relations that took data and are new: from now on by their numbers, whatever they are called. */
  made(database: string, relations: readonly Named[]): Promise<void>;
  end(session: SessionId): void;
}

export interface MindDesk extends AskingDesk {
  readonly withdrawn: () => AbortSignal;
  /** Puts a notice between replies. */
  readonly tell: (frame: Buffer) => void;
}

export class SessionMind {
  readonly #parts: SessionMindParts;
  readonly #desk: MindDesk;
  readonly #mirror: Mirror;
  readonly #own: OwnDefinitions;
  readonly #asking: Asking;
  readonly #dump: DumpWatch;
  #asker: Asker;
  /** Definitions changed in the open transaction; the schema is read anew when it is over. */
  #definitionsMoved = false;
  /** Also what others know this session by: it is remembered longer than the session lives, and holds nothing else. */
  readonly #defined = new DefinedSoFar();
  #settingsMoved = false;
  #ran: RanInTransaction = 'nothing';
  readonly #shared: SharedByExecutions;

  constructor(parts: SessionMindParts, desk: MindDesk, names: NamesDesk) {
    const { id, clock, asker, database, major, parameters, heartbeatMs, consoleUrl } = parts;
    this.#parts = parts;
    this.#desk = desk;
    this.#asker = asker;
    this.#mirror = new Mirror({ major, parameters, reason: asker.reason, names });
    const { lineage, dumps } = parts;
    this.#dump = new DumpWatch(dumps, asker);
    this.#own = new OwnDefinitions(database.common);
    this.#asking = new Asking(
      desk,
      { mirror: this.#mirror, own: this.#own, begunAt: database.schema.current?.snapshot.schemaVersion },
      {
        onTemporary: (relations) => lineage.learn(id, relations),
        onMade: (relations) => lineage.made(asker.database, relations),
      },
    );
    const telling = new HeldTelling({ clock, heartbeatMs, consoleUrl, tell: (frame) => desk.tell(frame) });
    this.#shared = {
      id,
      agent: asker.agent,
      session: this.#asking,
      database,
      asker: (reason) => this.#askerNow(reason),
      withdrawn: desk.withdrawn,
      follows: (text) => this.#follows(text),
      tellHeld: (hold, until) => telling.begin(hold, until),
      locks: (text) => this.#asking.locks(this.#ran, ranBy(text, this.#ran)),
      dump: () => this.#dump.shape(),
      dumpFacts: (oids) => this.#asking.dumpFacts(oids),
    };
  }

  execution(protocol: Execution['protocol'], text: PreparedText, parameters: Buffer | undefined): Execution {
    return new SessionExecution(this.#shared, protocol, text, parameters);
  }

  /** What its runs must know of others' definitions. */
  late(gate: LateParts['gate'], replies: LateParts['replies']): LateParts {
    const { database, clock } = this.#parts;
    return { database, gate, clock, session: this.#defined, replies };
  }

  parsesEarly(text: PreparedText): boolean | Promise<boolean> {
    const { sql, types, typesKey } = text;
    const { database, asker } = this.#parts;
    return database.reader.parsesEarly({ sql, types, typesKey, agent: asker.agent, session: this.#asking });
  }

  /** As they are now, whatever else is not certain. */
  get encodings(): TextEncodings {
    return this.#mirror.anyMeaning().encodings;
  }

  /** What the server's errors may show this agent. */
  errorDetail(classification: () => Classification): ErrorDetail {
    const { database, asker } = this.#parts;
    return new ErrorDetail({
      ...{ classification, database: asker.database, encoding: () => this.encodings.client },
      // Looked up each time, as the reader is.
      schema: () => this.#schemaOfErrors(database),
      temporary: () => temporaryOf(this.#mirror.anyMeaning()),
    });
  }

  /** Errors name tables. In a transaction that called one otherwise a name is no one's for sure, and nothing is shown of any. */
  #schemaOfErrors({ schema }: DatabaseReader): SchemaIndex | undefined {
    const { own } = this.#mirror;
    if (own === 'none') return schema.current;
    return own !== 'stale' && own.known && own.value.former.relations.size === 0 ? own.value.index : undefined;
  }

  /** Gives what has to be called when the server has said how it went; undefined: it changes nothing here. */
  begin(text: ReadText | undefined, by?: Released): ((how: 'done' | 'failed') => void) | undefined {
    if (text !== undefined) this.#dump.saw(text);
    if (this.#desk.replies.status === 'none' && this.#desk.replies.length === 0) this.#own.begins();
    if (text?.statements.some(mayMeanThePast) === true) this.#own.mayBeOlder();
    if (this.#ran !== 'queries') this.#ran = ranBy(text, this.#ran);
    if (text === undefined) return undefined;
    const isMirrored = this.#mirror.begin(text);
    // What people let through may be a function that nobody knows, and define things as well.
    const isMoving = by !== undefined || text.effects.some(movesCatalog);
    this.#defining(text, isMoving, by !== undefined);
    if (!isMirrored && !isMoving) return undefined;
    return (how) => {
      if (isMirrored) this.#mirror.ended(text, how, by);
      if (isMoving) this.#definitionsMoved = true;
      if (text.statements.some(movesSettings)) this.#settingsMoved = true;
      // AND CHAIN: what was defined is everybody's now, though a transaction is open.
      else if (this.#definitionsMoved && text.effects.some((effect) => effect.kind === 'transaction'))
        this.schemaMoved();
    };
  }

  /** Where no transaction is open, or one ends, what was defined may be everybody's before the server has said so. */
  #defining(text: ReadText, isMoving: boolean, isUnread: boolean): void {
    if (!this.#definitionsMoved && !isMoving && this.#mirror.defines === 'nothing') return;
    const defined = this.#defined.begin(text, isUnread);
    const isOpen = this.#desk.replies.status !== 'none';
    if (isOpen && !text.effects.some(({ kind }) => kind === 'transaction' || kind === 'unsure')) return;
    this.#parts.database.watch.ending(this.#defined, defined);
  }

  /** One FETCH by itself of one cursor, which changes nothing else. */
  #follows({ statements }: ReadText): Released | undefined {
    const [only, ...more] = statements;
    const [reference, ...others] = only?.refersTo ?? [];
    if (more.length > 0 || others.length > 0 || only?.effects.length !== 0) return undefined;
    return reference?.kind === 'cursor' ? this.#mirror.sqlNames.declaredBy(reference.name) : undefined;
  }

  /** What was made and took data must be known by its number before anybody can rename it. */
  carried(columns: readonly Carried[] | undefined): void {
    const made = columns?.filter(({ isMade, to }) => isMade === true && !isTemporarySchema(to.relation.schema)) ?? [];
    if (made.length > 0) this.#mirror.made(made.map(({ to }) => to.relation));
  }

  /** Asks at once, while nothing else is going on; undefined: there is nothing to ask. */
  settleMade(): Promise<unknown> | undefined {
    return this.#mirror.hasMade && this.#desk.replies.status !== 'failed' ? this.#asking.settle() : undefined;
  }

  end(): void {
    if (this.#definitionsMoved || this.#mirror.defines === 'something') this.schemaMoved();
    this.#parts.database.watch.left(this.#defined);
    this.#dump.over();
    this.#own.over();
    this.#parts.lineage.end(this.#parts.id);
  }

  protocolTook(kind: Reference['kind'], name: string): void {
    this.#mirror.sqlNames.protocolTook(kind, name);
  }

  async hasPortal(name: string): Promise<boolean> {
    await this.#desk.settled();
    const key = portalKey(name);
    return this.#mirror.sqlNames.hasCursor(key) || (await this.#asking.portals(key))?.has(key) === true;
  }

  /** Statements that the server has from Parse, byte by byte; undefined: nobody can be asked at this moment. */
  namesAtServer(): Promise<ReadonlySet<string> | undefined> {
    return this.#asking.names();
  }

  /** ReadyForQuery came; `before` is the status of the one before it. */
  ready(before: TransactionStatus): void {
    const isQuiet = this.#desk.replies.length === 0;
    if (isQuiet) this.#parts.database.watch.ended(this.#defined);
    if (this.#desk.replies.status !== 'none') return;
    if (isQuiet) this.#defined.over();
    this.#dump.over();
    this.#ran = 'nothing';
    this.#mirror.transactionEnded(before);
    if (!this.#definitionsMoved) return;
    this.#definitionsMoved = false;
    this.#own.over();
    this.#mirror.definitionsSettled();
    this.schemaMoved();
  }

  /** ParameterStatus came. */
  reported(name: string, value: string): void {
    this.#mirror.parameter(name, value);
  }

  schemaMoved(): void {
    this.#parts.database.schema.changed();
    if (!this.#settingsMoved) return;
    this.#settingsMoved = false;
    this.#parts.database.settingsMoved();
  }

  /** Only made anew when something moved: verdicts are remembered by it. */
  #askerNow(reason: string | undefined): Asker {
    const now = this.#asker;
    const role = this.#mirror.meaning?.names.role ?? now.role;
    const why = reason ?? this.#mirror.reason;
    const transaction = this.#desk.replies.status;
    if (now.role === role && now.reason === why && now.transaction === transaction) return now;
    this.#asker = { ...now, role, reason: why, transaction };
    return this.#asker;
  }
}

/** What a database or a role begins its sessions with: whoever connects next has to find it, in a connection that was ready before too. */
const movesSettings = ({ analysis }: ReadText['statements'][number]): boolean =>
  /^ALTER (?:DATABASE|ROLE)\b/.test(analysis.command);

/** Of a snapshot that somebody else has exported, or of what nobody could read. */
function mayMeanThePast({ analysis, effects }: ReadText['statements'][number]): boolean {
  return analysis.command === 'SET TRANSACTION SNAPSHOT' || effects.some(({ kind }) => kind === 'unsure');
}

/** What takes no snapshot and no locks leaves the transaction as fresh as it was. */
function ranBy(text: ReadText | undefined, before: RanInTransaction): RanInTransaction {
  let ran = before;
  for (const { analysis } of text?.statements ?? []) {
    if (leavesFresh(analysis)) continue;
    if (analysis.command !== 'LOCK TABLE') return 'queries';
    ran = 'LOCK';
  }
  return ran;
}

function leavesFresh({ kinds, command }: Analysis): boolean {
  return kinds.every((kind) => kind === 'session' || kind === 'transaction') || /^(?:SET|RESET)\b/.test(command);
}
