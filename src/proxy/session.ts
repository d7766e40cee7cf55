// One agent's session: owns both sockets, keeps the order, and joins the rooms of a session. What the agent sends comes by
// `agent-stream.ts`, and what it means is in `requests.ts`; what the server says comes by `server-stream.ts`, and what it answers is in
// `replies.ts`; what may follow what is in `session-state.ts`.
//
// A data handler never awaits: while the gate asks people, frames are kept back, and reading goes on, so that an agent that leaves or
// cancels is seen.
import { ProxyError, wordsOf } from '../core/errors.ts';
import { isPermit, type Admission } from '../gate.ts';
import type { Execution } from '../gate-data.ts';
import { encodeClientMessage } from '../wire/client-messages.ts';
import { readyForQuery } from '../wire/server-messages.ts';
import { AgentStream } from './agent-stream.ts';
import { hear } from './hearing.ts';
import { InBand } from './in-band.ts';
import { Outbox } from './outbox.ts';
import { errorFrame } from './refuse.ts';
import { Replies } from './replies.ts';
import type { RequestDesk } from './request-desk.ts';
import { Requests } from './requests.ts';
import { Run, type Passed, type RunParts } from './run.ts';
import type { StopDesk } from './run-stopped.ts';
import type { SessionRows } from './rows-session.ts';
import { ServerStream } from './server-stream.ts';
import { SessionMind } from './session-mind.ts';
import { statusLetters, type SessionParts } from './session-parts.ts';
import { isImpossible, stepSession, type SessionEvent, type SessionState } from './session-state.ts';
import type { Sender } from './turn.ts';
import { Withdrawal } from './withdrawal.ts';

const flushFrame = encodeClientMessage({ kind: 'flush' });

