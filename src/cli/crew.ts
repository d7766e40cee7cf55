// The workers of a proxy, kept alive: begun together, replaced one by one when they die, ended together. Only here processes are forked.
//
//   starting ──serving──▶ serving ──exit──▶ gone ──after a pause──▶ starting
//       └──failed, at the first start: the whole start fails with its words
import cluster, { type Worker } from 'node:cluster';
import type { Log } from '../core/log.ts';
import { CommandFailed } from './io.ts';
import { Line } from './process-line.ts';
import type { BoundAddress } from './serve-addresses.ts';
import { firstQuestion, toFirst, type SeatAnswer, type ToWorker } from './worker-words.ts';

export interface CrewParts {
  readonly count: number;
  readonly log: Log;
  readonly env: (number: number) => Readonly<Record<string, string>>;
  /** Called before each worker begins. */
  readonly prepare: (number: number) => void;
}

type MemberState = 'starting' | 'serving' | 'gone';

interface Member {
  readonly number: number;
  worker: Worker;
  line: Line;
  state: MemberState;
  begunAt: number;
  /** Starts in a row that did not last. */
  failures: number;
  why: string;
  seats: Map<string, number>;
}

/** A worker that lived this long was not broken from the start. */
const livedMs = 10_000;
const pauseMsMax = 30_000;
const killAfterMs = 5_000;

export class Crew {
  readonly #parts: CrewParts;
  readonly #members = new Map<number, Member>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopping = false;
  #onServing: (address: BoundAddress) => void = () => undefined;
  #onFailed: (why: Error) => void = () => undefined;
  #onGone: () => void = () => undefined;

  constructor(parts: CrewParts) {
    this.#parts = parts;
  }

  /** All of them serve, or none is left. */
  async start(): Promise<BoundAddress> {
    const addresses: BoundAddress[] = [];
    return await new Promise<BoundAddress>((resolve, reject) => {
      this.#onFailed = reject;
      this.#onServing = (address) => {
        addresses.push(address);
        const [first] = addresses;
        if (first === undefined || addresses.length < this.#parts.count) return;
        [this.#onServing, this.#onFailed] = [() => undefined, () => undefined];
        resolve(first);
      };
      for (let number = 1; number <= this.#parts.count; number++) this.#begin(number);
    });
  }

  /** How each of them stands, in the order of their numbers. */
  states(): readonly { readonly number: number; readonly state: MemberState; readonly why: string }[] {
    return [...this.#members.values()].map(({ number, state, why }) => ({ number, state, why }));
  }

  get sessions(): number {
    return this.#seated((seats) => [...seats.values()].reduce((sum, count) => sum + count, 0));
  }

  tell(words: ToWorker): void {
    for (const { line, state } of this.#members.values()) if (state !== 'gone') line.tell(words);
  }

  /** What each that serves answers; one that dies meanwhile answers nothing. */
  async askAll(question: object): Promise<readonly { readonly number: number; readonly answer: unknown }[]> {
    const serving = [...this.#members.values()].filter(({ state }) => state === 'serving');
    const answers = await Promise.all(
      serving.map(async ({ number, line }) => {
        try {
          return [{ number, answer: await line.ask(question) }];
        } catch {
          return []; // Its state is told by its exit, not by its silence.
        }
      }),
    );
    return answers.flat();
  }

  /** Settles when all are gone; who does not go in time is killed. */
  async stop(how: 'drain' | 'now', waitMs: number): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.tell({ kind: 'stop', how });
    await this.#allGone(waitMs + killAfterMs);
  }

  #allGone(waitMs: number): Promise<void> {
    const isOver = (): boolean => [...this.#members.values()].every(({ state }) => state === 'gone');
    if (isOver()) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        for (const { worker, state, number } of this.#members.values()) {
          if (state === 'gone') continue;
          this.#parts.log.error('a worker does not end; it is killed', { worker: number });
          worker.process.kill('SIGKILL');
        }
      }, waitMs);
      this.#onGone = () => {
        if (!isOver()) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #begin(number: number): void {
    this.#parts.prepare(number);
    const worker = cluster.fork(this.#parts.env(number));
    const before = this.#members.get(number);
    const line = new Line({
      channel: {
        send: (message, done) => worker.process.send(message, done),
        on: (event, each) => worker.on(event, each),
      },
      told: (message) => this.#told(member, message),
      asked: async (question) => this.#seat(member, question),
    });
    const member: Member = {
      ...{ number, worker, line, state: 'starting', begunAt: performance.now(), why: 'it is starting' },
      failures: before?.failures ?? 0,
      seats: new Map(),
    };
    this.#members.set(number, member);
    worker.on('error', (error) => this.#parts.log.warn('the line to a worker failed', { worker: number, error }));
    worker.once('exit', (code, signal) => this.#gone(member, signal === null ? `exit code ${code}` : String(signal)));
  }

  #told(member: Member, message: unknown): void {
    const read = toFirst.safeParse(message);
    if (!read.success) {
      this.#parts.log.error('a worker says what nobody understands', {
        worker: member.number,
        why: read.error.message,
      });
      return;
    }
    const words = read.data;
    switch (words.kind) {
      case 'serving':
        member.state = 'serving';
        this.#onServing({ address: words.address, port: words.port });
        return;
      case 'failed':
        member.why = words.lines.join('; ');
        this.#onFailed(new CommandFailed(words.lines, 1));
        return;
      case 'cancel':
        for (const { line, state, number } of this.#members.values()) {
          if (number !== member.number && state === 'serving')
            line.tell({ kind: 'cancel', mark: words.mark } satisfies ToWorker);
        }
        return;
      case 'left':
        member.seats.set(words.agent, (member.seats.get(words.agent) ?? 1) - 1);
        return;
      default:
        words satisfies never;
    }
  }

  /** Places under the limits, those of all workers together. A worker that is gone holds none. */
  #seat(member: Member, asked: unknown): SeatAnswer {
    const { agent, connectionsMax, agentConnectionsMax } = firstQuestion.parse(asked);
    if (this.sessions >= connectionsMax) return 'full';
    if (this.#seated((seats) => seats.get(agent) ?? 0) >= agentConnectionsMax) return 'agent is full';
    member.seats.set(agent, (member.seats.get(agent) ?? 0) + 1);
    return 'seated';
  }

  #seated(count: (seats: ReadonlyMap<string, number>) => number): number {
    return [...this.#members.values()].reduce((sum, { seats }) => sum + count(seats), 0);
  }

  #gone(member: Member, how: string): void {
    const { number, begunAt, line } = member;
    const isFirstStart = member.state === 'starting' && member.failures === 0;
    member.why = member.why === 'it is starting' || member.state === 'serving' ? `it ended (${how})` : member.why;
    member.state = 'gone';
    member.seats = new Map();
    line.cut('the worker is gone');
    this.#onGone();
    if (this.#stopping) return;
    if (isFirstStart) this.#onFailed(new CommandFailed([`worker ${number} did not start: ${member.why}`], 1));
    const lasted = performance.now() - begunAt >= livedMs;
    member.failures = lasted ? 0 : member.failures + 1;
    const pauseMs = member.failures <= 1 ? 0 : Math.min(pauseMsMax, 125 * 2 ** member.failures);
    this.#parts.log.error('a worker is gone; its sessions ended with it, and another takes its place', {
      ...{ worker: number, why: member.why, pauseMs },
    });
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#begin(number);
    }, pauseMs);
    this.#timers.add(timer);
  }
}
