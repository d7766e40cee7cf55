// What the agent asks, message by message: what may go ahead, what is judged first, what is refused. The order of messages is the
// order of judging; while one waits, those behind it wait too.
//
// Parse and Describe go ahead, because drivers need them to prepare; from Bind on nothing goes upstream before the verdict, since
// planning may run functions. What is judged is the SQL as it stood at Bind: on a real server
// Parse("", DELETE) Bind(p) Parse("", SELECT 1) Execute(p) deletes.
import { ProxyError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { assertNever } from '../core/exhaustive.ts';
import type { Admission } from '../gate.ts';
import type { Execution } from '../gate-data.ts';
import { encodeClientMessage } from '../wire/client-messages.ts';
import { fromClient as client } from '../wire/message-types.ts';
import { describeOf } from './describe-portal.ts';
import { answerFrames, answerName, boundToAnswer, closeAnswer, unseen, type InBand } from './in-band.ts';
import { failingParse, failingQuery, refusalFollower } from './refuse.ts';
import { awaits, type Awaited, type Follower, type Replies } from './replies.ts';
import { Portals } from './portals.ts';
import { latin1, onlyText, statementKind, tooMany, typeAt, typesAt, unknownStatement } from './request-bytes.ts';
import { BindFollower, type Passed, type Run } from './run.ts';
import { StatementBook, type PreparedText } from './statement-book.ts';
import { plannedName, probeName } from './witness-protocol.ts';

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
  /** Takes the frame again when all that is owed has come, and names are no longer in doubt. */
  retrySettled(type: number, bytes: Buffer, start: number, end: number): void;
  startRun(execution: Execution, passed: Passed): Run;
  /** A Parse or a Close of this name is sent, or answered. */
  protocolTook(name: string): void;
  /** Sends a frame that the server gave before; `simple`: with the word that it is ready. */
  answer(frame: Buffer, protocol: Execution['protocol']): void;
  /** Throw away what comes until Sync. */
  skipBatch(): void;
  terminate(): void;
  /** The bytes are not the protocol: say so and end the session. */
  fail(error: ProxyError): void;
}

/** A Bind on its way: `answer` stands for a statement that asks the proxy, with its rows. */
interface Bound {
  readonly portal: string;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly answer: PreparedText | undefined;
}

const ownNames: ReadonlySet<string> = new Set([probeName, plannedName, answerName]);

export type RequestLimits = Pick<Limits, 'statementsPerSessionMax' | 'portalsPerSessionMax'>;

export class Requests {
  readonly #desk: RequestDesk;
  readonly #limits: RequestLimits;
  readonly #book = new StatementBook();
  readonly #portals = new Portals();
  /** Something was bound or run since the last Sync: an implicit transaction of the agent's is open. */
  #batchOpen = false;
  /** Counts Syncs: names that an earlier batch brought are sure only when the server has answered. */
  #batch = 0;

  constructor(desk: RequestDesk, limits: RequestLimits) {
    this.#desk = desk;
    this.#limits = limits;
  }

  get batchOpen(): boolean {
    return this.#batchOpen;
  }

  /** SQL may have closed or replaced prepared statements. */
  doubtNames(): void {
    this.#book.doubt();
  }

  get namesInDoubt(): boolean {
    return this.#book.inDoubt('any');
  }

  keepNames(names: ReadonlySet<string>): void {
    this.#book.keepOnly(names);
  }