export class Session implements Sender, RequestDesk {
  readonly replies = new Replies();
  readonly #parts: SessionParts;
  readonly #requests: Requests;
  readonly #fromAgent: AgentStream;
  readonly #fromServer: ServerStream;
  readonly #toServer: Outbox;
  readonly #toAgent: Outbox;
  readonly #withdrawal = new Withdrawal();
  readonly withdrawn = this.#withdrawal.signal;
  #state: SessionState = 'serving';
  #marked = false;
  #onSettled: (() => void) | undefined;
  #hush = (): void => undefined;
  readonly #mind: SessionMind;
  readonly #rows: SessionRows;
  readonly #runParts: RunParts;
  readonly inBand: InBand;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const { limits } = parts;
    this.#requests = new Requests(this, limits);
    this.#mind = new SessionMind(parts, this, this.#requests);
    this.inBand = new InBand({
      ...{ source: parts.inBand, agent: parts.asker.agent, encodings: () => this.#mind.encodings },
      execution: (text) => this.#mind.execution('simple', text, undefined),
    });
    this.#fromAgent = new AgentStream(parts, {
      requests: this.#requests,
      state: () => this.#state,
      step: (event) => this.#step(event),
      terminate: () => this.terminate(),
      broken: (thrown) => this.#broken(thrown),
    });
    this.#toServer = new Outbox(parts.upstream, limits.outputBytesMax);
    this.#toAgent = new Outbox(parts.agent, limits.outputBytesMax);
    this.#rows = parts.rows.session();
    const [onOver, stopDesk, late] = [this.#onOver, this.#stopDesk, this.#mind.late(parts.gate, this.replies)];
    this.#runParts = { ...parts, onOver, stopDesk, late, onTripped: (why) => this.#tripped(why) };
    const stream = {
      replies: this.replies,
      toAgent: this.#toAgent,
      over: () => this.#over(),
      ...{ mind: this.#mind, errorDetail: this.#mind.errorDetail(parts.rows.classification) },
      chunkDone: () => this.#chunkDone(),
      broken: (thrown: unknown) => this.#broken(thrown),
    };
    this.#fromServer = new ServerStream({ ...parts, wholeBytesMax: limits.messageBytesMax }, stream);
  }

  /** Takes over both sockets. `early` is what the agent sent behind its login. */
  start(early: Buffer): void {
    const { agent, upstream } = this.#parts;
    hear(agent, (chunk) => this.#onAgentData(chunk));
    agent.on('end', () => this.#lost('the agent left'));
    agent.on('error', (error) => this.#lost(wordsOf(error)));
    agent.on('close', () => this.#lost('the agent left'));
    this.#hush = hear(upstream, (chunk) => this.#fromServer.onData(chunk));
    upstream.on('end', () => this.#upstreamLost());
    upstream.on('error', () => this.#upstreamLost());
    upstream.on('close', () => this.#upstreamLost());
    if (early.length > 0) this.#onAgentData(early);
    upstream.resume();
    agent.resume();
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Whether nothing is owed and no transaction is open: the moment to end a session without hurting it. */
  get quiet(): boolean {
    return (
      this.#state === 'serving' && this.replies.length === 0 && this.replies.status === 'none' && this.#toServer.empty
    );
  }

  /** A CancelRequest with this session's key: withdraws what waits for people, else asks the server to stop. */
  async cancel(): Promise<void> {
    const why = new ProxyError('HOLD_WITHDRAWN', 'canceling statement due to user request');
    if (this.#fromServer.withdraw(why)) return;
    const waits = this.#state === 'waiting' && !this.replies.runsForAgent;
    const told = this.#withdrawal.cancel(why, this.replies, { waits, tell: this.#parts.cancelUpstream });
    if (told !== undefined) this.#aside(told);
    await told;
  }

  /** Ends the session with an error of ours, as Postgres does when it shuts down. */
  fail(error: ProxyError): void {
    if (this.#state === 'ended') return;
    this.#toAgent.addAll(errorFrame(error, 'session'));
    this.#toAgent.flush();
    this.#end(error.message);
  }

  // ---- what requests.ts asks for

  send(bytes: Buffer, start: number, end: number): void {
    this.#toServer.add(bytes, start, end);
    this.#mark();
  }

  readonly execution: RequestDesk['execution'] = (...what) => this.#mind.execution(...what);

  readonly parsesEarly: RequestDesk['parsesEarly'] = (text) => this.#mind.parsesEarly(text);

  admit(execution: Execution): Admission | Promise<Admission> {
    const admission = this.#parts.gate.admit(execution);
    return admission instanceof Promise ? this.#withdrawal.judged(admission, (task) => this.#aside(task)) : admission;
  }

  wait<Answer>(answer: Promise<Answer>, then: (answer: Answer) => void): void {
    this.#step('asked');
    answer
      .then((admission) => {
        this.#withdrawal.over();
        if (this.#state !== 'waiting') return;
        this.#step('answered');
        then(admission);
        this.#fromAgent.workBacklog();
      })
      .catch((thrown: unknown) => this.#broken(thrown));
  }

  retrySettled(type: number, bytes: Buffer, start: number, end: number): void {
    this.#step('asked');
    this.settled()
      .then(() => (this.#requests.namesInDoubt ? this.#mind.namesAtServer() : undefined))
      .then((names) => {
        if (names !== undefined) this.#requests.keepNames(names);
        // A cancel meanwhile found nothing that runs, and is none of what is judged now.
        this.#withdrawal.over();
        if (this.#state !== 'waiting') return;
        this.#step('answered');
        this.#requests.handle(type, bytes, start, end);
        this.#fromAgent.workBacklog();
      })
      .catch((thrown: unknown) => this.#broken(thrown));
  }

  settled(): Promise<void> {
    if (this.replies.length === 0) return Promise.resolve();
    // The server keeps its replies back until Sync or Flush.
    this.send(flushFrame, 0, flushFrame.length);
    return new Promise((resolve) => (this.#onSettled = resolve));
  }

  get batchOpen(): boolean {
    return this.#requests.batchOpen;
  }

  readonly protocolTook: RequestDesk['protocolTook'] = (...taken) => this.#mind.protocolTook(...taken);

  readonly hasPortal = (name: string): Promise<boolean> => this.#mind.hasPortal(name);

  startRun(execution: Execution, passed: Passed): Run {
    if (!isPermit(passed.permit)) throw new Error('nothing runs without a genuine permit');
    const onFirstEnd = this.#mind.begin(passed.text, passed.by);
    return new Run(this.#runParts, { execution, passed, ...this.#rows.begin(execution, passed, onFirstEnd) });
  }

  answer(frame: Buffer, protocol: Execution['protocol']): void {
    this.replies.answer(frame);
    if (protocol === 'simple') this.replies.answer(readyForQuery(statusLetters[this.replies.status]));
    for (const due of this.replies.takeDue()) this.#toAgent.addAll(due);
    this.#fromServer.flush();
    this.#parts.turn.schedule();
  }

  /** Of several statements some may be committed already. */
  readonly #onOver = ({ shipped, text, verdict }: Passed, how: 'done' | 'refused'): void => {
    if (how === 'done') this.#mind.carried(verdict?.carried);
    else if (shipped !== undefined && text?.statements.length === 1) this.#aside(shipped.undo());
  };

  #tripped(why: string): void {
    this.#parts.log.error('stopped a result that nobody foresaw', { why });
    this.#mind.schemaMoved();
    this.#aside(this.#parts.cancelUpstream());
    this.fail(new ProxyError('TRIPWIRE', `the result was stopped: ${why}`));
  }

  /** Between replies, where a notice may stand: nothing is owed while people are asked. */
  tell(frame: Buffer): void {
    if (this.#state !== 'waiting' && !this.#fromServer.waits) return;
    this.#toAgent.addAll(frame);
    this.#fromServer.flush();
  }

  readonly skipBatch = (): void => this.#step('batchRefused');

  readonly #stopDesk: StopDesk = {
    replies: this.replies,
    send: (...frame) => this.send(...frame),
    skipBatch: () => {
      if (this.#state !== 'serving') return this.#state === 'skipping';
      this.#step('batchRefused');
      return true;
    },
    fail: (error) => this.fail(error),
  };

  terminate(): void {
    this.#step('terminate');
    // Nobody is there any more to whom rows could go.
    this.#fromServer.withdraw(new ProxyError('HOLD_WITHDRAWN', 'the agent said goodbye'));
    if (this.replies.length === 0) this.#end('the agent said goodbye');
  }

  // ---- the turn

  sendTurn(): void {
    this.#marked = false;
    if (this.#state === 'ended') return;
    if (this.#toServer.flush()) return;
    this.#fromAgent.paused.add('upstream is slow');
    this.#parts.upstream.once('drain', () => this.#fromAgent.paused.remove('upstream is slow'));
  }

  dropTurn(cause: unknown): void {
    this.#marked = false;
    this.#toServer.clear();
    this.fail(new ProxyError('UNAVAILABLE', 'the audit log cannot be written, so nothing runs', { cause }));
  }

  #mark(): void {
    if (this.#marked) return;
    this.#marked = true;
    this.#parts.turn.mark(this);
  }

  // ---- the agent's side

  #onAgentData(chunk: Buffer): void {
    this.#fromAgent.onData(chunk);
    if (this.replies.length > this.#parts.limits.pendingRepliesMax) this.#fromAgent.paused.add('replies are owed');
    this.#parts.turn.chunkDone();
  }

  // ---- the server's side

  #chunkDone(): void {
    if (this.replies.length <= this.#parts.limits.pendingRepliesMax) this.#fromAgent.paused.remove('replies are owed');
    if (this.replies.length > 0) return;
    this.#parts.turn.soon();
    if (this.replies.status === 'none' && !this.batchOpen) this.#requests.dropPortals();
    this.#settled();
    const asked = this.#state === 'serving' && !this.batchOpen ? this.#mind.settleMade() : undefined;
    if (asked !== undefined) this.wait(asked, () => undefined);
  }

  #over(): boolean {
    return this.#state === 'ended';
  }

  #settled(): void {
    if (this.#state === 'leaving') {
      this.#end('the agent said goodbye');
      return;
    }
    const onSettled = this.#onSettled;
    if (onSettled === undefined) return;
    this.#onSettled = undefined;
    onSettled();
  }

  // ---- the end

  #lost(why: string): void {
    if (this.#state !== 'ended') this.#end(why);
  }

  #upstreamLost(): void {
    if (this.#state === 'ended') return;
    if (this.#state !== 'leaving' && !this.#fromServer.saidGoodbye) {
      this.fail(new ProxyError('UPSTREAM_LOST', 'the database closed the connection'));
    } else this.#end('the database closed the connection');
  }

  #broken(thrown: unknown): void {
    if (thrown instanceof ProxyError) return this.fail(thrown);
    this.#parts.log.error('a session ended on a defect of ours', { err: thrown });
    this.fail(new ProxyError('PROTOCOL_VIOLATION', 'the session ended on an internal error', { cause: thrown }));
  }

  #end(why: string): void {
    const idle = this.replies.length === 0 && this.#toServer.empty && this.#state !== 'waiting';
    this.#step('lost');
    const withdrawn = new ProxyError('HOLD_WITHDRAWN', why);
    this.#withdrawal.abort(withdrawn);
    this.#fromServer.withdraw(withdrawn);
    this.replies.abandon();
    this.#mind.end();
    this.#requests.dropPortals();
    this.#parts.turn.schedule();
    this.#fromAgent.clear();
    this.#parts.log.debug('session ended', { why });
    const { agent, upstream } = this.#parts;
    agent.destroySoon();
    // Whoever gets the connection next starts without our ears on it.
    this.#hush();
    // But for errors: a socket that nobody hears them of ends the whole process. The server may close it at this very moment.
    for (const event of ['data', 'end', 'close', 'drain']) upstream.removeAllListeners(event);
    this.#parts.onEnd(idle && !upstream.destroyed ? 'idle' : 'unusable');
  }

  #aside(work: Promise<void>): void {
    work.catch((thrown: unknown) => this.#parts.log.warn('work beside a session failed', { why: wordsOf(thrown) }));
  }

  #step(event: SessionEvent): void {
    const step = stepSession(this.#state, event);
    if (step.kind === 'moved') this.#state = step.to;
    else if (isImpossible(step)) throw new Error(`a session cannot take '${event}' while ${this.#state}`);
  }
}
