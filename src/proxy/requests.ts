// What the agent asks, message by message: what may go ahead, what is judged first, what is refused. The order of messages is the
// order of judging; while one waits, those behind it wait too.
//
// Parse and Describe go ahead, because drivers need them to prepare; from Bind on nothing goes upstream before the verdict, since
// planning may run functions. What is judged is the SQL as it stood at Bind: on a real server
// Parse("", DELETE) Bind(p) Parse("", SELECT 1) Execute(p) deletes.
import { ProxyError } from '../core/errors.ts';
import type { Execution } from '../gate-data.ts';
import type { SessionEffect } from '../sql/statement-effects.ts';
import type { Reference } from '../sql/statement.ts';
import { encodeClientMessage } from '../wire/client-messages.ts';
import { fromClient as client } from '../wire/message-types.ts';
import { CopyIn } from './copy-in.ts';
import { describeOf } from './describe-portal.ts';
import { answerFrames, answerName, boundToAnswer, closeAnswer, unseen } from './in-band.ts';
import type { Bound, RequestDesk, RequestLimits } from './request-desk.ts';
import { RequestWay } from './request-way.ts';
import { awaits, type Follower } from './replies.ts';
import { Moves } from './moves.ts';
import { ParsedText } from './parsed-text.ts';
import { Portals } from './portals.ts';
import { fetchOf, Names, onlyText, statementKind, typeAt, wrong, zeroAt } from './request-bytes.ts';
import { BindFollower, type Passed, type Run } from './run.ts';
import { StatementBook, type PreparedText } from './statement-book.ts';
import { plannedName, probeName } from './witness-protocol.ts';

const ownNames: ReadonlySet<string> = new Set([probeName, plannedName, answerName]);

export class Requests {
  readonly #desk: RequestDesk;
  readonly #way: RequestWay;
  readonly #limits: RequestLimits;
  readonly #book = new StatementBook();
  readonly #portals = new Portals();
  readonly #names = new Names();
  readonly #parsed = new ParsedText();
  readonly #moves = new Moves();
  readonly #copyIn = new CopyIn();
  /** Something was bound or run since the last Sync: an implicit transaction of the agent's is open. */
  #batchOpen = false;
  /** Counts Syncs: names that an earlier batch brought are sure only when the server has answered. */
  #batch = 0;

  constructor(desk: RequestDesk, limits: RequestLimits) {
    this.#desk = desk;
    this.#way = new RequestWay(desk);
    this.#limits = limits;
  }

  get batchOpen(): boolean {
    return this.#batchOpen;
  }

  /** SQL may have closed or replaced prepared statements. */
  doubtNames(): void {
    this.#book.doubt();
  }

  get hasPortals(): boolean {
    return this.#portals.size > 0;
  }

  followPortals(effect: SessionEffect): void {
    this.#portals.follow(effect);
  }

  transactionEnded(): void {
    this.#portals.transactionEnded();
  }

  get namesInDoubt(): boolean {
    return this.#book.inDoubt('any');
  }

  keepNames(names: ReadonlySet<string>): void {
    this.#book.keepOnly(names);
  }