  handle(type: number, bytes: Buffer, start: number, end: number): void {
    switch (type) {
      case client.query:
        this.#query(bytes, start, end);
        return;
      case client.parse:
        this.#parse(bytes, start, end);
        return;
      case client.bind:
        this.#bind(bytes, start, end);
        return;
      case client.execute:
        this.#execute(bytes, start, end);
        return;
      case client.describe:
        this.#describe(bytes, start, end);
        return;
      case client.close:
        this.#close(bytes, start, end);
        return;
      case client.sync:
        this.sync(bytes, start, end);
        return;
      case client.flush:
        this.#desk.send(bytes, start, end);
        return;
      case client.copyData:
      case client.copyDone:
      case client.copyFail:
        this.copy(type, bytes, start, end);
        return;
      case client.terminate:
        this.#desk.terminate();
        return;
      case client.functionCall:
        // Runs any function by its oid without a word of SQL, so there is nothing to judge it by.
        this.#refuseQuery(
          new ProxyError(
            'FEATURE_NOT_SUPPORTED',
            'function call messages cannot be judged, so they do not pass; call the function in SQL',
          ),
        );
        return;
      default:
        this.#desk.fail(new ProxyError('PROTOCOL_VIOLATION', `invalid frontend message type ${type}`));
    }
  }

  sync(bytes: Buffer, start: number, end: number): void {
    this.#batch += 1;
    this.#batchOpen = false;
    this.#forward(awaits.sync, bytes, start, end);
  }

  /** COPY data goes only where a COPY may be reading it; elsewhere a server ignores it, and so do we. */
  copy(type: number, bytes: Buffer, start: number, end: number): void {
    if (!this.#desk.replies.mayCopyIn) return;
    if (type !== client.copyData) this.#desk.replies.owe(awaits.copyEnd);
    this.#desk.send(bytes, start, end);
  }

  /** The transaction is over and its portals with it. */
  dropPortals(): void {
    this.#portals.closeAll();
  }

  #forward(kind: Awaited, bytes: Buffer, start: number, end: number, follower?: Follower): void {
    this.#desk.replies.owe(kind, follower);
    this.#desk.send(bytes, start, end);
  }

  #query(bytes: Buffer, start: number, end: number): void {
    const sql = onlyText(bytes, start, end);
    if (sql === undefined) {
      this.#refuseQuery(new ProxyError('PROTOCOL_VIOLATION', 'invalid message format'));
      return;
    }
    const { inBand } = this.#desk;
    if (!inBand.mayAsk(sql)) {
      this.#judgeQuery(sql, bytes, start, end);
      return;
    }
    this.#desk.wait(inBand.query(sql), (answer) => {
      if (answer.kind === 'usual') this.#judgeQuery(sql, bytes, start, end);
      else if (answer.kind === 'refused') this.#refuseQuery(answer.error);
      else {
        const frame = encodeClientMessage({ kind: 'query', sql: answer.sql });
        this.#judgeQuery(answer.sql, frame, 0, frame.length);
      }
    });
  }

  #judgeQuery(sql: Buffer, bytes: Buffer, start: number, end: number): void {
    const execution = this.#desk.execution('simple', { sql, types: [], typesKey: '' }, undefined);
    const admission = this.#desk.admit(execution);
    if (admission instanceof Promise) {
      this.#desk.wait(admission, (settled) => this.#queryAdmitted(settled, execution, bytes, start, end));
    } else this.#queryAdmitted(admission, execution, bytes, start, end);
  }

  #queryAdmitted(admission: Admission, execution: Execution, bytes: Buffer, start: number, end: number): void {
    switch (admission.kind) {
      case 'pass':
        this.#batchOpen = false;
        this.#forward(awaits.query, bytes, start, end, this.#desk.startRun(execution, admission));
        return;
      case 'refuse':
        this.#refuseQuery(admission.error);
        return;
      case 'answered':
        this.#desk.answer(admission.frame, 'simple');
        return;
      case 'skipped':
        return;
      default:
        assertNever(admission);
    }
  }

  #parse(bytes: Buffer, start: number, end: number): void {
    const nameEnd = bytes.indexOf(0, start + 5);
    const sqlEnd = nameEnd < 0 ? -1 : bytes.indexOf(0, nameEnd + 1);
    if (sqlEnd < 0 || sqlEnd >= end) {
      this.#refuseBatch(new ProxyError('PROTOCOL_VIOLATION', 'invalid message format'));
      return;
    }
    const name = latin1(bytes, start + 5, nameEnd);
    if (ownNames.has(name)) {
      this.#refuseBatch(new ProxyError('FEATURE_NOT_SUPPORTED', `the name "${name}" is the proxy's own`));
      return;
    }
    if (!this.#book.has(name) && this.#book.size >= this.#limits.statementsPerSessionMax) {
      this.#refuseBatch(tooMany('statements', this.#limits.statementsPerSessionMax));
      return;
    }
    // A copy: the chunk that the frame came in would stay in memory with it.
    const sql = Buffer.from(bytes.subarray(nameEnd + 1, sqlEnd));
    const types = typesAt(bytes, sqlEnd + 1, end);
    if (types === undefined) {
      this.#refuseBatch(new ProxyError('PROTOCOL_VIOLATION', 'invalid message format'));
      return;
    }
    const typesKey = types.some((oid) => oid !== 0) ? `(${types.join()})` : '';
    const { inBand } = this.#desk;
    const text = { sql, types, typesKey, kept: { of: sql, reading: undefined, hash: undefined } };
    if (!inBand.mayAsk(sql)) {
      this.#prepare(name, text, bytes, start, end);
      return;
    }
    this.#desk.wait(inBand.parse(text), (answer) => {
      if (answer.kind === 'usual') this.#prepare(name, text, bytes, start, end);
      else if (answer.kind === 'refused') this.#refuseBatch(answer.error);
      else {
        const frame = encodeClientMessage({ kind: 'parse', statement: name, sql: answer.text.sql, types });
        this.#prepare(name, answer.text, frame, 0, frame.length);
      }
    });
  }

  #prepare(name: string, text: PreparedText, bytes: Buffer, start: number, end: number): void {
    const entered = this.#book.parse(name, text, this.#batch);
    this.#forward(awaits.parse, bytes, start, end, this.#taking(name, entered));
  }

  #bind(bytes: Buffer, start: number, end: number): void {
    const portalEnd = bytes.indexOf(0, start + 5);
    const nameEnd = portalEnd < 0 ? -1 : bytes.indexOf(0, portalEnd + 1);
    if (nameEnd < 0 || nameEnd >= end) {
      this.#refuseBatch(new ProxyError('PROTOCOL_VIOLATION', 'invalid message format'));
      return;
    }
    const portal = latin1(bytes, start + 5, portalEnd);
    const name = latin1(bytes, portalEnd + 1, nameEnd);
    const found = this.#book.find(name, this.#batch);
    if (found.kind === 'unsettled' || (found.kind === 'found' && this.#inDoubt(name))) {
      this.#desk.retrySettled(typeAt(bytes, start), bytes, start, end);
      return;
    }
    if (found.kind === 'unknown') {
      this.#refuseBatch(unknownStatement(name));
      return;
    }
    if (!this.#portals.has(portal) && this.#portals.size >= this.#limits.portalsPerSessionMax) {
      this.#refuseBatch(tooMany('portals', this.#limits.portalsPerSessionMax));
      return;
    }
    const rest = bytes.subarray(nameEnd + 1, end);
    const { text } = found;
    if (text.inBand === undefined) {
      this.#judgeBind(text, rest, { portal, bytes, start, end, answer: undefined });
      return;
    }
    this.#desk.wait(this.#desk.inBand.bind(text, rest), (answer) => {
      if (answer.kind === 'refused') this.#refuseBatch(answer.error);
      else if (answer.kind === 'sql') {
        const frame = boundToAnswer(bytes.subarray(start + 5, portalEnd), rest);
        const fresh = { sql: answer.sql, types: text.types, typesKey: text.typesKey };
        this.#judgeBind(fresh, rest, { portal, bytes: frame, start: 0, end: frame.length, answer: fresh });
      }
    });
  }

  #judgeBind(text: PreparedText, rest: Buffer, bound: Bound): void {
    const execution = this.#desk.execution('extended', text, rest);
    const admission = this.#desk.admit(execution);
    if (admission instanceof Promise) {
      this.#desk.wait(admission, (settled) => this.#bindAdmitted(settled, execution, bound));
    } else this.#bindAdmitted(admission, execution, bound);
  }

  /** In a failed transaction nobody can be asked, and nothing runs but its end. */
  #inDoubt(name: string): boolean {
    const { replies } = this.#desk;
    return this.#book.inDoubt(name) && (replies.length > 0 || (replies.status !== 'failed' && !replies.skipping));
  }

  #bindAdmitted(admission: Admission, execution: Execution, bound: Bound): void {
    switch (admission.kind) {
      case 'pass': {
        const { portal, bytes, start, end, answer } = bound;
        const run = this.#desk.startRun(execution, admission);
        this.#batchOpen = true;
        this.#portals.open(portal, run);
        if (answer !== undefined) this.#prepareAnswer(answer);
        this.#forward(awaits.bind, bytes, start, end, new BindFollower(run));
        if (answer !== undefined) this.#forward(awaits.close, closeAnswer, 0, closeAnswer.length, unseen);
        return;
      }
      case 'refuse':
        this.#refuseBatch(admission.error);
        return;
      case 'answered':
        this.#desk.answer(admission.frame, 'extended');
        this.#desk.skipBatch();
        return;
      case 'skipped':
        this.#desk.skipBatch();
        return;
      default:
        assertNever(admission);
    }
  }

  /** What a Bind before it may have left is closed first: an error skips the Close behind it. */
  #prepareAnswer(answer: PreparedText): void {
    const [close, parse] = answerFrames(answer);
    this.#forward(awaits.close, close, 0, close.length, unseen);
    this.#forward(awaits.parse, parse, 0, parse.length, unseen);
  }

  /** Of a portal: what its rows will hold is looked at before they pass. */
  #describe(bytes: Buffer, start: number, end: number): void {
    const name = latin1(bytes, start + 6, bytes.indexOf(0, start + 6));
    const run = bytes[start + 5] === statementKind ? undefined : this.#portals.get(name);
    this.#forward(awaits.describe, bytes, start, end, run?.described());
  }

  #execute(bytes: Buffer, start: number, end: number): void {
    const nameEnd = bytes.indexOf(0, start + 5);
    const run = this.#portals.get(latin1(bytes, start + 5, nameEnd));
    this.#batchOpen = true;
    if (run?.isUnseen === true) {
      const frame = describeOf(bytes.subarray(start + 5, nameEnd + 1));
      this.#forward(awaits.describe, frame, 0, frame.length, run.describingForUs);
    }
    // A portal we do not know is a cursor that SQL declared: its query was judged then. Otherwise the server says so itself.
    this.#forward(awaits.execute, bytes, start, end, run);
  }

  #close(bytes: Buffer, start: number, end: number): void {
    const name = latin1(bytes, start + 6, bytes.indexOf(0, start + 6));
    if (bytes[start + 5] === statementKind) {
      this.#forward(awaits.close, bytes, start, end, this.#taking(name, this.#book.close(name, this.#batch)));
      return;
    }
    const run = this.#portals.take(name);
    this.#forward(awaits.close, bytes, start, end, run === undefined ? undefined : { ended: () => run.close() });
  }

  /** When it is sent and again when it is answered, since a PREPARE before it may be answered in between. */
  #taking(name: string, follower: Follower | undefined): Follower | undefined {
    if (name === '') return follower;
    this.#desk.protocolTook(name);
    return {
      ended: (how) => {
        this.#desk.protocolTook(name);
        follower?.ended(how);
      },
    };
  }

  #refuseQuery(error: ProxyError): void {
    this.#desk.replies.owe(awaits.query, refusalFollower(error));
    this.#desk.send(failingQuery, 0, failingQuery.length);
  }

  #refuseBatch(error: ProxyError): void {
    this.#desk.replies.owe(awaits.parse, refusalFollower(error));
    this.#desk.send(failingParse, 0, failingParse.length);
    this.#desk.skipBatch();
  }
}
