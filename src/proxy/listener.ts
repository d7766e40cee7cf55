// The front door: takes connections, logs agents in, finds each an upstream connection, and seats a session. Each connection is
// served on its own, so one silent or slow client stops nobody.
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { AuditBody } from '../audit/record.ts';
import type { Recorder } from '../audit/recorder.ts';
import type { Clock } from '../core/clock.ts';
import { ProxyError, wordsOf, type ErrorCode } from '../core/errors.ts';
import { newSessionId } from '../core/ids.ts';
import type { SessionId } from '../core/brand.ts';
import type { Limits } from '../core/limits.ts';
import type { Log } from '../core/log.ts';
import type { Gate } from '../gate.ts';
import { encodeServerMessage, readyForQuery } from '../wire/server-messages.ts';
import { CancelKeys, markOf, type CancelKey } from './cancel-keys.ts';
import type { OpenUpstream, OpenUpstreamFor } from './directory.ts';
import type { InBandSource } from './in-band.ts';
import { login, LoginRefused, type LoggedIn, type LoginParts } from './login.ts';
import { parserMajorOf } from '../sql/parser.ts';
import type { DatabaseReader, Readers } from './readers.ts';
import { DumpRegistry } from './dump-watch.ts';
import { startUpSettings } from './start-up-settings.ts';
import { errorFrame } from './refuse.ts';
import type { RowDesk } from './rows-session.ts';
import type { SessionLineage } from './session-mind.ts';
import { Session } from './session.ts';
import { Sessions, tooMany, type SeatLimits, type SharedSeats } from './sessions.ts';
import { Turn } from './turn.ts';
import { whyUnwelcome } from './welcome.ts';

export interface ListenerParts extends LoginParts {
  readonly address: { readonly host: string; readonly port: number };
  readonly limits: () => Limits;
  readonly gate: Gate;
  readonly rows: RowDesk;
  readonly inBand: InBandSource;
  readonly lineage: SessionLineage;
  readonly recorder: Recorder;
  readonly openUpstream: OpenUpstreamFor;
  readonly readers: Pick<Readers, 'of'>;
  /** Where people look at holds. */
  readonly consoleUrl: () => string | undefined;
  /** Limits that other processes count towards too. */
  readonly seats?: SharedSeats;
  /** Told of a cancel whose session is not here; see CancelKeys.cancelMarked. */
  readonly cancelElsewhere?: (mark: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Plain numbers that the data path counts up; whoever reports them reads them. */
export interface ListenerStats {
  readonly sessions: number;
  readonly greetings: number;
  readonly accepted: number;
  readonly refused: Readonly<Partial<Record<ErrorCode, number>>>;
  readonly cancels: number;
}

type TakenSeat = ReturnType<Sessions['take']>;

export class Listener {
  readonly #parts: ListenerParts;
  readonly #turn: Turn;
  readonly #server: Server;
  readonly #sessions = new Sessions();
  readonly #cancelKeys = new CancelKeys();
  readonly #greetings = new Set<Socket>();
  readonly #refused: Partial<Record<ErrorCode, number>> = {};
  readonly #dumps = new DumpRegistry();
  #accepted = 0;
  #cancels = 0;

  constructor(parts: ListenerParts) {
    this.#parts = parts;
    this.#turn = new Turn(parts.recorder);
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) => {
      this.#greet(socket);
    });
  }