  handle(type: number, bytes: Buffer, start: number, end: number): void {
    this.#copyIn.look(this.#desk.replies);
    // Planning, at Bind, runs functions too; an Execute counts when it is sent.
    if (type === client.bind || type === client.query || type === client.parse) this.#moves.steps += 1;
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
        this.#way.refuseQuery(wrong.functionCall());
        return;
      default:
        this.#desk.fail(new ProxyError('PROTOCOL_VIOLATION', `invalid frontend message type ${type}`));
    }
  }

  sync(bytes: Buffer, start: number, end: number): void {
    if (this.#copyIn.isUnsure) {
      this.#desk.fail(wrong.syncInCopy());
      return;
    }
    this.#batch += 1;
    this.#batchOpen = false;
    this.#way.forward(awaits.sync, bytes, start, end);
  }

  /** COPY data goes only where a COPY may be reading it; elsewhere a server ignores it, and so do we. */
  copy(type: number, bytes: Buffer, start: number, end: number): void {
    if (!this.#desk.replies.mayCopyIn) return;
    if (type !== client.copyData) this.#desk.replies.owe(awaits.copyEnd);
    this.#copyIn.sent(type === client.copyData ? 'data' : 'its end');
    this.#desk.send(bytes, start, end);
  }

  /** The transaction is over and its portals with it. */
  dropPortals(): void {
    this.#portals.closeAll();
  }

  #query(bytes: Buffer, start: number, end: number): void {
    const sql = onlyText(bytes, start, end);
    if (sql === undefined) {
      this.#way.refuseQuery(wrong.malformed());
      return;
    }
    const { inBand } = this.#desk;
    if (!inBand.mayAsk(sql)) {
      this.#judgeQuery(sql, bytes, start, end);
      return;
    }
    this.#desk.wait(inBand.query(sql), (answer) => {
      if (answer.kind === 'usual') this.#judgeQuery(sql, bytes, start, end);
      else if (answer.kind === 'refused') this.#way.refuseQuery(answer.error);
      else {
        const frame = encodeClientMessage({ kind: 'query', sql: answer.sql });
        this.#judgeQuery(answer.sql, frame, 0, frame.length);
      }
    });
  }

  #judgeQuery(sql: Buffer, bytes: Buffer, start: number, end: number): void {
    const execution = this.#desk.execution('simple', { sql, types: [], typesKey: '' }, undefined);
    this.#way.ask(execution, (admission) => {
      this.#batchOpen = false;
      const run = this.#desk.startRun(execution, admission);
      this.#runs(run);
      this.#copyIn.begins(admission.text, 'simple');
      this.#way.forward(awaits.query, bytes, start, end, run.executed());
    });
  }

  #parse(bytes: Buffer, start: number, end: number): void {
    const nameEnd = zeroAt(bytes, start + 5);
    if (nameEnd < 0 || nameEnd >= end) {
      this.#way.refuseBatch(wrong.malformed());
      return;
    }
    const name = this.#names.of(bytes, start + 5, nameEnd);
    if (ownNames.has(name)) {
      this.#way.refuseBatch(wrong.ownName(name));
      return;
    }
    if (!this.#book.has(name) && this.#book.size >= this.#limits.statementsPerSessionMax) {
      this.#way.refuseBatch(wrong.tooMany('statements', this.#limits.statementsPerSessionMax));
      return;
    }
    const text = this.#parsed.of(bytes, nameEnd + 1, end);
    if (text === undefined) {
      this.#way.refuseBatch(wrong.malformed());
      return;
    }
    const { inBand } = this.#desk;
    if (!inBand.mayAsk(text.sql)) {
      this.#prepare(name, text, bytes, start, end);
      return;
    }
    this.#desk.wait(inBand.parse(text), (answer) => {
      if (answer.kind === 'usual') this.#prepare(name, text, bytes, start, end);
      else if (answer.kind === 'refused') this.#way.refuseBatch(answer.error);
      else {
        const frame = encodeClientMessage({ kind: 'parse', statement: name, sql: answer.text.sql, types: text.types });
        this.#prepare(name, answer.text, frame, 0, frame.length);
      }
    });
  }

  #prepare(name: string, text: PreparedText, bytes: Buffer, start: number, end: number): void {
    const prepared = (isEarly: boolean): void => {
      if (isEarly) this.#way.refuseBatch(wrong.parsedEarly());
      else this.#prepared(name, text, bytes, start, end);
    };
    const early = this.#desk.parsesEarly(text);
    if (early instanceof Promise) this.#desk.wait(early, prepared);
    else prepared(early);
  }

  #prepared(name: string, text: PreparedText, bytes: Buffer, start: number, end: number): void {
    const entered = this.#book.parse(name, text, this.#batch);
    this.#way.forward(awaits.parse, bytes, start, end, this.#taking('prepared', name, entered));
  }

  #bind(bytes: Buffer, start: number, end: number): void {
    const portalEnd = zeroAt(bytes, start + 5);
    const nameEnd = portalEnd < 0 ? -1 : zeroAt(bytes, portalEnd + 1);
    if (nameEnd < 0 || nameEnd >= end) {
      this.#way.refuseBatch(wrong.malformed());
      return;
    }
    const portal = this.#names.of(bytes, start + 5, portalEnd);
    const name = this.#names.of(bytes, portalEnd + 1, nameEnd);
    const found = this.#book.find(name, this.#batch);
    if (found.kind === 'unsettled' || (found.kind === 'found' && this.#inDoubt(name))) {
      this.#desk.retrySettled(typeAt(bytes, start), bytes, start, end);
      return;
    }
    if (found.kind === 'unknown') {
      this.#way.refuseBatch(wrong.unknownStatement(name));
      return;
    }
    if (!this.#portals.has(portal) && this.#portals.size >= this.#limits.portalsPerSessionMax) {
      this.#way.refuseBatch(wrong.tooMany('portals', this.#limits.portalsPerSessionMax));
      return;
    }
    const rest = bytes.subarray(nameEnd + 1, end);
    const { text } = found;
    if (text.inBand === undefined) {
      this.#judgeBind(text, rest, { portal, bytes, start, end, answer: undefined });
      return;
    }
    this.#desk.wait(this.#desk.inBand.bind(text, rest), (answer) => {
      if (answer.kind === 'refused') this.#way.refuseBatch(answer.error);
      else if (answer.kind === 'sql') {
        const frame = boundToAnswer(bytes.subarray(start + 5, portalEnd), rest);
        const fresh = { sql: answer.sql, types: text.types, typesKey: text.typesKey, name };
        this.#judgeBind(fresh, rest, { portal, bytes: frame, start: 0, end: frame.length, answer: fresh });
      }
    });
  }

  #judgeBind(text: PreparedText, rest: Buffer, bound: Bound): void {
    const execution = this.#desk.execution('extended', text, rest);
    this.#way.ask(execution, (admission) => this.#bindAdmitted(admission, execution, bound));
  }

  /** In a failed transaction nobody can be asked, and nothing runs but its end. */
  #inDoubt(name: string): boolean {
    const { replies } = this.#desk;
    return this.#book.inDoubt(name) && (replies.length > 0 || (replies.status !== 'failed' && !replies.skipping));
  }

  #bindAdmitted(admission: Passed, execution: Execution, { portal, bytes, start, end, answer }: Bound): void {
    const run = this.#desk.startRun(execution, admission);
    this.#took('cursor', portal);
    run.bind(this.#moves);
    this.#batchOpen = true;
    this.#portals.open(portal, run, this.#batch);
    if (answer !== undefined) this.#prepareAnswer(answer);
    const took = portal === '' ? undefined : (): void => this.#desk.protocolTook('cursor', portal);
    this.#way.forward(awaits.bind, bytes, start, end, new BindFollower(run.sent(), took, answer?.name));
    if (answer !== undefined) this.#way.forward(awaits.close, closeAnswer, 0, closeAnswer.length, unseen);
  }

  /** What a Bind before it may have left is closed first: an error skips the Close behind it. */
  #prepareAnswer(answer: PreparedText): void {
    const [close, parse] = answerFrames(answer);
    this.#way.forward(awaits.close, close, 0, close.length, unseen);
    this.#way.forward(awaits.parse, parse, 0, parse.length, unseen);
  }

  /** Of a portal: what its rows will hold is looked at before they pass. */
  #describe(bytes: Buffer, start: number, end: number): void {
    const name = this.#names.of(bytes, start + 6, zeroAt(bytes, start + 6));
    const run = bytes[start + 5] === statementKind ? undefined : this.#portals.get(name);
    this.#way.forward(awaits.describe, bytes, start, end, run?.described());
  }

  #execute(bytes: Buffer, start: number, end: number): void {
    const name = this.#names.of(bytes, start + 5, zeroAt(bytes, start + 5));
    if (this.#portals.isOlder(name, this.#batch) && this.#desk.replies.length > 0) {
      this.#desk.retrySettled(typeAt(bytes, start), bytes, start, end);
      return;
    }
    const run = this.#portals.get(name);
    // Nothing is ever bound to the unnamed one but by Bind: without it, the server says so.
    if (run !== undefined || name === '') {
      this.#run(run, bytes, start, end);
      return;
    }
    this.#desk.wait(this.#desk.hasPortal(name), (has) => {
      if (has) this.#executeCursor(bytes, start, end);
      else this.#run(undefined, bytes, start, end);
    });
  }

  /** A cursor that SQL declared: what FETCH would give, so it is judged as FETCH is. */
  #executeCursor(bytes: Buffer, start: number, end: number): void {
    const sql = fetchOf(bytes, start, end);
    if (sql === undefined) {
      this.#way.refuseBatch(wrong.malformed());
      return;
    }
    const execution = this.#desk.execution('extended', { sql, types: [], typesKey: '' }, undefined);
    this.#way.ask(execution, (admission) => {
      const run = this.#desk.startRun(execution, admission);
      run.bind(this.#moves);
      this.#run(run, bytes, start, end);
      // Each Execute is one of its own, as each FETCH is.
      run.drop();
    });
  }

  #run(run: Run | undefined, bytes: Buffer, start: number, end: number): void {
    const overdue = run?.overdue(this.#moves);
    if (overdue !== undefined) {
      this.#way.refuseBatch(overdue);
      return;
    }
    this.#batchOpen = true;
    this.#moves.steps += 1;
    if (run !== undefined) this.#runs(run);
    this.#copyIn.begins(run?.text, 'extended');
    if (run?.isUnseen === true) {
      const frame = describeOf(bytes.subarray(start + 5, bytes.indexOf(0, start + 5) + 1));
      this.#way.forward(awaits.describe, frame, 0, frame.length, run.describingForUs);
    }
    this.#way.forward(awaits.execute, bytes, start, end, run?.executed());
  }

  /** What it changes is so from here on for all that is sent behind it. */
  #runs({ effects }: Run): void {
    for (const effect of effects) {
      this.#portals.follow(effect);
      this.#moves.sent(effect);
    }
  }

  #close(bytes: Buffer, start: number, end: number): void {
    const name = this.#names.of(bytes, start + 6, zeroAt(bytes, start + 6));
    if (bytes[start + 5] === statementKind) {
      const closing = this.#book.close(name, this.#batch);
      this.#way.forward(awaits.close, bytes, start, end, this.#taking('prepared', name, closing));
      return;
    }
    const run = this.#portals.take(name);
    const closing = run === undefined ? undefined : { ended: () => run.drop() };
    this.#way.forward(awaits.close, bytes, start, end, this.#taking('cursor', name, closing));
  }

  /** When it is sent and again when it is answered, since a PREPARE before it may be answered in between. */
  #taking(kind: Reference['kind'], name: string, follower: Follower | undefined): Follower | undefined {
    if (name === '') return follower;
    this.#took(kind, name);
    return {
      ended: (how) => {
        this.#desk.protocolTook(kind, name);
        follower?.ended(how);
      },
    };
  }

  #took(kind: Reference['kind'], name: string): void {
    if (name === '') return;
    this.#moves.took();
    this.#desk.protocolTook(kind, name);
  }
}