  listen(): Promise<AddressInfo> {
    const { host, port } = this.#parts.address;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.removeListener('error', reject);
        this.#server.on('error', (error) => this.#parts.log.error('the listener has an error', { err: error }));
        const address = this.#server.address();
        if (address === null || typeof address === 'string') reject(new Error('the listener has no address'));
        else resolve(address);
      });
    });
  }

  /** Stops taking connections, lets sessions come to rest, ends those that do not in time. */
  async drain(waitMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#greetings) socket.destroy();
    await this.#sessions.drain(waitMs);
    await closed;
  }

  /** A cancel that another process was asked for. */
  cancelMarked(mark: string): boolean {
    return this.#cancelKeys.cancelMarked(mark);
  }

  /** After a reload: whoever could not come in any more is ended, its waits withdrawn. How many were. */
  endUnwelcome(): number {
    const directory = this.#parts.directory();
    return this.#sessions.endWhere((account, database) => whyUnwelcome(account, database, directory));
  }

  /** For operators: who is here, and the end of one of them. */
  get sessions(): Pick<Sessions, 'list' | 'end'> {
    return this.#sessions;
  }

  stats(): ListenerStats {
    return {
      sessions: this.#sessions.count,
      greetings: this.#greetings.size,
      accepted: this.#accepted,
      refused: { ...this.#refused },
      cancels: this.#cancels,
    };
  }

  #greet(socket: Socket): void {
    this.#accepted += 1;
    const { limits, log } = this.#parts;
    // Until somebody listens for it, an error event would end the process.
    socket.on('error', (error) => log.debug('a connection failed', { err: error }));
    if (this.#greetings.size >= limits().connectionsInLoginMax) {
      this.#refuse(socket, this.#tooManyGreetings());
      return;
    }
    this.#greetings.add(socket);
    socket.once('close', () => this.#greetings.delete(socket));
    const deadline = new AbortController();
    const timer = setTimeout(() => {
      deadline.abort(
        new ProxyError('LOGIN_TIMEOUT', `login took longer than ${limits().loginMsMax} ms`, {
          hint: 'Look for a slow network or client, or raise limits.login_time.',
        }),
      );
    }, limits().loginMsMax);
    this.#welcome(socket, deadline.signal)
      .catch((thrown: unknown) => this.#turnAway(socket, thrown))
      .finally(() => {
        clearTimeout(timer);
        this.#greetings.delete(socket);
      });
  }

  #tooManyGreetings(): ProxyError {
    return new ProxyError('TOO_MANY_CONNECTIONS', 'too many connections are logging in at once', {
      hint: `${this.#parts.limits().connectionsInLoginMax} may (limits.connections_in_login). Try again in a moment.`,
    });
  }

  async #welcome(socket: Socket, signal: AbortSignal): Promise<void> {
    const address = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
    const result = await login(socket, this.#parts, signal);
    switch (result.kind) {
      case 'gone':
        socket.destroy();
        return;
      case 'cancel':
        this.#cancels += 1;
        await this.#cancel(result.key);
        result.socket.end();
        return;
      case 'agent':
        await this.#seat(result, address, signal);
        return;
      default:
        result satisfies never;
    }
  }

  /** A driver takes the end of this connection for the server's having heard: what it sends then is not meant. */
  async #cancel(key: CancelKey): Promise<void> {
    const told = this.#cancelKeys.cancel(key);
    if (told === undefined) this.#parts.cancelElsewhere?.(markOf(key));
    await told;
  }

  /** From a known agent to a running session. Whatever fails on the way gives back what was taken. */
  async #seat(agent: LoggedIn, address: string, signal: AbortSignal): Promise<void> {
    const { account, database, socket } = agent;
    const { connectionsMax } = this.#parts.limits();
    const id = newSessionId();
    const who = { session: id, agent: account.name, owner: account.owner, database } as const;
    let seat: TakenSeat | undefined;
    try {
      seat = await this.#takeSeat(account.name, { connectionsMax, agentConnectionsMax: account.connectionsMax });
      const { parameters, reason } = startUpSettings(agent.parameters);
      const reader = this.#parts.readers.of(database);
      if (reader === undefined) throw new ProxyError('UNKNOWN_DATABASE', `database "${database}" is gone`);
      const upstream = await this.#parts.openUpstream({ agent: account.name, database, parameters }, signal);
      // The configuration may have changed while it came in.
      const unwelcome = whyUnwelcome(account, database, this.#parts.directory());
      if (unwelcome !== undefined) {
        upstream.release('idle');
        throw new ProxyError('ACCESS_REVOKED', unwelcome);
      }
      if (socket.destroyed || socket.readableEnded) {
        upstream.release('idle');
        seat.leave();
        return;
      }
      this.#recordLogin({ kind: 'login', ...who, address }, upstream);
      this.#start(agent, { upstream, reader, reason }, id, address, seat);
    } catch (thrown) {
      seat?.leave();
      if (!(thrown instanceof ProxyError)) throw thrown;
      this.#recordRefused({ kind: 'login', ...who, address, error: thrown.code });
      throw new LoginRefused(socket, thrown, account.name);
    }
  }

  async #takeSeat(agent: string, limits: SeatLimits): Promise<TakenSeat> {
    const { seats } = this.#parts;
    if (seats === undefined) return this.#sessions.take(agent, limits);
    const answer = await seats.take(agent, limits);
    if (answer !== 'seated') throw tooMany(answer, agent, limits);
    const unlimited = { connectionsMax: Infinity, agentConnectionsMax: Infinity };
    const seat = this.#sessions.take(agent, unlimited);
    let isTaken = true;
    const leave = (): void => {
      seat.leave();
      if (isTaken) seats.leave(agent);
      isTaken = false;
    };
    return { ...seat, leave };
  }

  /** Without its record a session does not begin, and the connection that was opened for it goes back. */
  #recordLogin(body: AuditBody, upstream: OpenUpstream): void {
    try {
      this.#parts.recorder.record(body);
    } catch (thrown) {
      upstream.release('idle');
      throw thrown;
    }
  }

  /** A log that is shut may be why it is refused: the agent is told so, and not just cut off. */
  #recordRefused(body: AuditBody): void {
    try {
      this.#parts.recorder.record(body);
    } catch (thrown) {
      if (!(thrown instanceof ProxyError)) throw thrown;
    }
  }

  #start(
    agent: LoggedIn,
    given: { readonly upstream: OpenUpstream; readonly reader: DatabaseReader; readonly reason: string | undefined },
    id: SessionId,
    address: string,
    seat: TakenSeat,
  ): void {
    const { account, database, socket, minor } = agent;
    const { upstream, reader, reason } = given;
    const applicationName = agent.parameters.get('application_name') ?? '';
    const key = this.#cancelKeys.issue(upstream.processId, minor);
    const log = this.#parts.log.child({ session: id, agent: account.name, database });
    const session = new Session({
      id,
      agent: socket,
      upstream: upstream.socket,
      gate: this.#parts.gate,
      turn: this.#turn,
      clock: this.#parts.clock,
      log,
      limits: this.#parts.limits(),
      asker: {
        agent: account.name,
        owner: account.owner,
        database,
        role: upstream.parameters.get('session_authorization') ?? '',
        applicationName,
        clientAddress: address,
        reason,
        transaction: 'none',
      },
      database: reader,
      major: parserMajorOf(upstream.serverMajor),
      parameters: upstream.parameters,
      heartbeatMs: account.holds.heartbeatMs,
      consoleUrl: this.#parts.consoleUrl(),
      ...{ rows: this.#parts.rows, inBand: this.#parts.inBand, lineage: this.#parts.lineage, dumps: this.#dumps },
      cancelUpstream: () => upstream.cancel(),
      onEnd: (how) => {
        free();
        seat.leave();
        upstream.release(how);
        this.#recordEnd(id, agent, address);
      },
    });
    const free = this.#cancelKeys.hold(key, session);
    seat.seat(
      session,
      { id, agent: account.name, database, address, applicationName, since: this.#parts.clock.now() },
      account,
    );
    socket.write(welcome(upstream.parameters, key));
    log.debug('session started', { address });
    session.start(agent.early);
  }

  #recordEnd(session: SessionId, agent: LoggedIn, address: string): void {
    const { account, database } = agent;
    try {
      this.#parts.recorder.record({
        kind: 'logout',
        session,
        agent: account.name,
        owner: account.owner,
        database,
        address,
      });
      this.#turn.schedule();
    } catch (thrown) {
      this.#parts.log.warn('the end of a session could not be recorded', { err: thrown });
    }
  }

  #turnAway(socket: Socket, thrown: unknown): void {
    if (thrown instanceof LoginRefused) {
      this.#parts.log.info('login refused', {
        code: thrown.error.code,
        agent: thrown.agent,
        why: thrown.error.message,
      });
      this.#refuse(thrown.socket, thrown.error, thrown.answer);
      return;
    }
    // Resets and handshakes that fail are the peer's doing; anything else is a defect and must be seen.
    this.#parts.log.debug('a connection ended during login', { why: wordsOf(thrown) });
    socket.destroy();
  }

  #refuse(socket: Socket, error: ProxyError, answer = errorFrame(error, 'session')): void {
    this.#refused[error.code] = (this.#refused[error.code] ?? 0) + 1;
    socket.end(answer);
    socket.destroySoon();
  }
}

/** As the server itself greets: what it reported about itself, the key to cancel with, and that it is ready. */
function welcome(parameters: OpenUpstream['parameters'], key: CancelKey): Buffer {
  return Buffer.concat([
    encodeServerMessage({ kind: 'authenticationOk' }),
    ...[...parameters].map(([name, value]) => encodeServerMessage({ kind: 'parameterStatus', name, value })),
    encodeServerMessage({ kind: 'backendKeyData', ...key }),
    readyForQuery('I'),
  ]);
}
